//! Workspaces of projects: places for one server-to-server credential each.

use countersign_model::project::{WorkspaceError, check_description, check_name, check_title};
use countersign_model::{Project, UseCase, Workspace};
use countersign_store::{self as store, Write};
use countersign_wire::{OrgId, ProjectId, Timestamp, WorkspaceId};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::organizations::random_number;
use crate::projects::{NewProject, insert_project};

/// A workspace to be made.
#[derive(Clone, Debug, Default)]
pub struct NewWorkspace {
    /// 1 to 20 letters and digits, unique in the project.
    pub name: String,
    /// Shown to people; may be empty.
    pub title: String,
    /// At most 1000 characters.
    pub description: String,
}

impl NewWorkspace {
    /// The workspace that it will be.
    pub(crate) fn of(
        self,
        project: &ProjectId,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Workspace, ManageError> {
        let workspace = Workspace {
            id: WorkspaceId::from_number(random_number(18)?),
            project_id: project.clone(),
            name: self.name,
            title: self.title,
            description: self.description,
            created_at: now,
            created_by: actor.name().to_owned(),
            changed_at: now,
            changed_by: actor.name().to_owned(),
        };
        check(&workspace)?;
        Ok(workspace)
    }
}

/// What to change of a workspace; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default)]
pub struct WorkspaceChange {
    /// 1 to 20 letters and digits, unique in the project.
    pub name: Option<String>,
    /// Shown to people.
    pub title: Option<String>,
    /// At most 1000 characters.
    pub description: Option<String>,
}

impl Authority {
    /// Makes a project with workspaces besides `Production`, all of it or nothing. `Production` may
    /// be among them, to say what it is for.
    ///
    /// # Errors
    /// As [`create_project`](Self::create_project) and
    /// [`create_workspace`](Self::create_workspace).
    pub async fn create_project_with_workspaces(
        &self,
        new: NewProject,
        workspaces: Vec<NewWorkspace>,
        actor: &Actor,
    ) -> Result<(Project, Vec<Workspace>), ManageError> {
        let mut prepared = self.prepare_project(new, actor)?;
        let (kind, id, now) = (
            prepared.project.kind,
            prepared.project.id.clone(),
            prepared.project.created_at,
        );
        let mut others = Vec::new();
        for new in workspaces {
            let workspace = new.of(&id, actor, now)?;
            match workspace.is_production() {
                true => prepared.workspace = workspace,
                false => {
                    kind.may_add_workspace(others.len() + 1)?;
                    others.push(workspace);
                }
            }
        }
        store::retry(|| async {
            let mut write = self.store.write().await?;
            insert_project(&mut write, &prepared).await?;
            for workspace in &others {
                store::workspaces::insert(&mut write, workspace).await?;
                let project = &prepared.project;
                note(
                    &mut write,
                    project,
                    workspace,
                    "workspace.created",
                    actor,
                    now,
                )
                .await?;
            }
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        others.insert(0, prepared.workspace);
        Ok((prepared.project, others))
    }

    /// A workspace of an organization.
    ///
    /// # Errors
    /// [`ManageError::NoWorkspace`], also for one of another organization.
    pub async fn find_workspace(
        &self,
        org: &OrgId,
        id: &WorkspaceId,
        actor: &Actor,
    ) -> Result<Workspace, ManageError> {
        actor.check(UseCase::ReadProjects, org, ManageError::NoWorkspace)?;
        let mut read = self.store.read().await?;
        let found = store::workspaces::find(&mut read, org, id).await?;
        found.ok_or(ManageError::NoWorkspace)
    }

    /// The workspaces of a project, by name.
    ///
    /// # Errors
    /// [`ManageError::NoProject`], also for a project of another organization.
    pub async fn list_workspaces(
        &self,
        id: &ProjectId,
        actor: &Actor,
    ) -> Result<Vec<Workspace>, ManageError> {
        let project = self.locate_project(id, actor).await?;
        let mut read = self.store.read().await?;
        Ok(store::workspaces::list(&mut read, &project.id).await?)
    }

    /// Makes a workspace in a project that can have several.
    ///
    /// # Errors
    /// [`ManageError::Workspace`] for one too many; [`ManageError::Taken`] for a name that the
    /// project has already.
    pub async fn create_workspace(
        &self,
        project: &ProjectId,
        new: NewWorkspace,
        actor: &Actor,
    ) -> Result<Workspace, ManageError> {
        let now = self.clock.now();
        let workspace = new.of(project, actor, now)?;
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let found = self
                .workspaces_to_change(&mut write, project, actor, now)
                .await?;
            found.project.kind.may_add_workspace(found.all.len())?;
            store::workspaces::insert(&mut write, &workspace).await?;
            let action = "workspace.created";
            note(&mut write, &found.project, &workspace, action, actor, now).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        Ok(workspace)
    }

    /// Changes what people read of a workspace.
    ///
    /// # Errors
    /// [`ManageError::NoWorkspace`]; [`ManageError::Workspace`] for another name of `Production`.
    pub async fn change_workspace(
        &self,
        project: &ProjectId,
        id: &WorkspaceId,
        change: &WorkspaceChange,
        actor: &Actor,
    ) -> Result<Workspace, ManageError> {
        let now = self.clock.now();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let found = self
                .workspaces_to_change(&mut write, project, actor, now)
                .await?;
            let before = found.workspace(id)?;
            let mut after = before.clone();
            let take = |from: &Option<String>, into: &mut String| {
                from.iter().for_each(|text| into.clone_from(text));
            };
            take(&change.name, &mut after.name);
            take(&change.title, &mut after.title);
            take(&change.description, &mut after.description);
            check(&after)?;
            if before.is_production() && !after.is_production() {
                return Err(WorkspaceError::Production.into());
            }
            after.changed_at = now;
            actor.name().clone_into(&mut after.changed_by);
            store::workspaces::save(&mut write, &after).await?;
            note(
                &mut write,
                &found.project,
                &after,
                "workspace.changed",
                actor,
                now,
            )
            .await?;
            write.commit().await?;
            Ok::<_, ManageError>(after)
        })
        .await
    }

    /// Deletes a workspace that holds nothing any more.
    ///
    /// # Errors
    /// [`ManageError::NoWorkspace`]; [`ManageError::Workspace`] for `Production`, and while it has
    /// a credential.
    pub async fn delete_workspace(
        &self,
        project: &ProjectId,
        id: &WorkspaceId,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        let now = self.clock.now();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let found = self
                .workspaces_to_change(&mut write, project, actor, now)
                .await?;
            let workspace = found.workspace(id)?;
            if workspace.is_production() {
                return Err(WorkspaceError::Production.into());
            }
            let credentials = self.credentials_in(&mut write, &found.project).await?;
            if credentials.iter().any(|one| one.workspace_id == *id) {
                return Err(WorkspaceError::InUse.into());
            }
            store::workspaces::delete(&mut write, id).await?;
            note(
                &mut write,
                &found.project,
                workspace,
                "workspace.deleted",
                actor,
                now,
            )
            .await?;
            write.commit().await?;
            Ok(())
        })
        .await
    }

    /// The workspaces of a project that the actor may change. Every change of what is in a project
    /// touches its row: of two at the same time one waits or begins again, and sees what the other
    /// did.
    async fn workspaces_to_change(
        &self,
        write: &mut Write,
        project: &ProjectId,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Found, ManageError> {
        let case = UseCase::ChangeProject;
        let found = self.project_to_change(write, project, case, actor).await?;
        store::projects::touch(write, project, actor.name(), now).await?;
        Ok(Found {
            all: store::workspaces::list(write, project).await?,
            project: found,
        })
    }
}

/// A project with its workspaces, as a transaction sees them.
struct Found {
    project: Project,
    all: Vec<Workspace>,
}

impl Found {
    fn workspace(&self, id: &WorkspaceId) -> Result<&Workspace, ManageError> {
        let found = self.all.iter().find(|one| one.id == *id);
        found.ok_or(ManageError::NoWorkspace)
    }
}

fn check(workspace: &Workspace) -> Result<(), ManageError> {
    check_name(&workspace.name)?;
    if !workspace.title.is_empty() {
        check_title(&workspace.title)?;
    }
    Ok(check_description(&workspace.description)?)
}

async fn note(
    write: &mut Write,
    project: &Project,
    workspace: &Workspace,
    action: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), ManageError> {
    let detail = json!({
        "name": workspace.name, "title": workspace.title, "description": workspace.description,
    });
    let (org, id) = (Some(&project.org_id), workspace.id.as_str());
    let event = actor.event(now, org, action, id, &detail);
    Ok(store::audit::append(write, &event.in_project(&project.id)).await?)
}
