//! `countersign policy`

use clap::Subcommand;
use countersign_client::management::{Call, Verb as Http};
use serde_json::{Value, json};

use super::shown::Shown;
use super::{Noun, Session};
use crate::outcome::Failure;

/// What to do with the dates of the deprecation of Service Account (JWT).
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show the dates that hold for an organization
    Show(Of),
    /// Set dates; what is not named stays. For operators
    Set {
        #[command(flatten)]
        of: Of,
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
    },
    /// Take an organization's own dates away: those of the installation hold again. For operators
    Clear,
}

/// Whose dates.
#[derive(Debug, clap::Args)]
pub struct Of {
    /// Those of the whole installation, instead of an organization's. For operators
    #[arg(long)]
    installation: bool,
}

impl Noun for Verb {
    async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        match self {
            Self::Show(of) => {
                let call = of.call(Http::Get, session).await?;
                Ok(Shown::Item(FIRST, session.send(call).await?.body))
            }
            Self::Set {
                of,
                preset,
                deprecated_on,
                no_new_on,
                end_of_life_on,
                final_on,
            } => {
                let dates = [
                    ("deprecated_on", deprecated_on),
                    ("no_new_on", no_new_on),
                    ("end_of_life_on", end_of_life_on),
                    ("final_on", final_on),
                ];
                let change = change(preset.as_deref(), &dates)?;
                let call = of.call(Http::Patch, session).await?.body(change);
                Ok(Shown::Item(FIRST, session.send(call).await?.body))
            }
            Self::Clear => {
                let call = session.within(Http::Delete, &["policy"]).await?;
                session.send(call).await?;
                let call = session.within(Http::Get, &["policy"]).await?;
                Ok(Shown::Item(FIRST, session.send(call).await?.body))
            }
        }
    }
}

impl Of {
    async fn call(&self, verb: Http, session: &Session) -> Result<Call, Failure> {
        match self.installation {
            true => Ok(Call::new(verb, &["policy"])),
            false => session.within(verb, &["policy"]).await,
        }
    }
}

fn change(preset: Option<&str>, dates: &[(&str, &Option<String>)]) -> Result<Value, Failure> {
    let mut change = serde_json::Map::new();
    if let Some(preset) = preset {
        change.insert("preset".to_owned(), json!(preset));
    }
    for (name, date) in dates {
        match date.as_deref() {
            None => {}
            Some("never") => _ = change.insert((*name).to_owned(), Value::Null),
            Some(date) => _ = change.insert((*name).to_owned(), json!(date)),
        }
    }
    match change.is_empty() {
        true => Err(Failure::broken("there is nothing to set")
            .hint("add `--preset NAME`, or single dates such as `--final-on 2026-03-01`")),
        false => Ok(Value::Object(change)),
    }
}

const FIRST: &[&str] = &["deprecated_on", "no_new_on", "end_of_life_on", "final_on"];
