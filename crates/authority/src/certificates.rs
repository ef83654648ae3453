//! Certificates of the JWT half: uploaded or generated, several at once, deleted.

use std::time::Duration;

use countersign_jose::{Algorithm, Certificate as X509, SigningKey, is_known_test_key};
use countersign_model::certificate::MAX_CERTIFICATES;
use countersign_model::{Certificate, Credential, UseCase};
use countersign_store::{self as store, Reads};
use countersign_wire::{CertificateId, CredentialId, Opaque, Timestamp};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::clock::random;
use crate::credentials::Change;
use crate::error::ManageError;
use crate::kill::{LivingTokens, TokensOf};
use crate::revision::At;
use crate::revoke::revoke_in;
use crate::secrets::Force;

/// Life of a generated certificate, as the original's (`spec/ims-protocol.md` 3.4).
const GENERATED_LIFE: Duration = Duration::from_secs(365 * 86_400);

/// A certificate to be added.
#[derive(Clone, Debug)]
pub enum NewCertificate {
    /// One that somebody has: DER or PEM.
    Upload(Vec<u8>),
    /// A new pair, made here; the private key is handed out once.
    Generate,
}

/// A certificate that was added.
#[derive(Debug)]
pub struct GeneratedCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// Its private key as PEM, if the pair was generated: shown now and never again.
    pub private_key: Option<Opaque>,
}

impl Authority {
    /// Adds a certificate beside those that are there.
    ///
    /// # Errors
    /// [`ManageError::Refused`] after the end of life, [`ManageError::CertificateLimit`], and
    /// whatever is wrong with the certificate.
    pub async fn add_certificate(
        &self,
        credential: &CredentialId,
        new: &NewCertificate,
        actor: &Actor,
    ) -> Result<GeneratedCertificate, ManageError> {
        let now = self.clock.now();
        let prepared = self.prepare_certificate(new, now)?;
        let certificate = &prepared.certificate;
        let detail = json!({"certificate": certificate.id, "fingerprint": certificate.fingerprint});
        let changed = store::retry(|| async {
            let mut change = self
                .begin_change(credential, UseCase::ChangeCertificates, actor)
                .await?;
            let Change { write, after, .. } = &mut change;
            if !after.grants.has_jwt_half() {
                return Err(ManageError::NoJwtHalf);
            }
            let policy = self.policy_in(write, &after.org_id).await?;
            after
                .dates(&policy)
                .may_add_certificate(after.origin, now)?;
            self.add_prepared(write, after, certificate).await?;
            self.finish_change(change, "certificate.added", &detail, actor)
                .await
        })
        .await?;
        self.changed(changed).await;
        Ok(prepared)
    }

    /// Deletes a certificate: assertions of its key are refused at once here, on other nodes
    /// within a second.
    ///
    /// # Errors
    /// [`ManageError::LastCertificate`] for the last one that works, unless `force`d.
    pub async fn delete_certificate(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        id: &CertificateId,
        force: Force,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        self.remove_certificate(of, id, force, LivingTokens::Keep, actor)
            .await
    }

    /// Deletes a certificate whose key somebody else may have: every token that was exchanged for
    /// its assertions ends, too.
    ///
    /// # Errors
    /// As [`delete_certificate`](Self::delete_certificate).
    pub async fn delete_certificate_with_tokens(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        id: &CertificateId,
        force: Force,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        self.remove_certificate(of, id, force, LivingTokens::End, actor)
            .await
    }

    async fn remove_certificate(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        id: &CertificateId,
        force: Force,
        living: LivingTokens,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let (of, now) = (of.into(), self.clock.now());
        let detail = json!({"certificate": id, "tokens_end": living == LivingTokens::End});
        let ended = living.revocation(&TokensOf::Certificate(id.clone()), now);
        let changed = store::retry(|| async {
            let mut change = self
                .begin_change(of, UseCase::ChangeCertificates, actor)
                .await?;
            let Change { write, after, .. } = &mut change;
            let at = after.certificates.iter().position(|c| c.id == *id);
            let removed = after
                .certificates
                .remove(at.ok_or(ManageError::NoCertificate)?);
            let last = after.live_certificates(now).next().is_none();
            if removed.is_live(now) && last && force == Force::No {
                return Err(ManageError::LastCertificate);
            }
            if let Some(revocation) = &ended {
                revoke_in(write, revocation, self.clock.now()).await?;
            }
            self.finish_change(change, "certificate.deleted", &detail, actor)
                .await
        })
        .await?;
        let changed = self.changed(changed).await;
        ended.map(|revocation| self.ended(revocation));
        Ok(changed)
    }

    /// Parses or makes a certificate; needs no store.
    pub(crate) fn prepare_certificate(
        &self,
        new: &NewCertificate,
        now: Timestamp,
    ) -> Result<GeneratedCertificate, ManageError> {
        let (parsed, private_key) = match new {
            NewCertificate::Upload(bytes) => (X509::parse(bytes)?, None),
            NewCertificate::Generate => {
                let key = SigningKey::generate(Algorithm::Rs256)?;
                let until = now.plus(GENERATED_LIFE).as_seconds();
                let made = X509::make_self_signed(&key, "countersign", now.as_seconds(), until)?;
                (made, Some(Opaque::new(key.to_pem()?.to_string())))
            }
        };
        if is_known_test_key(parsed.public_key()) {
            return Err(ManageError::KnownTestKey);
        }
        let certificate = Certificate {
            id: CertificateId::from_random(random()?),
            pem: parsed.to_pem(),
            fingerprint: parsed.sha1_fingerprint(),
            key_digest: parsed.public_key().fingerprint(),
            subject: parsed
                .common_name()
                .unwrap_or_default()
                .chars()
                .take(100)
                .collect(),
            not_before: Timestamp::from_seconds(parsed.not_before()),
            not_after: Timestamp::from_seconds(parsed.not_after()),
            created_at: now,
        };
        if certificate.not_after <= now {
            return Err(ManageError::ExpiredCertificate(certificate.not_after));
        }
        Ok(GeneratedCertificate {
            certificate,
            private_key,
        })
    }

    pub(crate) async fn add_prepared(
        &self,
        read: &mut impl Reads,
        credential: &mut Credential,
        certificate: &Certificate,
    ) -> Result<(), ManageError> {
        if credential.certificates.len() >= MAX_CERTIFICATES {
            return Err(ManageError::CertificateLimit(credential.certificates.len()));
        }
        if credential
            .certificates
            .iter()
            .any(|c| c.fingerprint == certificate.fingerprint)
        {
            return Err(ManageError::SameCertificate);
        }
        let owners = store::credentials::owners_of_key(read, &certificate.key_digest).await?;
        if owners.iter().any(|(org, _)| *org != credential.org_id) {
            return Err(ManageError::KeyOfAnotherOrganization);
        }
        credential.certificates.push(certificate.clone());
        Ok(())
    }
}
