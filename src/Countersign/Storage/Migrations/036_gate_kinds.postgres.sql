-- Kinds of sources that wait for an approval, and those to come.
ALTER TABLE sources DROP CONSTRAINT sources_kind_check;
ALTER TABLE sources ADD CONSTRAINT sources_kind_check CHECK (kind IN ('launchdarkly', 'api', 'built-in', 'agent',
  'pipeline', 'github', 'azure', 'gitlab', 'terraform', 'flagger'));
ALTER TABLE sources ADD CONSTRAINT sources_owner_check
  CHECK (kind NOT IN ('agent', 'pipeline') OR owner_id IS NOT NULL);
