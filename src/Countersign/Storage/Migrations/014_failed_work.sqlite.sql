-- Pieces of background work that threw. With due_at they are tried again then, without it they are set aside.
CREATE TABLE failed_work (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  subject TEXT NOT NULL,
  position INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  error TEXT NOT NULL,
  since TEXT NOT NULL,
  due_at TEXT,
  PRIMARY KEY (kind, key)
) WITHOUT ROWID;
