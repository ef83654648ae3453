//! `admin published-services`: what the gateway lets clients call.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use countersign_authority::{ListedService, ManageError};
use countersign_model::PublishedService;
use countersign_wire::PublishedName;

use super::Answer;
use super::files;
use super::record::Record;
use super::session::Session;
use crate::outcome::Failure;

/// What to do with published services.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Publish a service
    Create {
        /// Its description in TOML or JSON, with the keys of `[[gateway.services]]`; `-` is stdin
        file: PathBuf,
    },
    /// List the services of the configuration file and of the database
    List,
    /// Print the description of a service, defaults included
    Show {
        /// Its name
        name: PublishedName,
    },
    /// Take a service of the database back: calls of it are refused within a second
    Delete {
        /// Its name
        name: PublishedName,
    },
}

pub(super) async fn run(verb: &Verb, session: &Session) -> Result<Answer, Failure> {
    let (authority, actor) = (&session.authority, &session.actor);
    match verb {
        Verb::Create { file } => {
            let service = read(file)?;
            let name = service.name.clone();
            authority.publish_service(service, actor).await?;
            find(session, &name)
                .await
                .map(|found| Answer::Item(shown(&found)))
        }
        Verb::List => {
            let listed = authority.list_published_services(actor).await?;
            let columns = &[
                "name",
                "service",
                "hosts",
                "prefix",
                "upstreams",
                "source",
                "problem",
            ];
            Ok(Answer::List(columns, listed.iter().map(shown).collect()))
        }
        Verb::Show { name } => match find(session, name).await?.description {
            Ok(service) => Ok(Answer::Text(service.to_json() + "\n")),
            Err(problem) => Err(
                Failure::broken(format!("`{name}` is not published: {problem}"))
                    .hint("delete it, then create it anew"),
            ),
        },
        Verb::Delete { name } => {
            authority.unpublish_service(name, None, actor).await?;
            Ok(Answer::Item(Record::new().text("deleted", name)))
        }
    }
}

async fn find(session: &Session, name: &PublishedName) -> Result<ListedService, Failure> {
    let listed = session
        .authority
        .list_published_services(&session.actor)
        .await?;
    let found = listed.into_iter().find(|service| service.name == *name);
    Ok(found.ok_or(ManageError::NoPublishedService)?)
}

fn read(file: &Path) -> Result<PublishedService, Failure> {
    let bytes = files::read(file)?;
    let unusable = |why: String| Failure::broken(format!("`{}`: {why}", file.display()));
    let text = std::str::from_utf8(&bytes).map_err(|error| unusable(error.to_string()))?;
    if text.trim_start().starts_with('{') {
        PublishedService::from_json(text).map_err(|error| unusable(error.to_string()))
    } else {
        PublishedService::from_toml(text).map_err(|error| unusable(error.to_string()))
    }
}

fn shown(listed: &ListedService) -> Record {
    let source = if listed.is_configured {
        "configuration"
    } else {
        "database"
    };
    let record = Record::new()
        .text("name", &listed.name)
        .text("source", source);
    match &listed.description {
        Ok(service) => record
            .text("service", &service.service)
            .list("hosts", &service.hosts)
            .text("prefix", &service.prefix)
            .list("upstreams", &service.upstreams)
            .maybe("problem", None::<&str>),
        Err(problem) => record.text("problem", problem),
    }
}
