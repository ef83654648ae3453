//! The filters of the board.

use clap::builder::PossibleValuesParser;
use countersign_client::management::{Call, Verb as Http};
use serde_json::Value;

use crate::commands::remote::Session;
use crate::outcome::Failure;

/// Those of the board that all of these let pass.
#[derive(Debug, clap::Args)]
pub struct Filters {
    /// Those in this stage
    #[arg(long, value_name = "STAGE", help_heading = "Filters", value_parser = PossibleValuesParser::new(["not_started", "started", "disabled", "completed", "cancelled"]))]
    migration: Option<String>,
    /// Those of which this is said
    #[arg(long, value_name = "DUTY", help_heading = "Filters", value_parser = PossibleValuesParser::new(["must_migrate", "wait", "no_need"]))]
    duty: Option<String>,
    /// Those at this risk
    #[arg(long, value_name = "RISK", help_heading = "Filters", value_parser = PossibleValuesParser::new(["high", "medium", "low", "none"]))]
    risk: Option<String>,
    /// Those of this owner team
    #[arg(long, value_name = "TEAM", help_heading = "Filters")]
    owner: Option<String>,
    /// Those that are in no wave
    #[arg(long, help_heading = "Filters")]
    unplanned: bool,
}

impl Filters {
    /// Whether any of them is given.
    pub fn is_given(&self) -> bool {
        let words = [&self.migration, &self.duty, &self.risk, &self.owner];
        self.unplanned || words.iter().any(|word| word.is_some())
    }

    /// The lines of the board that they let pass, of one wave if it is named.
    pub async fn lines(
        &self,
        org: &str,
        wave: Option<&str>,
        session: &Session,
    ) -> Result<Vec<Value>, Failure> {
        let call = Call::new(Http::Get, &["organizations", org, "migration", "board"])
            .with("migration", self.migration.as_ref())
            .with("duty", self.duty.as_ref())
            .with("risk", self.risk.as_ref())
            .with("owner_team", self.owner.as_ref())
            .with("wave", wave)
            .with("planned", self.unplanned.then_some("false"));
        session.list(call).await
    }
}
