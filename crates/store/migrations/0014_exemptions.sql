-- Until when a credential is exempt from the last dates of the deprecation policy, who said so,
-- when, and why. All of them are there, or none.
ALTER TABLE credentials ADD COLUMN exempt_until BIGINT;
ALTER TABLE credentials ADD COLUMN exempt_reason TEXT;
ALTER TABLE credentials ADD COLUMN exempt_by TEXT;
ALTER TABLE credentials ADD COLUMN exempted_at BIGINT;
