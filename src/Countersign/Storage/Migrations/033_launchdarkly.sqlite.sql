-- What we ask LaunchDarkly: one connection per source, and what we learned about requests. Rows only where a source has
-- a connection.
CREATE TABLE launchdarkly_connections (
  source_id INTEGER PRIMARY KEY REFERENCES sources (id),
  base_url TEXT NOT NULL,
  -- Encrypted by the key ring, as the secrets of destinations are.
  token TEXT,
  webhook_secret TEXT,
  identify INTEGER NOT NULL,
  describe INTEGER NOT NULL,
  apply INTEGER NOT NULL,
  import_members INTEGER NOT NULL DEFAULT 0,
  -- The LaunchDarkly account that answered first: another one's answers are not taken.
  account_id TEXT,
  checked_at TEXT,
  problem TEXT
);

-- What LaunchDarkly is still asked about an active request; nothing approves it while that is open.
ALTER TABLE requests ADD COLUMN open_check TEXT;
-- Which reading of the change counts: it goes up when LaunchDarkly turns out to hold another one, and reviews of an
-- earlier reading were dismissed. The digest is that of its instructions; null where they weren't read.
ALTER TABLE requests ADD COLUMN reading INTEGER NOT NULL DEFAULT 1;
ALTER TABLE requests ADD COLUMN change_digest TEXT;
ALTER TABLE decisions ADD COLUMN reading INTEGER NOT NULL DEFAULT 1;

-- The change itself as LaunchDarkly described it, each time that it was another one.
CREATE TABLE request_changes (
  request_id TEXT NOT NULL REFERENCES requests (id),
  revision INTEGER NOT NULL,
  n INTEGER NOT NULL,
  digest TEXT NOT NULL,
  changes TEXT NOT NULL,
  facts TEXT NOT NULL,
  read_at TEXT NOT NULL,
  PRIMARY KEY (request_id, revision, n)
) WITHOUT ROWID;

-- Who created an approval, as LaunchDarkly's signed webhook told it, which may come before the approval does.
CREATE TABLE launchdarkly_hints (
  source_id INTEGER NOT NULL REFERENCES sources (id),
  approval_id TEXT NOT NULL,
  member_id TEXT NOT NULL,
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  resource TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (source_id, approval_id)
) WITHOUT ROWID;
CREATE INDEX launchdarkly_hints_by_age ON launchdarkly_hints (at);
