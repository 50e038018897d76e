-- An event that a consumer of the log failed at is a job of its own, ordered by what it is about.
INSERT INTO jobs (kind, key, subject, receiver, order_key, order_no, state, due_at, next_at, attempts, error, created_at)
SELECT f.kind, f.key, f.subject, f.kind, f.subject, f.position,
  CASE WHEN f.due_at IS NULL THEN 'dead'
    WHEN EXISTS (SELECT 1 FROM failed_work b WHERE b.kind = f.kind AND b.subject = f.subject AND b.due_at IS NOT NULL
      AND b.position < f.position) THEN 'behind'
    ELSE 'waiting' END,
  f.since, COALESCE(f.due_at, f.since), f.attempts, NULLIF(f.error, ''), f.since
FROM failed_work f WHERE f.kind IN ('notifications', 'webhooks', 'destinations') ORDER BY f.position;
DELETE FROM failed_work WHERE kind IN ('notifications', 'webhooks', 'destinations');
DROP INDEX failed_work_by_subject;
