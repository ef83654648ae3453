//! The signing keys in memory: the one that signs, those that are published, and the documents
//! made of them. Answers without the database.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_jose::{Candidate, Header, JwkSet, SigningKey, VerifyingKey};
use countersign_model::SigningKeyRecord;
use countersign_wire::KeyId;

use crate::config::X5u;
use crate::master_key::{MasterKey, SealError};

/// Why the stored keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The private key does not open.
    #[error("signing key `{0}`: {1}")]
    Sealed(KeyId, SealError),
    /// What was opened is no key, or fails its self-test.
    #[error("signing key `{0}` is not usable: {1}")]
    Key(KeyId, countersign_jose::KeyError),
    /// Two published keys of one name.
    #[error("the signing keys cannot be published: {0}")]
    Set(#[from] countersign_jose::JwksError),
    /// There is no active key.
    #[error("no signing key is active: run `countersign admin keys rotate`")]
    NoActiveKey,
}

pub(crate) struct Keyring {
    pub(crate) active: ActiveKey,
    published: Vec<(KeyId, VerifyingKey)>,
    documents: Arc<KeyDocuments>,
}

impl KeyDocuments {
    fn new(key_set: String, certificates: HashMap<String, String>) -> Self {
        let digest = digest::digest(&digest::SHA256, key_set.as_bytes());
        Self {
            digest: URL_SAFE_NO_PAD.encode(digest),
            key_set,
            certificates,
        }
    }
}

pub(crate) struct ActiveKey {
    pub(crate) key: SigningKey,
    pub(crate) ims_header: Vec<u8>,
}

/// What is published of the keys.
#[derive(Debug)]
pub struct KeyDocuments {
    /// The key set, as JSON.
    pub key_set: String,
    /// Digest of the key set: changes when it does.
    pub digest: String,
    /// Certificates as PEM by file name, as in `x5u`.
    pub certificates: HashMap<String, String>,
}

impl Keyring {
    pub(crate) fn new(
        records: &[SigningKeyRecord],
        master_key: &MasterKey,
        x5u: X5u,
    ) -> Result<Self, KeyringError> {
        let active = records
            .iter()
            .find(|r| r.is_active())
            .ok_or(KeyringError::NoActiveKey)?;
        let mut set = JwkSet::new();
        let mut published = Vec::new();
        for record in records.iter().filter(|r| r.is_published()) {
            let key = open(record, master_key)?.verifying_key().clone();
            set.insert(record.id.as_str(), key.clone())?;
            published.push((record.id.clone(), key));
        }
        let header = Header::ims_access_token(active.id.as_str());
        let header = if x5u == X5u::Omit {
            header.without_x5u()
        } else {
            header
        };
        // Certificates of removed keys stay: clients may still hold their names.
        let certificates = records
            .iter()
            .map(|r| (format!("{}.cer", r.id), r.certificate.clone()))
            .collect();
        Ok(Self {
            active: ActiveKey {
                key: open(active, master_key)?,
                ims_header: header.to_json(),
            },
            published,
            documents: Arc::new(KeyDocuments::new(set.to_json(), certificates)),
        })
    }

    /// Every key that may have signed a token that is alive.
    pub(crate) fn candidates(&self) -> Vec<Candidate<'_>> {
        self.published
            .iter()
            .map(|(id, key)| Candidate {
                kid: Some(id.as_str()),
                key,
            })
            .collect()
    }

    pub(crate) fn documents(&self) -> Arc<KeyDocuments> {
        Arc::clone(&self.documents)
    }
}

fn open(record: &SigningKeyRecord, master_key: &MasterKey) -> Result<SigningKey, KeyringError> {
    let der = master_key
        .open(&seal_name(&record.id), &record.sealed_private_key)
        .map_err(|error| KeyringError::Sealed(record.id.clone(), error))?;
    SigningKey::from_pkcs8(&der).map_err(|error| KeyringError::Key(record.id.clone(), error))
}

/// The name a private key is sealed under, so that one row cannot be put in another's place.
pub(crate) fn seal_name(id: &KeyId) -> String {
    format!("signing key {id}")
}
