//! Assertions, with a knob for everything that can be wrong with one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_jose::SigningKey;
use countersign_wire::Timestamp;
use serde_json::{Map, Value, json};

use crate::ISSUER;
use crate::clients::TestClient;

/// An assertion to be signed. As [`Assertion::of`] makes it, it is good.
#[derive(Clone)]
pub struct Assertion<'k> {
    header: String,
    claims: Map<String, Value>,
    key: &'k SigningKey,
}

impl<'k> Assertion<'k> {
    /// The good assertion of a client: lives five minutes, asks for every metascope of it.
    #[must_use]
    pub fn of(client: &TestClient, now: Timestamp) -> Self {
        let mut claims = Map::new();
        claims.insert("exp".to_owned(), json!(now.as_seconds() + 300));
        claims.insert("iss".to_owned(), json!(client.org_id));
        claims.insert("sub".to_owned(), json!(client.account_id));
        claims.insert(
            "aud".to_owned(),
            json!(format!("{ISSUER}/c/{}", client.client_id)),
        );
        for metascope in &client.metascopes {
            claims.insert(format!("{ISSUER}/s/{metascope}"), json!(true));
        }
        let header = r#"{"alg":"RS256","typ":"JWT"}"#.to_owned();
        Self {
            header,
            claims,
            key: client.key.unwrap_or_else(crate::keys::foreign),
        }
    }

    /// With a claim replaced or added.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Without a claim.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Without any metascope.
    #[must_use]
    pub fn without_metascopes(mut self) -> Self {
        self.claims.retain(|name, _| !name.contains("/s/"));
        self
    }

    /// With another header, as JSON text.
    #[must_use]
    pub fn with_header(self, header: &str) -> Self {
        Self {
            header: header.to_owned(),
            ..self
        }
    }

    /// Signed by another key.
    #[must_use]
    pub fn signed_by<'o>(self, key: &'o SigningKey) -> Assertion<'o> {
        Assertion {
            header: self.header,
            claims: self.claims,
            key,
        }
    }

    /// The assertion itself.
    #[must_use]
    pub fn sign(&self) -> String {
        self.sign_payload(&Value::Object(self.claims.clone()).to_string())
    }

    /// Signs a payload as it stands, JSON or not.
    #[must_use]
    pub fn sign_payload(&self, payload: &str) -> String {
        self.key
            .sign_compact(self.header.as_bytes(), payload.as_bytes())
            .unwrap()
    }

    /// The payload as text.
    #[must_use]
    pub fn payload(&self) -> String {
        Value::Object(self.claims.clone()).to_string()
    }

    /// With a signature part of the test's own.
    #[must_use]
    pub fn with_signature(&self, signature: &[u8]) -> String {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (header, payload) = (
            encode(self.header.as_bytes()),
            encode(self.payload().as_bytes()),
        );
        format!("{header}.{payload}.{}", encode(signature))
    }
}
