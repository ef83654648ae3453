//! Public keys. The key decides the algorithm, never the token (RFC 8725 section 3.1).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{PublicKey as RsaPublicKey, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    VerificationAlgorithm,
};
use rcgen::PublicKeyData;
use serde::{Serialize, Serializer};
use x509_parser::der_parser::asn1_rs::{Any, Tag};
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::RSAPublicKey as RsaSequence;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::base64url;
use crate::error::KeyError;
use crate::hex::hex;
use crate::jwk::Jwk;
use crate::modulus;
use crate::pem::{self, Kind};

/// A signature algorithm of JWS (RFC 7518, RFC 8037). There is no `none` and no HMAC.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037).
    EdDsa,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4).
    Es256,
    /// RSA PKCS#1 v1.5 with SHA-256 (RFC 7518 section 3.3).
    Rs256,
}

impl Algorithm {
    /// The value of `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    /// The algorithm with exactly this name, in this case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::EdDsa, Self::Es256, Self::Rs256]
            .into_iter()
            .find(|one| one.name() == name)
    }
}

impl Serialize for Algorithm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A public key that can verify, parsed once. Cloning shares it.
///
/// Every one of them has passed the rules for strength (JOS-14, JOS-16), whatever its source.
#[derive(Clone)]
pub struct VerifyingKey {
    parsed: Arc<ParsedPublicKey>,
    public: Public,
}

/// The numbers of a key as they are written down.
#[derive(Clone, Eq, PartialEq)]
enum Public {
    /// PKCS#1, and its two numbers without leading zeros.
    Rsa {
        pkcs1: Vec<u8>,
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// Uncompressed point: 4, then x and y of 32 bytes each.
    P256(Vec<u8>),
    /// Compressed point of 32 bytes.
    Ed25519(Vec<u8>),
}

impl VerifyingKey {
    /// Reads PEM: `PUBLIC KEY`, `RSA PUBLIC KEY`, or the key of a `CERTIFICATE` (of which nothing
    /// else is checked; uploads go through [`Certificate::parse`](crate::Certificate::parse)).
    ///
    /// # Errors
    /// No or several sections, a private key among them, or a key the rules refuse.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let sections = pem::sections(text.as_bytes()).ok_or(KeyError::NotAKey)?;
        if sections.iter().any(|section| section.kind.is_private()) {
            return Err(KeyError::PrivateKey);
        }
        match sections.as_slice() {
            [only] => match only.kind {
                Kind::Certificate => Self::from_certificate_der(&only.der),
                Kind::PublicKey => Self::from_spki_der(&only.der),
                Kind::RsaPublicKey => Self::from_pkcs1_der(&only.der),
                _ => Err(KeyError::NotAKey),
            },
            _ => Err(KeyError::NotOnePemSection("public key or certificate")),
        }
    }

    /// Reads a `SubjectPublicKeyInfo` (RFC 5280 section 4.1).
    ///
    /// # Errors
    /// Not one, of another kind, or refused by the rules.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        match SubjectPublicKeyInfo::from_der(der) {
            Ok(([], info)) => Self::from_spki(&info),
            _ => Err(KeyError::NotAKey),
        }
    }

    /// Takes the key out of a certificate in DER (RFC 5280) and looks at nothing else in it.
    ///
    /// # Errors
    /// Not a certificate, or its key is of another kind or refused by the rules.
    pub fn from_certificate_der(der: &[u8]) -> Result<Self, KeyError> {
        match x509_parser::parse_x509_certificate(der) {
            Ok(([], certificate)) => Self::from_spki(certificate.public_key()),
            _ => Err(KeyError::NotAKey),
        }
    }

    pub(crate) fn from_spki(info: &SubjectPublicKeyInfo<'_>) -> Result<Self, KeyError> {
        let key = &info.subject_public_key;
        if key.unused_bits != 0 {
            return Err(KeyError::NotAKey);
        }
        let parameters = info.algorithm.parameters.as_ref();
        match info.algorithm.algorithm.to_id_string().as_str() {
            RSA_ENCRYPTION => Self::from_pkcs1_der(&key.data),
            EC_PUBLIC_KEY if parameters.is_some_and(is_p256) => Self::from_p256_point(&key.data),
            ID_ED25519 if parameters.is_none() => Self::from_ed25519_point(&key.data),
            _ => Err(KeyError::Kind),
        }
    }

    /// Reads an `RSAPublicKey` (PKCS#1, RFC 8017 appendix A.1.1).
    ///
    /// # Errors
    /// Not one in canonical DER, or refused by the rules.
    pub fn from_pkcs1_der(der: &[u8]) -> Result<Self, KeyError> {
        let Ok(([], sequence)) = RsaSequence::from_der(der) else {
            return Err(KeyError::NotAKey);
        };
        let n = without_leading_zeros(sequence.modulus).to_vec();
        let e = without_leading_zeros(sequence.exponent).to_vec();
        modulus::check(&n, &e)?;
        // The library re-encodes what it understood: a negative number or a long form of a length
        // comes out different.
        let canonical = RsaPublicKey::from_der(der).map_err(|_| KeyError::NotAKey)?;
        if canonical.as_ref() != der {
            return Err(KeyError::NotAKey);
        }
        let parsed = parse(&RSA_PKCS1_2048_8192_SHA256, der)?;
        Ok(Self {
            parsed,
            public: Public::Rsa {
                pkcs1: der.to_vec(),
                n,
                e,
            },
        })
    }

    /// Builds an RSA key of its numbers, big-endian, without leading zeros.
    pub(crate) fn from_rsa_numbers(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        modulus::check(n, e)?;
        let info = PublicKeyComponents { n, e }
            .as_der()
            .map_err(|_| KeyError::NotAKey)?;
        Self::from_spki_der(info.as_ref())
    }

    /// Builds a P-256 key of an uncompressed point.
    pub(crate) fn from_p256_point(point: &[u8]) -> Result<Self, KeyError> {
        if point.len() != 65 || point[0] != 4 {
            return Err(KeyError::Point);
        }
        let parsed = parse(&ECDSA_P256_SHA256_FIXED, point)?;
        Ok(Self {
            parsed,
            public: Public::P256(point.to_vec()),
        })
    }

    /// Builds an Ed25519 key of a compressed point.
    pub(crate) fn from_ed25519_point(point: &[u8]) -> Result<Self, KeyError> {
        if !is_sound_ed25519_point(point) {
            return Err(KeyError::Point);
        }
        let parsed = parse(&ED25519, point)?;
        Ok(Self {
            parsed,
            public: Public::Ed25519(point.to_vec()),
        })
    }

    /// Reads one public JWK (RFC 7517, RFC 8037) in JSON.
    ///
    /// # Errors
    /// Not a strict JSON object, a private key, made for another use, or refused by the rules.
    pub fn from_jwk(json: &[u8]) -> Result<Self, KeyError> {
        Jwk::read(json)
    }

    /// The algorithm of every signature this key accepts.
    pub fn algorithm(&self) -> Algorithm {
        match self.public {
            Public::Ed25519(_) => Algorithm::EdDsa,
            Public::P256(_) => Algorithm::Es256,
            Public::Rsa { .. } => Algorithm::Rs256,
        }
    }

    /// Whether the key's owner made `signature` over `message`. ECDSA signatures have the fixed
    /// length of JWS, not DER.
    pub fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }

    /// Length of an RSA modulus in bits; of other keys, of their field.
    pub fn bits(&self) -> usize {
        match &self.public {
            Public::Rsa { n, .. } => modulus::bits(n),
            Public::P256(_) => 256,
            Public::Ed25519(_) => 255,
        }
    }

    /// As `SubjectPublicKeyInfo` in DER: the same bytes wherever the key came from.
    pub fn to_spki_der(&self) -> Vec<u8> {
        self.public.subject_public_key_info()
    }

    /// SHA-256 of [`to_spki_der`](Self::to_spki_der) as lower-case hex: the name of the key where
    /// the same key must be found again.
    pub fn fingerprint(&self) -> String {
        hex(digest(&SHA256, &self.to_spki_der()).as_ref())
    }

    /// The thumbprint of RFC 7638, with SHA-256, in base64url.
    pub fn thumbprint(&self) -> String {
        base64url::encode(digest(&SHA256, self.to_jwk("").thumbprint_input().as_bytes()).as_ref())
    }

    /// For the library that writes certificates.
    pub(crate) fn public_key_data(&self) -> &impl PublicKeyData {
        &self.public
    }

    /// As public JWK under this name.
    pub fn to_jwk(&self, kid: &str) -> Jwk {
        match &self.public {
            Public::Rsa { n, e, .. } => Jwk::rsa(kid, n, e),
            Public::P256(point) => Jwk::p256(kid, &point[1..33], &point[33..]),
            Public::Ed25519(point) => Jwk::ed25519(kid, point),
        }
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.public == other.public
    }
}

impl Eq for VerifyingKey {}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "VerifyingKey({} {})",
            self.algorithm().name(),
            self.thumbprint()
        )
    }
}

impl PublicKeyData for Public {
    fn der_bytes(&self) -> &[u8] {
        match self {
            Self::Rsa { pkcs1: bytes, .. } | Self::P256(bytes) | Self::Ed25519(bytes) => bytes,
        }
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        match self {
            Self::Rsa { .. } => &rcgen::PKCS_RSA_SHA256,
            Self::P256(_) => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::Ed25519(_) => &rcgen::PKCS_ED25519,
        }
    }
}

fn parse(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
) -> Result<Arc<ParsedPublicKey>, KeyError> {
    ParsedPublicKey::new(algorithm, key)
        .map(Arc::new)
        .map_err(|_| KeyError::Point)
}

fn is_p256(parameters: &Any<'_>) -> bool {
    parameters.tag() == Tag::Oid
        && parameters
            .as_oid()
            .is_ok_and(|curve| curve.to_id_string() == PRIME256V1)
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// Whether the bytes are a canonical point that is not of small order (RFC 8032 section 5.1.7,
/// JOS-16). With a point of small order one signature fits many messages.
fn is_sound_ed25519_point(point: &[u8]) -> bool {
    let Ok(mut y) = <[u8; 32]>::try_from(point) else {
        return false;
    };
    y[31] &= 0x7f;
    y.reverse();
    // Big-endian now, so that arrays compare as numbers.
    y < ED25519_PRIME && !ED25519_SMALL_ORDER.contains(&y)
}

const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";
const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";
const PRIME256V1: &str = "1.2.840.10045.3.1.7";
const ID_ED25519: &str = "1.3.101.112";

/// 2^255 - 19.
const ED25519_PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0x7f;
    prime[31] = 0xed;
    prime
};

/// The y of all points whose order divides 8: 0, 1, p - 1, and the two of order 8.
const ED25519_SMALL_ORDER: [[u8; 32]; 5] = {
    let mut one = [0; 32];
    one[31] = 1;
    let mut minus_one = ED25519_PRIME;
    minus_one[31] -= 1;
    [[0; 32], one, minus_one, ORDER_8, ORDER_8_OTHER]
};

const ORDER_8: [u8; 32] = [
    0x05, 0xfc, 0x53, 0x6d, 0x88, 0x02, 0x38, 0xb1, 0x39, 0x33, 0xc6, 0xd3, 0x05, 0xac, 0xdf, 0xd5,
    0xf0, 0x98, 0xef, 0xf2, 0x89, 0xf4, 0xc3, 0x45, 0xb0, 0x27, 0xb2, 0xc2, 0x8f, 0x95, 0xe8, 0x26,
];

const ORDER_8_OTHER: [u8; 32] = [
    0x7a, 0x03, 0xac, 0x92, 0x77, 0xfd, 0xc7, 0x4e, 0xc6, 0xcc, 0x39, 0x2c, 0xfa, 0x53, 0x20, 0x2a,
    0x0f, 0x67, 0x10, 0x0d, 0x76, 0x0b, 0x3c, 0xba, 0x4f, 0xd8, 0x3d, 0x3d, 0x70, 0x6a, 0x17, 0xc7,
];
