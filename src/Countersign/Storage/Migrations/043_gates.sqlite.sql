-- Systems that wait for a verdict and are called back: how each is set up, what it asked, and what it is still owed.
CREATE TABLE gates (
  source_id INTEGER PRIMARY KEY REFERENCES sources (id),
  -- JSON; secrets are encrypted by the key ring, as those of destinations are.
  settings TEXT NOT NULL,
  secrets TEXT NOT NULL,
  heard_at TEXT,
  refused_at TEXT,
  refused TEXT,
  problem_at TEXT,
  problem TEXT
);

-- Calls that were taken, by the id that the caller gives each: one that comes again is none.
CREATE TABLE gate_calls (
  source_id INTEGER NOT NULL REFERENCES sources (id),
  call TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (source_id, call)
) WITHOUT ROWID;
CREATE INDEX gate_calls_by_age ON gate_calls (at);

-- What was asked: several things that are answered together share a request.
CREATE TABLE gate_asks (
  source_id INTEGER NOT NULL REFERENCES sources (id),
  ask TEXT NOT NULL,
  request_id TEXT REFERENCES requests (id),
  at TEXT NOT NULL,
  PRIMARY KEY (source_id, ask)
) WITHOUT ROWID;
CREATE INDEX gate_asks_by_request ON gate_asks (request_id);

-- A request whose verdict the caller is owed. The reply is encrypted, and erased once nothing is owed.
CREATE TABLE gate_replies (
  request_id TEXT PRIMARY KEY REFERENCES requests (id),
  source_id INTEGER NOT NULL REFERENCES sources (id),
  group_key TEXT,
  reply TEXT,
  state TEXT NOT NULL CHECK (state IN ('open', 'delivered', 'elsewhere', 'passed', 'gone')),
  asked_at TEXT NOT NULL,
  close_at TEXT,
  notes INTEGER NOT NULL DEFAULT 0,
  note TEXT,
  alarm TEXT,
  problem TEXT,
  ended_at TEXT
) WITHOUT ROWID;
CREATE INDEX gate_replies_open ON gate_replies (source_id, group_key) WHERE state = 'open';
CREATE INDEX gate_replies_alarm ON gate_replies (source_id, asked_at) WHERE alarm IS NOT NULL;

INSERT INTO cursors (name, position) SELECT 'gates', coalesce(max(id), 0) FROM events;
