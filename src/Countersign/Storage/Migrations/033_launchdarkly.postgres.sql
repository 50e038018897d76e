-- What we ask LaunchDarkly: one connection per source, and what we learned about requests. Rows only where a source has
-- a connection.
CREATE TABLE launchdarkly_connections (
  source_id bigint PRIMARY KEY REFERENCES sources (id),
  base_url text COLLATE "C" NOT NULL,
  -- Encrypted by the key ring, as the secrets of destinations are.
  token text COLLATE "C",
  webhook_secret text COLLATE "C",
  identify bigint NOT NULL,
  describe bigint NOT NULL,
  apply bigint NOT NULL,
  import_members bigint NOT NULL DEFAULT 0,
  -- The LaunchDarkly account that answered first: another one's answers are not taken.
  account_id text COLLATE "C",
  checked_at text COLLATE "C",
  problem text COLLATE "C"
);

-- What LaunchDarkly is still asked about an active request; nothing approves it while that is open.
ALTER TABLE requests ADD COLUMN open_check text COLLATE "C";
-- Which reading of the change counts: it goes up when LaunchDarkly turns out to hold another one, and reviews of an
-- earlier reading were dismissed. The digest is that of its instructions; null where they weren't read.
ALTER TABLE requests ADD COLUMN reading bigint NOT NULL DEFAULT 1;
ALTER TABLE requests ADD COLUMN change_digest text COLLATE "C";
ALTER TABLE decisions ADD COLUMN reading bigint NOT NULL DEFAULT 1;

-- The change itself as LaunchDarkly described it, each time that it was another one.
CREATE TABLE request_changes (
  request_id text COLLATE "C" NOT NULL REFERENCES requests (id),
  revision bigint NOT NULL,
  n bigint NOT NULL,
  digest text COLLATE "C" NOT NULL,
  changes text COLLATE "C" NOT NULL,
  facts text COLLATE "C" NOT NULL,
  read_at text COLLATE "C" NOT NULL,
  PRIMARY KEY (request_id, revision, n)
);

-- Who created an approval, as LaunchDarkly's signed webhook told it, which may come before the approval does.
CREATE TABLE launchdarkly_hints (
  source_id bigint NOT NULL REFERENCES sources (id),
  approval_id text COLLATE "C" NOT NULL,
  member_id text COLLATE "C" NOT NULL,
  email text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  resource text COLLATE "C" NOT NULL,
  at text COLLATE "C" NOT NULL,
  PRIMARY KEY (source_id, approval_id)
);
CREATE INDEX launchdarkly_hints_by_age ON launchdarkly_hints (at);
