-- The same index by equalities: for a list of three or more, SQLite builds a table anew with every event that is written,
-- which took longer than writing the event.
DROP INDEX absence_events;
CREATE INDEX absence_events ON events (subject, n) WHERE kind = 'person.absence_set' OR kind = 'person.absence_began' OR kind = 'person.absence_ended';
