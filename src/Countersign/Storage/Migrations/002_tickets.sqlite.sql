-- Light tickets: enough for a request to belong to one. A ticket that a request names without our knowing it is a stub.
ALTER TABLE tickets ADD COLUMN status TEXT NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'open', 'pending', 'hold', 'solved', 'closed'));
ALTER TABLE tickets ADD COLUMN priority TEXT CHECK (priority IN ('low', 'normal', 'high', 'urgent'));
ALTER TABLE tickets ADD COLUMN type TEXT;
ALTER TABLE tickets ADD COLUMN group_id INTEGER REFERENCES groups (id);
ALTER TABLE tickets ADD COLUMN external_id TEXT;
ALTER TABLE tickets ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE tickets ADD COLUMN fields TEXT NOT NULL DEFAULT '[]';
ALTER TABLE tickets ADD COLUMN updated_at TEXT;
CREATE TABLE ticket_comments (
  ticket_id INTEGER NOT NULL REFERENCES tickets (id),
  n INTEGER NOT NULL,
  author_id INTEGER NOT NULL REFERENCES people (id),
  body TEXT NOT NULL,
  is_public INTEGER NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (ticket_id, n)
) WITHOUT ROWID;
CREATE INDEX requests_by_ticket ON requests (ticket_id, status) WHERE ticket_id IS NOT NULL;
