//! `admin policy`

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use countersign_model::DeprecationPolicy;
use countersign_model::deprecation::Preset;
use countersign_wire::time::TimestampError;
use countersign_wire::{OrgId, Timestamp};

use super::Answer;
use super::record::Record;
use super::session::Session;
use crate::outcome::Failure;

/// What to do with the deprecation policy.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show the dates of the installation and of organizations that have their own
    Show,
    /// Set the dates of the installation or of one organization
    Set(Dates),
    /// Take an organization's own dates away: those of the installation hold again
    Clear {
        /// The organization
        #[arg(long)]
        org: OrgId,
    },
}

/// New dates: a preset, then single ones. A date is `2026-03-01`, an instant, or `never`.
#[derive(Debug, clap::Args)]
pub struct Dates {
    /// The organization [default: the installation]
    #[arg(long)]
    org: Option<OrgId>,
    /// Ready-made dates
    #[arg(long, value_parser = PossibleValuesParser::new(Preset::ALL.map(Preset::as_str)).try_map(|word| Preset::parse(&word).ok_or("no such preset")))]
    preset: Option<Preset>,
    /// From here on JWT credentials carry a warning
    #[arg(long, value_name = "DATE")]
    deprecated_on: Option<Date>,
    /// From here on no JWT credential can be made
    #[arg(long, value_name = "DATE")]
    no_new_on: Option<Date>,
    /// From here on no certificate can be added
    #[arg(long, value_name = "DATE")]
    end_of_life_on: Option<Date>,
    /// From here on no assertion is exchanged
    #[arg(long, value_name = "DATE")]
    final_on: Option<Date>,
}

/// A date, or `never`.
#[derive(Clone, Copy, Debug)]
struct Date(Option<Timestamp>);

impl std::str::FromStr for Date {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        match text {
            "never" => Ok(Self(None)),
            date => date.parse().map(|date| Self(Some(date))),
        }
    }
}

pub(super) async fn run(verb: &Verb, session: &Session) -> Result<Answer, Failure> {
    let (authority, actor) = (&session.authority, &session.actor);
    match verb {
        Verb::Show => {}
        Verb::Set(dates) => {
            let policies = authority.show_policies(actor).await?;
            let before = dates
                .org
                .as_ref()
                .map_or_else(|| policies.installation(), |org| policies.of(org));
            authority
                .set_policy(dates.org.as_ref(), dates.over(before)?, actor)
                .await?;
        }
        Verb::Clear { org } => authority.remove_policy(org, actor).await?,
    }
    show(session).await
}

async fn show(session: &Session) -> Result<Answer, Failure> {
    let policies = session.authority.show_policies(&session.actor).await?;
    let mut own: Vec<_> = policies.organizations().collect();
    own.sort_by_key(|(org, _)| org.as_str());
    let mut rows = vec![shown("installation", &policies.installation())];
    rows.extend(
        own.into_iter()
            .map(|(org, policy)| shown(org.as_str(), policy)),
    );
    let columns = &[
        "of",
        "preset",
        "deprecated_on",
        "no_new_on",
        "end_of_life_on",
        "final_on",
    ];
    Ok(Answer::List(columns, rows))
}

impl Dates {
    /// The dates after the change; what is not named stays.
    fn over(&self, before: DeprecationPolicy) -> Result<DeprecationPolicy, Failure> {
        let single = [
            self.deprecated_on,
            self.no_new_on,
            self.end_of_life_on,
            self.final_on,
        ];
        if self.preset.is_none() && single.iter().all(Option::is_none) {
            return Err(Failure::broken("there is nothing to set")
                .hint("add `--preset NAME`, or single dates such as `--final-on 2026-03-01`"));
        }
        let base = self.preset.map_or(before, Preset::policy);
        let date = |new: Option<Date>, old| new.map_or(old, |date| date.0);
        Ok(DeprecationPolicy {
            deprecated_on: date(self.deprecated_on, base.deprecated_on),
            no_new_on: date(self.no_new_on, base.no_new_on),
            end_of_life_on: date(self.end_of_life_on, base.end_of_life_on),
            final_on: date(self.final_on, base.final_on),
        })
    }
}

fn shown(of: &str, policy: &DeprecationPolicy) -> Record {
    let preset = Preset::ALL
        .into_iter()
        .find(|preset| preset.policy() == *policy);
    Record::new()
        .text("of", of)
        .maybe("preset", preset.map(Preset::as_str))
        .maybe("deprecated_on", policy.deprecated_on)
        .maybe("no_new_on", policy.no_new_on)
        .maybe("end_of_life_on", policy.end_of_life_on)
        .maybe("final_on", policy.final_on)
}
