-- Signature lines of witnesses under a signed head: beside its note, in the order in which they came.
CREATE TABLE cosignatures (
  epoch INTEGER NOT NULL,
  size INTEGER NOT NULL,
  -- The witness's name and key ID.
  witness TEXT NOT NULL,
  -- By the witness's clock, in seconds since 1970; 0 where its signatures have no time.
  time INTEGER NOT NULL,
  line TEXT NOT NULL,
  PRIMARY KEY (epoch, size, witness, time)
) WITHOUT ROWID;

-- How each witness last answered.
CREATE TABLE witnesses (
  witness TEXT PRIMARY KEY,
  -- The epoch it was last asked about, and the largest size of it that it cosigned.
  epoch INTEGER NOT NULL,
  size INTEGER NOT NULL,
  -- When a receipt last waited for it.
  wanted_at TEXT,
  asked_at TEXT,
  -- It asked to be left alone until then.
  retry_at TEXT,
  cosigned_at TEXT,
  problem TEXT,
  problem_since TEXT,
  -- It knows another history of the epoch: nothing is signed then.
  fork TEXT
) WITHOUT ROWID;
