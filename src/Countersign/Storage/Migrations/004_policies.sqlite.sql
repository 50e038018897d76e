-- Policies as a file with versions, what is due and when, who is away, and requests that nobody left could approve.

CREATE TABLE policy_files (
  version INTEGER PRIMARY KEY,
  text TEXT NOT NULL,
  hash TEXT NOT NULL,
  actor TEXT NOT NULL,
  at TEXT NOT NULL
);

-- One row for each thing that must happen by itself: remind, escalate, expire (of a request), leave, return (of a person).
CREATE TABLE due (
  subject TEXT NOT NULL,
  kind TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (subject, kind)
) WITHOUT ROWID;
CREATE INDEX due_by_time ON due (at);

-- At most one per person; "begun" is set when it begins, and the row goes when it ends.
CREATE TABLE absences (
  person_id INTEGER PRIMARY KEY REFERENCES people (id),
  stand_in INTEGER REFERENCES people (id),
  starts_at TEXT NOT NULL,
  ends_at TEXT NOT NULL,
  begun INTEGER NOT NULL
);
CREATE INDEX absences_by_stand_in ON absences (stand_in, person_id);

-- Why nobody left could approve it, and what would change that, a line each.
ALTER TABLE requests ADD COLUMN stuck TEXT;
ALTER TABLE requests ADD COLUMN broke_glass_at TEXT;
ALTER TABLE decisions ADD COLUMN for_person INTEGER REFERENCES people (id);
