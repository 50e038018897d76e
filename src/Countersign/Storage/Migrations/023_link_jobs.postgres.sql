-- When something is to be done next with a question at a destination, and who is at it, is said by a job in the queue.
-- What was set aside stays so.
INSERT INTO jobs (kind, key, subject, receiver, order_no, state, due_at, next_at, attempts, error, created_at)
SELECT 'link', CAST(l.id AS text), 'request:' || l.request_id, 'link destination:' || l.destination_id, 0,
  CASE WHEN l.due_at IS NULL THEN 'dead' ELSE 'waiting' END, COALESCE(l.due_at, f.since), COALESCE(l.due_at, f.since),
  COALESCE(f.attempts, 0), f.error, l.created_at
FROM links l LEFT JOIN failed_work f ON f.kind = 'link' AND f.key = CAST(l.id AS text)
WHERE l.due_at IS NOT NULL OR (f.kind IS NOT NULL AND l.state <> 'closed');
DELETE FROM failed_work WHERE kind = 'link';
DROP INDEX links_due;
DROP INDEX links_held;
ALTER TABLE links DROP COLUMN due_at;
ALTER TABLE links DROP COLUMN holder;
ALTER TABLE links DROP COLUMN until;
