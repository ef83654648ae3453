-- Standard tokens (RFC 9068): a kind of token per credential, keys of several algorithms, clients
-- that authenticate with a key.

ALTER TABLE credentials ADD COLUMN token_kind TEXT NOT NULL DEFAULT 'ims'
    CHECK (token_kind IN ('ims', 'standard:RS256', 'standard:ES256', 'standard:EdDSA'));
-- A JWK set of public keys, as JSON.
ALTER TABLE credentials ADD COLUMN jwks TEXT;
-- Which kinds are in use is asked at every start; nearly all credentials have the first one.
CREATE INDEX credentials_by_token_kind ON credentials (token_kind) WHERE token_kind <> 'ims';

-- SQLite changes no constraints, so these tables are made anew.

-- `active_marker` is unique and set on active keys only: two active keys of one algorithm cannot
-- be stored. Only keys of IMS tokens have a certificate.
CREATE TABLE new_signing_keys (
    id TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL UNIQUE,
    algorithm TEXT NOT NULL CHECK (algorithm IN ('RS256', 'ES256', 'EdDSA')),
    sealed_private_key TEXT NOT NULL,
    certificate TEXT,
    state TEXT NOT NULL CHECK (state IN ('next', 'active', 'retired', 'removed')),
    state_since BIGINT,
    active_marker TEXT UNIQUE CHECK (active_marker = algorithm),
    created_at BIGINT NOT NULL,
    CHECK ((state = 'next') = (state_since IS NULL)),
    CHECK ((state = 'active') = (active_marker IS NOT NULL))
);
INSERT INTO new_signing_keys
    (id, sequence, algorithm, sealed_private_key, certificate, state, state_since, active_marker,
     created_at)
SELECT id, sequence, algorithm, sealed_private_key, certificate, state, state_since,
    CASE WHEN state = 'active' THEN algorithm END, created_at
FROM signing_keys;
DROP TABLE signing_keys;
ALTER TABLE new_signing_keys RENAME TO signing_keys;

CREATE TABLE new_revocations (
    kind TEXT NOT NULL CHECK (kind IN ('token', 'secret', 'certificate', 'key', 'credential')),
    subject_id TEXT NOT NULL,
    revoked_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (kind, subject_id)
);
INSERT INTO new_revocations (kind, subject_id, revoked_at, expires_at)
SELECT kind, subject_id, revoked_at, expires_at
FROM revocations;
DROP TABLE revocations;
ALTER TABLE new_revocations RENAME TO revocations;
CREATE INDEX revocations_by_end ON revocations (expires_at);

-- `subject_id` is empty where the subject is the grant itself.
CREATE TABLE new_usage (
    credential_id TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    subject TEXT NOT NULL CHECK (subject IN ('grant', 'secret', 'certificate', 'key')),
    subject_id TEXT NOT NULL,
    grant_type TEXT NOT NULL CHECK (grant_type IN ('client_credentials', 'jwt_exchange')),
    first_used_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    PRIMARY KEY (credential_id, subject, subject_id, grant_type)
);
INSERT INTO new_usage
    (credential_id, subject, subject_id, grant_type, first_used_at, last_used_at, uses)
SELECT credential_id, subject, subject_id, grant_type, first_used_at, last_used_at, uses
FROM usage;
DROP TABLE usage;
ALTER TABLE new_usage RENAME TO usage;

-- An older release would sign IMS tokens with whichever active key comes first.
UPDATE settings SET value = '2' WHERE name = 'schema.readable_since';
