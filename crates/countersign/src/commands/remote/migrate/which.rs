//! Which credentials a command works on.

use countersign_client::management::{Call, Verb as Http};
use serde_json::Value;

use crate::commands::remote::{Session, credentials, projects, text};
use crate::outcome::Failure;

/// Credentials by name, or all of a place.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// Ids or client ids
    #[arg(value_name = "CREDENTIAL")]
    credentials: Vec<String>,
    /// All of a project, by its id or name
    #[arg(long)]
    project: Option<String>,
    /// All of the organization; without `--org`, of every organization that the token sees
    #[arg(long)]
    all: bool,
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
    /// Where its migration stands.
    pub migration: Value,
}

impl Which {
    /// Whether one credential is named.
    pub fn is_one(&self) -> bool {
        self.credentials.len() == 1
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
