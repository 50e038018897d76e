-- The OAuth client that an agent's access tokens are for, and their subject: it acts as this source, and no other.
CREATE TABLE agent_clients (
  source_id INTEGER PRIMARY KEY REFERENCES sources (id),
  client TEXT NOT NULL,
  subject TEXT NOT NULL,
  UNIQUE (client, subject)
);
