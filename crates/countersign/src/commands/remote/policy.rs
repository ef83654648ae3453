//! `countersign policy`

use clap::Subcommand;
use countersign_client::management::{Call, Verb as Http};
use countersign_wire::CredentialId;
use serde_json::{Value, json};

use super::shown::Shown;
use super::{Noun, Session};
use crate::outcome::Failure;

/// What to do with the dates of the deprecation of Service Account (JWT).
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show the dates that hold for an organization
    Show(Of),
    /// Say whom dates would hit, and change nothing: how many credentials, exchanges and calls a
    /// day; with `--json` also owners and credentials. For operators
    Preview {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        dates: Dates,
    },
    /// Set dates; what is not named stays. For operators
    Set {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        dates: Dates,
    },
    /// Take an organization's own dates away: those of the installation hold again. For operators
    Clear,
    /// Let a credential go on with its JWT half for longer than the last dates say. For operators
    Exempt {
        /// Id of the credential
        #[arg(value_name = "ID")]
        credential: CredentialId,
        /// From here on the dates hold for it, too: `2026-03-01` or an instant, within a year
        #[arg(long, value_name = "DATE")]
        until: String,
        /// For whoever asks later
        #[arg(long)]
        reason: String,
    },
    /// Take an exemption back: the dates hold at once
    EndExemption {
        /// Id of the credential
        #[arg(value_name = "ID")]
        credential: CredentialId,
    },
}

/// Whose dates.
#[derive(Debug, clap::Args)]
pub struct Of {
    /// Those of the whole installation, instead of an organization's. For operators
    #[arg(long)]
    installation: bool,
}

/// New dates.
#[derive(Debug, clap::Args)]
pub struct Dates {
    /// Ready-made dates: `open`, `notice-2023` or `as-it-went`
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// From here on JWT credentials carry a warning: `2026-03-01`, an instant, or `never`
    #[arg(long, value_name = "DATE")]
    deprecated_on: Option<String>,
    /// From here on no JWT credential can be made
    #[arg(long, value_name = "DATE")]
    no_new_on: Option<String>,
    /// From here on no certificate can be added
    #[arg(long, value_name = "DATE")]
    end_of_life_on: Option<String>,
    /// From here on no assertion is exchanged
    #[arg(long, value_name = "DATE")]
    final_on: Option<String>,
}

impl Noun for Verb {
    async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        match self {
            Self::Show(of) => {
                let call = of.call(Http::Get, &["policy"], session).await?;
                Ok(Shown::Item(FIRST, session.send(call).await?.body))
            }
            Self::Preview { of, dates } => {
                let call = of.call(Http::Post, &["policy", "preview"], session).await?;
                let mut preview = session.send(call.body(dates.change()?)).await?.body;
                let dates = match preview["dates"].take() {
                    Value::Array(dates) => dates,
                    _ => Vec::new(),
                };
                Ok(Shown::List(FORESEEN, dates))
            }
            Self::Set { of, dates } => {
                let call = of.call(Http::Patch, &["policy"], session).await?;
                let set = session.send(call.body(dates.change()?)).await?;
                Ok(Shown::Item(FIRST, set.body))
            }
            Self::Clear => {
                let call = session.within(Http::Delete, &["policy"]).await?;
                session.send(call).await?;
                let call = session.within(Http::Get, &["policy"]).await?;
                Ok(Shown::Item(FIRST, session.send(call).await?.body))
            }
            Self::Exempt {
                credential,
                until,
                reason,
            } => {
                let place = ["credentials", credential.as_str(), "exemption"];
                let call = session.within(Http::Put, &place).await?;
                let call = call.body(json!({"until": until, "reason": reason}));
                Ok(Shown::Item(EXEMPT, session.send(call).await?.body))
            }
            Self::EndExemption { credential } => {
                let place = ["credentials", credential.as_str(), "exemption"];
                let call = session.within(Http::Delete, &place).await?;
                Ok(Shown::Item(EXEMPT, session.send(call).await?.body))
            }
        }
    }
}

impl Of {
    async fn call(
        &self,
        verb: Http,
        segments: &[&str],
        session: &Session,
    ) -> Result<Call, Failure> {
        match self.installation {
            true => Ok(Call::new(verb, segments)),
            false => session.within(verb, segments).await,
        }
    }
}

impl Dates {
    fn change(&self) -> Result<Value, Failure> {
        let mut change = serde_json::Map::new();
        if let Some(preset) = &self.preset {
            change.insert("preset".to_owned(), json!(preset));
        }
        let dates = [
            ("deprecated_on", &self.deprecated_on),
            ("no_new_on", &self.no_new_on),
            ("end_of_life_on", &self.end_of_life_on),
            ("final_on", &self.final_on),
        ];
        for (name, date) in dates {
            match date.as_deref() {
                None => {}
                Some("never") => _ = change.insert(name.to_owned(), Value::Null),
                Some(date) => _ = change.insert(name.to_owned(), json!(date)),
            }
        }
        match change.is_empty() {
            true => Err(Failure::broken("there is nothing to set")
                .hint("add `--preset NAME`, or single dates such as `--final-on 2026-03-01`")),
            false => Ok(Value::Object(change)),
        }
    }
}

const FIRST: &[&str] = &["deprecated_on", "no_new_on", "end_of_life_on", "final_on"];
const EXEMPT: &[&str] = &["id", "client_id", "name", "exemption"];
const FORESEEN: &[&str] = &[
    "date",
    "at",
    "before",
    "credentials",
    "exempt",
    "exchanges_per_day",
    "calls_per_day",
];
