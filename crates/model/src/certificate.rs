//! Certificates of the JWT half: the public keys that may have signed an assertion.

use countersign_wire::{CertificateId, Timestamp};

/// Most certificates of one credential (`spec/security.md` JOS-21).
pub const MAX_CERTIFICATES: usize = 10;

/// One certificate of a credential. No chain is checked: deleting it is the only revocation
/// (`spec/ims-protocol.md` 3.4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// Names it in lists, logs and tokens.
    pub id: CertificateId,
    /// The certificate itself, PEM.
    pub pem: String,
    /// Lower-case hexadecimal SHA-1 of the DER, as the original shows it.
    pub fingerprint: String,
    /// Lower-case hexadecimal SHA-256 of the public key, by which one key is known in two
    /// certificates.
    pub key_digest: String,
    /// The subject's common name: for display only.
    pub subject: String,
    /// First instant of its validity.
    pub not_before: Timestamp,
    /// First instant after its validity.
    pub not_after: Timestamp,
    /// When it was added.
    pub created_at: Timestamp,
}

impl Certificate {
    /// Whether it verifies assertions at `now`: `not_before <= now < not_after`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.not_before <= now && now < self.not_after
    }
}
