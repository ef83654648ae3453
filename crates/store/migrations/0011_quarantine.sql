-- The JWT half of a credential is disabled before it is deleted, and who tries it meanwhile is
-- written down.

-- Both are set while the JWT half is in quarantine: since when, and until when.
ALTER TABLE credentials ADD COLUMN jwt_disabled_at BIGINT
    CHECK (jwt_disabled_at IS NULL OR grants = 'jwt_paired');
ALTER TABLE credentials ADD COLUMN quarantined_until BIGINT
    CHECK ((quarantined_until IS NULL) = (jwt_disabled_at IS NULL));
CREATE INDEX credentials_by_quarantine ON credentials (quarantined_until, id)
    WHERE quarantined_until IS NOT NULL;

-- An organization's own length of a quarantine; else that of the installation.
ALTER TABLE organizations ADD COLUMN quarantine_days BIGINT;

-- Exchanges that were refused because the JWT half was disabled, deleted or over, since it was
-- disabled last. Nodes that add callers wait here for each other.
CREATE TABLE attempts (
    credential_id TEXT NOT NULL PRIMARY KEY REFERENCES credentials (id) ON DELETE CASCADE,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    times BIGINT NOT NULL
);

-- Whose they were; as `callers`.
CREATE TABLE attempt_callers (
    credential_id TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('caller', 'others')),
    network TEXT NOT NULL,
    agent TEXT NOT NULL,
    consumer TEXT NOT NULL,
    first_used_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    hours BIGINT NOT NULL,
    days BIGINT NOT NULL,
    weeks BIGINT NOT NULL,
    PRIMARY KEY (credential_id, kind, network, agent, consumer)
);

-- An older release would exchange assertions of a half that is disabled.
UPDATE settings SET value = '11' WHERE name = 'schema.readable_since';
