-- Planned short refusals of JWT halves: when, which exchanges, and how many callers may fail.
-- `per_cent` is 100 unless a share is refused; `callers` has a line for each caller that is named:
-- network, program and consumer, separated by tabs, empty where anything fits.
-- `refusals` is the sum over all callers. Nodes that add some wait here for each other.
CREATE TABLE brownouts (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    window_ms BIGINT NOT NULL,
    repeats TEXT NOT NULL CHECK (repeats IN ('once', 'hourly', 'daily', 'weekly')),
    times BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    per_cent BIGINT NOT NULL,
    callers TEXT NOT NULL,
    allowed BIGINT NOT NULL,
    fate TEXT NOT NULL CHECK (fate IN ('scheduled', 'aborted', 'undone')),
    ended_at BIGINT,
    ended_by TEXT,
    failed BIGINT,
    planned_by TEXT NOT NULL,
    planned_at BIGINT NOT NULL,
    undo_digest TEXT NOT NULL UNIQUE,
    refusals BIGINT NOT NULL,
    UNIQUE (org_id, name),
    CHECK ((fate = 'scheduled') = (ended_at IS NULL)),
    CHECK ((fate = 'undone') = (ended_by IS NOT NULL)),
    CHECK ((fate = 'aborted') = (failed IS NOT NULL))
);
CREATE INDEX brownouts_of_org ON brownouts (org_id, id);
CREATE INDEX brownouts_scheduled ON brownouts (ends_at) WHERE fate = 'scheduled';
CREATE INDEX brownouts_by_end ON brownouts (ends_at);

-- Whose JWT half. `left_at` is when a credential lost one of its halves before the end.
CREATE TABLE brownout_credentials (
    brownout_id TEXT NOT NULL REFERENCES brownouts (id) ON DELETE CASCADE,
    credential_id TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    left_at BIGINT,
    PRIMARY KEY (brownout_id, credential_id)
);
CREATE INDEX brownouts_of_credential ON brownout_credentials (credential_id, brownout_id);

-- Who was refused. `times` is 0 for a caller that was let through because it would have been one
-- too many.
CREATE TABLE brownout_refusals (
    brownout_id TEXT NOT NULL REFERENCES brownouts (id) ON DELETE CASCADE,
    credential_id TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    network TEXT NOT NULL,
    agent TEXT NOT NULL,
    consumer TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    times BIGINT NOT NULL,
    PRIMARY KEY (brownout_id, credential_id, network, agent, consumer)
);
CREATE INDEX brownout_refusals_of_credential ON brownout_refusals (credential_id);
