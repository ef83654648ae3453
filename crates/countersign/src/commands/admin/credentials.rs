//! `admin credentials`

use clap::Subcommand;
use countersign_model::Credential;
use countersign_wire::{OrgId, ServiceCode};

use super::Answer;
use super::record::Record;
use super::session::{Session, all};
use crate::outcome::Failure;

mod callers;
mod create;
mod migration;
mod service;
mod tokens;
pub(super) mod view;

/// What to do with credentials.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a credential with a technical account and a first secret
    Create(Box<create::Args>),
    /// List the credentials of an organization
    List {
        /// Id or name of the project [default: all]
        #[arg(long)]
        project: Option<String>,
        /// The organization [default: the only one]
        #[arg(long)]
        org: Option<OrgId>,
    },
    /// Show a credential with its secrets' and certificates' last uses
    Show(Which),
    /// List who calls with a credential: network, program, rhythm, last use
    Callers(Which),
    /// Switch a credential on again
    Enable(Which),
    /// Switch a credential off: no token is issued, and none that it has holds
    Disable(Which),
    /// Delete a credential for good; its tokens die with it
    Delete(Which),
    /// Let a credential use a service, or use it through other product profiles
    Subscribe {
        #[command(flatten)]
        which: Which,
        /// The service, and the product profiles by id or name
        #[arg(long, value_name = "CODE[:PROFILE,..]")]
        service: String,
    },
    /// Take a service away from a credential
    Unsubscribe {
        #[command(flatten)]
        which: Which,
        /// The service
        #[arg(long, value_name = "CODE")]
        service: ServiceCode,
    },
    /// Set which kind of access tokens a credential gets: `ims`, or `standard` for ordinary JWT
    /// middleware (RFC 9068)
    SetTokenKind(tokens::Kind),
    /// Replace the public keys that a credential may authenticate with (`private_key_jwt`)
    SetJwks(tokens::Keys),
    /// Start the move to OAuth Server-to-Server: from now on both grants work
    AddOauthHalf(Which),
    /// Take the OAuth half back; programs that use it fail at once
    CancelOauthHalf(Which),
    /// Refuse exchanges, with nothing lost until the quarantine ends
    DisableJwtHalf(migration::Disable),
    /// Let the JWT half work again
    RestoreJwtHalf(Which),
    /// Complete the move before the quarantine ends: the JWT half and its certificates go for good
    RemoveJwtHalf(migration::Remove),
}

/// One credential.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// Id or client id
    credential: String,
}

pub(super) async fn run(verb: &Verb, session: &Session, json: bool) -> Result<Answer, Failure> {
    let (authority, actor) = (&session.authority, &session.actor);
    let changed = match verb {
        Verb::Create(args) => return create::run(args, session, json).await,
        Verb::List { project, org } => {
            return list(project.as_deref(), org.as_ref(), session).await;
        }
        Verb::Show(which) => return show(which, session).await,
        Verb::Callers(which) => {
            let id = which.find(session).await?.id;
            let seen = authority.list_callers(&id, actor).await?;
            return Ok(Answer::List(callers::COLUMNS, callers::shown(&seen)));
        }
        Verb::Delete(which) => return delete(which, session).await,
        Verb::Enable(which) => {
            authority
                .switch_credential(&which.find(session).await?.id, true, actor)
                .await?
        }
        Verb::Disable(which) => {
            authority
                .switch_credential(&which.find(session).await?.id, false, actor)
                .await?
        }
        Verb::Subscribe { which, service } => {
            let credential = which.find(session).await?;
            let subscription = service::subscription(service, &credential.org_id, session).await?;
            authority
                .subscribe(&credential.id, subscription, actor)
                .await?
        }
        Verb::Unsubscribe { which, service } => {
            authority
                .unsubscribe(&which.find(session).await?.id, service, actor)
                .await?
        }
        Verb::SetTokenKind(kind) => kind.set(session).await?,
        Verb::SetJwks(keys) => keys.set(session).await?,
        Verb::AddOauthHalf(which) => {
            authority
                .start_migration(&which.find(session).await?.id, actor)
                .await?
        }
        Verb::CancelOauthHalf(which) => {
            authority
                .cancel_migration(&which.find(session).await?.id, actor)
                .await?
        }
        Verb::DisableJwtHalf(disable) => disable.run(session).await?,
        Verb::RestoreJwtHalf(which) => {
            authority
                .restore_jwt_half(&which.find(session).await?.id, actor)
                .await?
        }
        Verb::RemoveJwtHalf(remove) => remove.run(session).await?,
    };
    Ok(Answer::Item(view::summary(&changed)))
}

impl Which {
    async fn find(&self, session: &Session) -> Result<Credential, Failure> {
        let (credential, _) = session
            .authority
            .find_credential(&self.credential, &session.actor)
            .await?;
        Ok(credential)
    }
}

async fn list(
    project: Option<&str>,
    org: Option<&OrgId>,
    session: &Session,
) -> Result<Answer, Failure> {
    let (authority, actor) = (&session.authority, &session.actor);
    let org = session.organization(org).await?;
    let project = match project {
        Some(project) => Some(authority.find_project(&org, project, actor).await?.id),
        None => None,
    };
    let page = async |page: &_| {
        authority
            .list_credentials(&org, project.as_ref(), page, actor)
            .await
    };
    let found = all(page, |credential| credential.id.as_str()).await?;
    let columns = &["id", "client_id", "name", "type", "enabled", "project_id"];
    Ok(Answer::List(
        columns,
        found.iter().map(view::summary).collect(),
    ))
}

async fn show(which: &Which, session: &Session) -> Result<Answer, Failure> {
    let (authority, actor) = (&session.authority, &session.actor);
    let (credential, account) = authority.find_credential(&which.credential, actor).await?;
    let usage = authority.list_usage(&credential.id, actor).await?;
    let seen = authority.list_callers(&credential.id, actor).await?;
    let found = authority.list_findings(&credential.id, actor).await?;
    let record = view::details(&credential, &account, &usage, authority.catalogue());
    Ok(Answer::Item(
        record
            .records("findings", callers::findings(&found))
            .records("callers", callers::shown(&seen)),
    ))
}

async fn delete(which: &Which, session: &Session) -> Result<Answer, Failure> {
    let credential = which.find(session).await?;
    session
        .authority
        .delete_credential(&credential.id, &session.actor)
        .await?;
    Ok(Answer::Item(
        Record::new()
            .text("deleted", &credential.id)
            .text("client_id", &credential.client_id),
    ))
}
