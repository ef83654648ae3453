-- How many credentials of an organization were in which stage of their migration, by day (UTC).
CREATE TABLE migration_progress (
    org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    day_at BIGINT NOT NULL,
    stage TEXT NOT NULL,
    credentials BIGINT NOT NULL,
    PRIMARY KEY (org_id, day_at, stage)
);
CREATE INDEX migration_progress_by_day ON migration_progress (day_at);
