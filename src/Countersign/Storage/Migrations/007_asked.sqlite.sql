-- What somebody asked for, newest first, on the inbox. Systems ask as nobody, so what they send costs no entry here.
CREATE INDEX requests_by_requester ON requests (requester_id, id) WHERE requester_id IS NOT NULL;
