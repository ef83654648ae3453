//! `admin organizations`

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use countersign_authority::{NewOrganization, OrganizationChange};
use countersign_model::{Organization, Quarantine, ReplayPolicy, SecretsInQuery};
use countersign_wire::{NumericOrgId, OrgId};

use super::Answer;
use super::record::Record;
use super::session::{Session, all};
use crate::outcome::Failure;

/// What to do with organizations.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make an organization
    Create {
        /// Shown to people
        #[arg(long)]
        name: String,
        /// Its id, if it has one already: `24HEX@AdobeOrg`
        #[arg(long)]
        id: Option<OrgId>,
        /// Its numeric id, if it has one already
        #[arg(long)]
        numeric_id: Option<NumericOrgId>,
        /// Print a line for a shell
        #[arg(long)]
        env: bool,
    },
    /// List organizations
    List,
    /// Change an organization's rules
    Set {
        /// Which one
        organization: OrgId,
        /// How often one assertion may be exchanged
        #[arg(long, value_parser = PossibleValuesParser::new(["allow", "once_if_jti", "require_jti"]).try_map(|word| ReplayPolicy::parse(&word).ok_or("no such word")))]
        replay: Option<ReplayPolicy>,
        /// Whether secrets may travel in the query
        #[arg(long, value_parser = PossibleValuesParser::new(["accept", "refuse"]).try_map(|word| SecretsInQuery::parse(&word).ok_or("no such word")))]
        secrets_in_query: Option<SecretsInQuery>,
        /// How long a disabled JWT half can be restored; 0 is as the installation says
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=i64::from(Quarantine::MOST_DAYS)))]
        quarantine_days: Option<u32>,
        /// Switch it on again
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Switch it off, with everything in it
        #[arg(long)]
        disable: bool,
    },
}

pub(super) async fn run(verb: &Verb, session: &Session) -> Result<Answer, Failure> {
    let (authority, actor) = (&session.authority, &session.actor);
    match verb {
        Verb::Create {
            name,
            id,
            numeric_id,
            env,
        } => {
            let new = NewOrganization {
                name: name.clone(),
                id: id.clone(),
                numeric_id: numeric_id.clone(),
            };
            let made = authority.create_organization(new, actor).await?;
            Ok(Answer::item_or_env(
                shown(&made),
                *env,
                &[("ORG_ID", made.id.as_str())],
            ))
        }
        Verb::List => {
            let found = all(
                async |page| authority.list_organizations(page, actor).await,
                |org| org.id.as_str(),
            )
            .await?;
            Ok(Answer::List(
                &["id", "numeric_id", "name", "enabled"],
                found.iter().map(shown).collect(),
            ))
        }
        Verb::Set {
            organization,
            replay,
            secrets_in_query,
            quarantine_days,
            enable,
            disable,
        } => {
            let enabled = (*enable || *disable).then_some(*enable);
            let change = OrganizationChange {
                replay: *replay,
                secrets_in_query: *secrets_in_query,
                quarantine: quarantine_days.map(Quarantine::of_days),
                enabled,
                ..OrganizationChange::default()
            };
            Ok(Answer::Item(shown(
                &authority
                    .change_organization(organization, change, actor)
                    .await?,
            )))
        }
    }
}

fn shown(org: &Organization) -> Record {
    Record::new()
        .text("id", &org.id)
        .text("numeric_id", &org.numeric_id)
        .text("name", &org.name)
        .flag("enabled", org.state.is_enabled())
        .text("replay", org.replay.as_str())
        .text("secrets_in_query", org.secrets_in_query.as_str())
        .maybe("quarantine_days", org.quarantine.map(Quarantine::days))
        .text("created_at", org.created_at)
}
