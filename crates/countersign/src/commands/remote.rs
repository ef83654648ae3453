//! Commands that work on a running server, near or far, by its management API: what a person may
//! do in the console, from a shell.

use std::path::PathBuf;

use countersign_client::management::{Call, Reply, Verb};
use countersign_client::{Http, HttpOptions, Management, Origin};
use countersign_wire::{OrgId, PersonalAccessToken};
use serde_json::Value;

use super::admin::files;
use super::wait_for;
use crate::outcome::{Exit, Failure};
use shown::Shown;

mod activity;
pub mod certificates;
pub mod credentials;
mod failure;
pub mod members;
pub mod migrate;
mod new_credential;
pub mod notices;
pub mod policy;
pub mod projects;
mod proofs;
pub mod secrets;
mod shown;

/// Where the server is, and who asks.
#[derive(Debug, clap::Args)]
pub struct Connection {
    /// Origin of the server, as in `https://ims.example.com` [default: variable COUNTERSIGN_SERVER]
    #[arg(
        long,
        value_name = "ORIGIN",
        global = true,
        help_heading = "Connection"
    )]
    server: Option<String>,
    /// File with the access token; `-` is stdin [default: variable COUNTERSIGN_ACCESS_TOKEN]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Connection")]
    access_token_file: Option<PathBuf>,
    /// The organization [default: variable COUNTERSIGN_ORG, or the only one the token sees]
    #[arg(long, value_name = "ID", global = true, help_heading = "Connection")]
    org: Option<OrgId>,
    /// PEM file of authorities to trust besides those of the operating system
    #[arg(long, value_name = "FILE", global = true, help_heading = "Connection")]
    ca_file: Option<PathBuf>,
    /// Let the server be plain http on another machine; the access token travels readable
    #[arg(long, global = true, help_heading = "Connection")]
    danger_plain_http: bool,
    /// Print JSON
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,
}

/// A noun's arguments: one of its verbs, and the connection.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args<V: clap::Subcommand> {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: V,
}

/// Does one thing at the server and prints its answer.
///
/// # Errors
/// Exit 1 with the server's sentence; exit 2 for what is broken.
pub fn run<V: clap::Subcommand + Noun>(args: &Args<V>) -> Result<Exit, Failure> {
    let session = Session::open(&args.connection)?;
    let shown = wait_for(args.verb.run(&session))??;
    shown.print(args.connection.json)?;
    Ok(shown.exit())
}

/// The verbs of something that the server has.
pub trait Noun {
    /// Does what was asked.
    fn run(&self, session: &Session) -> impl Future<Output = Result<Shown, Failure>>;
}

/// Somebody who is known to a server, for one command.
#[derive(Debug)]
pub struct Session {
    management: Management,
    org: Option<OrgId>,
    json: bool,
}

impl Session {
    fn open(connection: &Connection) -> Result<Self, Failure> {
        let mut options = HttpOptions::default();
        options.ca_file.clone_from(&connection.ca_file);
        let http = Http::new(connection.origin()?, &options)?;
        Ok(Self {
            management: Management::new(http, connection.token()?),
            org: connection.organization()?,
            json: connection.json,
        })
    }

    /// Sends a call.
    async fn send(&self, call: Call) -> Result<Reply, Failure> {
        self.management.send(&call).await.map_err(failure::of)
    }

    /// Everything that a list has.
    async fn list(&self, call: Call) -> Result<Vec<Value>, Failure> {
        let call = call.with("limit", Some(200));
        self.management.list(call).await.map_err(failure::of)
    }

    /// The organization that was named, or the only one that the token sees.
    async fn organization(&self) -> Result<String, Failure> {
        if let Some(org) = &self.org {
            return Ok(org.to_string());
        }
        let call = Call::new(Verb::Get, &["organizations"]).with("limit", Some(2));
        let found = self.send(call).await?.body;
        match found["items"].as_array().map(Vec::as_slice) {
            Some([only]) => Ok(text(only, "id")),
            Some([]) => Err(Failure::refused("this token sees no organization")),
            _ => Err(Failure::broken("there are several organizations")
                .hint("name one with `--org ID`, or set `COUNTERSIGN_ORG`")),
        }
    }

    /// Begins a call of something of the organization.
    async fn within(&self, verb: Verb, segments: &[&str]) -> Result<Call, Failure> {
        let org = self.organization().await?;
        let mut all = vec!["organizations", org.as_str()];
        all.extend(segments);
        Ok(Call::new(verb, &all))
    }

    /// Deletes a thing as it is now: if somebody else is faster, nothing is deleted.
    async fn delete(&self, segments: &[&str]) -> Result<(), Failure> {
        let seen = self.send(self.within(Verb::Get, segments).await?).await?;
        let call = self.within(Verb::Delete, segments).await?;
        self.send(call.made_from(seen.revision)).await.map(drop)
    }

    /// Changes a thing from what it is now: if somebody else is faster, nothing is overwritten.
    async fn change(&self, segments: &[&str], body: Value) -> Result<Value, Failure> {
        let seen = self.send(self.within(Verb::Get, segments).await?).await?;
        let call = self.within(Verb::Patch, segments).await?;
        let changed = self.send(call.body(body).made_from(seen.revision)).await?;
        Ok(changed.body)
    }
}

impl Connection {
    fn origin(&self) -> Result<Origin, Failure> {
        let named = self.server.clone().or_else(|| variable(SERVER));
        let text = named.ok_or_else(|| {
            Failure::broken("no server is named")
                .hint("write `--server https://ims.example.com`, or set `COUNTERSIGN_SERVER`")
        })?;
        let origin = match self.danger_plain_http {
            true => Origin::danger_parse_plaintext(&text),
            false => Origin::parse(&text),
        };
        origin.map_err(|error| Failure::broken(format!("the server's origin: {error}")))
    }

    /// From a file or the environment: arguments can be read by everybody on this machine.
    fn token(&self) -> Result<PersonalAccessToken, Failure> {
        let text = match &self.access_token_file {
            Some(file) => {
                let bytes = files::read(file)?;
                String::from_utf8_lossy(&bytes).trim().to_owned()
            }
            None => variable(TOKEN).ok_or_else(|| {
                Failure::broken("there is no access token")
                    .hint("set `COUNTERSIGN_ACCESS_TOKEN`, or name a file with `--access-token-file`")
                    .hint("people make one in the console, operators with `countersign admin access-tokens create`")
            })?,
        };
        PersonalAccessToken::parse(&text).ok_or_else(|| {
            Failure::broken("the access token is none: it is cut off, or mistyped")
                .hint("an access token begins with `cspat-` and has 42 characters")
        })
    }

    fn organization(&self) -> Result<Option<OrgId>, Failure> {
        let named = || variable(ORG).map(|text| OrgId::parse(&text)).transpose();
        match &self.org {
            Some(org) => Ok(Some(org.clone())),
            None => named().map_err(|error| Failure::broken(format!("`{ORG}`: {error}"))),
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// A text of an answer; empty where there is none.
fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// Members of a body, of those that were given.
fn body<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let given = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect())
}

const SERVER: &str = "COUNTERSIGN_SERVER";
const TOKEN: &str = "COUNTERSIGN_ACCESS_TOKEN";
const ORG: &str = "COUNTERSIGN_ORG";

const AFTER_HELP: &str = "\
Works on a running server, by its management API, with a personal access token: with the rights of \
whoever made it. The token comes from a file or the variable `COUNTERSIGN_ACCESS_TOKEN`, never from \
an argument.

Exit: 0 done, 1 refused (rights, limit, no such thing), 2 broken (network, file, usage).";
