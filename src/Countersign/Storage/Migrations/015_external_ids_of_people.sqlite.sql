-- An external id belongs to its creator: people share a source, and must not find each other's requests.
DROP INDEX requests_by_external_id;
CREATE UNIQUE INDEX requests_by_external_id ON requests (source_id, external_id, coalesce(creator_id, 0))
  WHERE external_id IS NOT NULL;
