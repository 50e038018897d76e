-- Names and email addresses that a person has in other systems. Like earlier names they take away and never give: a
-- request made under one of them is not approved by that person.
CREATE TABLE aliases (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person_id INTEGER NOT NULL REFERENCES people (id),
  kind TEXT NOT NULL CHECK (kind IN ('name', 'email')),
  text TEXT NOT NULL,
  key TEXT NOT NULL,
  created_at TEXT NOT NULL,
  UNIQUE (person_id, key)
);
-- What the nth renaming of a person replaced.
CREATE TABLE former_names (
  person_id INTEGER NOT NULL REFERENCES people (id),
  n INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (person_id, n)
) WITHOUT ROWID;
INSERT INTO former_names (person_id, n, text)
SELECT person_id, n, text
FROM (
  SELECT CAST(substr(subject, 8) AS INTEGER) AS person_id, kind,
    row_number() OVER (PARTITION BY subject ORDER BY n) - 1 AS n,
    lag(json_extract(data, '$.name')) OVER (PARTITION BY subject ORDER BY n) AS text
  FROM events
  WHERE subject >= 'person:' AND subject < 'person;' AND kind IN ('person.added', 'person.renamed')
) AS named
WHERE kind = 'person.renamed' AND text IS NOT NULL;

-- What a request costs whose requester is not known, or only claimed; who answers for a source and so may not decide.
ALTER TABLE sources ADD COLUMN unknown_requester TEXT NOT NULL DEFAULT 'one_more' CHECK (unknown_requester IN ('one_more', 'refuse', 'allow'));
ALTER TABLE sources ADD COLUMN claimed_requester TEXT NOT NULL DEFAULT 'accept' CHECK (claimed_requester IN ('accept', 'one_more'));
ALTER TABLE sources ADD COLUMN owner_id INTEGER REFERENCES people (id);
ALTER TABLE sources ADD COLUMN requester_required INTEGER NOT NULL DEFAULT 0 CHECK (requester_required IN (0, 1));

-- Of email addresses only ASCII letters are folded: no other letter may stand for one of them. lower() does just that.
UPDATE people SET email_key = lower(email) WHERE email_key <> lower(email);
