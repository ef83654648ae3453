-- What people are told before something ends: an outbox. A notice is one thing told to one
-- recipient by one channel; a message carries all notices that came up for a recipient at once.

CREATE INDEX secrets_by_end ON secrets (expires_at, credential_id) WHERE expires_at IS NOT NULL;

-- `next_at` is from when on it may be tried; whoever tries it moves it ahead first, and counts
-- `attempts`, so that two nodes do not send it both.
CREATE TABLE messages (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    channel TEXT NOT NULL CHECK (channel IN ('mail', 'webhook')),
    recipient TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'failed')),
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    trouble TEXT,
    created_at BIGINT NOT NULL,
    sent_at BIGINT,
    CHECK ((state = 'sent') = (sent_at IS NOT NULL))
);
CREATE INDEX messages_pending ON messages (next_at, id) WHERE state = 'pending';
CREATE INDEX messages_failed ON messages (created_at) WHERE state = 'failed';
CREATE INDEX messages_by_age ON messages (created_at);

-- `notice_key` names a notice for ever: model/src/notice.rs. Notices outlive the credential that
-- they tell of, so they have what is shown of it.
CREATE TABLE notices (
    id TEXT NOT NULL PRIMARY KEY,
    notice_key TEXT NOT NULL,
    org_id TEXT NOT NULL REFERENCES organizations (id),
    kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    name TEXT NOT NULL,
    ends_at BIGINT NOT NULL,
    days_before BIGINT NOT NULL,
    credential_id TEXT,
    client_id TEXT,
    project_id TEXT,
    credential_name TEXT,
    channel TEXT NOT NULL CHECK (channel IN ('mail', 'webhook')),
    recipient TEXT NOT NULL,
    message_id TEXT REFERENCES messages (id),
    created_at BIGINT NOT NULL,
    UNIQUE (notice_key, channel, recipient)
);
CREATE INDEX notices_of_org ON notices (org_id, id);
CREATE INDEX notices_of_message ON notices (message_id, id);
CREATE INDEX notices_unbundled ON notices (org_id, channel, recipient) WHERE message_id IS NULL;
CREATE INDEX notices_by_age ON notices (created_at);

-- The address by which calendar programs read the dates of an organization: only its digest.
CREATE TABLE calendar_links (
    org_id TEXT NOT NULL PRIMARY KEY REFERENCES organizations (id),
    digest TEXT NOT NULL UNIQUE,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
