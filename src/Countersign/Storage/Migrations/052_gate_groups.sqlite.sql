-- What was decided before in a group is looked up with each call of it.
CREATE INDEX gate_replies_by_group ON gate_replies (source_id, group_key, asked_at) WHERE group_key IS NOT NULL;
