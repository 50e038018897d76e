-- What people prove themselves with beside a password. The secret is encrypted with the key ring, bound to its person:
-- an authenticator app's key, or a passkey's public key. The counter is the last code's time step, or the passkey's
-- own.
CREATE TABLE second_factors (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person_id INTEGER NOT NULL REFERENCES people (id),
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  credential TEXT UNIQUE,
  secret TEXT NOT NULL,
  counter INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  last_used_at TEXT
);
CREATE INDEX second_factors_by_person ON second_factors (person_id, id);
-- Those that weren't used yet.
CREATE TABLE recovery_codes (
  person_id INTEGER NOT NULL REFERENCES people (id),
  n INTEGER NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (person_id, n)
) WITHOUT ROWID;
-- Sign-ins whose first step was right and whose second one is missing.
CREATE TABLE pending_sign_ins (
  hash TEXT PRIMARY KEY,
  person_id INTEGER NOT NULL REFERENCES people (id),
  how TEXT NOT NULL,
  password TEXT NOT NULL,
  until TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX pending_sign_ins_by_person ON pending_sign_ins (person_id, until);
