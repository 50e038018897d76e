-- An event is a leaf of the log's tree: what can be shown or erased alone is hashed with salts of its own. Events that
-- are there already have no salts, and keep the hash that they have.
ALTER TABLE events ADD COLUMN people TEXT;
ALTER TABLE events ADD COLUMN salts TEXT;
