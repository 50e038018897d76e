-- Kinds of sources that wait for an approval. SQLite changes a check only with a new table, so it names those to come.
CREATE TABLE new_sources (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('launchdarkly', 'api', 'built-in', 'agent', 'pipeline', 'github', 'azure',
    'gitlab', 'terraform', 'flagger')),
  person_id INTEGER REFERENCES people (id),
  key_hash TEXT UNIQUE,
  old_key_hash TEXT UNIQUE,
  group_id INTEGER REFERENCES groups (id),
  need INTEGER,
  destination TEXT,
  created_at TEXT NOT NULL,
  last_used_at TEXT,
  disabled_at TEXT,
  unknown_requester TEXT NOT NULL DEFAULT 'one_more' CHECK (unknown_requester IN ('one_more', 'refuse', 'allow')),
  claimed_requester TEXT NOT NULL DEFAULT 'accept' CHECK (claimed_requester IN ('accept', 'one_more')),
  owner_id INTEGER REFERENCES people (id),
  requester_required INTEGER NOT NULL DEFAULT 0 CHECK (requester_required IN (0, 1)),
  CHECK (kind NOT IN ('agent', 'pipeline') OR owner_id IS NOT NULL)
);
INSERT INTO new_sources
SELECT id, name, name_key, kind, person_id, key_hash, old_key_hash, group_id, need, destination, created_at,
  last_used_at, disabled_at, unknown_requester, claimed_requester, owner_id, requester_required
FROM sources ORDER BY id;
DROP TABLE sources;
ALTER TABLE new_sources RENAME TO sources;
