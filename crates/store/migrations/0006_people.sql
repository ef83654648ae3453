-- People, what they may do, and what they show instead of a password.

-- One row per person for the whole installation. `sign_in_name` is in lower case. `totp` is sealed
-- with the master key; `totp_step` is the last time step whose code was used, so that a code is
-- used once.
CREATE TABLE people (
    id TEXT NOT NULL PRIMARY KEY,
    sign_in_name TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    installation TEXT NOT NULL CHECK (installation IN ('none', 'operator')),
    password TEXT NOT NULL,
    totp TEXT,
    totp_step BIGINT NOT NULL,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    revision BIGINT NOT NULL
);

CREATE TABLE memberships (
    org_id TEXT NOT NULL REFERENCES organizations (id),
    person_id TEXT NOT NULL REFERENCES people (id),
    role TEXT NOT NULL CHECK (role IN ('viewer', 'developer', 'system_administrator')),
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (org_id, person_id)
);
CREATE INDEX memberships_of_person ON memberships (person_id, org_id);

CREATE TABLE membership_profiles (
    org_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    profile_id TEXT NOT NULL REFERENCES profiles (id),
    position BIGINT NOT NULL,
    PRIMARY KEY (org_id, person_id, profile_id),
    FOREIGN KEY (org_id, person_id) REFERENCES memberships (org_id, person_id) ON DELETE CASCADE
);

-- What a link that is used once gives. Its code is stored as a digest. Without an organization it
-- makes an operator of the installation. `profiles` are ids with commas between them: they are
-- checked when the link is used.
CREATE TABLE invitations (
    id TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    org_id TEXT REFERENCES organizations (id),
    sign_in_name TEXT,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'developer', 'system_administrator')),
    profiles TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CHECK (org_id IS NULL OR sign_in_name IS NOT NULL)
);
CREATE INDEX invitations_of_org ON invitations (org_id, id);

-- `digest` is of what the browser shows; `id` names the session where its person sees it. In state
-- 'half' the password was right and the code of the second factor is still to come.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    person_id TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    org_id TEXT,
    state TEXT NOT NULL CHECK (state IN ('half', 'whole')),
    source TEXT NOT NULL,
    agent TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    confirmed_at BIGINT NOT NULL
);
CREATE INDEX sessions_of_person ON sessions (person_id, id);
CREATE INDEX sessions_by_age ON sessions (created_at);

-- A token of a member acts in one organization, with a role at most the member's own; one of the
-- operator has neither person nor organization.
CREATE TABLE access_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    hint TEXT NOT NULL,
    name TEXT NOT NULL,
    org_id TEXT,
    person_id TEXT,
    role TEXT CHECK (role IN ('viewer', 'developer', 'system_administrator')),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used_at BIGINT,
    FOREIGN KEY (org_id, person_id) REFERENCES memberships (org_id, person_id) ON DELETE CASCADE,
    CHECK ((org_id IS NULL) = (person_id IS NULL)),
    CHECK ((org_id IS NULL) = (role IS NULL))
);
CREATE INDEX access_tokens_of_member ON access_tokens (org_id, person_id, id);

-- Replies to creations that were asked for with an Idempotency-Key, without secrets. `owner` is
-- who asked; a row without a reply is work that was begun.
CREATE TABLE idempotency_keys (
    owner TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request TEXT NOT NULL,
    status BIGINT,
    headers TEXT,
    body TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (owner, idempotency_key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Where a change came from.
ALTER TABLE audit ADD COLUMN source TEXT;

-- The chain of the log: one per organization and one, `*`, for what concerns the installation.
-- Events are appended without it, so that no two writers wait for each other, and sealed in their
-- order by the node that does the background work: the digest covers the content and the digest of
-- the event before. `mac` is the head under a key that is not in the database.
ALTER TABLE audit ADD COLUMN chain TEXT;
ALTER TABLE audit ADD COLUMN sequence BIGINT;
ALTER TABLE audit ADD COLUMN digest TEXT;
CREATE UNIQUE INDEX audit_by_chain ON audit (chain, sequence);
CREATE INDEX audit_unsealed ON audit (id) WHERE sequence IS NULL;

CREATE TABLE audit_chains (
    chain TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    digest TEXT NOT NULL,
    mac TEXT NOT NULL
);
