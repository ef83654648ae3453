//! Projects and their workspaces.

use countersign_model::project::{PRODUCTION, check_description, check_name, check_title};
use countersign_model::{Project, ProjectKind, State, Workspace};
use countersign_store::changes::Topic;
use countersign_store::{self as store, Page};
use countersign_wire::{OrgId, ProjectId, WorkspaceId};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::organizations::{random_number, switched};

/// A project to be made.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// Its owner.
    pub org_id: OrgId,
    /// 1 to 20 letters and digits, unique in the organization.
    pub name: String,
    /// Shown to people; the name, if empty.
    pub title: String,
    /// At most 1000 characters.
    pub description: String,
    /// How many workspaces it may have.
    pub kind: ProjectKind,
}

impl Authority {
    /// Makes a project with its workspace `Production`.
    ///
    /// # Errors
    /// [`ManageError::Taken`] for a name that the organization has already.
    pub async fn create_project(
        &self,
        new: NewProject,
        actor: &Actor,
    ) -> Result<(Project, Workspace), ManageError> {
        check_name(&new.name)?;
        check_description(&new.description)?;
        let title = if new.title.is_empty() {
            new.name.clone()
        } else {
            new.title
        };
        check_title(&title)?;
        let now = self.clock.now();
        let project = Project {
            id: ProjectId::from_number(random_number(18)?),
            org_id: new.org_id,
            name: new.name,
            title,
            description: new.description,
            kind: new.kind,
            state: State::Enabled,
            created_at: now,
            revision: 0,
        };
        let workspace = Workspace {
            id: WorkspaceId::from_number(random_number(18)?),
            project_id: project.id.clone(),
            name: PRODUCTION.to_owned(),
        };
        let org = &project.org_id;
        let detail = json!({"name": project.name, "title": project.title});
        let event = actor.event(
            now,
            Some(org),
            "project.created",
            project.id.as_str(),
            &detail,
        );
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::organizations::find(&mut write, org)
                .await?
                .ok_or(ManageError::NoOrganization)?;
            store::projects::insert(&mut write, &project, std::slice::from_ref(&workspace)).await?;
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        Ok((project, workspace))
    }

    /// The projects of an organization, by id.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_projects(
        &self,
        org: &OrgId,
        page: &Page,
        _actor: &Actor,
    ) -> Result<Vec<Project>, ManageError> {
        let mut read = self.store.read().await?;
        Ok(store::projects::list(&mut read, org, page).await?)
    }

    /// The project of that id or, in that organization, of that name.
    ///
    /// # Errors
    /// [`ManageError::NoProject`], also for a project of another organization.
    pub async fn find_project(
        &self,
        org: &OrgId,
        id_or_name: &str,
        _actor: &Actor,
    ) -> Result<Project, ManageError> {
        let mut read = self.store.read().await?;
        let by_name = store::projects::find_by_name(&mut read, org, id_or_name).await?;
        let found = match (by_name, ProjectId::parse(id_or_name)) {
            (Some(project), _) => Some(project),
            (None, Ok(id)) => store::projects::find(&mut read, &id).await?,
            (None, Err(_)) => None,
        };
        found
            .filter(|project| project.org_id == *org)
            .ok_or(ManageError::NoProject)
    }

    /// Switches a project, and everything in it, on or off.
    ///
    /// # Errors
    /// [`ManageError::NoProject`].
    pub async fn switch_project(
        &self,
        id: &ProjectId,
        enabled: bool,
        actor: &Actor,
    ) -> Result<Project, ManageError> {
        let now = self.clock.now();
        let topic = Topic::Project(id.clone());
        let changed = store::retry(|| async {
            let mut write = self.store.write().await?;
            let found = store::projects::find(&mut write, id).await?;
            let mut project = found.ok_or(ManageError::NoProject)?;
            project.state = switched(project.state, Some(enabled), now);
            store::projects::save(&mut write, &project).await?;
            let action = if enabled {
                "project.enabled"
            } else {
                "project.disabled"
            };
            let event = actor.event(now, Some(&project.org_id), action, id.as_str(), &json!({}));
            store::audit::append(&mut write, &event).await?;
            store::changes::append(&mut write, &topic, self.clock.now()).await?;
            write.commit().await?;
            Ok::<_, ManageError>(project)
        })
        .await?;
        self.apply(&topic).await;
        Ok(changed)
    }
}
