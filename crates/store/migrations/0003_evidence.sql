-- Who calls with each half of a credential. At most 64 rows of kind 'caller' and one of kind
-- 'others' for each: model/src/evidence.rs. Absent is the empty text, because keys hold no NULL.
CREATE TABLE callers (
    credential_id TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    grant_type TEXT NOT NULL CHECK (grant_type IN ('client_credentials', 'jwt_exchange')),
    kind TEXT NOT NULL CHECK (kind IN ('caller', 'others')),
    network TEXT NOT NULL,
    agent TEXT NOT NULL,
    consumer TEXT NOT NULL,
    secret_id TEXT NOT NULL,
    minted_by TEXT NOT NULL,
    first_used_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    -- Bit 0 is the hour, day or week of the last use, bit n the one n before it.
    hours BIGINT NOT NULL,
    days BIGINT NOT NULL,
    weeks BIGINT NOT NULL,
    PRIMARY KEY (credential_id, grant_type, kind, network, agent, consumer, secret_id, minted_by)
);

-- What somebody should look at, with the last caller that gave reason to.
CREATE TABLE findings (
    credential_id TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    finding TEXT NOT NULL CHECK (finding IN ('secret_in_query')),
    first_seen_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    times BIGINT NOT NULL,
    network TEXT NOT NULL,
    agent TEXT NOT NULL,
    consumer TEXT NOT NULL,
    PRIMARY KEY (credential_id, finding)
);
