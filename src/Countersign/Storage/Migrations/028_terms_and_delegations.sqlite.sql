-- The words and keys by which a request is found, folded; of its current content. Requests that are there already are
-- gone through by a job, the newest first.
CREATE TABLE request_terms (
  term TEXT NOT NULL,
  request_id TEXT NOT NULL REFERENCES requests (id),
  PRIMARY KEY (term, request_id)
) WITHOUT ROWID;
INSERT INTO jobs (kind, key, subject, receiver, order_no, state, due_at, next_at, created_at)
SELECT 'index_terms', 'all', 'hub', 'index_terms', 0, 'waiting', at, at, at
FROM (SELECT min(created_at) AS at FROM requests) r WHERE at IS NOT NULL;

-- Who has given their own seat on a request to whom, while it is active.
CREATE TABLE delegations (
  request_id TEXT NOT NULL REFERENCES requests (id),
  person_id INTEGER NOT NULL REFERENCES people (id),
  delegate_id INTEGER NOT NULL REFERENCES people (id),
  at TEXT NOT NULL,
  PRIMARY KEY (request_id, person_id)
) WITHOUT ROWID;
CREATE INDEX delegations_by_delegate ON delegations (delegate_id, request_id);
