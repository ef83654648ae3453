//! `POST /oauth2/revoke`. Source: RFC 7009.

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use countersign_authority::Revoker;
use countersign_wire::error::Problem;
use http::request::Parts;

use super::caller;
use super::error::Failure;
use crate::app::App;
use crate::ims::reply;

/// Revokes a token of the client that authenticates, of either kind. 200 means durable and
/// effective; it is also the answer for a token that is unknown, over, or another client's.
pub(super) async fn revoke(
    State(app): State<App>,
    parts: Parts,
    body: Bytes,
) -> Result<Response, Failure> {
    let params = caller::params(&parts, &body)?;
    let presented = caller::client(&parts, &params)?;
    let client = app
        .authority
        .authenticate(&presented)
        .await
        .map_err(|error| Failure::client(&error).by(&presented))?;
    let token = params
        .get("token")
        .ok_or_else(|| Failure::request(Problem::TokenRequired).by(&presented))?;
    let revoked = app
        .authority
        .revoke_token(token, Revoker::Client(&client))
        .await;
    revoked.map_err(|error| Failure::unavailable(&error).by(&presented))?;
    Ok(reply::empty())
}
