-- As on SQLite, where a list would cost more than the event that is written.
DROP INDEX absence_events;
CREATE INDEX absence_events ON events (subject, n) WHERE kind = 'person.absence_set' OR kind = 'person.absence_began' OR kind = 'person.absence_ended';
