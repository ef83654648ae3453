-- Waves: parts of a migration with names and planned dates. A wave is named in its organization, and
-- a credential is in one, or in none. How far a wave is follows from its credentials.
CREATE TABLE waves (
    org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    note TEXT NOT NULL,
    start_on BIGINT,
    disable_on BIGINT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (org_id, name),
    CHECK (disable_on IS NULL OR start_on IS NULL OR disable_on >= start_on)
);

CREATE TABLE wave_credentials (
    credential_id TEXT NOT NULL PRIMARY KEY REFERENCES credentials (id) ON DELETE CASCADE,
    org_id TEXT NOT NULL,
    wave TEXT NOT NULL,
    FOREIGN KEY (org_id, wave) REFERENCES waves (org_id, name) ON DELETE CASCADE
);
CREATE INDEX wave_credentials_by_wave ON wave_credentials (org_id, wave, credential_id);
