//! `POST /ims/token/v1` to `v4`. Source: `spec/ims-protocol.md` 1.4, 1.5.

use serde::{Deserialize, Serialize};

use crate::error::ImsError;
use crate::form::{FormError, Params};
use crate::id::ClientId;
use crate::scope::{ScopeError, ScopeSet};
use crate::secret::ClientSecret;
use crate::time::Seconds;

/// The grant that the original documents for server-to-server clients; compared exactly.
pub const CLIENT_CREDENTIALS: &str = "client_credentials";

/// Who a client says it is, and the secret it shows. Absent parts are refused later, with the
/// error that belongs to each, so that every refusal of a client looks alike.
#[derive(Clone, Debug, Default)]
pub struct PresentedClient {
    /// `client_id`.
    pub id: Option<ClientId>,
    /// `client_secret`.
    pub secret: Option<ClientSecret>,
}

impl PresentedClient {
    /// Reads `client_id` and `client_secret`.
    ///
    /// # Errors
    /// [`FormError::Character`] for text that no id or secret can have.
    pub fn read(params: &Params) -> Result<Self, FormError> {
        let id = params.get("client_id").map(ClientId::parse).transpose();
        let secret = params.get("client_secret");
        let secret = secret.map(|text| ClientSecret::parse(text).ok_or(FormError::Character));
        Ok(Self {
            id: id.map_err(|_| FormError::Character)?,
            secret: secret.transpose()?,
        })
    }
}

/// A client-credentials request, well formed but not yet believed.
#[derive(Debug)]
pub struct TokenRequest {
    /// What is asked for; `None` when `scope` is absent or empty.
    pub scope: Option<ScopeSet>,
    /// Audiences the token is asked for (RFC 8707); only the standard face reads them.
    pub resources: Vec<String>,
}

impl TokenRequest {
    /// Reads the parameters of a token request, all but those of the client.
    ///
    /// # Errors
    /// Rows 17, 18 and 21 of the error table (`spec/ims-protocol.md` 2.2).
    pub fn read(params: &Params) -> Result<Self, ImsError> {
        match params.get("grant_type") {
            None => return Err(ImsError::GrantTypeRequired),
            Some(CLIENT_CREDENTIALS) => {}
            Some(_) => return Err(ImsError::UnsupportedGrantType),
        }
        let scope = params.get("scope").map(ScopeSet::parse).transpose();
        let scope = scope.map_err(|error| match error {
            ScopeError::Character => ImsError::InvalidScope,
            ScopeError::TooLong => ImsError::InvalidRequest(FormError::TooLong.into()),
        })?;
        Ok(Self {
            scope: scope.filter(|scope| !scope.is_empty()),
            resources: Vec::new(),
        })
    }
}

/// The answer of the token endpoint. Member order is that of the original.
#[derive(Debug, Deserialize, Serialize)]
pub struct TokenReply<T = String> {
    /// The access token.
    pub access_token: T,
    /// Always `bearer`.
    pub token_type: String,
    /// What is left of the token's life, in **seconds**.
    pub expires_in: Seconds,
}

impl TokenReply {
    /// The reply as compact JSON. Nothing in it can need escaping: a token is base64url and dots,
    /// and the rest is ours. To look for it would take longer than to write the reply.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Self {
            access_token,
            token_type,
            expires_in: Seconds(left),
        } = self;
        format!(
            r#"{{"access_token":"{access_token}","token_type":"{token_type}","expires_in":{left}}}"#
        )
    }
}
