-- A request takes fewer rows and bytes: it has a rowid, because SQLite gives a longer row of a tree without one pages of
-- its own; its source and its requester see it without a row in parties; and its text is folded for searching only where
-- it has letters beyond ASCII. Stamps, events and summaries that a row names exist.
CREATE TABLE new_requests (
  id TEXT NOT NULL PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES sources (id),
  external_id TEXT,
  sent_by TEXT NOT NULL CHECK (sent_by IN ('api', 'page', 'launchdarkly', 'zendesk')),
  status TEXT NOT NULL CHECK (status IN ('active', 'approved', 'rejected', 'withdrawn')),
  display TEXT NOT NULL,
  revision INTEGER NOT NULL,
  digest TEXT NOT NULL,
  stamp TEXT NOT NULL REFERENCES stamps (hash),
  barred TEXT NOT NULL,
  subject TEXT NOT NULL,
  search TEXT,
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
  head TEXT NOT NULL,
  stuck TEXT,
  broke_glass_at TEXT,
  certainty TEXT NOT NULL DEFAULT 'none' CHECK (certainty IN ('proven', 'claimed', 'none')),
  claim TEXT
);
INSERT INTO new_requests
SELECT id, source_id, external_id, sent_by, status, display, revision, digest, stamp, barred, subject,
  CASE WHEN search <> lower(subject || char(10) || requester_name || char(10) || coalesce(external_id, '')) THEN search END,
  creator_id, requester_id, requester_name, assignee_user, assignee_group, ticket_id, created_at, expires_at, settled_at,
  applied_at, breached_at, events, head, stuck, broke_glass_at, certainty, claim
FROM requests ORDER BY id;
DROP TABLE requests;
ALTER TABLE new_requests RENAME TO requests;
CREATE UNIQUE INDEX requests_by_external_id ON requests (source_id, external_id, coalesce(creator_id, 0))
  WHERE external_id IS NOT NULL;
CREATE INDEX requests_by_status ON requests (status, id);
CREATE INDEX requests_by_source ON requests (source_id, status, id);
CREATE INDEX requests_by_assignee_user ON requests (assignee_user, status, id) WHERE assignee_user IS NOT NULL;
CREATE INDEX requests_by_assignee_group ON requests (assignee_group, status, id) WHERE assignee_group IS NOT NULL;
CREATE INDEX requests_by_ticket ON requests (ticket_id, status) WHERE ticket_id IS NOT NULL;
CREATE INDEX requests_by_requester ON requests (requester_id, id) WHERE requester_id IS NOT NULL;

CREATE TABLE new_revisions (
  request_id TEXT NOT NULL REFERENCES requests (id),
  n INTEGER NOT NULL,
  digest TEXT NOT NULL,
  stamp TEXT NOT NULL REFERENCES stamps (hash),
  message TEXT NOT NULL,
  facts TEXT NOT NULL,
  body TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (request_id, n)
);
INSERT INTO new_revisions SELECT request_id, n, digest, stamp, message, facts, body, at FROM revisions ORDER BY rowid;
DROP TABLE revisions;
ALTER TABLE new_revisions RENAME TO revisions;

-- What a source's service person stands for, it never looks at.
DELETE FROM parties WHERE EXISTS (
  SELECT 1 FROM requests r WHERE r.id = parties.request_id AND (
    parties.party = 'source:' || r.source_id
    OR (parties.party = 'person:' || r.requester_id
        AND NOT EXISTS (SELECT 1 FROM stamps s WHERE s.hash = r.stamp AND s.policy LIKE '%"person:' || r.requester_id || '"%'))
    OR (parties.party = 'person:' || r.creator_id
        AND EXISTS (SELECT 1 FROM events e WHERE e.subject = 'request:' || r.id AND e.n = 1 AND e.actor = 'source:' || r.source_id))));

CREATE TABLE new_deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id INTEGER NOT NULL REFERENCES events (id),
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
  folded_into INTEGER REFERENCES deliveries (id) ON DELETE SET NULL,
  sent TEXT,
  created_at TEXT NOT NULL,
  settled_at TEXT,
  UNIQUE (event_id, receiver, channel)
);
-- Numbers that were given go on not being given again.
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_deliveries', seq FROM sqlite_sequence WHERE name = 'deliveries';
INSERT INTO new_deliveries
SELECT id, event_id, kind, subject, receiver, channel, endpoint, state, due_at, claim, attempts, tries, digest,
  CASE WHEN folded_into IN (SELECT id FROM deliveries) THEN folded_into END, sent, created_at, settled_at
FROM deliveries WHERE event_id IN (SELECT id FROM events) ORDER BY id;
DROP TABLE deliveries;
ALTER TABLE new_deliveries RENAME TO deliveries;
CREATE INDEX deliveries_due ON deliveries (endpoint, due_at) WHERE state = 'due';
CREATE INDEX deliveries_in_order ON deliveries (receiver, channel, subject, id) WHERE state IN ('due', 'waiting');
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint, id);
CREATE INDEX deliveries_of_late ON deliveries (receiver, channel, created_at) WHERE channel IN ('mail', 'slack');
CREATE INDEX deliveries_folded ON deliveries (folded_into) WHERE folded_into IS NOT NULL;
DELETE FROM attempts WHERE delivery_id NOT IN (SELECT id FROM deliveries);
