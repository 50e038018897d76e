-- Each admin's unpublished policy file, and the request they test it with. No text: the file they began with.
CREATE TABLE policy_drafts (
  person_id bigint PRIMARY KEY REFERENCES people (id),
  based_on bigint NOT NULL,
  text text COLLATE "C",
  sample text COLLATE "C" NOT NULL,
  saved_at text COLLATE "C" NOT NULL
);

-- What the last look at the whole log came to, shown until the next one. One row.
CREATE TABLE log_checks (
  id bigint PRIMARY KEY,
  at text COLLATE "C" NOT NULL,
  actor text COLLATE "C" NOT NULL,
  result text COLLATE "C" NOT NULL
);
