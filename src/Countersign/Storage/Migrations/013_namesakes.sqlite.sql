-- How names are compared to find people who share one. The program writes a fuller folding from now on; an equal name
-- written later brings those from before to it. Service people have none: they share no name with anyone.
ALTER TABLE people ADD COLUMN name_key TEXT;
UPDATE people SET name_key = lower(name) WHERE role <> 'service';
CREATE INDEX people_by_name ON people (name_key);
