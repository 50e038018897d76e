-- What people can request on the page for new requests, as admins define it: one row, the version that is current.
CREATE TABLE request_types (
  version INTEGER NOT NULL PRIMARY KEY,
  text TEXT NOT NULL,
  hash TEXT NOT NULL,
  actor TEXT NOT NULL,
  at TEXT NOT NULL
);
