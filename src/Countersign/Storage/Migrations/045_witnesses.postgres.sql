-- Signature lines of witnesses under a signed head: beside its note, in the order in which they came.
CREATE TABLE cosignatures (
  epoch bigint NOT NULL,
  size bigint NOT NULL,
  -- The witness's name and key ID.
  witness text COLLATE "C" NOT NULL,
  -- By the witness's clock, in seconds since 1970; 0 where its signatures have no time.
  time bigint NOT NULL,
  line text COLLATE "C" NOT NULL,
  PRIMARY KEY (epoch, size, witness, time)
);

-- How each witness last answered.
CREATE TABLE witnesses (
  witness text COLLATE "C" PRIMARY KEY,
  -- The epoch it was last asked about, and the largest size of it that it cosigned.
  epoch bigint NOT NULL,
  size bigint NOT NULL,
  -- When a receipt last waited for it.
  wanted_at text COLLATE "C",
  asked_at text COLLATE "C",
  -- It asked to be left alone until then.
  retry_at text COLLATE "C",
  cosigned_at text COLLATE "C",
  problem text COLLATE "C",
  problem_since text COLLATE "C",
  -- It knows another history of the epoch: nothing is signed then.
  fork text COLLATE "C"
);
