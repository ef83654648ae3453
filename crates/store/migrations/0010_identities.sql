-- People who sign in at an OpenID provider.

-- Who a person is there: `issuer` and `subject` together, and never a mail address, which somebody
-- else may have next year. `shown` is for people to recognize it by. A person who has no password
-- has an empty one in `people`, which no text verifies against.
CREATE TABLE identities (
    id TEXT NOT NULL PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    shown TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    UNIQUE (issuer, subject)
);
CREATE INDEX identities_of_person ON identities (person_id, id);

-- Digests of what came back from a provider with an answer: each is taken once.
CREATE TABLE used_states (
    digest TEXT NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX used_states_by_end ON used_states (expires_at);
