-- Light tickets: enough for a request to belong to one. A ticket that a request names without our knowing it is a stub.
ALTER TABLE tickets ADD COLUMN status text COLLATE "C" NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'open', 'pending', 'hold', 'solved', 'closed'));
ALTER TABLE tickets ADD COLUMN priority text COLLATE "C" CHECK (priority IN ('low', 'normal', 'high', 'urgent'));
ALTER TABLE tickets ADD COLUMN type text COLLATE "C";
ALTER TABLE tickets ADD COLUMN group_id bigint REFERENCES groups (id);
ALTER TABLE tickets ADD COLUMN external_id text COLLATE "C";
ALTER TABLE tickets ADD COLUMN tags text COLLATE "C" NOT NULL DEFAULT '[]';
ALTER TABLE tickets ADD COLUMN fields text COLLATE "C" NOT NULL DEFAULT '[]';
ALTER TABLE tickets ADD COLUMN updated_at text COLLATE "C";
CREATE TABLE ticket_comments (
  ticket_id bigint NOT NULL REFERENCES tickets (id),
  n bigint NOT NULL,
  author_id bigint NOT NULL REFERENCES people (id),
  body text COLLATE "C" NOT NULL,
  is_public bigint NOT NULL,
  at text COLLATE "C" NOT NULL,
  PRIMARY KEY (ticket_id, n)
);
CREATE INDEX requests_by_ticket ON requests (ticket_id, status) WHERE ticket_id IS NOT NULL;
