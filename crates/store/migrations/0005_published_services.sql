-- Services that the gateway publishes, and who calls them.

-- `definition` is JSON: model/src/published.rs.
CREATE TABLE published_services (
    name TEXT NOT NULL PRIMARY KEY,
    definition TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Calls of a service, by the grant that the tokens came by. Nodes that add callers wait here for
-- each other.
CREATE TABLE service_usage (
    credential_id TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    service TEXT NOT NULL,
    grant_type TEXT NOT NULL CHECK (grant_type IN ('client_credentials', 'jwt_exchange')),
    first_used_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    PRIMARY KEY (credential_id, service, grant_type)
);

-- As `callers`, for each service.
CREATE TABLE service_callers (
    credential_id TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    service TEXT NOT NULL,
    grant_type TEXT NOT NULL CHECK (grant_type IN ('client_credentials', 'jwt_exchange')),
    kind TEXT NOT NULL CHECK (kind IN ('caller', 'others')),
    network TEXT NOT NULL,
    agent TEXT NOT NULL,
    consumer TEXT NOT NULL,
    minted_by TEXT NOT NULL,
    first_used_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    hours BIGINT NOT NULL,
    days BIGINT NOT NULL,
    weeks BIGINT NOT NULL,
    PRIMARY KEY (credential_id, service, grant_type, kind, network, agent, consumer, minted_by)
);
