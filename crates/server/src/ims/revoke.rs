//! `POST /ims/revoke` and `POST /ims/invalidate_token/v2`. Source: `spec/ims-protocol.md` 4.5,
//! RFC 7009.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::Revoker;
use countersign_wire::claims::ACCESS_TOKEN;
use countersign_wire::error::{ImsError, Problem};

use super::error::Failure;
use super::{caller, params, reply};
use crate::app::App;
use crate::kit::whole::Whole;

/// Revokes a token of the client that authenticates. 200 means durable and effective; it is also
/// the answer for a token that is unknown, over, or another client's.
pub(super) async fn revoke(
    State(app): State<App>,
    Whole { parts, body }: Whole,
) -> Result<Response, Failure> {
    let params = params::read(&parts, body).await.map_err(Failure::request)?;
    let token = params
        .get("token")
        .ok_or_else(|| Failure::request(Problem::TokenRequired))?;
    let (presented, method) = caller::client(&parts, &params).map_err(Failure::request)?;
    let client = app
        .authority
        .authenticate(&presented)
        .await
        .map_err(|error| {
            let id = presented.client.id.as_ref();
            Failure::client(&error)
                .of(id)
                .worded(app.compatibility, method)
        })?;
    let revoked = app
        .authority
        .revoke_token(token, Revoker::Client(&client))
        .await;
    revoked.map_err(|error| Failure::unavailable(&error))?;
    Ok(reply::empty())
}

/// Invalidates an access token for whoever holds it and names its client. A secret is not asked
/// for, but if one is shown, it must be right.
pub(super) async fn invalidate(
    State(app): State<App>,
    Whole { parts, body }: Whole,
) -> Result<Response, Failure> {
    let params = params::read(&parts, body).await.map_err(Failure::request)?;
    let token = params
        .get("token")
        .ok_or_else(|| Failure::request(Problem::TokenRequired))?;
    if params
        .get("token_type")
        .is_some_and(|kind| kind != ACCESS_TOKEN)
    {
        return Err(Failure::request(Problem::TokenType));
    }
    let (presented, method) = caller::client(&parts, &params).map_err(Failure::request)?;
    let id = presented.client.id.as_ref();
    let id = id.ok_or_else(|| Failure::plain(ImsError::InvalidClientId))?;
    let revoked = if presented.client.secret.is_some() {
        let client = app
            .authority
            .authenticate(&presented)
            .await
            .map_err(|error| {
                Failure::client(&error)
                    .of(Some(id))
                    .worded(app.compatibility, method)
            })?;
        app.authority
            .revoke_token(token, Revoker::Client(&client))
            .await
    } else {
        app.authority.revoke_token(token, Revoker::Holder(id)).await
    };
    revoked.map_err(|error| Failure::unavailable(&error))?;
    Ok(reply::json(&serde_json::Map::new()))
}
