//! `countersign projects`

use clap::Subcommand;
use countersign_client::management::Verb as Http;
use serde_json::{Value, json};

use super::shown::Shown;
use super::{Noun, Session, activity, body, text};
use crate::outcome::Failure;

/// What to do with projects.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the projects of an organization
    List(Search),
    /// Show a project
    Show(Which),
    /// Make a project with its workspace
    Create {
        /// 1 to 20 letters and digits, unique in the organization
        name: String,
        /// Shown to people [default: the name]
        #[arg(long)]
        title: Option<String>,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
        /// `default`, or `jaeger`: App Builder's, with several workspaces
        #[arg(long)]
        kind: Option<String>,
    },
    /// Change what people read of a project
    Change {
        #[command(flatten)]
        which: Which,
        /// Shown to people
        #[arg(long)]
        title: Option<String>,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// Switch a project on again
    Enable(Which),
    /// Switch a project off, with everything in it
    Disable(Which),
    /// Delete a project that has no credentials any more
    Delete(Which),
    /// Print the project as Adobe's own tools read it, without secrets
    Download(Which),
    /// Say what happened in a project, the newest first
    Activity {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        events: activity::Events,
    },
}

/// Which projects.
#[derive(Debug, clap::Args)]
pub struct Search {
    /// Part of the name, title or description; or an id of the project or of what is in it
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Part of the name of whoever made it
    #[arg(long, value_name = "TEXT")]
    created_by: Option<String>,
    /// Part of the name of whoever changed it last
    #[arg(long, value_name = "TEXT")]
    changed_by: Option<String>,
    /// Only those with a credential that uses this service
    #[arg(long, value_name = "CODE")]
    service: Option<String>,
    /// Only those with a Service Account (JWT) credential
    #[arg(long)]
    has_jwt_credential: bool,
    /// Only those with a certificate that expires within so many days, or did
    #[arg(long, value_name = "DAYS")]
    certificates_expire_within_days: Option<u32>,
    /// `changed_at`, `created_at`, `active_at` or `title`; with `-` before it, the other way round
    #[arg(long, value_name = "MEMBER", allow_hyphen_values = true)]
    sort: Option<String>,
}

/// One project.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// Id or name
    project: String,
}

impl Noun for Verb {
    async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        match self {
            Self::List(search) => search.run(session).await,
            Self::Show(which) => {
                let id = find(session, &which.project).await?;
                let call = session.within(Http::Get, &["projects", &id]).await?;
                Ok(Shown::Item(FIRST, session.send(call).await?.body))
            }
            Self::Create {
                name,
                title,
                description,
                kind,
            } => {
                let new = body([
                    ("name", Some(json!(name))),
                    ("title", title.as_ref().map(|text| json!(text))),
                    ("description", description.as_ref().map(|text| json!(text))),
                    ("kind", kind.as_ref().map(|text| json!(text))),
                ]);
                let call = session.within(Http::Post, &["projects"]).await?;
                Ok(Shown::Item(FIRST, session.send(call.body(new)).await?.body))
            }
            Self::Change {
                which,
                title,
                description,
            } => {
                let change = body([
                    ("title", title.as_ref().map(|text| json!(text))),
                    ("description", description.as_ref().map(|text| json!(text))),
                ]);
                which.change(session, change).await
            }
            Self::Enable(which) => which.change(session, json!({"enabled": true})).await,
            Self::Disable(which) => which.change(session, json!({"enabled": false})).await,
            Self::Delete(which) => {
                let id = find(session, &which.project).await?;
                session.delete(&["projects", &id]).await?;
                Ok(Shown::Item(FIRST, json!({"deleted": id})))
            }
            Self::Download(which) => {
                let id = find(session, &which.project).await?;
                let at = ["projects", &id, "download"];
                let call = session.within(Http::Get, &at).await?;
                Ok(Shown::Document(session.send(call).await?.body))
            }
            Self::Activity { which, events } => {
                let id = find(session, &which.project).await?;
                events.of(session, "project", &id).await
            }
        }
    }
}

impl Search {
    async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        let jwt = self.has_jwt_credential.then_some(true);
        let call = session.within(Http::Get, &["projects"]).await?;
        let call = call
            .with("search", self.search.as_ref())
            .with("created_by", self.created_by.as_ref())
            .with("changed_by", self.changed_by.as_ref())
            .with("service", self.service.as_ref())
            .with("has_jwt_credential", jwt)
            .with(
                "certificates_expire_within_days",
                self.certificates_expire_within_days,
            )
            .with("sort", self.sort.as_ref());
        Ok(Shown::List(COLUMNS, session.list(call).await?))
    }
}

impl Which {
    async fn change(&self, session: &Session, change: Value) -> Result<Shown, Failure> {
        let id = find(session, &self.project).await?;
        let changed = session.change(&["projects", &id], change).await?;
        Ok(Shown::Item(FIRST, changed))
    }
}

/// The id of a project that is named by id or name.
pub(super) async fn find(session: &Session, project: &str) -> Result<String, Failure> {
    let call = session.within(Http::Get, &["projects"]).await?;
    let found = session.list(call.with("search", Some(project))).await?;
    let is_meant = |one: &&Value| one["name"] == *project || one["id"] == *project;
    let meant = found.iter().find(is_meant);
    let meant = meant.ok_or_else(|| {
        Failure::refused("there is no such project").hint("`countersign projects list` shows all")
    })?;
    Ok(text(meant, "id"))
}

const COLUMNS: &[&str] = &["id", "name", "title", "enabled", "created_at"];
const FIRST: &[&str] = &["id", "name", "title", "description", "kind", "enabled"];
