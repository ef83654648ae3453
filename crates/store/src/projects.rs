//! Projects and their workspaces.

use countersign_model::{Project, ProjectKind, Workspace};
use countersign_wire::{OrgId, ProjectId};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::page::Page;
use crate::row::{Row, disabled_at};

const TABLE: &str = "projects";

/// The project of that id.
///
/// # Errors
/// [`Error`].
pub async fn find(r: &mut impl Reads, id: &ProjectId) -> Result<Option<Project>, Error> {
    const FIND: &str = "
        SELECT id, org_id, name, title, description, kind, disabled_at, created_at, revision
        FROM projects
        WHERE id = $1";
    let found = query(FIND).bind(id.as_str());
    r.session().find(TABLE, found, read).await
}

/// The project of that name in an organization; case counts.
///
/// # Errors
/// [`Error`].
pub async fn find_by_name(
    r: &mut impl Reads,
    org_id: &OrgId,
    name: &str,
) -> Result<Option<Project>, Error> {
    const FIND: &str = "
        SELECT id, org_id, name, title, description, kind, disabled_at, created_at, revision
        FROM projects
        WHERE org_id = $1 AND name = $2";
    let found = query(FIND).bind(org_id.as_str()).bind(name);
    r.session().find(TABLE, found, read).await
}

/// Projects of an organization by id; the id is the key of the page.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads, org_id: &OrgId, page: &Page) -> Result<Vec<Project>, Error> {
    const LIST: &str = "
        SELECT id, org_id, name, title, description, kind, disabled_at, created_at, revision
        FROM projects
        WHERE org_id = $1 AND id > $2
        ORDER BY id
        LIMIT $3";
    let listed = query(LIST)
        .bind(org_id.as_str())
        .bind(page.start())
        .bind(page.size());
    r.session().list(TABLE, listed, read).await
}

/// The workspaces of a project by name.
///
/// # Errors
/// [`Error`].
pub async fn workspaces(r: &mut impl Reads, id: &ProjectId) -> Result<Vec<Workspace>, Error> {
    const LIST: &str = "
        SELECT id, project_id, name
        FROM workspaces
        WHERE project_id = $1
        ORDER BY name";
    let listed = query(LIST).bind(id.as_str());
    r.session()
        .list("workspaces", listed, |row| {
            Ok(Workspace {
                id: row.parsed("id")?,
                project_id: row.parsed("project_id")?,
                name: row.text("name")?,
            })
        })
        .await
}

/// Adds a project with its workspaces.
///
/// # Errors
/// [`Error::Duplicate`] when an id exists, or the name exists in the organization.
pub async fn insert(
    w: &mut Write,
    project: &Project,
    workspaces: &[Workspace],
) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO projects
            (id, org_id, name, title, description, kind, disabled_at, created_at, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    const INSERT_WORKSPACE: &str = "
        INSERT INTO workspaces (id, project_id, name)
        VALUES ($1, $2, $3)";
    let insert = query(INSERT)
        .bind(project.id.as_str())
        .bind(project.org_id.as_str())
        .bind(&*project.name)
        .bind(&*project.title)
        .bind(&*project.description)
        .bind(project.kind.as_str())
        .bind(disabled_at(project.state))
        .bind(project.created_at.as_millis())
        .bind(project.revision);
    w.session().execute(insert).await?;
    for workspace in workspaces {
        let insert = query(INSERT_WORKSPACE)
            .bind(workspace.id.as_str())
            .bind(workspace.project_id.as_str())
            .bind(&*workspace.name);
        w.session().execute(insert).await?;
    }
    Ok(())
}

/// Saves name, title, description and state, and counts the revision up by one.
///
/// # Errors
/// [`Error::Conflict`] unless `project.revision` is the stored one; [`Error::Duplicate`] when the
/// organization has another project of that name.
pub async fn save(w: &mut Write, project: &Project) -> Result<(), Error> {
    const SAVE: &str = "
        UPDATE projects
        SET name = $3, title = $4, description = $5, disabled_at = $6, revision = revision + 1
        WHERE id = $1 AND revision = $2";
    let save = query(SAVE)
        .bind(project.id.as_str())
        .bind(project.revision)
        .bind(&*project.name)
        .bind(&*project.title)
        .bind(&*project.description)
        .bind(disabled_at(project.state));
    w.session().change_one(save).await
}

/// Removes a project that has no credentials, with its workspaces.
///
/// # Errors
/// [`Error::Conflict`] unless `project.revision` is the stored one; [`Error::Refused`] while it
/// has credentials.
pub async fn delete(w: &mut Write, project: &Project) -> Result<(), Error> {
    const HOLD: &str = "
        UPDATE projects
        SET revision = revision + 1
        WHERE id = $1 AND revision = $2";
    const DELETE_WORKSPACES: &str = "DELETE FROM workspaces WHERE project_id = $1";
    const DELETE: &str = "DELETE FROM projects WHERE id = $1";
    let hold = query(HOLD).bind(project.id.as_str()).bind(project.revision);
    let session = w.session();
    session.change_one(hold).await?;
    for text in [DELETE_WORKSPACES, DELETE] {
        session
            .execute(query(text).bind(project.id.as_str()))
            .await?;
    }
    Ok(())
}

pub(crate) fn read(row: &Row<'_>) -> Result<Project, Error> {
    Ok(Project {
        id: row.parsed("id")?,
        org_id: row.parsed("org_id")?,
        name: row.text("name")?,
        title: row.text("title")?,
        description: row.text("description")?,
        kind: row.word("kind", ProjectKind::parse)?,
        state: row.state()?,
        created_at: row.at("created_at")?,
        revision: row.number("revision")?,
    })
}
