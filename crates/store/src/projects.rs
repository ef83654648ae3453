//! Projects.

use std::sync::LazyLock;

use countersign_model::{Project, ProjectKind, Workspace};
use countersign_wire::{CredentialId, OrgId, ProjectId, Timestamp};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::many::{filled, of_many};
use crate::page::Page;
use crate::row::{Row, disabled_at};

const TABLE: &str = "projects";

/// The project of that id.
///
/// # Errors
/// [`Error`].
pub async fn find(r: &mut impl Reads, id: &ProjectId) -> Result<Option<Project>, Error> {
    const FIND: &str = "
        SELECT id, org_id, name, title, description, kind, disabled_at, created_at, created_by,
            changed_at, changed_by, active_at, revision
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
        SELECT id, org_id, name, title, description, kind, disabled_at, created_at, created_by,
            changed_at, changed_by, active_at, revision
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
        SELECT id, org_id, name, title, description, kind, disabled_at, created_at, created_by,
            changed_at, changed_by, active_at, revision
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
            (id, org_id, name, title, description, kind, disabled_at, created_at, created_by,
            changed_at, changed_by, title_key, search_text, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    let insert = query(INSERT)
        .bind(project.id.as_str())
        .bind(project.org_id.as_str())
        .bind(&*project.name)
        .bind(&*project.title)
        .bind(&*project.description)
        .bind(project.kind.as_str())
        .bind(disabled_at(project.state))
        .bind(project.created_at.as_millis())
        .bind(&*project.created_by)
        .bind(project.changed_at.as_millis())
        .bind(&*project.changed_by)
        .bind(title_key(project))
        .bind(search_text(project))
        .bind(project.revision);
    w.session().execute(insert).await?;
    for workspace in workspaces {
        crate::workspaces::insert(w, workspace).await?;
    }
    Ok(())
}

/// Saves name, title, description, state and who changed them, and counts the revision up by one.
///
/// # Errors
/// [`Error::Conflict`] unless `project.revision` is the stored one; [`Error::Duplicate`] when the
/// organization has another project of that name.
pub async fn save(w: &mut Write, project: &Project) -> Result<(), Error> {
    const SAVE: &str = "
        UPDATE projects
        SET name = $3, title = $4, description = $5, disabled_at = $6, changed_at = $7,
            changed_by = $8, title_key = $9, search_text = $10, revision = revision + 1
        WHERE id = $1 AND revision = $2";
    let save = query(SAVE)
        .bind(project.id.as_str())
        .bind(project.revision)
        .bind(&*project.name)
        .bind(&*project.title)
        .bind(&*project.description)
        .bind(disabled_at(project.state))
        .bind(project.changed_at.as_millis())
        .bind(&*project.changed_by)
        .bind(title_key(project))
        .bind(search_text(project));
    w.session().change_one(save).await
}

/// Notes that something in a project was changed. Its revision stays: the project did.
///
/// # Errors
/// [`Error`].
pub async fn touch(w: &mut Write, id: &ProjectId, by: &str, at: Timestamp) -> Result<(), Error> {
    const TOUCH: &str = "
        UPDATE projects
        SET changed_at = $2, changed_by = $3
        WHERE id = $1";
    let touch = query(TOUCH)
        .bind(id.as_str())
        .bind(at.as_millis())
        .bind(by.to_owned());
    w.session().execute(touch).await.map(|_| ())
}

/// Notes the days on which projects were used last, by credentials in them. A project that was
/// used on that day already is not written.
///
/// # Errors
/// [`Error`].
pub async fn note_activity(w: &mut Write, days: &[(CredentialId, Timestamp)]) -> Result<(), Error> {
    static NOTE: LazyLock<String> = LazyLock::new(|| of_many(TEXT, 2));
    const TEXT: &str = "
        UPDATE projects
        SET active_at = used.column2
        FROM (VALUES $rows) AS used
        JOIN credentials c ON c.id = used.column1
        WHERE projects.id = c.project_id AND projects.active_at < used.column2";
    for rows in filled(days) {
        let note = rows.fold(query(NOTE.as_str()), |note, day| {
            note.bind(day.map_or("", |(credential, _)| credential.as_str()))
                .bind(day.map_or(0, |(_, at)| at.as_millis()))
        });
        w.session().execute(note).await?;
    }
    Ok(())
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
        created_by: row.text("created_by")?,
        changed_at: row.at("changed_at")?,
        changed_by: row.text("changed_by")?,
        active_at: Some(row.at("active_at")?).filter(|at| *at != Timestamp::default()),
        revision: row.number("revision")?,
    })
}

/// What titles are sorted by: the same on both engines, as far as case goes.
pub(crate) fn title_key(project: &Project) -> String {
    project.title.to_lowercase()
}

fn search_text(project: &Project) -> String {
    let Project {
        name,
        title,
        description,
        ..
    } = project;
    format!("{name} {title} {description}").to_lowercase()
}
