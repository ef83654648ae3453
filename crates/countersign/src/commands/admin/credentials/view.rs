//! A credential as it is shown: everything but its secrets.

use countersign_authority::Grant;
use countersign_model::{Catalogue, Credential, Grants, Migration, Subscription, TechnicalAccount};
use countersign_store::usage::{Usage, UsageSubject};
use countersign_wire::{Metascope, Timestamp};

use super::tokens;
use crate::commands::admin::record::Record;
use crate::commands::admin::{certificates, secrets};

/// What a list needs.
pub fn summary(credential: &Credential) -> Record {
    Record::new()
        .text("id", &credential.id)
        .text("client_id", &credential.client_id)
        .text("name", &credential.name)
        .text("type", credential.grants.integration_type())
        .text("token_kind", credential.token_kind.as_str())
        .flag("enabled", credential.state.is_enabled())
        .text("org_id", &credential.org_id)
        .text("project_id", &credential.project_id)
        .text("workspace_id", &credential.workspace_id)
        .text("technical_account_id", &credential.technical_account_id)
        .text("origin", credential.origin.as_str())
        .record("migration", migration(credential.grants))
        .record(
            "owner",
            Record::new()
                .text("team", &credential.owner.team)
                .text("contact", &credential.owner.contact),
        )
        .text("created_at", credential.created_at)
}

/// Everything, with the evidence of use.
pub fn details(
    credential: &Credential,
    account: &TechnicalAccount,
    usage: &[Usage],
    catalogue: &Catalogue,
) -> Record {
    let record = summary(credential)
        .text("technical_account_email", &account.email)
        .records(
            "services",
            credential.subscriptions.iter().map(service).collect(),
        )
        .list("scopes", credential.granted_scopes(catalogue).iter())
        .list("metascopes", metascopes(credential, catalogue))
        .records(
            "secrets",
            credential
                .secrets
                .iter()
                .map(|secret| secrets::shown(secret, usage))
                .collect(),
        )
        .records(
            "certificates",
            credential
                .certificates
                .iter()
                .map(|c| certificates::shown(c, usage))
                .collect(),
        )
        .records("keys", tokens::shown(credential, usage));
    last_used(record, usage, &UsageSubject::Grant)
}

/// When `subject` was last used, by grant.
pub fn last_used(record: Record, usage: &[Usage], subject: &UsageSubject) -> Record {
    let last = |grant| -> Option<Timestamp> {
        let of_this = usage
            .iter()
            .find(|used| used.subject == *subject && used.grant == grant);
        of_this.map(|used| used.last_used_at)
    };
    record
        .maybe("last_client_credentials", last(Grant::ClientCredentials))
        .maybe("last_jwt_exchange", last(Grant::JwtExchange))
}

/// The metascopes it is bound to, each once.
pub fn metascopes(credential: &Credential, catalogue: &Catalogue) -> Vec<Metascope> {
    let mut all: Vec<Metascope> = Vec::new();
    for metascope in credential.bound_metascopes(catalogue) {
        if !all.contains(metascope) {
            all.push(metascope.clone());
        }
    }
    all
}

fn service(subscription: &Subscription) -> Record {
    Record::new()
        .text("code", &subscription.service)
        .list("profiles", &subscription.profiles)
}

fn migration(grants: Grants) -> Record {
    let state = match grants {
        Grants::OAuth => "none",
        Grants::Jwt(migration) => migration.as_str(),
    };
    let (at, until) = match grants {
        Grants::OAuth | Grants::Jwt(Migration::NotStarted) => (None, None),
        Grants::Jwt(Migration::Paired { since: at }) => (Some(at), None),
        Grants::Jwt(Migration::Disabled { at, until, .. }) => (Some(at), Some(until)),
        Grants::Jwt(Migration::Completed { at } | Migration::Cancelled { at }) => (Some(at), None),
    };
    let record = Record::new().text("state", state);
    record.maybe("at", at).maybe("until", until)
}
