-- Which person a member of a LaunchDarkly account is, once their verified email has said so. A row outlives the
-- person's erasure, so that an import doesn't bring them back.
CREATE TABLE launchdarkly_members (
  source_id INTEGER NOT NULL REFERENCES sources (id),
  member_id TEXT NOT NULL,
  person_id INTEGER NOT NULL REFERENCES people (id),
  PRIMARY KEY (source_id, member_id)
) WITHOUT ROWID;
