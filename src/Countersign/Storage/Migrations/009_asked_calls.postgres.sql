-- The first line and the headers of each call, as admins see them: secrets masked.
ALTER TABLE attempts ADD COLUMN call text COLLATE "C";
