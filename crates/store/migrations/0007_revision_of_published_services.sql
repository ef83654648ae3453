-- Who replaces or removes a published service says which one was seen. Releases before this one
-- leave the column out and get the first revision.
ALTER TABLE published_services ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
