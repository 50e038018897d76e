-- Who assigned a ticket, and whether as an admin, decides what its assignee sees of its requests. Of earlier
-- assignments that is not known, so they give nothing new. Everyone who has been a ticket's requester stays barred.
ALTER TABLE tickets ADD COLUMN assigned_by INTEGER REFERENCES people (id);
ALTER TABLE tickets ADD COLUMN assigned_by_admin INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tickets ADD COLUMN requesters TEXT NOT NULL DEFAULT '';
UPDATE tickets SET requesters = CAST(requester_id AS TEXT) WHERE requester_id IS NOT NULL;
