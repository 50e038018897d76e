-- What sources sent that could not be read, for a while; the events of the sources stay.
CREATE TABLE rejected_bodies (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  source_id INTEGER NOT NULL REFERENCES sources (id),
  at TEXT NOT NULL,
  why TEXT NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX rejected_bodies_by_source ON rejected_bodies (source_id, id);
