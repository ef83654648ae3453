//! The page of a credential, in its two forms. Source: `spec/ims-protocol.md` 6.3, 6.4.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use countersign_authority::{CredentialChange, Grant, Usage, UsageSubject};
use countersign_model::{Certificate, Secret, UseCase};
use countersign_wire::Timestamp;

use super::block;
use super::deprecation::{self, Banner};
use super::keys::{self, KeyRow};
use super::place::{InCredential, is_auto_generated};
use super::project::ticked;
use super::services::{ServiceRow, rows as service_rows};
use super::token_kind;
use super::usage::finding;
use crate::Console;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Page};
use crate::text::{moment, moment_or_never, sentence};

pub(super) mod brownout;
pub(super) mod ending;
pub(super) mod migration;

/// The last part of the two addresses, as the original has them.
const OAUTH: &str = "oauthservertoserver";
const JWT: &str = "serviceaccount";

#[derive(Template)]
#[template(path = "developer/credential.html")]
struct CredentialPage {
    page: Page,
    form: Filled,
    path: String,
    project_path: String,
    is_jwt: bool,
    /// Where the other half is, during migration.
    other: Option<page::Link>,
    kind: &'static str,
    banner: Option<Banner>,
    migration: Option<migration::Card>,
    is_auto_generated: bool,
    is_enabled: bool,
    read_only: Option<String>,
    findings: Vec<String>,
    details: Vec<Detail>,
    scopes: String,
    team: String,
    contact: String,
    last_token: String,
    token_kind: String,
    curl: String,
    block: String,
    may_read_secrets: bool,
    may_see_activity: bool,
    secrets: Vec<SecretRow>,
    secret_room: bool,
    most_secrets: usize,
    certificates: Vec<CertificateRow>,
    /// Why no certificate can be added, if so.
    no_certificates: Option<String>,
    keys: Vec<KeyRow>,
    services: Vec<ServiceRow>,
}

/// A value that people copy.
struct Detail {
    id: &'static str,
    name: &'static str,
    value: String,
}

struct SecretRow {
    label: String,
    hint: String,
    created: String,
    expires: String,
    is_live: bool,
    is_weak: bool,
    used: String,
    delete: String,
}

struct CertificateRow {
    id: String,
    fingerprint: String,
    subject: String,
    ends: String,
    is_live: bool,
    ends_soon: bool,
    used: String,
    delete: String,
}

#[derive(Template)]
#[template(path = "developer/credential_edit.html")]
struct EditPage {
    page: Page,
    form: Filled,
    path: String,
}

/// `GET ../credentials/{credential}`: leads to the page of its kind.
pub(super) async fn lead(at: InCredential) -> Response {
    let half = match at.credential.grants.has_jwt_half() {
        true => JWT,
        false => OAUTH,
    };
    page::see_other(&format!("{}/details/{half}", at.path()))
}

/// `GET ../credentials/{credential}/details/{half}`.
pub(super) async fn show(
    State(console): State<Console>,
    at: InCredential,
    Path((_, _, _, half)): Path<(String, String, String, String)>,
) -> Result<Response, PageError> {
    let grants = at.credential.grants;
    let is_jwt = match half.as_str() {
        JWT if grants.has_jwt_half() => true,
        OAUTH if grants.has_oauth_half() => false,
        // The other half was there once, or will be: old links lead on.
        JWT | OAUTH => return Ok(lead(at).await),
        _ => return Err(PageError::nothing_there()),
    };
    page::render(&template(&console, &at, is_jwt).await?)
}

/// `GET ../credentials/{credential}/edit`.
pub(super) async fn edit(at: InCredential) -> Result<Response, PageError> {
    if let Some(reason) = at.read_only() {
        return Err(PageError::refused(&reason));
    }
    let credential = &at.credential;
    let form = Filled::new(&at.member.visitor)
        .with("name", &credential.name)
        .with("team", &credential.owner.team)
        .with("contact", &credential.owner.contact)
        .with("revision", credential.revision.to_string())
        .with_all("enabled", ticked(credential.state.is_enabled()));
    page::render(&edit_page(&at, form))
}

/// `POST ../credentials/{credential}/edit`.
pub(super) async fn change(
    State(console): State<Console>,
    at: InCredential,
    form: Form,
) -> Result<Response, PageError> {
    let typed = ["name", "team", "contact", "revision", "enabled"];
    let mut filled = Filled::new(&at.member.visitor).typed(&typed, &form);
    for name in ["name", "team", "contact"] {
        if let Err(error) = countersign_model::project::check_label(form.trimmed(name)) {
            filled.fault(name, sentence(error));
        }
    }
    if filled.is_fine() {
        let of = |name| Some(form.trimmed(name).to_owned());
        let change = CredentialChange {
            name: of("name"),
            team: of("team"),
            contact: of("contact"),
            enabled: Some(form.is_ticked("enabled")),
            revision: form.revision(),
        };
        let (id, actor) = (&at.credential.id, &at.member.actor);
        match console.authority.change_credential(id, change, actor).await {
            Ok(_) => return page::done(&console, &at.path(), "The credential is changed."),
            Err(error) => filled.refused(error, "")?,
        }
    }
    page::refused(&edit_page(&at, filled))
}

fn edit_page(at: &InCredential, form: Filled) -> EditPage {
    EditPage {
        page: at.page("Edit credential"),
        form,
        path: at.path(),
    }
}

async fn template(
    console: &Console,
    at: &InCredential,
    is_jwt: bool,
) -> Result<CredentialPage, PageError> {
    let (authority, credential) = (&console.authority, &at.credential);
    let (member, now) = (&at.member, authority.clock().now());
    let (org, actor) = (&member.organization.id, &member.actor);
    let path = at.path();
    let usage = authority.list_usage(&credential.id, actor).await?;
    let findings = authority.list_findings(&credential.id, actor).await?;
    let policy = authority.show_policy(org, actor).await?;
    let dates = credential.dates(&policy);
    let no_certificates = dates.may_add_certificate(credential.origin, now).err();
    let most_secrets = authority.config().max_secrets;
    let live = credential.secrets.iter().filter(|one| one.is_live(now));
    let scopes = credential.granted_scopes(authority.catalogue());
    Ok(CredentialPage {
        page: at.own_page(),
        form: Filled::new(&member.visitor).with("revision", credential.revision.to_string()),
        project_path: at.project_path(),
        is_jwt,
        other: other(at, is_jwt),
        kind: match is_jwt {
            true => "Service Account (JWT)",
            false => "OAuth Server-to-Server",
        },
        banner: deprecation::banner(credential, &policy, now),
        migration: migration::card(console, at).await?,
        is_auto_generated: is_auto_generated(std::slice::from_ref(credential)),
        is_enabled: credential.state.is_enabled(),
        read_only: at.read_only(),
        findings: findings.iter().map(finding).collect(),
        details: details(at),
        scopes: scopes.to_string(),
        team: credential.owner.team.clone(),
        contact: credential.owner.contact.clone(),
        last_token: last_token(&usage, is_jwt),
        token_kind: token_kind::name(credential.token_kind),
        curl: match is_jwt {
            true => block::curl_exchange(authority, credential, block::ASSERTION),
            false => block::curl_token(authority, credential, block::SECRET),
        },
        block: block::api_credentials(authority, credential, &at.account, None),
        may_read_secrets: actor.may(UseCase::ReadSecrets),
        may_see_activity: actor.may(UseCase::ReadActivity),
        secret_room: live.count() < most_secrets,
        most_secrets,
        secrets: credential
            .secrets
            .iter()
            .map(|one| secret_row(one, &usage, &path, now))
            .collect(),
        certificates: credential
            .certificates
            .iter()
            .map(|one| certificate_row(one, &usage, &path, now))
            .collect(),
        no_certificates: no_certificates.map(sentence),
        keys: keys::rows(credential, &usage),
        services: service_rows(console, member, credential, &path).await?,
        path,
    })
}

fn other(at: &InCredential, is_jwt: bool) -> Option<page::Link> {
    let grants = at.credential.grants;
    let both = grants.has_jwt_half() && grants.has_oauth_half();
    let (name, half) = match is_jwt {
        true => ("OAuth Server-to-Server", OAUTH),
        false => ("Service Account (JWT)", JWT),
    };
    both.then(|| page::Link::new(name, format!("{}/details/{half}", at.path())))
}

fn details(at: &InCredential) -> Vec<Detail> {
    let detail = |id, name, value: &dyn std::fmt::Display| Detail {
        id,
        name,
        value: value.to_string(),
    };
    vec![
        detail("client-id", "Client ID", &at.credential.client_id),
        detail("account-id", "Technical account ID", &at.account.id),
        detail(
            "account-email",
            "Technical account email",
            &at.account.email,
        ),
        detail("organization-id", "Organization ID", &at.credential.org_id),
    ]
}

fn last_token(usage: &[Usage], is_jwt: bool) -> String {
    let grant = match is_jwt {
        true => Grant::JwtExchange,
        false => Grant::ClientCredentials,
    };
    let is_it = |one: &&Usage| one.subject == UsageSubject::Grant && one.grant == grant;
    match usage.iter().find(is_it) {
        Some(one) => moment(one.last_used_at),
        None => "No access tokens generated".to_owned(),
    }
}

fn last_used(usage: &[Usage], subject: &UsageSubject) -> Option<Timestamp> {
    let of_subject = usage.iter().filter(|one| one.subject == *subject);
    of_subject.map(|one| one.last_used_at).max()
}

fn secret_row(secret: &Secret, usage: &[Usage], path: &str, now: Timestamp) -> SecretRow {
    use countersign_model::secret::Strength;
    let used = last_used(usage, &UsageSubject::Secret(secret.id.clone()));
    SecretRow {
        label: secret.label.clone(),
        hint: secret.hint.clone(),
        created: moment(secret.created_at),
        expires: secret.expires_at.map_or_else(|| "never".to_owned(), moment),
        is_live: secret.is_live(now),
        is_weak: secret.strength == Strength::Weak,
        used: moment_or_never(used),
        delete: format!("{path}/secrets/{}/delete", secret.id),
    }
}

fn certificate_row(
    certificate: &Certificate,
    usage: &[Usage],
    path: &str,
    now: Timestamp,
) -> CertificateRow {
    let used = last_used(usage, &UsageSubject::Certificate(certificate.id.clone()));
    let soon = now.plus(std::time::Duration::from_secs(30 * 86_400));
    CertificateRow {
        id: format!("certificate-{}", certificate.id),
        fingerprint: certificate.fingerprint.clone(),
        subject: certificate.subject.clone(),
        ends: moment(certificate.not_after),
        is_live: certificate.is_live(now),
        ends_soon: certificate.not_after < soon,
        used: moment_or_never(used),
        delete: format!("{path}/certificates/{}/delete", certificate.id),
    }
}
