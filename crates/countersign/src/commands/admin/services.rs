//! `admin services`: the catalogue, which is a file and not in the database.

use clap::Subcommand;
use countersign_authority::ManageError;
use countersign_model::{Catalogue, Service};
use countersign_wire::ServiceCode;

use super::Answer;
use super::record::Record;
use crate::config::Config;
use crate::outcome::Failure;

/// What to do with services.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the services of the catalogue
    List,
    /// Show one service with its scopes and metascopes
    Show {
        /// Its code
        code: ServiceCode,
    },
    /// Print the built-in catalogue, to edit and to name as `catalogue` in the configuration
    Export,
}

pub(super) fn run(verb: &Verb, config: &Config) -> Result<Answer, Failure> {
    match verb {
        Verb::List => Ok(Answer::List(
            &["code", "name", "metascopes"],
            config.catalogue.iter().map(shown).collect(),
        )),
        Verb::Show { code } => {
            let service = config
                .catalogue
                .find(code)
                .ok_or_else(|| ManageError::NoService(code.clone()))?;
            Ok(Answer::Item(shown(service)))
        }
        Verb::Export => Ok(Answer::Text(Catalogue::BUILT_IN.to_owned())),
    }
}

fn shown(service: &Service) -> Record {
    Record::new()
        .text("code", &service.code)
        .text("name", &service.name)
        .list("metascopes", &service.metascopes)
        .list("scopes", &service.scopes)
        .list("headers", &service.headers)
        .list("assumed", &service.assumed)
}
