-- Until when a source's keys are taken; null: until they are rotated.
ALTER TABLE sources ADD COLUMN key_expires_at TEXT;
ALTER TABLE sources ADD COLUMN old_key_expires_at TEXT;
