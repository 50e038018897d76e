-- A request takes fewer rows and bytes: its source and its requester see it without a row in parties, and its text is
-- folded for searching only where it has letters beyond ASCII. Stamps, events and summaries that a row names exist; rows
-- from before are not asked for their stamp, because a request without one stays in the store for verification to name.
ALTER TABLE requests ALTER COLUMN search DROP NOT NULL;
UPDATE requests SET search = NULL
  WHERE search = lower(subject || chr(10) || requester_name || chr(10) || coalesce(external_id, ''));
ALTER TABLE requests ADD FOREIGN KEY (stamp) REFERENCES stamps (hash) NOT VALID;
ALTER TABLE revisions ADD FOREIGN KEY (stamp) REFERENCES stamps (hash) NOT VALID;

-- What a source's service person stands for, it never looks at.
DELETE FROM parties USING requests r WHERE r.id = parties.request_id AND (
  parties.party = 'source:' || r.source_id
  OR (parties.party = 'person:' || r.requester_id
      AND NOT EXISTS (SELECT 1 FROM stamps s WHERE s.hash = r.stamp AND s.policy LIKE '%"person:' || r.requester_id || '"%'))
  OR (parties.party = 'person:' || r.creator_id
      AND EXISTS (SELECT 1 FROM events e WHERE e.subject = 'request:' || r.id AND e.n = 1 AND e.actor = 'source:' || r.source_id)));

DELETE FROM attempts WHERE delivery_id IN (SELECT id FROM deliveries WHERE event_id NOT IN (SELECT id FROM events));
DELETE FROM deliveries WHERE event_id NOT IN (SELECT id FROM events);
ALTER TABLE deliveries ADD FOREIGN KEY (event_id) REFERENCES events (id);
UPDATE deliveries SET folded_into = NULL WHERE folded_into NOT IN (SELECT id FROM deliveries);
ALTER TABLE deliveries ADD FOREIGN KEY (folded_into) REFERENCES deliveries (id) ON DELETE SET NULL;
