//! Workspaces of projects.

use std::sync::LazyLock;

use countersign_model::Workspace;
use countersign_wire::{OrgId, ProjectId, WorkspaceId};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::many::{filled, of_many};
use crate::row::Row;

const TABLE: &str = "workspaces";

/// A workspace, if it is the organization's.
///
/// # Errors
/// [`Error`].
pub async fn find(
    r: &mut impl Reads,
    org_id: &OrgId,
    id: &WorkspaceId,
) -> Result<Option<Workspace>, Error> {
    const FIND: &str = "
        SELECT w.id, w.project_id, w.name, w.title, w.description, w.created_at, w.created_by,
            w.changed_at, w.changed_by
        FROM workspaces w
        JOIN projects p ON p.id = w.project_id
        WHERE w.id = $1 AND p.org_id = $2";
    let found = query(FIND).bind(id.as_str()).bind(org_id.as_str());
    r.session().find(TABLE, found, read).await
}

/// The workspaces of a project by name.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads, id: &ProjectId) -> Result<Vec<Workspace>, Error> {
    const LIST: &str = "
        SELECT id, project_id, name, title, description, created_at, created_by, changed_at,
            changed_by
        FROM workspaces
        WHERE project_id = $1
        ORDER BY name";
    let listed = query(LIST).bind(id.as_str());
    r.session().list(TABLE, listed, read).await
}

/// The workspaces of these projects; by project and name within 32 of them.
///
/// # Errors
/// [`Error`].
pub async fn of_projects(
    r: &mut impl Reads,
    projects: &[ProjectId],
) -> Result<Vec<Workspace>, Error> {
    static LIST: LazyLock<String> = LazyLock::new(|| of_many(TEXT, 1));
    const TEXT: &str = "
        SELECT id, project_id, name, title, description, created_at, created_by, changed_at,
            changed_by
        FROM workspaces
        WHERE project_id IN (VALUES $rows)
        ORDER BY project_id, name";
    let mut found = Vec::new();
    for rows in filled(projects) {
        let listed = rows.fold(query(LIST.as_str()), |listed, id| {
            listed.bind(id.map_or("", |id| id.as_str()))
        });
        found.extend(r.session().list(TABLE, listed, read).await?);
    }
    Ok(found)
}

/// Adds a workspace.
///
/// # Errors
/// [`Error::Duplicate`] when the id exists, or the name in the project.
pub async fn insert(w: &mut Write, workspace: &Workspace) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO workspaces
            (id, project_id, name, title, description, created_at, created_by, changed_at,
            changed_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let insert = query(INSERT)
        .bind(workspace.id.as_str())
        .bind(workspace.project_id.as_str())
        .bind(&*workspace.name)
        .bind(&*workspace.title)
        .bind(&*workspace.description)
        .bind(workspace.created_at.as_millis())
        .bind(&*workspace.created_by)
        .bind(workspace.changed_at.as_millis())
        .bind(&*workspace.changed_by);
    w.session().execute(insert).await.map(|_| ())
}

/// Saves name, title, description and who changed them.
///
/// # Errors
/// [`Error::Duplicate`] when the project has another workspace of that name; [`Error::Conflict`]
/// when the workspace is gone.
pub async fn save(w: &mut Write, workspace: &Workspace) -> Result<(), Error> {
    const SAVE: &str = "
        UPDATE workspaces
        SET name = $2, title = $3, description = $4, changed_at = $5, changed_by = $6
        WHERE id = $1";
    let save = query(SAVE)
        .bind(workspace.id.as_str())
        .bind(&*workspace.name)
        .bind(&*workspace.title)
        .bind(&*workspace.description)
        .bind(workspace.changed_at.as_millis())
        .bind(&*workspace.changed_by);
    w.session().change_one(save).await
}

/// Removes a workspace that has no credential.
///
/// # Errors
/// [`Error::Conflict`] when it is gone; [`Error::Refused`] while it has a credential.
pub async fn delete(w: &mut Write, id: &WorkspaceId) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM workspaces WHERE id = $1";
    let delete = query(DELETE).bind(id.as_str());
    w.session().change_one(delete).await
}

fn read(row: &Row<'_>) -> Result<Workspace, Error> {
    Ok(Workspace {
        id: row.parsed("id")?,
        project_id: row.parsed("project_id")?,
        name: row.text("name")?,
        title: row.text("title")?,
        description: row.text("description")?,
        created_at: row.at("created_at")?,
        created_by: row.text("created_by")?,
        changed_at: row.at("changed_at")?,
        changed_by: row.text("changed_by")?,
    })
}
