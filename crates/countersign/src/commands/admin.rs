//! `countersign admin`: what the operator of an installation does, on its database.
//!
//! Opens the database itself, also while servers run on it: they follow within a second.

use clap::Subcommand;

use super::wait_for;
use crate::config::{Config, Overrides, Place};
use crate::outcome::{Exit, Failure};
use crate::output;
use record::Record;
use session::Session;

mod access_tokens;
mod audit;
mod certificates;
mod check;
mod config;
mod credentials;
mod explain;
mod failure;
pub(super) mod files;
mod keys;
mod members;
mod organizations;
mod policy;
mod profiles;
mod projects;
mod published_services;
mod record;
mod secrets;
mod services;
mod session;
pub mod shell;
mod tokens;

pub use members::invitation_link;

/// Arguments of `admin`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// Origin of the server as clients write it, where only its flags say so
    #[arg(long, value_name = "ORIGIN", global = true)]
    issuer: Option<String>,
    /// Print JSON
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,
    #[command(subcommand)]
    noun: Noun,
}

/// What to look at or change.
#[derive(Debug, Subcommand)]
enum Noun {
    #[command(flatten)]
    Stored(Stored),
    /// The catalogue: what credentials can subscribe to
    #[command(subcommand)]
    Services(services::Verb),
    /// The configuration
    #[command(subcommand)]
    Config(config::Verb),
    /// Read the whole database and say what is wrong with it
    Check,
}

/// What is in the database.
#[derive(Debug, Subcommand)]
enum Stored {
    /// Who owns projects, credentials and technical accounts
    #[command(subcommand, visible_alias = "org")]
    Organizations(organizations::Verb),
    /// People in organizations, and the links that invite them
    #[command(subcommand)]
    Members(members::Verb),
    /// Access tokens of the operator for the management API
    #[command(subcommand)]
    AccessTokens(access_tokens::Verb),
    /// Where credentials live
    #[command(subcommand)]
    Projects(projects::Verb),
    /// What an organization bought of a service
    #[command(subcommand)]
    Profiles(profiles::Verb),
    /// What clients get tokens with
    #[command(subcommand)]
    Credentials(credentials::Verb),
    /// Client secrets of a credential
    #[command(subcommand)]
    Secrets(secrets::Verb),
    /// Certificates of a Service Account (JWT) credential
    #[command(subcommand)]
    Certificates(certificates::Verb),
    /// The activity log, and whether it holds
    #[command(subcommand)]
    Audit(audit::Verb),
    /// Access tokens that were issued
    #[command(subcommand)]
    Tokens(tokens::Verb),
    /// The keys that sign tokens
    #[command(subcommand)]
    Keys(keys::Verb),
    /// What the gateway lets clients call
    #[command(subcommand)]
    PublishedServices(published_services::Verb),
    /// Until when Service Account (JWT) credentials may do what
    #[command(subcommand)]
    Policy(policy::Verb),
    /// Say why a request was refused
    Explain(explain::Args),
}

/// Does what was asked and prints the answer.
///
/// # Errors
/// Exit 1 with the sentence of whoever said no; exit 2 for what is broken.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let overrides = Overrides {
        listen: None,
        issuer: args.issuer.clone(),
    };
    let config = Config::load(&args.place, &overrides)?;
    let answer = match &args.noun {
        Noun::Stored(noun) => wait_for(ask(noun, &config, args.json))??,
        Noun::Services(verb) => services::run(verb, &config)?,
        Noun::Config(verb) => config::run(verb, &config, args.json)?,
        Noun::Check => return wait_for(check::run(&config, args.json))?,
    };
    answer.print(args.json)?;
    Ok(Exit::Done)
}

async fn ask(noun: &Stored, config: &Config, json: bool) -> Result<Answer, Failure> {
    let session = Session::open(config).await?;
    let answer = match noun {
        Stored::Organizations(verb) => organizations::run(verb, &session).await,
        Stored::Members(verb) => members::run(verb, &session).await,
        Stored::Audit(verb) => audit::run(verb, &session).await,
        Stored::AccessTokens(verb) => access_tokens::run(verb, &session).await,
        Stored::Projects(verb) => projects::run(verb, &session).await,
        Stored::Profiles(verb) => profiles::run(verb, &session).await,
        Stored::Credentials(verb) => credentials::run(verb, &session, json).await,
        Stored::Secrets(verb) => secrets::run(verb, &session).await,
        Stored::Certificates(verb) => certificates::run(verb, &session, json).await,
        Stored::Tokens(verb) => tokens::run(verb, &session).await,
        Stored::Keys(verb) => keys::run(verb, &session).await,
        Stored::PublishedServices(verb) => published_services::run(verb, &session).await,
        Stored::Policy(verb) => policy::run(verb, &session).await,
        Stored::Explain(args) => explain::run(args, &session).await,
    };
    session.store.close().await;
    answer
}

/// What a command answers.
enum Answer {
    /// One thing.
    Item(Record),
    /// Many, of which paper shows these columns.
    List(&'static [&'static str], Vec<Record>),
    /// Text in a form of its own, printed as it is.
    Text(String),
}

impl Answer {
    /// Lines for a shell instead of an item, if asked.
    fn item_or_env(item: Record, env: bool, pairs: &[(&str, &str)]) -> Self {
        if !env {
            return Self::Item(item);
        }
        Self::Text(
            pairs
                .iter()
                .map(|(name, value)| shell::assignment(name, value) + "\n")
                .collect(),
        )
    }

    fn print(&self, json: bool) -> Result<(), Failure> {
        match (self, json) {
            (Self::Item(record), true) => output::json(record),
            (Self::Item(record), false) => output::bytes(record.lines().as_bytes()),
            (Self::List(_, records), true) => output::json(records),
            (Self::List(columns, records), false) => {
                let row = |record: &Record| columns.iter().map(|name| record.cell(name)).collect();
                output::table(columns, &records.iter().map(row).collect::<Vec<_>>())
            }
            (Self::Text(text), _) => output::bytes(text.as_bytes()),
        }
    }
}

const AFTER_HELP: &str = "\
Works on the database itself, also while servers run on it: they follow within a second. The \
organization is named with `--org`, and may be left out where there is only one.

Exit: 0 done, 1 refused (limit, date, no such thing), 2 broken (database, file, usage).

Examples:
  countersign admin organizations create --name Example
  countersign admin projects create --name Demo
  countersign admin credentials create --type oauth-server-to-server --project Demo \\
      --name first --owner-team Example --owner-contact team@example.com \\
      --service DocCloudSDK --save credential.json
  countersign admin explain 880b11ec-a03e-45c8-b73f-704195ee7ddd";
