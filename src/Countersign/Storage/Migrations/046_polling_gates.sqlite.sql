-- Callers that ask how far a request is, instead of being called back: when they asked last, and after how many seconds
-- of silence they are gone.
ALTER TABLE gate_replies ADD COLUMN polled_at TEXT;
ALTER TABLE gate_replies ADD COLUMN poll_gap INTEGER;
