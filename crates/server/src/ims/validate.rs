//! `/ims/validate_token/v1`. Source: `spec/ims-protocol.md` 4.4.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{InvalidToken, LookupError, SignedClaims};
use countersign_wire::claims::ACCESS_TOKEN;
use countersign_wire::error::ImsError;
use countersign_wire::{ClientId, Opaque};
use http::HeaderMap;
use serde::Serialize;

use super::error::Failure;
use super::{caller, params, reply};
use crate::app::App;
use crate::kit::whole::Whole;

#[derive(Serialize)]
struct Valid {
    valid: bool,
    /// Milliseconds since 1970, as a number.
    expires_at: i64,
    token: SignedClaims,
}

#[derive(Serialize)]
struct Invalid {
    valid: bool,
    reason: &'static str,
}

/// Says 200 for tokens that hold and for those that do not.
pub(super) async fn validate(
    State(app): State<App>,
    Whole { parts, body }: Whole,
) -> Result<Response, Failure> {
    let params = params::read(&parts, body).await.map_err(Failure::request)?;
    let named = params
        .get("client_id")
        .or_else(|| client_id_header(&parts.headers));
    let asking = named.and_then(|id| ClientId::parse(id).ok());
    let asking = asking.ok_or_else(|| Failure::plain(ImsError::InvalidClientId))?;
    match app.authority.knows_client(&asking).await {
        Ok(()) => {}
        Err(LookupError::Unknown) => {
            return Err(Failure::plain(ImsError::InvalidClientId).of(Some(&asking)));
        }
        Err(LookupError::Unavailable(why)) => return Err(Failure::unavailable(&why)),
    }
    let token = params.get("token").map(|text| Opaque::new(text.to_owned()));
    let token = token.or_else(|| caller::bearer(&parts));
    let verdict = match (params.get("type").unwrap_or(ACCESS_TOKEN), token) {
        (ACCESS_TOKEN, Some(token)) => app.authority.validate(token.expose()).await,
        (ACCESS_TOKEN, None) => Err(InvalidToken::Malformed("there is no token".to_owned())),
        _ => Err(InvalidToken::Kind),
    };
    match verdict {
        Ok(held) => Ok(reply::json(&Valid {
            valid: true,
            expires_at: held.expires_at.as_millis(),
            token: held.claims.signed,
        })),
        Err(InvalidToken::Unavailable(why)) => Err(Failure::unavailable(&why)),
        Err(error) => Ok(reply::json(&Invalid {
            valid: false,
            reason: error.reason(),
        })),
    }
}

/// Newer clients name themselves here; read, never required (`spec/ims-protocol.md` 1.6).
fn client_id_header(headers: &HeaderMap) -> Option<&str> {
    headers
        .get("x-ims-clientid")
        .and_then(|value| value.to_str().ok())
}
