-- Pieces of background work that threw. With due_at they are tried again then, without it they are set aside.
CREATE TABLE failed_work (
  kind text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  attempts bigint NOT NULL,
  error text COLLATE "C" NOT NULL,
  since text COLLATE "C" NOT NULL,
  due_at text COLLATE "C",
  PRIMARY KEY (kind, key)
);
