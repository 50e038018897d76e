-- What people can request on the page for new requests, as admins define it: one row, the version that is current.
CREATE TABLE request_types (
  version bigint NOT NULL PRIMARY KEY,
  text text NOT NULL,
  hash text COLLATE "C" NOT NULL,
  actor text COLLATE "C" NOT NULL,
  at text COLLATE "C" NOT NULL
);
