//! Signing, with the key parsed once.

use std::fmt;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use zeroize::Zeroizing;

use crate::base64url;
use crate::error::{KeyError, SignError};
use crate::key::{Algorithm, VerifyingKey};
use crate::pem::{self, Kind};

/// A private key, ready to sign. Never printed, and wiped by the library that holds it.
pub struct SigningKey {
    pair: Pair,
    public: VerifyingKey,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// Makes a new key with the system's generator: RSA of 2048 bits, P-256 or Ed25519. RSA takes
    /// a noticeable fraction of a second.
    ///
    /// # Errors
    /// [`KeyError::Generate`] or [`KeyError::SelfTest`]: do not go on without it.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let pair = match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::generate().map(Pair::Ed25519),
            Algorithm::Es256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::P256)
            }
            Algorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa),
        };
        Self::tested(pair.map_err(|_| KeyError::Generate)?)
    }

    /// Reads an unencrypted PKCS#8 document in DER (RFC 5208).
    ///
    /// # Errors
    /// Not one, of another kind, too weak, or it does not verify what it signs.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let rsa = || RsaKeyPair::from_pkcs8(der).map(Pair::Rsa);
        let p256 =
            || EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Pair::P256);
        let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Pair::Ed25519);
        let pair = rsa().or_else(|_| p256()).or_else(|_| ed25519());
        Self::tested(pair.map_err(|_| KeyError::Kind)?)
    }

    /// Reads an `RSAPrivateKey` in DER (PKCS#1, RFC 8017 appendix A.1.2).
    ///
    /// # Errors
    /// As [`from_pkcs8`](Self::from_pkcs8).
    pub fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        Self::tested(
            RsaKeyPair::from_der(der)
                .map(Pair::Rsa)
                .map_err(|_| KeyError::Kind)?,
        )
    }

    /// Reads the one `PRIVATE KEY` (PKCS#8) or `RSA PRIVATE KEY` (PKCS#1) of a PEM text, with any
    /// line ends. Certificates beside it are passed over.
    ///
    /// # Errors
    /// [`KeyError::Encrypted`] for a key with passphrase, and as [`from_pkcs8`](Self::from_pkcs8).
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        if pem::is_encrypted(text.as_bytes()) {
            return Err(KeyError::Encrypted);
        }
        let mut sections = pem::sections(text.as_bytes()).ok_or(KeyError::NotAKey)?;
        sections.retain(|section| section.kind.is_private());
        match sections.as_slice() {
            [only] if only.kind == Kind::PrivateKey => Self::from_pkcs8(&only.der),
            [only] if only.kind == Kind::RsaPrivateKey => Self::from_pkcs1(&only.der),
            [_] => Err(KeyError::Kind),
            _ => Err(KeyError::NotOnePemSection("private key")),
        }
    }

    /// Takes a pair into service: the public half passes the rules for strength, and one signature
    /// is made and verified (KEY-07).
    fn tested(pair: Pair) -> Result<Self, KeyError> {
        let public = match &pair {
            Pair::Ed25519(pair) => VerifyingKey::from_ed25519_point(pair.public_key().as_ref()),
            Pair::P256(pair) => VerifyingKey::from_p256_point(pair.public_key().as_ref()),
            Pair::Rsa(pair) => VerifyingKey::from_pkcs1_der(pair.public_key().as_ref()),
        }?;
        let key = Self { pair, public };
        let signature = key.sign(SELF_TEST).map_err(|_| KeyError::SelfTest)?;
        if key.public.accepts(SELF_TEST, &signature) {
            Ok(key)
        } else {
            Err(KeyError::SelfTest)
        }
    }

    /// The algorithm of its signatures.
    pub fn algorithm(&self) -> Algorithm {
        self.public.algorithm()
    }

    /// The public half.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }

    /// The key as PKCS#8 in DER, to be sealed. Wiped when dropped.
    ///
    /// # Errors
    /// [`SignError`], if the library cannot.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, SignError> {
        let bytes = match &self.pair {
            Pair::Ed25519(pair) => pair.to_pkcs8v1().map(|document| document.as_ref().to_vec()),
            Pair::P256(pair) => pair.to_pkcs8v1().map(|document| document.as_ref().to_vec()),
            Pair::Rsa(pair) => pair.as_der().map(|document| document.as_ref().to_vec()),
        };
        bytes.map(Zeroizing::new).map_err(|_| SignError)
    }

    /// The key as PEM (`PRIVATE KEY`), to be handed out once.
    ///
    /// # Errors
    /// [`SignError`], if the library cannot.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, SignError> {
        Ok(pem::write("PRIVATE KEY", &self.to_pkcs8()?))
    }

    /// Signs a header and a payload that are JSON already, and gives the token. The one allocation
    /// of ours is the token itself.
    ///
    /// The header must name [`algorithm`](Self::algorithm); [`Header`](crate::Header) does.
    ///
    /// # Errors
    /// [`SignError`], if the library cannot.
    pub fn sign_compact(
        &self,
        header_json: &[u8],
        payload_json: &[u8],
    ) -> Result<String, SignError> {
        let parts = [header_json.len(), payload_json.len(), self.signature_len()];
        let mut token =
            String::with_capacity(parts.map(base64url::encoded_len).iter().sum::<usize>() + 2);
        base64url::append(header_json, &mut token);
        token.push('.');
        base64url::append(payload_json, &mut token);
        let signature = &mut [0; LONGEST_SIGNATURE][..self.signature_len()];
        self.sign_into(token.as_bytes(), signature)?;
        token.push('.');
        base64url::append(signature, &mut token);
        Ok(token)
    }

    /// The signature over any bytes, as JWS wants it.
    ///
    /// # Errors
    /// [`SignError`], if the library cannot.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut signature = vec![0; self.signature_len()];
        self.sign_into(message, &mut signature)?;
        Ok(signature)
    }

    fn signature_len(&self) -> usize {
        match &self.pair {
            Pair::Ed25519(_) | Pair::P256(_) => 64,
            Pair::Rsa(pair) => pair.public_modulus_len(),
        }
    }

    /// `into` has exactly the length of a signature.
    fn sign_into(&self, message: &[u8], into: &mut [u8]) -> Result<(), SignError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ed25519(pair) => {
                into.copy_from_slice(pair.try_sign(message).map_err(|_| SignError)?.as_ref());
            }
            Pair::P256(pair) => {
                into.copy_from_slice(pair.sign(&random, message).map_err(|_| SignError)?.as_ref());
            }
            Pair::Rsa(pair) => {
                pair.sign(&RSA_PKCS1_SHA256, &random, message, into)
                    .map_err(|_| SignError)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SigningKey({} {})",
            self.algorithm().name(),
            self.public.thumbprint()
        )
    }
}

/// Of RSA with 8192 bits.
const LONGEST_SIGNATURE: usize = 1024;

const SELF_TEST: &[u8] = b"signs and verifies";
