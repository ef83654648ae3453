-- Which project and which credential an event is about, so that each has a log of its own, also when
-- it is gone. No part of what the chain covers: the events themselves are.
ALTER TABLE audit ADD COLUMN project_id TEXT;
ALTER TABLE audit ADD COLUMN credential_id TEXT;
UPDATE audit
SET project_id = subject
WHERE subject IN (SELECT id FROM projects);
UPDATE audit
SET credential_id = subject,
    project_id = (SELECT c.project_id FROM credentials c WHERE c.id = audit.subject)
WHERE subject IN (SELECT id FROM credentials);

CREATE INDEX audit_of_project ON audit (project_id, id);
