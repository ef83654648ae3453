//! `POST /oauth2/revoke`. Source: RFC 7009.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::Revoker;

use super::caller;
use super::error::Failure;
use crate::app::App;
use crate::ims::reply;
use crate::kit::whole::Whole;

/// Revokes a token of the client that authenticates, of either kind. 200 means durable and
/// effective; it is also the answer for a token that is unknown, over, or another client's.
pub(super) async fn revoke(
    State(app): State<App>,
    Whole { parts, body }: Whole,
) -> Result<Response, Failure> {
    let (client, token, presented) = caller::with_token(&app, &parts, &body).await?;
    let revoked = app
        .authority
        .revoke_token(token.expose(), Revoker::Client(&client))
        .await;
    revoked.map_err(|error| Failure::unavailable(&error).by(&presented))?;
    Ok(reply::empty())
}
