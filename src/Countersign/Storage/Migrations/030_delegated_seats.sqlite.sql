-- Of each person who has given their seat on an active request to another: '7>9,8>12'. The table of migration 028 is the
-- index for that.
ALTER TABLE requests ADD COLUMN delegations TEXT;
ALTER TABLE delegations DROP COLUMN at;
