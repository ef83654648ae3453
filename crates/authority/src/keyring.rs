//! The signing keys in memory: those that sign, one of each algorithm, those that are published, and the documents
//! made of them. Answers without the database.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_jose::{Algorithm, Candidate, Header, JwkSet, SignError, SigningKey, VerifyingKey};
use countersign_model::{SigningAlgorithm, SigningKeyRecord, TokenKind};
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
    /// There is no active key for IMS tokens.
    #[error("no RS256 signing key is active: run `countersign admin keys rotate`")]
    NoActiveKey,
}

pub(crate) struct Keyring {
    active: Vec<ActiveKey>,
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

/// A key that signs, with the headers of what it signs.
pub(crate) struct ActiveKey {
    algorithm: SigningAlgorithm,
    key: SigningKey,
    /// IMS tokens are RS256 only, and every RS256 key can sign both kinds.
    ims_header: Vec<u8>,
    standard_header: Vec<u8>,
    kid: String,
}

impl ActiveKey {
    fn new(
        record: &SigningKeyRecord,
        master_key: &MasterKey,
        x5u: X5u,
    ) -> Result<Self, KeyringError> {
        let kid = record.id.as_str();
        let ims = Header::ims_access_token(kid);
        let ims = match x5u {
            X5u::FileName => ims,
            X5u::Omit => ims.without_x5u(),
        };
        let standard = Header::access_token(jose_algorithm(record.algorithm), kid);
        Ok(Self {
            algorithm: record.algorithm,
            key: open(record, master_key)?,
            ims_header: ims.to_json(),
            standard_header: standard.to_json(),
            kid: kid.to_owned(),
        })
    }

    /// A token of this kind with these claims.
    pub(crate) fn sign(&self, kind: TokenKind, claims: &[u8]) -> Result<String, SignError> {
        let header = match kind {
            TokenKind::Ims => &self.ims_header,
            TokenKind::Standard { .. } => &self.standard_header,
        };
        self.key.sign_compact(header, claims)
    }

    /// Something that is no token, and says so by its `typ`.
    pub(crate) fn sign_document(&self, typ: &str, payload: &[u8]) -> Result<String, SignError> {
        let alg = self.algorithm.as_str();
        let header = serde_json::json!({"alg": alg, "typ": typ, "kid": self.kid});
        self.key
            .sign_compact(header.to_string().as_bytes(), payload)
    }
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
        let active: Vec<ActiveKey> = records
            .iter()
            .filter(|r| r.is_active())
            .map(|r| ActiveKey::new(r, master_key, x5u))
            .collect::<Result<_, _>>()?;
        if !active
            .iter()
            .any(|key| key.algorithm == SigningAlgorithm::Rs256)
        {
            return Err(KeyringError::NoActiveKey);
        }
        let mut set = JwkSet::new();
        let mut published = Vec::new();
        for record in records.iter().filter(|r| r.is_published()) {
            let key = open(record, master_key)?.verifying_key().clone();
            set.insert(record.id.as_str(), key.clone())?;
            published.push((record.id.clone(), key));
        }
        // Not of removed keys: none of their tokens is alive, and whoever has a stolen one must
        // not find its certificate with us.
        let certificates = records
            .iter()
            .filter(|r| r.is_published())
            .filter_map(|r| Some((format!("{}.cer", r.id), r.certificate.clone()?)))
            .collect();
        Ok(Self {
            active,
            published,
            documents: Arc::new(KeyDocuments::new(set.to_json(), certificates)),
        })
    }

    /// The key that signs by this algorithm; there is always one for RS256.
    pub(crate) fn active(&self, algorithm: SigningAlgorithm) -> Option<&ActiveKey> {
        self.active.iter().find(|key| key.algorithm == algorithm)
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

    /// Whether the key of that name is one of them.
    pub(crate) fn publishes(&self, name: &str) -> bool {
        self.published.iter().any(|(id, _)| id.as_str() == name)
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

/// The algorithm in the words of the layer that signs.
pub(crate) fn jose_algorithm(algorithm: SigningAlgorithm) -> Algorithm {
    match algorithm {
        SigningAlgorithm::Rs256 => Algorithm::Rs256,
        SigningAlgorithm::Es256 => Algorithm::Es256,
        SigningAlgorithm::EdDsa => Algorithm::EdDsa,
    }
}

/// The name a private key is sealed under, so that one row cannot be put in another's place.
pub(crate) fn seal_name(id: &KeyId) -> String {
    format!("signing key {id}")
}
