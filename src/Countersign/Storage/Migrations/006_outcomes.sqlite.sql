-- Who is told outside of the building, what was sent to them, and what they answered.

CREATE TABLE webhooks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  url TEXT NOT NULL,
  kinds TEXT NOT NULL,
  sources TEXT NOT NULL,
  owner_id INTEGER REFERENCES people (id),
  created_at TEXT NOT NULL,
  disabled_at TEXT,
  disabled_why TEXT
);
-- Sealed with the key ring. During a rotation two are good: receivers check against either.
CREATE TABLE webhook_secrets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  webhook_id INTEGER NOT NULL REFERENCES webhooks (id),
  secret TEXT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE INDEX webhook_secrets_by_webhook ON webhook_secrets (webhook_id, id);

-- How each place that is called has done of late: 'webhook:3', 'mail', 'slack', 'destination:2'.
CREATE TABLE endpoints (
  name TEXT PRIMARY KEY,
  failures INTEGER NOT NULL DEFAULT 0,
  failing_since TEXT,
  held_until TEXT,
  stopped_at TEXT
) WITHOUT ROWID;

-- One piece of news for one receiver through one channel. While somebody sends it, due_at is when another node may.
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  receiver TEXT NOT NULL,
  channel TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('due', 'waiting', 'folded', 'delivered', 'dropped', 'failed')),
  due_at TEXT NOT NULL,
  claim TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0,
  digest INTEGER NOT NULL DEFAULT 0,
  folded_into INTEGER,
  sent TEXT,
  created_at TEXT NOT NULL,
  settled_at TEXT,
  UNIQUE (event_id, receiver, channel)
);
CREATE INDEX deliveries_due ON deliveries (endpoint, due_at) WHERE state = 'due';
CREATE INDEX deliveries_in_order ON deliveries (receiver, channel, subject, id) WHERE state IN ('due', 'waiting');
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint, id);
CREATE INDEX deliveries_of_late ON deliveries (receiver, channel, created_at) WHERE channel IN ('mail', 'slack');
CREATE INDEX deliveries_folded ON deliveries (folded_into) WHERE folded_into IS NOT NULL;
CREATE TABLE attempts (
  delivery_id INTEGER NOT NULL REFERENCES deliveries (id),
  n INTEGER NOT NULL,
  at TEXT NOT NULL,
  took INTEGER NOT NULL,
  failure TEXT,
  status INTEGER,
  answer TEXT NOT NULL,
  PRIMARY KEY (delivery_id, n)
) WITHOUT ROWID;

-- Channels that a person has switched off.
CREATE TABLE mutes (person_id INTEGER NOT NULL REFERENCES people (id), channel TEXT NOT NULL, PRIMARY KEY (person_id, channel)) WITHOUT ROWID;
-- Links that were used, by the delivery that carried them: each works once.
CREATE TABLE used_links (delivery_id INTEGER PRIMARY KEY, at TEXT NOT NULL);
-- Chat messages that are brought up to date when their request settles.
CREATE TABLE chats (
  request_id TEXT NOT NULL,
  receiver TEXT NOT NULL,
  channel TEXT NOT NULL,
  ts TEXT NOT NULL,
  PRIMARY KEY (request_id, receiver)
) WITHOUT ROWID;

INSERT INTO signals (name, revision) VALUES ('outbox', 0);
