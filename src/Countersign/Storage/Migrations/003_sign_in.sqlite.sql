-- Signing in: the key ring that all nodes share, sessions, ways in from an identity provider, and the link for the first admin.

-- Every line is encrypted and signed with a key that only the root key gives (Access/KeyRing.cs).
CREATE TABLE key_ring (name TEXT PRIMARY KEY, sealed TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;
-- Those that are open; when one ends, its row goes and an event stays.
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person_id INTEGER NOT NULL REFERENCES people (id),
  hash TEXT NOT NULL UNIQUE,
  how TEXT NOT NULL,
  browser TEXT NOT NULL,
  address TEXT NOT NULL,
  created_at TEXT NOT NULL,
  last_used_at TEXT NOT NULL,
  until TEXT NOT NULL
);
CREATE INDEX sessions_by_person ON sessions (person_id, id);
CREATE TABLE set_up_links (hash TEXT PRIMARY KEY, until TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE identities (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person_id INTEGER NOT NULL REFERENCES people (id),
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  created_at TEXT NOT NULL,
  UNIQUE (issuer, subject)
);
-- Memberships that a claim of the identity provider gave, and that go when it says so no longer.
CREATE TABLE claimed_members (group_id INTEGER NOT NULL, person_id INTEGER NOT NULL, PRIMARY KEY (person_id, group_id)) WITHOUT ROWID;
-- A token made for it may speak for other people by their e-mail address.
ALTER TABLE tokens ADD COLUMN impersonates INTEGER NOT NULL DEFAULT 0;
