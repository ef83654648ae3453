//! Projects.

use std::collections::HashMap;

use countersign_model::project::{PRODUCTION, check_description, check_name, check_title};
use countersign_model::{AuditEvent, Credential, Project, ProjectKind, State, UseCase, Workspace};
use countersign_store::changes::Topic;
use countersign_store::project_pages::{NumberedFilter, NumberedPage};
use countersign_store::project_search::Search;
use countersign_store::{self as store, Page, Write};
use countersign_wire::{OrgId, ProjectId};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::organizations::{check_revision, random_number, switched};
use crate::revision::At;
use crate::workspaces::NewWorkspace;

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

/// What to change of a project; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default)]
pub struct ProjectChange {
    /// Shown to people.
    pub title: Option<String>,
    /// At most 1000 characters.
    pub description: Option<String>,
    /// Switches it, and everything in it, on or off.
    pub enabled: Option<bool>,
    /// The revision that the change was made from; whoever has none takes what is there.
    pub revision: Option<i64>,
}

/// A project of a list, and what is in it.
#[derive(Clone, Debug)]
pub struct FoundProject {
    /// The project.
    pub project: Project,
    /// Its credentials.
    pub credentials: Vec<Credential>,
}

/// A project of a list that is counted, and its workspaces.
#[derive(Clone, Debug)]
pub struct NumberedProject {
    /// The project.
    pub project: Project,
    /// By name.
    pub workspaces: Vec<Workspace>,
}

impl ProjectChange {
    fn check(&self) -> Result<(), ManageError> {
        self.title.as_deref().map_or(Ok(()), check_title)?;
        let description = self.description.as_deref();
        Ok(description.map_or(Ok(()), check_description)?)
    }

    fn action(&self) -> &'static str {
        match (self.enabled, &self.title, &self.description) {
            (Some(true), None, None) => "project.enabled",
            (Some(false), None, None) => "project.disabled",
            _ => "project.changed",
        }
    }
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
        let prepared = self.prepare_project(new, actor)?;
        store::retry(|| async {
            let mut write = self.store.write().await?;
            insert_project(&mut write, &prepared).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        Ok((prepared.project, prepared.workspace))
    }

    /// A project as it will be made.
    pub(crate) fn prepare_project(
        &self,
        new: NewProject,
        actor: &Actor,
    ) -> Result<PreparedProject, ManageError> {
        actor.check(
            UseCase::CreateProject,
            &new.org_id,
            ManageError::NoOrganization,
        )?;
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
            created_by: actor.name().to_owned(),
            changed_at: now,
            changed_by: actor.name().to_owned(),
            active_at: None,
            revision: 0,
        };
        let production = NewWorkspace {
            name: PRODUCTION.to_owned(),
            ..NewWorkspace::default()
        };
        let workspace = production.of(&project.id, actor, now)?;
        let detail = json!({"name": project.name, "title": project.title});
        let (org, id) = (Some(&project.org_id), project.id.as_str());
        let event = actor.event(now, org, "project.created", id, &detail);
        let event = event.in_project(&project.id);
        Ok(PreparedProject {
            project,
            workspace,
            event,
        })
    }

    /// The projects of an organization, by id.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_projects(
        &self,
        org: &OrgId,
        page: &Page,
        actor: &Actor,
    ) -> Result<Vec<Project>, ManageError> {
        actor.check(UseCase::ReadProjects, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        Ok(store::projects::list(&mut read, org, page).await?)
    }

    /// The projects of an organization that fit, with the credentials in them.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn search_projects(
        &self,
        org: &OrgId,
        search: &Search,
        page: &Page,
        actor: &Actor,
    ) -> Result<Vec<FoundProject>, ManageError> {
        actor.check(UseCase::ReadProjects, org, ManageError::NoOrganization)?;
        actor.check(UseCase::ReadCredentials, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        let projects = store::project_search::list(&mut read, org, search, page).await?;
        let ids: Vec<_> = projects.iter().map(|project| project.id.clone()).collect();
        let credentials = store::credentials::of_projects(&mut read, &ids).await?;
        let mut of_project: HashMap<ProjectId, Vec<Credential>> = HashMap::new();
        for credential in credentials {
            let id = credential.project_id.clone();
            of_project.entry(id).or_default().push(credential);
        }
        let found = projects.into_iter().map(|project| FoundProject {
            credentials: of_project.remove(&project.id).unwrap_or_default(),
            project,
        });
        Ok(found.collect())
    }

    /// Projects of an organization that fit, in an order, the page of that number, each with its
    /// workspaces; and how many there are that fit.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`].
    pub async fn number_projects(
        &self,
        org: &OrgId,
        filter: &NumberedFilter,
        page: &NumberedPage,
        actor: &Actor,
    ) -> Result<(Vec<NumberedProject>, u64), ManageError> {
        actor.check(UseCase::ReadProjects, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        let all = store::project_pages::count(&mut read, org, filter).await?;
        let projects = store::project_pages::list(&mut read, org, filter, page).await?;
        let ids: Vec<_> = projects.iter().map(|project| project.id.clone()).collect();
        let mut of_project: HashMap<ProjectId, Vec<Workspace>> = HashMap::new();
        for workspace in store::workspaces::of_projects(&mut read, &ids).await? {
            let id = workspace.project_id.clone();
            of_project.entry(id).or_default().push(workspace);
        }
        let found = projects.into_iter().map(|project| NumberedProject {
            workspaces: of_project.remove(&project.id).unwrap_or_default(),
            project,
        });
        Ok((found.collect(), all))
    }

    /// The credentials of several projects of an organization.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`].
    pub async fn list_credentials_of(
        &self,
        org: &OrgId,
        projects: &[ProjectId],
        actor: &Actor,
    ) -> Result<Vec<Credential>, ManageError> {
        actor.check(UseCase::ReadCredentials, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        let mut found = store::credentials::of_projects(&mut read, projects).await?;
        found.retain(|credential| credential.org_id == *org);
        Ok(found)
    }

    /// The project of that id, whatever organization it is in.
    ///
    /// # Errors
    /// [`ManageError::NoProject`], also for a project of another organization.
    pub async fn locate_project(
        &self,
        id: &ProjectId,
        actor: &Actor,
    ) -> Result<Project, ManageError> {
        let mut read = self.store.read().await?;
        let found = store::projects::find(&mut read, id).await?;
        let project = found.ok_or(ManageError::NoProject)?;
        let org = &project.org_id;
        actor.check(UseCase::ReadProjects, org, ManageError::NoProject)?;
        Ok(project)
    }

    /// The project of that id or, in that organization, of that name.
    ///
    /// # Errors
    /// [`ManageError::NoProject`], also for a project of another organization.
    pub async fn find_project(
        &self,
        org: &OrgId,
        id_or_name: &str,
        actor: &Actor,
    ) -> Result<Project, ManageError> {
        actor.check(UseCase::ReadProjects, org, ManageError::NoProject)?;
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
        let change = ProjectChange {
            enabled: Some(enabled),
            ..ProjectChange::default()
        };
        self.change_project(id, change, actor).await
    }

    /// Changes a project.
    ///
    /// # Errors
    /// [`ManageError::NoProject`]; [`ManageError::ReadOnly`] when a credential in it is not the
    /// actor's to change; [`ManageError::Stale`] unless `change.revision` is the stored one, where
    /// it is given.
    pub async fn change_project(
        &self,
        id: &ProjectId,
        change: ProjectChange,
        actor: &Actor,
    ) -> Result<Project, ManageError> {
        change.check()?;
        let now = self.clock.now();
        let topic = Topic::Project(id.clone());
        let changed = store::retry(|| async {
            let mut write = self.store.write().await?;
            let mut project = self
                .project_to_change(&mut write, id, UseCase::ChangeProject, actor)
                .await?;
            check_revision(change.revision, project.revision)?;
            let before = described(&project);
            project.title = change.title.clone().unwrap_or(project.title);
            project.description = change.description.clone().unwrap_or(project.description);
            project.state = switched(project.state, change.enabled, now);
            project.changed_at = now;
            actor.name().clone_into(&mut project.changed_by);
            store::projects::save(&mut write, &project).await?;
            project.revision += 1;
            let detail = json!({"before": before, "after": described(&project)});
            let org = Some(&project.org_id);
            let event = actor.event(now, org, change.action(), id.as_str(), &detail);
            let event = event.in_project(id);
            store::audit::append(&mut write, &event).await?;
            store::changes::append(&mut write, &topic, self.clock.now()).await?;
            write.commit().await?;
            Ok::<_, ManageError>(project)
        })
        .await?;
        self.apply(&topic).await;
        Ok(changed)
    }

    /// Deletes a project that holds nothing any more.
    ///
    /// # Errors
    /// [`ManageError::NoProject`]; [`ManageError::ProjectInUse`] while it has credentials.
    pub async fn delete_project(
        &self,
        of: impl Into<At<'_, ProjectId>>,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        let (of, now) = (of.into(), self.clock.now());
        let id = of.id();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let project = self
                .project_to_change(&mut write, id, UseCase::DeleteProject, actor)
                .await?;
            of.check(project.revision)?;
            let credentials = self.credentials_in(&mut write, &project).await?;
            if !credentials.is_empty() {
                return Err(ManageError::ProjectInUse(credentials.len()));
            }
            store::projects::delete(&mut write, &project).await?;
            let org = Some(&project.org_id);
            let detail = json!({"before": described(&project)});
            let event = actor.event(now, org, "project.deleted", id.as_str(), &detail);
            let event = event.in_project(id);
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok(())
        })
        .await
    }

    /// A project that the actor may change, with everything in it.
    pub(crate) async fn project_to_change(
        &self,
        write: &mut Write,
        id: &ProjectId,
        case: UseCase,
        actor: &Actor,
    ) -> Result<Project, ManageError> {
        let found = store::projects::find(write, id).await?;
        let project = found.ok_or(ManageError::NoProject)?;
        actor.check(case, &project.org_id, ManageError::NoProject)?;
        for credential in self.credentials_in(write, &project).await? {
            actor.may_change(case, &credential)?;
        }
        Ok(project)
    }

    pub(crate) async fn credentials_in(
        &self,
        write: &mut Write,
        project: &Project,
    ) -> Result<Vec<Credential>, ManageError> {
        let (org, page) = (&project.org_id, Page::first());
        Ok(store::credentials::list(write, org, Some(&project.id), &page).await?)
    }
}

/// A project that is not stored yet.
pub(crate) struct PreparedProject {
    pub(crate) project: Project,
    pub(crate) workspace: Workspace,
    event: AuditEvent,
}

/// Stores a project with its workspace and its event.
pub(crate) async fn insert_project(
    write: &mut Write,
    new: &PreparedProject,
) -> Result<(), ManageError> {
    let org = store::organizations::find(write, &new.project.org_id).await?;
    org.ok_or(ManageError::NoOrganization)?;
    let workspaces = std::slice::from_ref(&new.workspace);
    store::projects::insert(write, &new.project, workspaces).await?;
    Ok(store::audit::append(write, &new.event).await?)
}

fn described(project: &Project) -> serde_json::Value {
    json!({
        "name": project.name, "title": project.title, "description": project.description,
        "enabled": project.state.is_enabled(),
    })
}
