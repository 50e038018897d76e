-- Policies as a file with versions, what is due and when, who is away, and requests that nobody left could approve.

CREATE TABLE policy_files (
  version bigint PRIMARY KEY,
  text text COLLATE "C" NOT NULL,
  hash text COLLATE "C" NOT NULL,
  actor text COLLATE "C" NOT NULL,
  at text COLLATE "C" NOT NULL
);

-- One row for each thing that must happen by itself: remind, escalate, expire (of a request), leave, return (of a person).
CREATE TABLE due (
  subject text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  at text COLLATE "C" NOT NULL,
  PRIMARY KEY (subject, kind)
);
CREATE INDEX due_by_time ON due (at);

-- At most one per person; "begun" is set when it begins, and the row goes when it ends.
CREATE TABLE absences (
  person_id bigint PRIMARY KEY REFERENCES people (id),
  stand_in bigint REFERENCES people (id),
  starts_at text COLLATE "C" NOT NULL,
  ends_at text COLLATE "C" NOT NULL,
  begun bigint NOT NULL
);
CREATE INDEX absences_by_stand_in ON absences (stand_in, person_id);

-- Why nobody left could approve it, and what would change that, a line each.
ALTER TABLE requests ADD COLUMN stuck text COLLATE "C";
ALTER TABLE requests ADD COLUMN broke_glass_at text COLLATE "C";
ALTER TABLE decisions ADD COLUMN for_person bigint REFERENCES people (id);
