-- What is due by time becomes jobs, with the attempts that failed; so do requests that could not be looked at.
INSERT INTO jobs (kind, key, subject, receiver, order_no, state, due_at, next_at, attempts, error, created_at)
SELECT d.kind, d.key, d.subject, d.kind, 0, CASE WHEN f.kind IS NOT NULL AND f.due_at IS NULL THEN 'dead' ELSE 'waiting' END,
  d.at, COALESCE(f.due_at, d.at), COALESCE(f.attempts, 0), f.error, d.at
FROM (
  SELECT subject, at, kind AS old_kind,
    CASE kind WHEN 'begin' THEN 'begin_absence' WHEN 'end' THEN 'end_absence' ELSE kind END AS kind,
    CASE WHEN subject LIKE 'request:%' THEN substr(subject, 9) ELSE substr(subject, 8) END AS key
  FROM due) d
LEFT JOIN failed_work f ON f.kind = 'due' AND f.key = d.old_kind || ' ' || d.subject;
INSERT INTO jobs (kind, key, subject, receiver, order_no, state, due_at, next_at, attempts, error, created_at)
SELECT 'look_for_blocked', substr(key, 9), subject, 'look_for_blocked', 0,
  CASE WHEN due_at IS NULL THEN 'dead' ELSE 'waiting' END, since, COALESCE(due_at, since), attempts, error, since
FROM failed_work WHERE kind = 'blocked';
DELETE FROM failed_work WHERE kind IN ('due', 'blocked');
DROP TABLE due;
-- All active requests are looked at once: people may have changed since the last time.
INSERT INTO jobs (kind, key, subject, receiver, order_no, state, due_at, next_at, created_at)
SELECT 'look_for_blocked', 'all', 'hub', 'look_for_blocked', 0, 'waiting', at, at, at
FROM (SELECT min(created_at) AS at FROM requests WHERE status = 'active') r WHERE at IS NOT NULL;
DELETE FROM hub WHERE name = 'standstill';
DELETE FROM leases WHERE name IN ('timekeeper', 'housekeeping');
