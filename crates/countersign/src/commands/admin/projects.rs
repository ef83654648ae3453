//! `admin projects`

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use countersign_authority::NewProject;
use countersign_model::{Project, ProjectKind};
use countersign_wire::OrgId;

use super::Answer;
use super::record::Record;
use super::session::{Session, all};
use crate::outcome::Failure;

/// What to do with projects.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a project with its workspace
    Create {
        /// 1 to 20 letters and digits, unique in the organization
        #[arg(long)]
        name: String,
        /// Shown to people [default: the name]
        #[arg(long, default_value = "", hide_default_value = true)]
        title: String,
        /// What it is for
        #[arg(long, default_value = "", hide_default_value = true)]
        description: String,
        /// `jaeger` is App Builder's, with several workspaces
        #[arg(long, default_value = "default", value_parser = PossibleValuesParser::new(["default", "jaeger"]).try_map(|word| ProjectKind::parse(&word).ok_or("no such word")))]
        kind: ProjectKind,
        /// The organization [default: the only one]
        #[arg(long)]
        org: Option<OrgId>,
        /// Print a line for a shell
        #[arg(long)]
        env: bool,
    },
    /// List the projects of an organization
    List {
        /// The organization [default: the only one]
        #[arg(long)]
        org: Option<OrgId>,
    },
    /// Switch a project on again
    Enable(Which),
    /// Switch a project off, with everything in it
    Disable(Which),
}

/// One project.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// Id or name
    project: String,
    /// The organization [default: the only one]
    #[arg(long)]
    org: Option<OrgId>,
}

pub(super) async fn run(verb: &Verb, session: &Session) -> Result<Answer, Failure> {
    let (authority, actor) = (&session.authority, &session.actor);
    match verb {
        Verb::Create {
            name,
            title,
            description,
            kind,
            org,
            env,
        } => {
            let new = NewProject {
                org_id: session.organization(org.as_ref()).await?,
                name: name.clone(),
                title: title.clone(),
                description: description.clone(),
                kind: *kind,
            };
            let (project, workspace) = authority.create_project(new, actor).await?;
            let record = shown(&project).text("workspace_id", &workspace.id);
            Ok(Answer::item_or_env(
                record,
                *env,
                &[("PROJECT_ID", project.id.as_str())],
            ))
        }
        Verb::List { org } => {
            let org = session.organization(org.as_ref()).await?;
            let found = all(
                async |page| authority.list_projects(&org, page, actor).await,
                |p| p.id.as_str(),
            )
            .await?;
            Ok(Answer::List(
                &["id", "name", "title", "enabled"],
                found.iter().map(shown).collect(),
            ))
        }
        Verb::Enable(which) => switch(which, true, session).await,
        Verb::Disable(which) => switch(which, false, session).await,
    }
}

async fn switch(which: &Which, enabled: bool, session: &Session) -> Result<Answer, Failure> {
    let org = session.organization(which.org.as_ref()).await?;
    let project = session
        .authority
        .find_project(&org, &which.project, &session.actor)
        .await?;
    let changed = session
        .authority
        .switch_project(&project.id, enabled, &session.actor)
        .await?;
    Ok(Answer::Item(shown(&changed)))
}

fn shown(project: &Project) -> Record {
    Record::new()
        .text("id", &project.id)
        .text("name", &project.name)
        .text("title", &project.title)
        .text("description", &project.description)
        .text("kind", project.kind.as_str())
        .text("org_id", &project.org_id)
        .flag("enabled", project.state.is_enabled())
        .text("created_at", project.created_at)
}
