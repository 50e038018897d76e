-- When somebody was away, for the time lines of the requests that they were asked to answer. Few events are of these kinds.
CREATE INDEX absence_events ON events (subject, n) WHERE kind IN ('person.absence_set', 'person.absence_began', 'person.absence_ended');
