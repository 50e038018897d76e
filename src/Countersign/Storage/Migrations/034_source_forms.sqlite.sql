-- The fields that a source's LaunchDarkly integration asks its requesters for, as JSON. Rows only where there are some.
CREATE TABLE source_forms (
  source_id INTEGER PRIMARY KEY REFERENCES sources (id),
  variables TEXT NOT NULL
);
