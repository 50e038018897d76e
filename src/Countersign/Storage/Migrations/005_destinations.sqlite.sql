-- Workflow systems that decide, and what was opened there. Secrets and tokens are encrypted by the key ring.

CREATE TABLE destinations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,
  manifest TEXT NOT NULL,
  settings TEXT NOT NULL,
  secrets TEXT NOT NULL,
  created_at TEXT NOT NULL,
  paused_at TEXT,
  -- The access token fetched last, until when it is good and from when a new one is wanted.
  token TEXT,
  token_until TEXT,
  token_renew_at TEXT,
  failing_since TEXT,
  dead_at TEXT
);
CREATE TABLE links (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  request_id TEXT NOT NULL REFERENCES requests (id),
  revision INTEGER NOT NULL,
  destination_id INTEGER NOT NULL REFERENCES destinations (id),
  state TEXT NOT NULL CHECK (state IN ('new', 'sending', 'unsure', 'held', 'open', 'closed')),
  -- What still has to be passed on: that the change was applied, or that nobody asks any more.
  wish TEXT NOT NULL DEFAULT '' CHECK (wish IN ('', 'apply', 'cancel')),
  answer TEXT NOT NULL DEFAULT '' CHECK (answer IN ('', 'approved', 'rejected')),
  external_id TEXT,
  url TEXT,
  -- The answer to the creation as it came, for later templates.
  creation TEXT,
  value TEXT,
  display TEXT,
  seen_at TEXT,
  due_at TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  polls INTEGER NOT NULL DEFAULT 0,
  holder TEXT,
  until TEXT,
  problem TEXT,
  -- The last call and its answer, with every secret masked.
  exchange TEXT,
  created_at TEXT NOT NULL,
  UNIQUE (request_id, revision, destination_id)
);
CREATE INDEX links_due ON links (destination_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX links_held ON links (destination_id, until) WHERE holder IS NOT NULL;
CREATE INDEX links_of_destination ON links (destination_id, state, id);
INSERT INTO signals (name, revision) VALUES ('destinations', 1);
