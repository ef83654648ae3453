//! What hangs on credentials, read for all credentials of a page at once.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_model::secret::Strength;
use countersign_model::{Certificate, Credential, Secret, SecretDigest, Subscription};
use countersign_wire::{CredentialId, ProfileId};
use sqlx::query;

use crate::db::{Query, Session};
use crate::error::Error;
use crate::row::Row;

/// One query per table, all over the same credentials and with the same parameters.
pub(super) struct Queries {
    pub(super) credentials: &'static str,
    pub(super) secrets: &'static str,
    pub(super) certificates: &'static str,
    pub(super) subscriptions: &'static str,
}

/// Hangs secrets, certificates and subscriptions on the credentials they belong to.
pub(super) async fn attach(
    session: &mut Session,
    queries: &Queries,
    bind: impl Fn(Query) -> Query,
    mut credentials: Vec<Credential>,
) -> Result<Vec<Credential>, Error> {
    if credentials.is_empty() {
        return Ok(credentials);
    }
    let secrets = bind(query(queries.secrets));
    let secrets = session.list("secrets", secrets, secret).await?;
    let certificates = bind(query(queries.certificates));
    let certificates = session
        .list("certificates", certificates, certificate)
        .await?;
    let subscriptions = bind(query(queries.subscriptions));
    let subscriptions = session
        .list("subscriptions", subscriptions, subscription)
        .await?;

    let mut places: HashMap<CredentialId, &mut Credential> = credentials
        .iter_mut()
        .map(|credential| (credential.id.clone(), credential))
        .collect();
    for (owner, secret) in secrets {
        if let Some(credential) = places.get_mut(&owner) {
            credential.secrets.push(secret);
        }
    }
    for (owner, certificate) in certificates {
        if let Some(credential) = places.get_mut(&owner) {
            credential.certificates.push(certificate);
        }
    }
    for (owner, (subscription, profile)) in subscriptions {
        if let Some(credential) = places.get_mut(&owner) {
            subscribe(credential, subscription, profile);
        }
    }
    Ok(credentials)
}

/// Rows of one subscription follow each other, one for each profile.
fn subscribe(credential: &mut Credential, row: Subscription, profile: Option<ProfileId>) {
    match credential.subscriptions.last_mut() {
        Some(last) if last.service == row.service => last.profiles.extend(profile),
        _ => {
            let profiles = profile.into_iter().collect();
            let service = row.service;
            credential
                .subscriptions
                .push(Subscription { service, profiles });
        }
    }
}

fn secret(row: &Row<'_>) -> Result<(CredentialId, Secret), Error> {
    let secret = Secret {
        id: row.parsed("id")?,
        label: row.text("label")?,
        digest: digest(row)?,
        hint: row.text("hint")?,
        strength: row.word("strength", Strength::parse)?,
        created_at: row.at("created_at")?,
        expires_at: row.maybe_at("expires_at")?,
    };
    Ok((row.parsed("credential_id")?, secret))
}

fn digest(row: &Row<'_>) -> Result<SecretDigest, Error> {
    let digest = row.text("digest")?;
    let Some(pepper) = row.maybe_text("pepper")? else {
        return Ok(SecretDigest::Slow(digest));
    };
    let mac = URL_SAFE_NO_PAD.decode(digest).ok();
    let mac = mac.and_then(|bytes| bytes.try_into().ok());
    let mac = mac.ok_or_else(|| row.corrupt("digest"))?;
    Ok(SecretDigest::Keyed { pepper, mac })
}

/// `pepper` and `digest`: a keyed digest has a pepper, a slow one brings its own salt.
pub(super) fn stored_digest(digest: &SecretDigest) -> (Option<&str>, String) {
    match digest {
        SecretDigest::Keyed { pepper, mac } => (Some(pepper), URL_SAFE_NO_PAD.encode(mac)),
        SecretDigest::Slow(phc) => (None, phc.clone()),
    }
}

fn certificate(row: &Row<'_>) -> Result<(CredentialId, Certificate), Error> {
    let certificate = Certificate {
        id: row.parsed("id")?,
        pem: row.text("pem")?,
        fingerprint: row.text("fingerprint")?,
        key_digest: row.text("key_digest")?,
        subject: row.text("subject")?,
        not_before: row.at("not_before")?,
        not_after: row.at("not_after")?,
        created_at: row.at("created_at")?,
    };
    Ok((row.parsed("credential_id")?, certificate))
}

type Subscribed = (CredentialId, (Subscription, Option<ProfileId>));

fn subscription(row: &Row<'_>) -> Result<Subscribed, Error> {
    let subscription = Subscription {
        service: row.parsed("service")?,
        profiles: Vec::new(),
    };
    let profile = row.maybe_parsed("profile_id")?;
    Ok((row.parsed("credential_id")?, (subscription, profile)))
}
