-- How sure it is who asked, and what the call said about it. Of requests from before, that follows from who was found then.
ALTER TABLE requests ADD COLUMN certainty text COLLATE "C" NOT NULL DEFAULT 'none' CHECK (certainty IN ('proven', 'claimed', 'none'));
ALTER TABLE requests ADD COLUMN claim text COLLATE "C";
UPDATE requests SET certainty = CASE
  WHEN sent_by <> 'launchdarkly' AND (requester_id IS NULL OR requester_id = creator_id) THEN 'proven'
  WHEN barred = '' THEN 'none'
  ELSE 'claimed' END;
