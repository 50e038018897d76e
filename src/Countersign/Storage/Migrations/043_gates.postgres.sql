-- Systems that wait for a verdict and are called back: how each is set up, what it asked, and what it is still owed.
CREATE TABLE gates (
  source_id bigint PRIMARY KEY REFERENCES sources (id),
  -- JSON; secrets are encrypted by the key ring, as those of destinations are.
  settings text COLLATE "C" NOT NULL,
  secrets text COLLATE "C" NOT NULL,
  heard_at text COLLATE "C",
  refused_at text COLLATE "C",
  refused text COLLATE "C",
  problem_at text COLLATE "C",
  problem text COLLATE "C"
);

-- Calls that were taken, by the id that the caller gives each: one that comes again is none.
CREATE TABLE gate_calls (
  source_id bigint NOT NULL REFERENCES sources (id),
  call text COLLATE "C" NOT NULL,
  at text COLLATE "C" NOT NULL,
  PRIMARY KEY (source_id, call)
);
CREATE INDEX gate_calls_by_age ON gate_calls (at);

-- What was asked: several things that are answered together share a request.
CREATE TABLE gate_asks (
  source_id bigint NOT NULL REFERENCES sources (id),
  ask text COLLATE "C" NOT NULL,
  request_id text COLLATE "C" REFERENCES requests (id),
  at text COLLATE "C" NOT NULL,
  PRIMARY KEY (source_id, ask)
);
CREATE INDEX gate_asks_by_request ON gate_asks (request_id);

-- A request whose verdict the caller is owed. The reply is encrypted, and erased once nothing is owed.
CREATE TABLE gate_replies (
  request_id text COLLATE "C" PRIMARY KEY REFERENCES requests (id),
  source_id bigint NOT NULL REFERENCES sources (id),
  group_key text COLLATE "C",
  reply text COLLATE "C",
  state text COLLATE "C" NOT NULL CHECK (state IN ('open', 'delivered', 'elsewhere', 'passed', 'gone')),
  asked_at text COLLATE "C" NOT NULL,
  close_at text COLLATE "C",
  notes bigint NOT NULL DEFAULT 0,
  note text COLLATE "C",
  alarm text COLLATE "C",
  problem text COLLATE "C",
  ended_at text COLLATE "C"
);
CREATE INDEX gate_replies_open ON gate_replies (source_id, group_key) WHERE state = 'open';
CREATE INDEX gate_replies_alarm ON gate_replies (source_id, asked_at) WHERE alarm IS NOT NULL;

INSERT INTO cursors (name, position) SELECT 'gates', coalesce(max(position), 0) FROM events;
