//! X.509 certificates, as carriers of a public key: no chain, no revocation, no trust in names
//! (ims-protocol 3.4).

use std::fmt;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rcgen::{CertificateParams, DistinguishedName, DnType, PublicKeyData};
use x509_parser::certificate::X509Certificate;
use x509_parser::signature_algorithm::SignatureAlgorithm;
use x509_parser::time::ASN1Time;
use x509_parser::x509::AlgorithmIdentifier;

use crate::error::{CertificateError, KeyError};
use crate::hex::hex;
use crate::key::{Algorithm, VerifyingKey};
use crate::pem::{self, Kind};
use crate::sign::SigningKey;

/// A certificate that may be used for assertions: RSA of 2048 to 4096 bits, signed with SHA-256 or
/// better (decisions.md 3). Its dates are not checked here, because there is no `now`.
#[derive(Clone, Eq, PartialEq)]
pub struct Certificate {
    der: Vec<u8>,
    key: VerifyingKey,
    not_before: i64,
    not_after: i64,
    common_name: Option<String>,
}

impl Certificate {
    /// Reads one certificate in DER or PEM, of at most 64 KiB.
    ///
    /// # Errors
    /// [`CertificateError`], whose sentences are for the person who uploaded it. A private key
    /// pasted by mistake has its own, and is never repeated.
    pub fn parse(bytes: &[u8]) -> Result<Self, CertificateError> {
        if bytes.len() > LONGEST {
            return Err(CertificateError::TooLarge);
        }
        if pem::is_pem(bytes) {
            Self::from_pem(bytes)
        } else {
            Self::from_der(bytes)
        }
    }

    fn from_pem(bytes: &[u8]) -> Result<Self, CertificateError> {
        if pem::names_private_key(bytes) {
            return Err(CertificateError::PrivateKey);
        }
        let sections = pem::sections(bytes).ok_or(CertificateError::NotACertificate)?;
        match sections.as_slice() {
            [only] if only.kind == Kind::Certificate => Self::from_der(&only.der),
            [_] | [] => Err(CertificateError::NotACertificate),
            _ => Err(CertificateError::Several),
        }
    }

    fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        match x509_parser::parse_x509_certificate(der) {
            Ok(([], certificate)) => Self::checked(der, &certificate),
            _ if is_private_key(der) => Err(CertificateError::PrivateKey),
            _ => Err(CertificateError::NotACertificate),
        }
    }

    fn checked(der: &[u8], certificate: &X509Certificate<'_>) -> Result<Self, CertificateError> {
        let key =
            VerifyingKey::from_spki(certificate.public_key()).map_err(|error| match error {
                KeyError::Kind => CertificateError::NotRsa,
                KeyError::RsaSize(bits) => CertificateError::RsaSize(bits),
                other => CertificateError::Key(other),
            })?;
        if key.algorithm() != Algorithm::Rs256 {
            return Err(CertificateError::NotRsa);
        }
        if key.bits() > MOST_BITS {
            return Err(CertificateError::RsaSize(key.bits()));
        }
        let signed_with = &certificate.signature_algorithm;
        if *signed_with != certificate.tbs_certificate.signature || !is_strong(signed_with) {
            return Err(CertificateError::WeakSignature);
        }
        Ok(Self {
            der: der.to_vec(),
            key,
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            common_name: common_name(certificate),
        })
    }

    /// Makes a certificate that a key signs for itself. Dates in seconds since 1970.
    ///
    /// # Errors
    /// [`CertificateError::NotRsa`], or [`CertificateError::CannotMake`] for dates before 1950 or
    /// after 9999.
    pub fn make_self_signed(
        key: &SigningKey,
        common_name: &str,
        not_before: i64,
        not_after: i64,
    ) -> Result<Self, CertificateError> {
        if key.algorithm() != Algorithm::Rs256 {
            return Err(CertificateError::NotRsa);
        }
        let date =
            |seconds| ASN1Time::from_timestamp(seconds).map_err(|_| CertificateError::CannotMake);
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.not_before = date(not_before)?.to_datetime();
        params.not_after = date(not_after)?.to_datetime();
        let made = params
            .self_signed(&Signer(key))
            .map_err(|_| CertificateError::CannotMake)?;
        Self::parse(made.der())
    }

    /// The key it carries.
    pub fn public_key(&self) -> &VerifyingKey {
        &self.key
    }

    /// First moment of its validity, in seconds since 1970.
    pub fn not_before(&self) -> i64 {
        self.not_before
    }

    /// Last moment of its validity, in seconds since 1970.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Common name of the subject, for display: whoever made the certificate wrote it.
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// SHA-1 of the DER as lower-case hex, as the original shows it. A label, not a protection.
    pub fn sha1_fingerprint(&self) -> String {
        hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.der).as_ref())
    }

    /// SHA-256 of the DER as lower-case hex.
    pub fn sha256_fingerprint(&self) -> String {
        hex(digest(&SHA256, &self.der).as_ref())
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as PEM text.
    pub fn to_pem(&self) -> String {
        pem::write("CERTIFICATE", &self.der).to_string()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.sha256_fingerprint())
    }
}

/// Lets the library that writes certificates sign with a key of ours.
struct Signer<'k>(&'k SigningKey);

impl PublicKeyData for Signer<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.verifying_key().public_key_data().der_bytes()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.0.verifying_key().public_key_data().algorithm()
    }
}

impl rcgen::SigningKey for Signer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0
            .sign(message)
            .map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// Whether the bytes are an unencrypted private key in DER, of whatever strength.
fn is_private_key(der: &[u8]) -> bool {
    let is_key = |result: Result<SigningKey, KeyError>| !matches!(result, Err(KeyError::Kind));
    is_key(SigningKey::from_pkcs8(der)) || is_key(SigningKey::from_pkcs1(der))
}

fn common_name(certificate: &X509Certificate<'_>) -> Option<String> {
    let name = certificate.subject().iter_common_name().next()?;
    name.as_str().ok().map(str::to_owned)
}

/// Whether the signature is over a digest of the SHA-2 family with 256 bits or more.
fn is_strong(algorithm: &AlgorithmIdentifier<'_>) -> bool {
    match SignatureAlgorithm::try_from(algorithm) {
        Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) => {
            SHA2_DIGESTS.contains(&parameters.hash_algorithm_oid().to_id_string().as_str())
        }
        Ok(_) => STRONG_SIGNATURES.contains(&algorithm.algorithm.to_id_string().as_str()),
        Err(_) => false,
    }
}

/// Bytes of an upload.
const LONGEST: usize = 65_536;

/// Of an RSA modulus in a certificate.
const MOST_BITS: usize = 4096;

/// SHA-256, SHA-384, SHA-512.
const SHA2_DIGESTS: [&str; 3] = [
    "2.16.840.1.101.3.4.2.1",
    "2.16.840.1.101.3.4.2.2",
    "2.16.840.1.101.3.4.2.3",
];

/// RSA PKCS#1 v1.5 and ECDSA, each with SHA-256, SHA-384 and SHA-512; Ed25519.
const STRONG_SIGNATURES: [&str; 7] = [
    "1.2.840.113549.1.1.11",
    "1.2.840.113549.1.1.12",
    "1.2.840.113549.1.1.13",
    "1.2.840.10045.4.3.2",
    "1.2.840.10045.4.3.3",
    "1.2.840.10045.4.3.4",
    "1.3.101.112",
];
