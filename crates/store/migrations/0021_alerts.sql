-- Who else is told by mail when something in a project ends, and from when on nobody is. A project has
-- no row until somebody sets it. Addresses have blanks between them.
CREATE TABLE project_alerts (
    project_id TEXT NOT NULL PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    paused_at BIGINT,
    addresses TEXT NOT NULL,
    revision BIGINT NOT NULL
);
