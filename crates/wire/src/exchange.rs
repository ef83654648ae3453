//! `POST /ims/exchange/jwt`. Source: `spec/ims-protocol.md` 1.2, 1.3.

use serde::{Deserialize, Serialize};

use crate::form::Params;
use crate::secret::Opaque;
use crate::time::Milliseconds;

/// A request to exchange an assertion, well formed but not yet believed.
#[derive(Debug)]
pub struct ExchangeRequest {
    /// The assertion: a compact JWS, not looked at yet. `None` when `jwt_token` is absent.
    pub assertion: Option<Opaque>,
    /// Audiences to add to the access token.
    pub resources: Vec<String>,
}

impl ExchangeRequest {
    /// Reads the parameters of an exchange, all but those of the client.
    #[must_use]
    pub fn read(params: &Params) -> Self {
        Self {
            assertion: params
                .get("jwt_token")
                .map(|text| Opaque::new(text.to_owned())),
            resources: params.all("resource").map(str::to_owned).collect(),
        }
    }
}

/// The answer of the exchange. Member order is that of the original.
#[derive(Debug, Deserialize, Serialize)]
pub struct ExchangeReply<T = String> {
    /// Always `bearer`.
    pub token_type: String,
    /// The access token.
    pub access_token: T,
    /// What is left of the token's life, in **milliseconds**.
    pub expires_in: Milliseconds,
}

impl ExchangeReply {
    /// The reply as compact JSON; nothing in it can need escaping, as in
    /// [`TokenReply::to_json`](crate::token::TokenReply::to_json).
    #[must_use]
    pub fn to_json(&self) -> String {
        let Self {
            token_type,
            access_token,
            expires_in: Milliseconds(left),
        } = self;
        format!(
            r#"{{"token_type":"{token_type}","access_token":"{access_token}","expires_in":{left}}}"#
        )
    }
}
