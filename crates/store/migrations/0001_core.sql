-- One text for SQLite and PostgreSQL: TEXT and BIGINT only. Times are milliseconds since 1970.
-- `leases` is not here: it exists before the first migration, which runs under one of its rows.

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- The oldest release that can work with this schema, as the number of its last migration. A
-- migration that older releases cannot live with raises it.
INSERT INTO settings (name, value) VALUES ('schema.readable_since', '1');

-- Every id ever given out; rows stay when the thing goes, so that no id is given out twice
-- (spec/security.md ORG-05). One space may serve several kinds of id that must differ.
CREATE TABLE used_ids (
    space TEXT NOT NULL CHECK (space IN ('certificate', 'credential', 'identity', 'secret')),
    id TEXT NOT NULL,
    PRIMARY KEY (space, id)
);

CREATE TABLE organizations (
    id TEXT NOT NULL PRIMARY KEY,
    numeric_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    replay TEXT NOT NULL CHECK (replay IN ('allow', 'once_if_jti', 'require_jti')),
    secrets_in_query TEXT NOT NULL CHECK (secrets_in_query IN ('accept', 'refuse')),
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    revision BIGINT NOT NULL
);

CREATE TABLE projects (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('default', 'jaeger')),
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    UNIQUE (org_id, name)
);
CREATE INDEX projects_of_org ON projects (org_id, id);

CREATE TABLE workspaces (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    UNIQUE (project_id, name)
);

CREATE TABLE technical_accounts (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    created_at BIGINT NOT NULL
);

CREATE TABLE profiles (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX profiles_of_org ON profiles (org_id, id);

CREATE TABLE credentials (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL UNIQUE,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    technical_account_id TEXT NOT NULL REFERENCES technical_accounts (id),
    name TEXT NOT NULL,
    owner_team TEXT NOT NULL,
    owner_contact TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('console', 'auto_generated', 'aem_developer_console')),
    grants TEXT NOT NULL
        CHECK (grants IN ('oauth', 'jwt', 'jwt_paired', 'jwt_completed', 'jwt_cancelled')),
    migrated_at BIGINT,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    CHECK ((grants IN ('oauth', 'jwt')) = (migrated_at IS NULL))
);
CREATE INDEX credentials_of_org ON credentials (org_id, id);
CREATE INDEX credentials_of_project ON credentials (project_id, id);

CREATE TABLE secrets (
    id TEXT NOT NULL PRIMARY KEY,
    credential_id TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    pepper TEXT,
    digest TEXT NOT NULL,
    hint TEXT NOT NULL,
    strength TEXT NOT NULL CHECK (strength IN ('strong', 'weak')),
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX secrets_of_credential ON secrets (credential_id);

CREATE TABLE certificates (
    id TEXT NOT NULL PRIMARY KEY,
    credential_id TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    pem TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    key_digest TEXT NOT NULL,
    subject TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX certificates_of_credential ON certificates (credential_id);
CREATE INDEX certificates_of_key ON certificates (key_digest);

CREATE TABLE subscriptions (
    credential_id TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    service TEXT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (credential_id, service)
);

CREATE TABLE subscription_profiles (
    credential_id TEXT NOT NULL,
    service TEXT NOT NULL,
    profile_id TEXT NOT NULL REFERENCES profiles (id),
    position BIGINT NOT NULL,
    PRIMARY KEY (credential_id, service, profile_id),
    FOREIGN KEY (credential_id, service)
        REFERENCES subscriptions (credential_id, service) ON DELETE CASCADE
);

-- `active_marker` is unique and set on the active key only: two active keys cannot be stored.
CREATE TABLE signing_keys (
    id TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL UNIQUE,
    algorithm TEXT NOT NULL,
    sealed_private_key TEXT NOT NULL,
    certificate TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('next', 'active', 'retired', 'removed')),
    state_since BIGINT,
    active_marker TEXT UNIQUE CHECK (active_marker = 'active'),
    created_at BIGINT NOT NULL,
    CHECK ((state = 'next') = (state_since IS NULL)),
    CHECK ((state = 'active') = (active_marker IS NOT NULL))
);

-- `id` is the organization's id, or `*` for the whole installation.
CREATE TABLE policies (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT REFERENCES organizations (id),
    deprecated_on BIGINT,
    no_new_on BIGINT,
    end_of_life_on BIGINT,
    final_on BIGINT,
    CHECK ((id = '*') = (org_id IS NULL))
);

CREATE TABLE used_assertions (
    org_id TEXT NOT NULL,
    jti TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, jti)
);
CREATE INDEX used_assertions_by_end ON used_assertions (expires_at);

CREATE TABLE revocations (
    kind TEXT NOT NULL CHECK (kind IN ('token', 'secret', 'certificate', 'credential')),
    subject_id TEXT NOT NULL,
    revoked_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (kind, subject_id)
);
CREATE INDEX revocations_by_end ON revocations (expires_at);

-- `subject_id` is empty where the subject is the grant itself.
CREATE TABLE usage (
    credential_id TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    subject TEXT NOT NULL CHECK (subject IN ('grant', 'secret', 'certificate')),
    subject_id TEXT NOT NULL,
    grant_type TEXT NOT NULL CHECK (grant_type IN ('client_credentials', 'jwt_exchange')),
    first_used_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    PRIMARY KEY (credential_id, subject, subject_id, grant_type)
);

CREATE TABLE refusals (
    debug_id TEXT NOT NULL PRIMARY KEY,
    refused_at BIGINT NOT NULL,
    endpoint TEXT NOT NULL,
    status BIGINT NOT NULL,
    error TEXT NOT NULL,
    credential_id TEXT,
    client_id TEXT,
    cause TEXT NOT NULL,
    source TEXT NOT NULL
);
CREATE INDEX refusals_by_time ON refusals (refused_at, debug_id);

CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    happened_at BIGINT NOT NULL,
    org_id TEXT,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_of_org ON audit (org_id, id);

CREATE TABLE changes (
    id TEXT NOT NULL PRIMARY KEY,
    changed_at BIGINT NOT NULL,
    topic TEXT NOT NULL,
    subject_id TEXT NOT NULL
);
CREATE INDEX changes_by_time ON changes (changed_at, id);
