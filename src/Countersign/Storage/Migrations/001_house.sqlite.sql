-- The house: people and keys, requests and their history, seals. Times are fixed-width UTC text, so they sort as text.

CREATE TABLE hub (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE signals (name TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE people (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  email TEXT,
  email_key TEXT UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('admin', 'agent', 'end-user', 'service')),
  password_hash TEXT,
  created_at TEXT NOT NULL,
  disabled_at TEXT,
  -- How often that happened. An answer counts while this is what it was when the answer was given, whatever clocks say.
  disablings INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE groups (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL
);
CREATE TABLE members (
  group_id INTEGER NOT NULL REFERENCES groups (id),
  person_id INTEGER NOT NULL REFERENCES people (id),
  PRIMARY KEY (group_id, person_id)
) WITHOUT ROWID;
CREATE INDEX members_by_person ON members (person_id, group_id);
CREATE TABLE tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person_id INTEGER NOT NULL REFERENCES people (id),
  hash TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL,
  last_used_at TEXT,
  revoked_at TEXT
);
CREATE TABLE sources (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('launchdarkly', 'api', 'built-in')),
  person_id INTEGER REFERENCES people (id),
  key_hash TEXT UNIQUE,
  old_key_hash TEXT UNIQUE,
  group_id INTEGER REFERENCES groups (id),
  need INTEGER,
  destination TEXT,
  created_at TEXT NOT NULL,
  last_used_at TEXT,
  disabled_at TEXT
);
CREATE TABLE tickets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  subject TEXT NOT NULL,
  requester_id INTEGER REFERENCES people (id),
  assignee_id INTEGER REFERENCES people (id),
  created_at TEXT NOT NULL
);

CREATE TABLE requests (
  id TEXT PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES sources (id),
  external_id TEXT,
  sent_by TEXT NOT NULL CHECK (sent_by IN ('api', 'page', 'launchdarkly', 'zendesk')),
  status TEXT NOT NULL CHECK (status IN ('active', 'approved', 'rejected', 'withdrawn')),
  display TEXT NOT NULL,
  revision INTEGER NOT NULL,
  digest TEXT NOT NULL,
  stamp TEXT NOT NULL,
  barred TEXT NOT NULL,
  subject TEXT NOT NULL,
  search TEXT NOT NULL,
  creator_id INTEGER REFERENCES people (id),
  requester_id INTEGER REFERENCES people (id),
  requester_name TEXT NOT NULL,
  assignee_user INTEGER REFERENCES people (id),
  assignee_group INTEGER REFERENCES groups (id),
  ticket_id INTEGER REFERENCES tickets (id),
  created_at TEXT NOT NULL,
  expires_at TEXT,
  settled_at TEXT,
  applied_at TEXT,
  breached_at TEXT,
  events INTEGER NOT NULL,
  head TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX requests_by_external_id ON requests (source_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX requests_by_status ON requests (status, id);
CREATE INDEX requests_by_source ON requests (source_id, status, id);
CREATE INDEX requests_by_assignee_user ON requests (assignee_user, status, id) WHERE assignee_user IS NOT NULL;
CREATE INDEX requests_by_assignee_group ON requests (assignee_group, status, id) WHERE assignee_group IS NOT NULL;

-- With rowids: without them, SQLite gives everything beyond about a kilobyte of a row a page of its own.
CREATE TABLE revisions (
  request_id TEXT NOT NULL REFERENCES requests (id),
  n INTEGER NOT NULL,
  digest TEXT NOT NULL,
  stamp TEXT NOT NULL,
  message TEXT NOT NULL,
  facts TEXT NOT NULL,
  body TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (request_id, n)
);
-- Stamped policies by the hash of their text: a thousand requests under one policy share a row.
CREATE TABLE stamps (hash TEXT PRIMARY KEY, policy TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE decisions (
  request_id TEXT NOT NULL REFERENCES requests (id),
  n INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  digest TEXT NOT NULL,
  person_id INTEGER NOT NULL REFERENCES people (id),
  answer TEXT NOT NULL CHECK (answer IN ('approve', 'reject', 'abstain')),
  note TEXT NOT NULL,
  steps TEXT NOT NULL,
  disablings INTEGER NOT NULL,
  via TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (request_id, n)
) WITHOUT ROWID;
CREATE INDEX decisions_by_person ON decisions (person_id, request_id);
CREATE TABLE comments (
  request_id TEXT NOT NULL REFERENCES requests (id),
  n INTEGER NOT NULL,
  actor TEXT NOT NULL,
  text TEXT NOT NULL,
  via TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (request_id, n)
) WITHOUT ROWID;

-- Who may see a request, and whom it waits for: 'person:7', 'group:3', 'source:2', 'admins'.
CREATE TABLE parties (party TEXT NOT NULL, request_id TEXT NOT NULL, PRIMARY KEY (party, request_id)) WITHOUT ROWID;
CREATE TABLE waiting (party TEXT NOT NULL, request_id TEXT NOT NULL, PRIMARY KEY (party, request_id)) WITHOUT ROWID;

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  subject TEXT NOT NULL,
  n INTEGER NOT NULL,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  via TEXT NOT NULL,
  address TEXT NOT NULL,
  data TEXT NOT NULL,
  hash TEXT NOT NULL,
  UNIQUE (subject, n)
);
-- Where each history stands, for subjects other than requests (a request carries its own).
CREATE TABLE event_heads (subject TEXT PRIMARY KEY, n INTEGER NOT NULL, hash TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE seals (
  n INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  events TEXT NOT NULL,
  count INTEGER NOT NULL,
  hash TEXT NOT NULL,
  signature TEXT NOT NULL
);
CREATE TABLE outbox (
  event_id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  due_at TEXT NOT NULL,
  holder TEXT,
  until TEXT
);
CREATE TABLE idempotency (
  key TEXT PRIMARY KEY,
  body TEXT NOT NULL,
  status INTEGER NOT NULL,
  answer TEXT NOT NULL,
  at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (at);

INSERT INTO signals (name, revision) VALUES ('directory', 1);
INSERT INTO sources (name, name_key, kind, created_at) VALUES
  ('api', 'api', 'built-in', '2026-01-01T00:00:00.000Z'),
  ('zendesk', 'zendesk', 'built-in', '2026-01-01T00:00:00.000Z');
