-- Who may see a request, whom it waits for, its chat messages and claimed memberships name rows that exist. SQLite takes
-- a new foreign key only with a new table. A row that names nothing says nothing, and is left behind.
CREATE TABLE new_parties (
  party TEXT NOT NULL,
  request_id TEXT NOT NULL REFERENCES requests (id),
  PRIMARY KEY (party, request_id)
) WITHOUT ROWID;
INSERT INTO new_parties (party, request_id) SELECT party, request_id FROM parties WHERE request_id IN (SELECT id FROM requests);
DROP TABLE parties;
ALTER TABLE new_parties RENAME TO parties;

CREATE TABLE new_waiting (
  party TEXT NOT NULL,
  request_id TEXT NOT NULL REFERENCES requests (id),
  PRIMARY KEY (party, request_id)
) WITHOUT ROWID;
INSERT INTO new_waiting (party, request_id) SELECT party, request_id FROM waiting WHERE request_id IN (SELECT id FROM requests);
DROP TABLE waiting;
ALTER TABLE new_waiting RENAME TO waiting;

CREATE TABLE new_chats (
  request_id TEXT NOT NULL REFERENCES requests (id),
  receiver TEXT NOT NULL,
  channel TEXT NOT NULL,
  ts TEXT NOT NULL,
  PRIMARY KEY (request_id, receiver)
) WITHOUT ROWID;
INSERT INTO new_chats (request_id, receiver, channel, ts)
  SELECT request_id, receiver, channel, ts FROM chats WHERE request_id IN (SELECT id FROM requests);
DROP TABLE chats;
ALTER TABLE new_chats RENAME TO chats;

CREATE TABLE new_claimed_members (
  group_id INTEGER NOT NULL REFERENCES groups (id),
  person_id INTEGER NOT NULL REFERENCES people (id),
  PRIMARY KEY (person_id, group_id)
) WITHOUT ROWID;
INSERT INTO new_claimed_members (group_id, person_id)
  SELECT group_id, person_id FROM claimed_members
  WHERE group_id IN (SELECT id FROM groups) AND person_id IN (SELECT id FROM people);
DROP TABLE claimed_members;
ALTER TABLE new_claimed_members RENAME TO claimed_members;
