//! What a credential proves itself with: secrets and certificates.

use countersign_authority::Usage;
use countersign_model::{Certificate, Secret};
use countersign_wire::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::time;

/// A client secret, without the secret.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct SecretView {
    id: String,
    label: String,
    /// Its last four characters.
    hint: String,
    /// `strong`, or `weak` for an imported one.
    strength: &'static str,
    live: bool,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
}

impl SecretView {
    pub(in crate::api) fn new(secret: &Secret, usage: &[Usage], now: Timestamp) -> Self {
        let uses = usage
            .iter()
            .filter(|one| one.subject.named() == ("secret", Some(secret.id.as_str())));
        Self {
            id: secret.id.to_string(),
            label: secret.label.clone(),
            hint: secret.hint.clone(),
            strength: secret.strength.as_str(),
            live: secret.is_live(now),
            created_at: time(secret.created_at),
            expires_at: secret.expires_at.map(time),
            last_used_at: uses.map(|one| one.last_used_at).max().map(time),
        }
    }
}

/// A secret that was added.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct CreatedSecret {
    #[serde(flatten)]
    pub(in crate::api) secret: SecretView,
    /// The secret: shown in this answer and never again; `null` when the answer is repeated for an
    /// `Idempotency-Key`.
    pub(in crate::api) client_secret: Option<String>,
}

/// A certificate of the JWT half.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct CertificateView {
    id: String,
    /// SHA-1 of the certificate.
    fingerprint: String,
    subject: String,
    pem: String,
    live: bool,
    not_before: String,
    not_after: String,
    created_at: String,
    last_used_at: Option<String>,
}

impl CertificateView {
    pub(in crate::api) fn new(certificate: &Certificate, usage: &[Usage], now: Timestamp) -> Self {
        let uses = usage
            .iter()
            .filter(|one| one.subject.named() == ("certificate", Some(certificate.id.as_str())));
        Self {
            id: certificate.id.to_string(),
            fingerprint: certificate.fingerprint.clone(),
            subject: certificate.subject.clone(),
            pem: certificate.pem.clone(),
            live: certificate.is_live(now),
            not_before: time(certificate.not_before),
            not_after: time(certificate.not_after),
            created_at: time(certificate.created_at),
            last_used_at: uses.map(|one| one.last_used_at).max().map(time),
        }
    }
}

/// A certificate that was added.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct CreatedCertificate {
    #[serde(flatten)]
    pub(in crate::api) certificate: CertificateView,
    /// The generated private key as PEM: shown in this answer and never again; `null` where none
    /// was generated.
    pub(in crate::api) private_key: Option<String>,
}
