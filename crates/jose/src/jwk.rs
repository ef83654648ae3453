//! One public JSON Web Key (RFC 7517, RFC 7518 section 6, RFC 8037).

use serde::Serialize;

use crate::base64url;
use crate::error::KeyError;
use crate::json::{Object, Value};
use crate::key::{Algorithm, VerifyingKey};

/// A public key as it is published: RSA with exactly `kty`, `alg`, `use`, `kid`, `e`, `n` in this
/// order (ims-protocol 4.3), the others with `crv`, `x` and `y` instead.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Jwk {
    kty: &'static str,
    alg: Algorithm,
    r#use: &'static str,
    kid: String,
    #[serde(flatten)]
    numbers: Numbers,
}

#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
enum Numbers {
    Rsa {
        e: String,
        n: String,
    },
    P256 {
        crv: &'static str,
        x: String,
        y: String,
    },
    Ed25519 {
        crv: &'static str,
        x: String,
    },
}

impl Jwk {
    pub(crate) fn rsa(kid: &str, n: &[u8], e: &[u8]) -> Self {
        let numbers = Numbers::Rsa {
            e: base64url::encode(e),
            n: base64url::encode(n),
        };
        Self::new("RSA", Algorithm::Rs256, kid, numbers)
    }

    pub(crate) fn p256(kid: &str, x: &[u8], y: &[u8]) -> Self {
        let (x, y) = (base64url::encode(x), base64url::encode(y));
        Self::new(
            "EC",
            Algorithm::Es256,
            kid,
            Numbers::P256 { crv: P256, x, y },
        )
    }

    pub(crate) fn ed25519(kid: &str, x: &[u8]) -> Self {
        let numbers = Numbers::Ed25519 {
            crv: ED25519,
            x: base64url::encode(x),
        };
        Self::new("OKP", Algorithm::EdDsa, kid, numbers)
    }

    fn new(kty: &'static str, alg: Algorithm, kid: &str, numbers: Numbers) -> Self {
        Self {
            kty,
            alg,
            r#use: "sig",
            kid: kid.to_owned(),
            numbers,
        }
    }

    /// The name of the key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The required members in the order of their names, without a blank (RFC 7638 section 3).
    pub(crate) fn thumbprint_input(&self) -> String {
        match &self.numbers {
            Numbers::Rsa { e, n } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Numbers::P256 { crv, x, y } => {
                format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            Numbers::Ed25519 { crv, x } => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#),
        }
    }

    pub(crate) fn read(json: &[u8]) -> Result<VerifyingKey, KeyError> {
        read(&Object::parse(json).map_err(|_| KeyError::NotAKey)?)
    }
}

/// Makes a key of the members of a JWK, foreign ones included.
pub(crate) fn read(jwk: &Object) -> Result<VerifyingKey, KeyError> {
    if has_private_member(jwk) {
        return Err(KeyError::PrivateKey);
    }
    check_use(jwk)?;
    let key = match text(jwk, "kty")? {
        "RSA" => VerifyingKey::from_rsa_numbers(&number(jwk, "n")?, &number(jwk, "e")?),
        "EC" if text(jwk, "crv")? == P256 => VerifyingKey::from_p256_point(&p256_point(jwk)?),
        "OKP" if text(jwk, "crv")? == ED25519 => {
            VerifyingKey::from_ed25519_point(&bytes(jwk, "x")?)
        }
        _ => Err(KeyError::Kind),
    }?;
    match jwk.find("alg") {
        None => Ok(key),
        Some(Value::String(name)) if name == key.algorithm().name() => Ok(key),
        Some(_) => Err(KeyError::JwkMember("alg")),
    }
}

/// Whether the JWK holds a private or symmetric key (RFC 7518 section 6, RFC 8037 section 2).
pub(crate) fn has_private_member(jwk: &Object) -> bool {
    PRIVATE_MEMBERS.iter().any(|name| jwk.find(name).is_some())
}

/// A key serves one purpose: `use` is `sig`, `key_ops` is exactly `verify`, or they are absent
/// (RFC 7517 sections 4.2 and 4.3).
fn check_use(jwk: &Object) -> Result<(), KeyError> {
    match jwk.find("use") {
        None => {}
        Some(Value::String(purpose)) if purpose == "sig" => {}
        Some(_) => return Err(KeyError::JwkMember("use")),
    }
    match jwk.find("key_ops") {
        None => Ok(()),
        Some(Value::Array(ops)) if *ops == [Value::String("verify".to_owned())] => Ok(()),
        Some(_) => Err(KeyError::JwkMember("key_ops")),
    }
}

fn text<'a>(jwk: &'a Object, name: &'static str) -> Result<&'a str, KeyError> {
    jwk.string(name).map_err(|_| KeyError::JwkMember(name))
}

fn bytes(jwk: &Object, name: &'static str) -> Result<Vec<u8>, KeyError> {
    base64url::decode(text(jwk, name)?).ok_or(KeyError::JwkMember(name))
}

/// A number without leading zeros, as RFC 7518 section 6.3.1 wants it.
fn number(jwk: &Object, name: &'static str) -> Result<Vec<u8>, KeyError> {
    let number = bytes(jwk, name)?;
    match number.first() {
        None | Some(0) => Err(KeyError::JwkMember(name)),
        Some(_) => Ok(number),
    }
}

/// Both coordinates have full length (RFC 7518 section 6.2.1.2).
fn p256_point(jwk: &Object) -> Result<Vec<u8>, KeyError> {
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if x.len() != 32 || y.len() != 32 {
        return Err(KeyError::Point);
    }
    Ok([&[4], x.as_slice(), y.as_slice()].concat())
}

const P256: &str = "P-256";
const ED25519: &str = "Ed25519";
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
