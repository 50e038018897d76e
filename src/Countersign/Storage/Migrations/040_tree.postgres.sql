-- Every event is a leaf of one Merkle tree. An epoch is one tree with one key; another one begins with a new root key,
-- after a restore and after a theft.
CREATE TABLE epochs (
  number bigint PRIMARY KEY,
  origin text COLLATE "C" NOT NULL,
  vkey text COLLATE "C" NOT NULL,
  started_at text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  -- The last seal whose events are not in this tree.
  after_seal bigint NOT NULL,
  -- Of the epoch's first leaf, with the key that signs seals.
  signature text COLLATE "C" NOT NULL
);

-- A row for each seal: how large the tree is with its events. Where an epoch begins or ends, a row for a leaf of the
-- log's own, which is no event; its text stands here.
CREATE TABLE tree_heads (
  epoch bigint NOT NULL,
  size bigint NOT NULL,
  first bigint NOT NULL,
  -- The last seal whose events are in the tree, and the log's position up to there.
  seal bigint NOT NULL,
  position bigint NOT NULL,
  leaf text COLLATE "C",
  root text COLLATE "C" NOT NULL,
  -- The signed checkpoint; null until it is signed, which is after this row stands.
  note text COLLATE "C",
  PRIMARY KEY (epoch, size)
);
CREATE INDEX tree_heads_by_position ON tree_heads (position, epoch);

-- Only full tiles, which never change. The root stands before the hashes, so that it is read without them.
CREATE TABLE tiles (
  epoch bigint NOT NULL,
  level bigint NOT NULL,
  n bigint NOT NULL,
  root bytea NOT NULL,
  hashes bytea NOT NULL,
  PRIMARY KEY (epoch, level, n)
);
