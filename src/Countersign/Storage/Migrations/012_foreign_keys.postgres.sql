-- Who may see a request, whom it waits for, its chat messages and claimed memberships name rows that exist. A row that
-- names nothing says nothing, and is left behind.
DELETE FROM parties WHERE request_id NOT IN (SELECT id FROM requests);
ALTER TABLE parties ADD FOREIGN KEY (request_id) REFERENCES requests (id);
DELETE FROM waiting WHERE request_id NOT IN (SELECT id FROM requests);
ALTER TABLE waiting ADD FOREIGN KEY (request_id) REFERENCES requests (id);
DELETE FROM chats WHERE request_id NOT IN (SELECT id FROM requests);
ALTER TABLE chats ADD FOREIGN KEY (request_id) REFERENCES requests (id);
DELETE FROM claimed_members
  WHERE group_id NOT IN (SELECT id FROM groups) OR person_id NOT IN (SELECT id FROM people);
ALTER TABLE claimed_members ADD FOREIGN KEY (group_id) REFERENCES groups (id), ADD FOREIGN KEY (person_id) REFERENCES people (id);
