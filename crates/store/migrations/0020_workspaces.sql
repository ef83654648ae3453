-- What a workspace is for, and who made and changed it.
ALTER TABLE workspaces ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE workspaces ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE workspaces ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE workspaces ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN changed_by TEXT NOT NULL DEFAULT '';
UPDATE workspaces
SET created_at = (SELECT p.created_at FROM projects p WHERE p.id = workspaces.project_id),
    created_by = (SELECT p.created_by FROM projects p WHERE p.id = workspaces.project_id),
    changed_at = (SELECT p.created_at FROM projects p WHERE p.id = workspaces.project_id),
    changed_by = (SELECT p.created_by FROM projects p WHERE p.id = workspaces.project_id);
