//! `admin config`

use clap::Subcommand;

use super::Answer;
use crate::config::Config;
use crate::outcome::Failure;

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Print what is in force, defaults included, without secrets
    Show,
}

pub(super) fn run(verb: &Verb, config: &Config, json: bool) -> Result<Answer, Failure> {
    let Verb::Show = verb;
    let shown = config.shown()?;
    let text = match json {
        true => serde_json::to_string_pretty(&shown).map_err(|error| error.to_string()),
        false => toml::to_string(&shown).map_err(|error| error.to_string()),
    };
    let text = text
        .map_err(|error| Failure::broken(format!("the configuration cannot be shown: {error}")))?;
    let from = config
        .file
        .as_ref()
        .filter(|_| !json)
        .map(|file| format!("# from {}\n", file.display()));
    Ok(Answer::Text(
        from.unwrap_or_default() + text.trim_end() + "\n",
    ))
}
