//! Projects as a list shows them: as rows of a page, and as lines of a file.

use countersign_authority::FoundProject;
use countersign_model::{Credential, DeprecationPolicy, Project};
use countersign_server::kit::csv;
use countersign_wire::Timestamp;

use super::deprecation::{self, Banner};
use super::place::{is_auto_generated, read_only};
use crate::Console;
use crate::error::PageError;
use crate::session::Member;
use crate::text::moment;

/// A project of the list.
pub(super) struct Row {
    pub(super) path: String,
    pub(super) title: String,
    pub(super) name: String,
    pub(super) labels: Vec<(&'static str, &'static str)>,
    pub(super) credentials: Vec<Kind>,
    pub(super) services: String,
    pub(super) changed: String,
    pub(super) changed_by: String,
    pub(super) active: String,
}

/// The kind of a credential, and how long it has where that is bounded.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) mark: Option<String>,
}

/// What rows are made with.
pub(super) struct Lister<'a> {
    console: &'a Console,
    member: &'a Member,
    policy: DeprecationPolicy,
    now: Timestamp,
}

impl<'a> Lister<'a> {
    /// For the member's organization as it is now.
    pub(super) async fn new(console: &'a Console, member: &'a Member) -> Result<Self, PageError> {
        let (org, actor) = (&member.organization.id, &member.actor);
        Ok(Self {
            policy: console.authority.show_policy(org, actor).await?,
            now: console.authority.clock().now(),
            console,
            member,
        })
    }

    /// What stands above a list, if one of its projects has a JWT credential.
    pub(super) fn banner<'f>(
        &self,
        mut found: impl Iterator<Item = &'f FoundProject>,
    ) -> Option<Banner> {
        let has_jwt = |one: &FoundProject| {
            let mut all = one.credentials.iter();
            all.any(|one| self.mark(one).is_some())
        };
        found
            .any(has_jwt)
            .then(|| deprecation::overview(&self.policy, self.now))
            .flatten()
    }

    fn mark(&self, credential: &Credential) -> Option<String> {
        deprecation::mark(credential, &self.policy, self.now)
    }

    /// A project as a row.
    pub(super) fn row(&self, found: &FoundProject) -> Row {
        let (project, credentials) = (&found.project, &found.credentials);
        let mut labels = Vec::new();
        if is_auto_generated(credentials) {
            labels.push(("Auto-generated", "informative"));
        }
        if read_only(self.member, credentials).is_some() {
            labels.push(("Read Only", "neutral"));
        }
        if !project.state.is_enabled() {
            labels.push(("Disabled", "negative"));
        }
        let catalogue = self.console.authority.catalogue();
        let codes = credentials.iter().flat_map(|one| &one.subscriptions);
        let names = codes.map(|one| {
            let service = catalogue.find(&one.service);
            service.map_or(one.service.as_str(), |service| service.name.as_str())
        });
        let kind = |one: &Credential| Kind {
            name: kind_name(one.grants),
            mark: self.mark(one),
        };
        Row {
            path: format!("{}/{}", self.member.projects_path(), project.id),
            title: project.title.clone(),
            name: project.name.clone(),
            credentials: credentials.iter().map(kind).collect(),
            services: names.collect::<Vec<_>>().join(", "),
            changed: moment(project.changed_at),
            changed_by: person(&project.changed_by).to_owned(),
            active: activity(project),
            labels,
        }
    }

    /// A project as a line of a file.
    pub(super) fn line(&self, found: &FoundProject) -> String {
        let project = &found.project;
        let shown = self.row(found);
        let ids = found.credentials.iter().map(|one| one.client_id.as_str());
        let kinds = shown.credentials.iter().map(|one| one.name);
        let marks = shown
            .credentials
            .iter()
            .filter_map(|one| one.mark.as_deref());
        csv::line([
            project.id.as_str(),
            &project.title,
            &project.name,
            &project.description,
            &kinds.collect::<Vec<_>>().join(", "),
            &marks.collect::<Vec<_>>().join(", "),
            &ids.collect::<Vec<_>>().join(", "),
            &shown.services,
            &project.created_at.to_string(),
            &project.created_by,
            &project.changed_at.to_string(),
            &project.changed_by,
            &shown.active,
        ])
    }
}

/// What stands above the lines of a file.
pub(super) const COLUMNS: [&str; 13] = [
    "Project ID",
    "Title",
    "Name",
    "Description",
    "Credentials",
    "Deprecation",
    "Client IDs",
    "Services",
    "Created",
    "Created by",
    "Last modified",
    "Last modified by",
    "Last service activity",
];

/// The kind of a credential as people read it.
pub(super) fn kind_name(grants: countersign_model::Grants) -> &'static str {
    match (grants.has_jwt_half(), grants.has_oauth_half()) {
        (true, true) => "Service Account (JWT), migrating to OAuth",
        (true, false) => "Service Account (JWT)",
        (false, _) => "OAuth Server-to-Server",
    }
}

/// Who did something, as people read it: the kind of actor only where it is no person.
pub(super) fn person(actor: &str) -> &str {
    match actor {
        "" => "not recorded",
        actor => actor.strip_prefix("person:").unwrap_or(actor),
    }
}

/// The day of the last service activity.
pub(super) fn activity(project: &Project) -> String {
    project
        .active_at
        .map_or_else(|| "none".to_owned(), Timestamp::date)
}
