//! Which credentials a command works on.

use std::collections::HashSet;

use countersign_client::management::{Call, Verb as Http};
use countersign_wire::WaveName;
use serde_json::{Value, json};

use super::filters::Filters;
use crate::commands::remote::{Session, credentials, projects, text};
use crate::outcome::Failure;

/// Credentials by name, or all of a place that filters let pass.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// Ids or client ids
    #[arg(value_name = "CREDENTIAL", conflicts_with_all = ["project", "all", "wave", "Filters"])]
    credentials: Vec<String>,
    /// All of a project, by its id or name
    #[arg(long, conflicts_with_all = ["all", "wave", "Filters"])]
    project: Option<String>,
    /// All of the organization; without `--org`, of every organization that the token sees
    #[arg(long, conflicts_with_all = ["wave", "Filters"])]
    all: bool,
    /// All of a wave, or those that the filters let pass; repeatable
    #[arg(long, value_name = "NAME", conflicts_with = "unplanned")]
    wave: Vec<WaveName>,
    #[command(flatten)]
    filters: Filters,
}

/// A credential that was named.
pub struct Named<'n>(&'n str);

/// Where a credential is.
#[derive(Clone, Debug)]
pub struct Place {
    pub org: String,
    pub credential: String,
}

/// A credential to work on, and what the server said of it.
#[derive(Clone, Debug)]
pub struct Target {
    pub place: Place,
    /// Whether it was named, and not found.
    pub is_named: bool,
    /// Where its migration stands; of those that filters found, only what the board has.
    pub migration: Value,
}

impl Which {
    /// Whether one credential is named.
    pub fn is_one(&self) -> bool {
        self.credentials.len() == 1
    }

    fn names_any(&self) -> bool {
        let is_place = self.project.is_some() || self.all || !self.wave.is_empty();
        is_place || self.filters.is_given() || !self.credentials.is_empty()
    }

    /// The one credential that is named.
    pub fn one(&self) -> Option<Named<'_>> {
        match self.credentials.as_slice() {
            [one] => Some(Named(one)),
            _ => None,
        }
    }

    /// All of them that have or had a JWT half.
    pub async fn find(&self, session: &Session) -> Result<Vec<Target>, Failure> {
        if !self.names_any() {
            return Err(Failure::broken("no credential is named").hint(
                "write CREDENTIAL, one or more, or `--project`, `--wave`, `--all`, or a filter such as `--duty must_migrate`",
            ));
        }
        if let Some(project) = &self.project {
            let project = projects::find(session, project).await?;
            let org = session.organization().await?;
            return list(&org, Some(project), session).await;
        }
        if self.all {
            let mut all = Vec::new();
            for org in organizations(session).await? {
                all.extend(list(&org, None, session).await?);
            }
            return Ok(all);
        }
        if !self.wave.is_empty() || self.filters.is_given() {
            return self.filtered(session).await;
        }
        let mut named = Vec::new();
        for credential in &self.credentials {
            let place = Named(credential).place(session).await?;
            let migration = session.send(place.call(Http::Get, &[])).await?.body;
            named.push(Target {
                place,
                is_named: true,
                migration,
            });
        }
        Ok(named)
    }

    /// The same, each with all that is known of its migration.
    pub async fn find_whole(&self, session: &Session) -> Result<Vec<Target>, Failure> {
        let found = self.find(session).await?;
        if self.wave.is_empty() && !self.filters.is_given() {
            return Ok(found);
        }
        let wanted: HashSet<_> = found.iter().map(|one| &one.place.credential).collect();
        let mut whole = list(&session.organization().await?, None, session).await?;
        whole.retain(|one| wanted.contains(&one.place.credential));
        Ok(whole)
    }

    async fn filtered(&self, session: &Session) -> Result<Vec<Target>, Failure> {
        let org = session.organization().await?;
        let mut lines = Vec::new();
        for wave in &self.wave {
            // One that does not exist has nothing in it, and somebody mistyped it.
            let at = ["organizations", &org, "migration", "waves", wave.as_str()];
            session.send(Call::new(Http::Get, &at)).await?;
            let wave = Some(wave.as_str());
            lines.extend(self.filters.lines(&org, wave, session).await?);
        }
        if self.wave.is_empty() {
            lines = self.filters.lines(&org, None, session).await?;
        }
        let target = |line: &Value| Target {
            place: Place {
                org: org.clone(),
                credential: text(line, "id"),
            },
            is_named: false,
            migration: json!({
                "credential_id": line["id"], "project_id": line["project_id"],
                "name": line["name"], "owner_team": line["owner_team"],
                "state": line["migration"],
            }),
        };
        Ok(lines.iter().map(target).collect())
    }
}

impl Named<'_> {
    pub async fn place(&self, session: &Session) -> Result<Place, Failure> {
        Ok(Place {
            credential: credentials::find(session, self.0).await?,
            org: session.organization().await?,
        })
    }
}

impl Place {
    /// A call of its migration.
    pub fn call(&self, verb: Http, below: &[&str]) -> Call {
        let at = [
            "organizations",
            &self.org,
            "credentials",
            &self.credential,
            "migration",
        ];
        Call::new(verb, &[&at[..], below].concat())
    }
}

/// The organization that was named, or all.
async fn organizations(session: &Session) -> Result<Vec<String>, Failure> {
    if let Some(org) = &session.org {
        return Ok(vec![org.to_string()]);
    }
    let found = session
        .list(Call::new(Http::Get, &["organizations"]))
        .await?;
    Ok(found.iter().map(|org| text(org, "id")).collect())
}

async fn list(
    org: &str,
    project: Option<String>,
    session: &Session,
) -> Result<Vec<Target>, Failure> {
    let call = Call::new(Http::Get, &["organizations", org, "migrations"]);
    let found = session.list(call.with("project", project)).await?;
    let target = |migration: Value| Target {
        place: Place {
            org: org.to_owned(),
            credential: text(&migration, "credential_id"),
        },
        is_named: false,
        migration,
    };
    Ok(found.into_iter().map(target).collect())
}
