-- The log is followed by cursors: what each consumer has handled ends at a position. An id is given out before its
-- transaction commits, so each event gets its position afterwards, by a transaction of its own. A long log takes longer
-- than a statement of ours may otherwise take.
SET LOCAL statement_timeout = 0;
CREATE TABLE cursors (name text COLLATE "C" PRIMARY KEY, position bigint NOT NULL CHECK (position >= 0));
ALTER TABLE events ADD COLUMN position bigint;

-- Sealed events come first, so that those sealed are those up to one position. Text that no seal of ours has is passed
-- over here and named by verification.
CREATE TEMPORARY TABLE sealed_ids ON COMMIT DROP AS
  SELECT DISTINCT id FROM (
    SELECT generate_series(split_part(r, '-', 1)::bigint,
      least(CASE WHEN r LIKE '%-%' THEN split_part(r, '-', 2) ELSE r END::bigint, (SELECT max(e.id) FROM events e))) AS id
    FROM seals s CROSS JOIN LATERAL regexp_split_to_table(s.events, ',') AS r
    WHERE r ~ '^[0-9]{1,18}(-[0-9]{1,18})?$') AS covered;
UPDATE events SET position = placed.position
  FROM (SELECT e.id, row_number() OVER (ORDER BY s.id IS NULL, e.id) AS position
        FROM events e LEFT JOIN sealed_ids s ON s.id = e.id) AS placed
  WHERE events.id = placed.id;
CREATE UNIQUE INDEX events_by_position ON events (position);
CREATE INDEX events_without_position ON events (id) WHERE position IS NULL;

INSERT INTO cursors (name, position)
  SELECT name, (SELECT coalesce(max(position), 0) FROM events)
  FROM (VALUES ('notifications'), ('webhooks'), ('destinations')) AS consumers (name);
INSERT INTO cursors (name, position)
  SELECT 'sealer', count(*) FROM events e JOIN sealed_ids s ON s.id = e.id;

-- What the outbox still held is handled by each consumer as an event that is due again: exactly these events, so that
-- nothing is lost and nothing told twice, however old they are.
CREATE INDEX failed_work_by_subject ON failed_work (kind, subject);
DELETE FROM failed_work
  WHERE kind = 'notifications' AND key NOT IN (SELECT CAST(event_id AS text) FROM outbox);
UPDATE failed_work SET position = (SELECT e.position FROM events e WHERE e.id = CAST(failed_work.key AS bigint))
  WHERE kind = 'notifications';
INSERT INTO failed_work (kind, key, subject, position, attempts, error, since, due_at)
  SELECT c.name, f.key, f.subject, f.position, f.attempts, f.error, f.since, f.due_at
  FROM failed_work f CROSS JOIN cursors c
  WHERE f.kind = 'notifications' AND c.name IN ('webhooks', 'destinations');
INSERT INTO failed_work (kind, key, subject, position, attempts, error, since, due_at)
  SELECT c.name, CAST(e.id AS text), e.subject, e.position, 0, '', o.due_at, o.due_at
  FROM outbox o JOIN events e ON e.id = o.event_id CROSS JOIN cursors c
  WHERE c.name IN ('notifications', 'webhooks', 'destinations')
  ON CONFLICT (kind, key) DO NOTHING;
DROP TABLE outbox;
DELETE FROM signals WHERE name = 'outbox';
