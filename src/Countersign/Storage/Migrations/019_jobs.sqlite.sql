-- Work that is to be done later or elsewhere. next_at is when it may be claimed next: when it is due, when it is tried
-- again, or, while holder has it, when that claim ends. Of the same order only one is 'waiting'; the others are 'behind'.
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  subject TEXT NOT NULL,
  receiver TEXT NOT NULL,
  order_key TEXT,
  order_no INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'behind', 'dead')),
  due_at TEXT NOT NULL,
  next_at TEXT NOT NULL,
  holder TEXT,
  lost INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  created_at TEXT NOT NULL,
  UNIQUE (kind, key)
);
CREATE INDEX jobs_due ON jobs (receiver, next_at, id) WHERE state = 'waiting';
CREATE INDEX jobs_in_order ON jobs (kind, order_key, order_no, id) WHERE order_key IS NOT NULL;
CREATE INDEX jobs_dead ON jobs (id) WHERE state = 'dead';
