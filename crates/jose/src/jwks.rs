//! Sets of public keys: ours to publish, foreign ones to read (RFC 7517 section 5).

use serde::Serialize;

use crate::error::JwksError;
use crate::json::{Object, Value};
use crate::jwk::{self, Jwk};
use crate::key::VerifyingKey;
use crate::verify::Candidate;

/// Public keys, each `kid` once. It cannot hold anything private.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct JwkSet(Vec<(Option<String>, VerifyingKey)>);

impl JwkSet {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key under its name.
    ///
    /// # Errors
    /// [`JwksError::DoubledKid`]
    pub fn insert(&mut self, kid: &str, key: VerifyingKey) -> Result<(), JwksError> {
        self.push(Some(kid.to_owned()), key)
    }

    /// Reads a foreign set of at most 64 KiB and 64 keys. Keys we have no use for (another kind,
    /// curve or purpose, too weak) are left out, as RFC 7517 section 5 says.
    ///
    /// # Errors
    /// The set as a whole is refused when it is no set, when a `kid` comes twice (also on a key
    /// that is left out), or when it shows a private or symmetric key.
    pub fn parse(json: &[u8]) -> Result<Self, JwksError> {
        if json.len() > LONGEST {
            return Err(JwksError::TooLarge);
        }
        let set = Object::parse(json).map_err(|_| JwksError::NotAKeySet)?;
        let Some(Value::Array(keys)) = set.find("keys") else {
            return Err(JwksError::NotAKeySet);
        };
        if keys.len() > MOST_KEYS {
            return Err(JwksError::TooLarge);
        }
        let keys = keys.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Self::of(keys)
    }

    fn of(keys: Vec<(Option<String>, Option<VerifyingKey>)>) -> Result<Self, JwksError> {
        let mut names: Vec<&String> = keys.iter().filter_map(|(kid, _)| kid.as_ref()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(JwksError::DoubledKid);
        }
        Ok(Self(
            keys.into_iter()
                .filter_map(|(kid, key)| Some((kid, key?)))
                .collect(),
        ))
    }

    fn push(&mut self, kid: Option<String>, key: VerifyingKey) -> Result<(), JwksError> {
        if self
            .0
            .iter()
            .any(|(other, _)| other.is_some() && *other == kid)
        {
            return Err(JwksError::DoubledKid);
        }
        self.0.push((kid, key));
        Ok(())
    }

    /// The key of this name.
    pub fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.0
            .iter()
            .find(|(name, _)| name.as_deref() == Some(kid))
            .map(|(_, key)| key)
    }

    /// All keys, to verify with.
    pub fn candidates(&self) -> Vec<Candidate<'_>> {
        self.0
            .iter()
            .map(|(kid, key)| Candidate {
                kid: kid.as_deref(),
                key,
            })
            .collect()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The document to publish: `{"keys":[...]}`. A key without a name gets its thumbprint.
    pub fn to_json(&self) -> String {
        let keys = self.0.iter().map(|(kid, key)| match kid {
            Some(kid) => key.to_jwk(kid),
            None => key.to_jwk(&key.thumbprint()),
        });
        let document = Document {
            keys: keys.collect(),
        };
        serde_json::to_string(&document).expect("strings only, which always serialize")
    }
}

#[derive(Serialize)]
struct Document {
    keys: Vec<Jwk>,
}

/// The name and, if we can use it, the key.
fn read(value: &Value) -> Result<(Option<String>, Option<VerifyingKey>), JwksError> {
    let Value::Object(jwk) = value else {
        return Err(JwksError::NotAKeySet);
    };
    if jwk::has_private_member(jwk) {
        return Err(JwksError::PrivateMember);
    }
    let kid = jwk
        .optional_string("kid")
        .map_err(|_| JwksError::NotAKeySet)?;
    Ok((kid.map(str::to_owned), jwk::read(jwk).ok()))
}

const LONGEST: usize = 65_536;
const MOST_KEYS: usize = 64;
