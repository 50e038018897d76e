-- Parties that an active request does not wait for, but that may answer: others have filled their step. Through it
-- delegates see what their principals may still reject.
CREATE TABLE answerable (
  party TEXT NOT NULL,
  request_id TEXT NOT NULL REFERENCES requests (id),
  PRIMARY KEY (party, request_id)
) WITHOUT ROWID;
