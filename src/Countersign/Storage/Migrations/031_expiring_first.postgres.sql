-- Lists with those first that expire soonest. Those that never expire take no place in either index; the status stands in
-- one because SQLite would not choose it over another index on the status.
ALTER TABLE waiting ADD COLUMN expires_at text COLLATE "C";
UPDATE waiting SET expires_at = (SELECT r.expires_at FROM requests r WHERE r.id = waiting.request_id);
CREATE INDEX waiting_by_expiry ON waiting (party, expires_at, request_id) WHERE expires_at IS NOT NULL;
CREATE INDEX requests_by_expiry ON requests (status, expires_at, id) WHERE status = 'active' AND expires_at IS NOT NULL;
