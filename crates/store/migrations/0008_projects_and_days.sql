-- What people find and sort projects by, and how many tokens and calls a day had.

-- Actors as the activity log names them; empty where it was before this migration.
ALTER TABLE projects ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE projects ADD COLUMN changed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE projects ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
-- First instant (UTC) of the day on which it was used last; 0 is never.
ALTER TABLE projects ADD COLUMN active_at BIGINT NOT NULL DEFAULT 0;
-- In lower case, written by the store: the engines disagree about letters outside of ASCII.
ALTER TABLE projects ADD COLUMN title_key TEXT NOT NULL DEFAULT '';
ALTER TABLE projects ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
UPDATE projects
SET changed_at = created_at, title_key = LOWER(title),
    search_text = LOWER(name || ' ' || title || ' ' || description);

CREATE INDEX projects_by_creation ON projects (org_id, created_at, id);
CREATE INDEX projects_by_change ON projects (org_id, changed_at, id);
CREATE INDEX projects_by_activity ON projects (org_id, active_at, id);
CREATE INDEX projects_by_title ON projects (org_id, title_key, id);
CREATE INDEX credentials_with_jwt_half ON credentials (org_id, project_id)
    WHERE grants IN ('jwt', 'jwt_paired', 'jwt_cancelled');
CREATE INDEX credentials_of_account ON credentials (technical_account_id);
CREATE INDEX certificates_by_end ON certificates (not_after, credential_id);

-- Tokens and calls of one credential on one day (UTC), by the grant that the tokens came by. Days
-- are kept for a bounded time, so a credential has a bounded number of rows.
CREATE TABLE daily_usage (
    credential_id TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    day_at BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('token', 'call')),
    grant_type TEXT NOT NULL CHECK (grant_type IN ('client_credentials', 'jwt_exchange')),
    uses BIGINT NOT NULL,
    PRIMARY KEY (credential_id, day_at, kind, grant_type)
);
CREATE INDEX daily_usage_by_day ON daily_usage (day_at, credential_id);
