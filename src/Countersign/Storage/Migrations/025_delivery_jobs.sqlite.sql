-- A delivery is the record of what is told to whom; that it is still to be sent is a job.
INSERT INTO jobs (kind, key, subject, receiver, order_key, order_no, state, due_at, next_at, holder, attempts, created_at)
SELECT 'delivery', CAST(id AS TEXT), subject, 'delivery ' || endpoint, receiver || ' ' || channel || ' ' || subject, id,
  CASE state WHEN 'due' THEN 'waiting' ELSE 'behind' END, due_at, due_at, claim, 0, created_at
FROM deliveries WHERE state IN ('due', 'waiting');
UPDATE deliveries SET state = 'due' WHERE state = 'waiting';
DROP TABLE failed_work;
DROP INDEX deliveries_due;
DROP INDEX deliveries_in_order;
ALTER TABLE deliveries DROP COLUMN due_at;
ALTER TABLE deliveries DROP COLUMN claim;
