-- Every event is a leaf of one Merkle tree. An epoch is one tree with one key; another one begins with a new root key,
-- after a restore and after a theft.
CREATE TABLE epochs (
  number INTEGER PRIMARY KEY,
  origin TEXT NOT NULL,
  vkey TEXT NOT NULL,
  started_at TEXT NOT NULL,
  reason TEXT NOT NULL,
  -- The last seal whose events are not in this tree.
  after_seal INTEGER NOT NULL,
  -- Of the epoch's first leaf, with the key that signs seals.
  signature TEXT NOT NULL
);

-- A row for each seal: how large the tree is with its events. Where an epoch begins or ends, a row for a leaf of the
-- log's own, which is no event; its text stands here.
CREATE TABLE tree_heads (
  epoch INTEGER NOT NULL,
  size INTEGER NOT NULL,
  first INTEGER NOT NULL,
  -- The last seal whose events are in the tree, and the log's position up to there.
  seal INTEGER NOT NULL,
  position INTEGER NOT NULL,
  leaf TEXT,
  root TEXT NOT NULL,
  -- The signed checkpoint; null until it is signed, which is after this row stands.
  note TEXT,
  PRIMARY KEY (epoch, size)
) WITHOUT ROWID;
CREATE INDEX tree_heads_by_position ON tree_heads (position, epoch);

-- Only full tiles, which never change. The root stands before the hashes, so that it is read without them.
CREATE TABLE tiles (
  epoch INTEGER NOT NULL,
  level INTEGER NOT NULL,
  n INTEGER NOT NULL,
  root BLOB NOT NULL,
  hashes BLOB NOT NULL,
  PRIMARY KEY (epoch, level, n)
);
