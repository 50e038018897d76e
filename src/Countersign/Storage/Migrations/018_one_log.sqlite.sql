-- The log is followed by cursors: what each consumer has handled ends at a position. Writers commit one after the other
-- here, so an event's id is its position.
CREATE TABLE cursors (name TEXT PRIMARY KEY, position INTEGER NOT NULL CHECK (position >= 0)) WITHOUT ROWID;
INSERT INTO cursors (name, position)
  SELECT name, (SELECT coalesce(max(id), 0) FROM events)
  FROM (SELECT 'notifications' AS name UNION ALL SELECT 'webhooks' UNION ALL SELECT 'destinations') AS consumers;
INSERT INTO cursors (name, position) SELECT 'sealer', coalesce(sum(count), 0) FROM seals;

-- What the outbox still held is handled by each consumer as an event that is due again: exactly these events, so that
-- nothing is lost and nothing told twice, however old they are.
CREATE INDEX failed_work_by_subject ON failed_work (kind, subject);
DELETE FROM failed_work
  WHERE kind = 'notifications' AND key NOT IN (SELECT CAST(event_id AS TEXT) FROM outbox);
INSERT INTO failed_work (kind, key, subject, position, attempts, error, since, due_at)
  SELECT c.name, f.key, f.subject, f.position, f.attempts, f.error, f.since, f.due_at
  FROM failed_work f CROSS JOIN cursors c
  WHERE f.kind = 'notifications' AND c.name IN ('webhooks', 'destinations');
INSERT INTO failed_work (kind, key, subject, position, attempts, error, since, due_at)
  SELECT c.name, CAST(e.id AS TEXT), e.subject, e.id, 0, '', o.due_at, o.due_at
  FROM outbox o JOIN events e ON e.id = o.event_id CROSS JOIN cursors c
  WHERE c.name IN ('notifications', 'webhooks', 'destinations')
  ON CONFLICT (kind, key) DO NOTHING;
DROP TABLE outbox;
DELETE FROM signals WHERE name = 'outbox';
