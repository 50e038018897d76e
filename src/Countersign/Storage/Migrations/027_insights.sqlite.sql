-- Figures about requests, kept by a consumer of the log that begins at its first event, so that a page of them reads
-- rows whose number doesn't grow with the requests. An audience is the set of groups that a request asks; audience 0
-- counts every request.
CREATE TABLE summary_sets (
  id INTEGER PRIMARY KEY,
  members TEXT NOT NULL UNIQUE
);
INSERT INTO summary_sets (id, members) VALUES (0, '*');
CREATE TABLE summary_set_members (
  party TEXT NOT NULL,
  set_id INTEGER NOT NULL REFERENCES summary_sets (id),
  PRIMARY KEY (party, set_id)
) WITHOUT ROWID;
-- Environments as requests name them. The key is a hash, so that a name which is erased still counts as one.
CREATE TABLE summary_environments (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL
);

-- One UTC day: what was opened and closed in it, and how long decisions took, as a count per bucket.
CREATE TABLE summary_days (
  audience INTEGER NOT NULL,
  dimension TEXT NOT NULL CHECK (dimension IN ('all', 'source', 'environment')),
  day TEXT NOT NULL,
  value INTEGER NOT NULL,
  opened INTEGER NOT NULL,
  approved INTEGER NOT NULL,
  overridden INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  expired INTEGER NOT NULL,
  withdrawn INTEGER NOT NULL,
  automatic INTEGER NOT NULL,
  blocked INTEGER NOT NULL,
  times TEXT NOT NULL,
  PRIMARY KEY (audience, dimension, day, value)
) WITHOUT ROWID;
CREATE INDEX summary_days_by_day ON summary_days (day);
CREATE TABLE summary_reviews (
  audience INTEGER NOT NULL,
  day TEXT NOT NULL,
  reviewer INTEGER NOT NULL,
  approved INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  abstained INTEGER NOT NULL,
  PRIMARY KEY (audience, day, reviewer)
) WITHOUT ROWID;
CREATE INDEX summary_reviews_by_day ON summary_reviews (day);

-- Active requests: how many there are, when they were opened (an hour, later its day, then 0), whom they wait for, and
-- for how many of them a reviewer can do nothing.
CREATE TABLE summary_open (
  audience INTEGER NOT NULL,
  dimension TEXT NOT NULL CHECK (dimension IN ('all', 'source', 'environment')),
  value INTEGER NOT NULL,
  open INTEGER NOT NULL,
  blocked INTEGER NOT NULL,
  PRIMARY KEY (audience, dimension, value)
) WITHOUT ROWID;
CREATE TABLE summary_ages (
  audience INTEGER NOT NULL,
  opened TEXT NOT NULL,
  open INTEGER NOT NULL,
  PRIMARY KEY (audience, opened)
) WITHOUT ROWID;
CREATE TABLE summary_waiting (
  audience INTEGER NOT NULL,
  waits_for INTEGER NOT NULL,
  open INTEGER NOT NULL,
  PRIMARY KEY (audience, waits_for)
) WITHOUT ROWID;
CREATE TABLE summary_excluded (
  audience INTEGER NOT NULL,
  reviewer INTEGER NOT NULL,
  open INTEGER NOT NULL,
  PRIMARY KEY (audience, reviewer)
) WITHOUT ROWID;
-- As what each active request is counted there, so that it is taken out of the same rows. No foreign keys: on
-- PostgreSQL they would lock rows that people wait for.
CREATE TABLE summary_requests (
  request TEXT PRIMARY KEY,
  audience INTEGER NOT NULL,
  source INTEGER NOT NULL,
  environment INTEGER NOT NULL,
  opened_at TEXT NOT NULL,
  waits_for INTEGER NOT NULL,
  excluded TEXT NOT NULL,
  blocked INTEGER NOT NULL,
  was_blocked INTEGER NOT NULL,
  overridden INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO cursors (name, position) VALUES ('insights', 0);
INSERT INTO signals (name, revision) VALUES ('insights', 1);
