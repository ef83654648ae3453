//! `admin profiles`

use clap::Subcommand;
use countersign_model::ProductProfile;
use countersign_wire::{OrgId, ServiceCode};

use super::Answer;
use super::record::Record;
use super::session::Session;
use crate::outcome::Failure;

/// What to do with product profiles.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a product profile of a service
    Create {
        /// Code of the service; `admin services list` shows all
        #[arg(long, value_name = "CODE")]
        service: ServiceCode,
        /// Shown to people
        #[arg(long)]
        name: String,
        /// The organization [default: the only one]
        #[arg(long)]
        org: Option<OrgId>,
        /// Print a line for a shell
        #[arg(long)]
        env: bool,
    },
    /// List the product profiles of an organization
    List {
        /// The organization [default: the only one]
        #[arg(long)]
        org: Option<OrgId>,
    },
}

pub(super) async fn run(verb: &Verb, session: &Session) -> Result<Answer, Failure> {
    match verb {
        Verb::Create {
            service,
            name,
            org,
            env,
        } => {
            let org = session.organization(org.as_ref()).await?;
            let made = session
                .authority
                .create_profile(&org, service, name.clone(), &session.actor)
                .await?;
            Ok(Answer::item_or_env(
                shown(&made),
                *env,
                &[("PROFILE_ID", made.id.as_str())],
            ))
        }
        Verb::List { org } => {
            let org = session.organization(org.as_ref()).await?;
            let found = session
                .authority
                .list_profiles(&org, &session.actor)
                .await?;
            Ok(Answer::List(
                &["id", "service", "name"],
                found.iter().map(shown).collect(),
            ))
        }
    }
}

fn shown(profile: &ProductProfile) -> Record {
    Record::new()
        .text("id", &profile.id)
        .text("service", &profile.service)
        .text("name", &profile.name)
        .text("org_id", &profile.org_id)
        .text("created_at", profile.created_at)
}
