-- Each admin's unpublished policy file, and the request they test it with. No text: the file they began with.
CREATE TABLE policy_drafts (
  person_id INTEGER PRIMARY KEY REFERENCES people (id),
  based_on INTEGER NOT NULL,
  text TEXT,
  sample TEXT NOT NULL,
  saved_at TEXT NOT NULL
);

-- What the last look at the whole log came to, shown until the next one. One row.
CREATE TABLE log_checks (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  result TEXT NOT NULL
);
