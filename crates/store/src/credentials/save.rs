//! Writing credentials. The parent row comes first, with its revision: PostgreSQL lets two writers
//! see the same children, and only one of them change the parent.

use countersign_model::{Certificate, Credential, Exemption, Secret, SecretDigest, Subscription};
use countersign_wire::{CredentialId, SecretId, ServiceCode};
use sqlx::query;

use super::children::stored_digest;
use super::stored_grants;
use crate::db::{Query, Sealed as _, Session, Write};
use crate::error::Error;
use crate::row::{disabled_at, millis};

/// Adds a credential with everything that hangs on it.
///
/// # Errors
/// [`Error::Duplicate`] when an id of it or below it exists or ever existed.
pub async fn insert(w: &mut Write, credential: &Credential) -> Result<(), Error> {
    // Client ids share their space with technical account ids: one never equals the other.
    const USE_IDS: &str = "
        INSERT INTO used_ids (space, id)
        VALUES ('credential', $1), ('identity', $2)";
    const INSERT: &str = "
        INSERT INTO credentials
            (id, client_id, org_id, project_id, workspace_id, technical_account_id, name,
             owner_team, owner_contact, origin, grants, migrated_at, jwt_disabled_at,
             quarantined_until, token_kind, jwks, disabled_at, created_at, revision, exempt_until,
             exempt_reason, exempt_by, exempted_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
            $19, $20, $21, $22, $23)";
    let used = query(USE_IDS)
        .bind(credential.id.as_str())
        .bind(credential.client_id.as_str());
    let (grants, [migrated_at, disabled, until]) = stored_grants(credential.grants);
    let insert = query(INSERT)
        .bind(credential.id.as_str())
        .bind(credential.client_id.as_str())
        .bind(credential.org_id.as_str())
        .bind(credential.project_id.as_str())
        .bind(credential.workspace_id.as_str())
        .bind(credential.technical_account_id.as_str())
        .bind(&*credential.name)
        .bind(&*credential.owner.team)
        .bind(&*credential.owner.contact)
        .bind(credential.origin.as_str())
        .bind(grants)
        .bind(migrated_at)
        .bind(disabled)
        .bind(until)
        .bind(credential.token_kind.as_str())
        .bind(credential.jwks.as_deref())
        .bind(disabled_at(credential.state))
        .bind(credential.created_at.as_millis())
        .bind(credential.revision);
    let insert = bind_exemption(insert, credential.exemption.as_ref());
    let session = w.session();
    session.execute(used).await?;
    session.execute(insert).await?;
    for secret in &credential.secrets {
        insert_secret(session, &credential.id, secret).await?;
    }
    for certificate in &credential.certificates {
        insert_certificate(session, &credential.id, certificate).await?;
    }
    for (position, subscription) in credential.subscriptions.iter().enumerate() {
        insert_subscription(session, &credential.id, position, subscription).await?;
    }
    Ok(())
}

/// Saves what differs between `before`, as it was loaded, and `after`, and counts the revision up
/// by one. Client id, organization, technical account, origin and time of creation never change.
///
/// # Errors
/// [`Error::Conflict`] unless `before.revision` is the stored one, also when what never changes
/// differs; [`Error::Duplicate`] when an id below it was used before.
pub async fn save(w: &mut Write, before: &Credential, after: &Credential) -> Result<(), Error> {
    const SAVE: &str = "
        UPDATE credentials
        SET project_id = $6, workspace_id = $7, name = $8, owner_team = $9, owner_contact = $10,
            grants = $11, migrated_at = $12, jwt_disabled_at = $13, quarantined_until = $14,
            token_kind = $15, jwks = $16, disabled_at = $17, exempt_until = $18,
            exempt_reason = $19, exempt_by = $20, exempted_at = $21, revision = revision + 1
        WHERE id = $1 AND revision = $2 AND client_id = $3 AND org_id = $4
            AND technical_account_id = $5";
    let (grants, [migrated_at, disabled, until]) = stored_grants(after.grants);
    let save = query(SAVE)
        .bind(after.id.as_str())
        .bind(before.revision)
        .bind(after.client_id.as_str())
        .bind(after.org_id.as_str())
        .bind(after.technical_account_id.as_str())
        .bind(after.project_id.as_str())
        .bind(after.workspace_id.as_str())
        .bind(&*after.name)
        .bind(&*after.owner.team)
        .bind(&*after.owner.contact)
        .bind(grants)
        .bind(migrated_at)
        .bind(disabled)
        .bind(until)
        .bind(after.token_kind.as_str())
        .bind(after.jwks.as_deref())
        .bind(disabled_at(after.state));
    let save = bind_exemption(save, after.exemption.as_ref());
    let session = w.session();
    session.change_one(save).await?;
    save_secrets(session, before, after).await?;
    save_certificates(session, before, after).await?;
    save_subscriptions(session, before, after).await
}

/// Removes a credential with everything that hangs on it; its ids stay used for ever.
///
/// # Errors
/// [`Error::Conflict`] unless `credential.revision` is the stored one.
pub async fn delete(w: &mut Write, credential: &Credential) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM credentials WHERE id = $1 AND revision = $2";
    let delete = query(DELETE)
        .bind(credential.id.as_str())
        .bind(credential.revision);
    w.session().change_one(delete).await
}

/// Replaces the digest of a secret, as when a weak one was used for the first time, and counts the
/// credential's revision up by one.
///
/// # Errors
/// [`Error::Conflict`] when the secret is gone.
pub async fn replace_digest(
    w: &mut Write,
    id: &SecretId,
    digest: &SecretDigest,
) -> Result<(), Error> {
    const COUNT: &str = "
        UPDATE credentials
        SET revision = revision + 1
        WHERE id IN (SELECT credential_id FROM secrets WHERE id = $1)";
    const REPLACE: &str = "UPDATE secrets SET pepper = $2, digest = $3 WHERE id = $1";
    let (pepper, digest) = stored_digest(digest);
    let replace = query(REPLACE).bind(id.as_str()).bind(pepper).bind(digest);
    let session = w.session();
    session.change_one(query(COUNT).bind(id.as_str())).await?;
    session.change_one(replace).await
}

/// Its four columns, in the order of the statements.
fn bind_exemption(statement: Query, exemption: Option<&Exemption>) -> Query {
    statement
        .bind(exemption.map(|one| one.until.as_millis()))
        .bind(exemption.map(|one| one.reason.clone()))
        .bind(exemption.map(|one| one.approved_by.clone()))
        .bind(exemption.map(|one| one.approved_at.as_millis()))
}

async fn save_secrets(
    session: &mut Session,
    before: &Credential,
    after: &Credential,
) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM secrets WHERE id = $1 AND credential_id = $2";
    const CHANGE: &str = "
        UPDATE secrets
        SET label = $3, pepper = $4, digest = $5, strength = $6, expires_at = $7
        WHERE id = $1 AND credential_id = $2";
    for gone in &before.secrets {
        if !after.secrets.iter().any(|kept| kept.id == gone.id) {
            let delete = query(DELETE).bind(gone.id.as_str()).bind(after.id.as_str());
            session.execute(delete).await?;
        }
    }
    for secret in &after.secrets {
        match before.secrets.iter().find(|old| old.id == secret.id) {
            None => insert_secret(session, &after.id, secret).await?,
            Some(old) if old == secret => {}
            Some(_) => {
                let (pepper, digest) = stored_digest(&secret.digest);
                let change = query(CHANGE)
                    .bind(secret.id.as_str())
                    .bind(after.id.as_str())
                    .bind(&*secret.label)
                    .bind(pepper)
                    .bind(digest)
                    .bind(secret.strength.as_str())
                    .bind(millis(secret.expires_at));
                session.change_one(change).await?;
            }
        }
    }
    Ok(())
}

/// A certificate never changes: another one has another id.
async fn save_certificates(
    session: &mut Session,
    before: &Credential,
    after: &Credential,
) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM certificates WHERE id = $1 AND credential_id = $2";
    for gone in &before.certificates {
        if !after.certificates.iter().any(|kept| kept.id == gone.id) {
            let delete = query(DELETE).bind(gone.id.as_str()).bind(after.id.as_str());
            session.execute(delete).await?;
        }
    }
    for certificate in &after.certificates {
        if !before
            .certificates
            .iter()
            .any(|old| old.id == certificate.id)
        {
            insert_certificate(session, &after.id, certificate).await?;
        }
    }
    Ok(())
}

/// Their order counts, so a subscription that moved is written again, like one whose profiles
/// changed.
async fn save_subscriptions(
    session: &mut Session,
    before: &Credential,
    after: &Credential,
) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM subscriptions WHERE credential_id = $1 AND service = $2";
    let unchanged = |at: usize, one: &Subscription, others: &Credential| {
        others
            .subscriptions
            .get(at)
            .is_some_and(|other| other == one)
    };
    for (at, old) in before.subscriptions.iter().enumerate() {
        if !unchanged(at, old, after) {
            let service: &ServiceCode = &old.service;
            let delete = query(DELETE).bind(after.id.as_str()).bind(service.as_str());
            session.execute(delete).await?;
        }
    }
    for (at, new) in after.subscriptions.iter().enumerate() {
        if !unchanged(at, new, before) {
            insert_subscription(session, &after.id, at, new).await?;
        }
    }
    Ok(())
}

async fn insert_secret(
    session: &mut Session,
    owner: &CredentialId,
    secret: &Secret,
) -> Result<(), Error> {
    const USE_ID: &str = "INSERT INTO used_ids (space, id) VALUES ('secret', $1)";
    const INSERT: &str = "
        INSERT INTO secrets
            (id, credential_id, label, pepper, digest, hint, strength, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let (pepper, digest) = stored_digest(&secret.digest);
    let insert = query(INSERT)
        .bind(secret.id.as_str())
        .bind(owner.as_str())
        .bind(&*secret.label)
        .bind(pepper)
        .bind(digest)
        .bind(&*secret.hint)
        .bind(secret.strength.as_str())
        .bind(secret.created_at.as_millis())
        .bind(millis(secret.expires_at));
    session
        .execute(query(USE_ID).bind(secret.id.as_str()))
        .await?;
    session.execute(insert).await.map(|_| ())
}

async fn insert_certificate(
    session: &mut Session,
    owner: &CredentialId,
    certificate: &Certificate,
) -> Result<(), Error> {
    const USE_ID: &str = "INSERT INTO used_ids (space, id) VALUES ('certificate', $1)";
    const INSERT: &str = "
        INSERT INTO certificates
            (id, credential_id, pem, fingerprint, key_digest, subject, not_before, not_after,
             created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let insert = query(INSERT)
        .bind(certificate.id.as_str())
        .bind(owner.as_str())
        .bind(&*certificate.pem)
        .bind(&*certificate.fingerprint)
        .bind(&*certificate.key_digest)
        .bind(&*certificate.subject)
        .bind(certificate.not_before.as_millis())
        .bind(certificate.not_after.as_millis())
        .bind(certificate.created_at.as_millis());
    let used = query(USE_ID).bind(certificate.id.as_str());
    session.execute(used).await?;
    session.execute(insert).await.map(|_| ())
}

async fn insert_subscription(
    session: &mut Session,
    owner: &CredentialId,
    position: usize,
    subscription: &Subscription,
) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO subscriptions (credential_id, service, position)
        VALUES ($1, $2, $3)";
    const INSERT_PROFILE: &str = "
        INSERT INTO subscription_profiles (credential_id, service, profile_id, position)
        VALUES ($1, $2, $3, $4)";
    let insert = query(INSERT)
        .bind(owner.as_str())
        .bind(subscription.service.as_str())
        .bind(stored_position(position));
    session.execute(insert).await?;
    for (position, profile) in subscription.profiles.iter().enumerate() {
        let insert = query(INSERT_PROFILE)
            .bind(owner.as_str())
            .bind(subscription.service.as_str())
            .bind(profile.as_str())
            .bind(stored_position(position));
        session.execute(insert).await?;
    }
    Ok(())
}

fn stored_position(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}
