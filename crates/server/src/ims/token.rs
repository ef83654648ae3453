//! `POST /ims/token/v1` to `v4`. Source: `spec/ims-protocol.md` 1.4, 1.5.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::AbsentScope;
use countersign_wire::token::{TokenReply, TokenRequest};
use http::StatusCode;

use super::error::Failure;
use super::{caller, params, reply};
use crate::app::App;
use crate::kit::whole::Whole;

/// v3, the documented endpoint; v1 and v4 answer alike.
pub(super) async fn v3(state: State<App>, whole: Whole) -> Result<Response, Failure> {
    token(state, whole, AbsentScope::IsRefused).await
}

/// v2 grants every scope where none is asked for.
pub(super) async fn v2(state: State<App>, whole: Whole) -> Result<Response, Failure> {
    token(state, whole, AbsentScope::GrantsAll).await
}

async fn token(
    State(app): State<App>,
    Whole { parts, body }: Whole,
    absent: AbsentScope,
) -> Result<Response, Failure> {
    let params = params::read(&parts, body).await.map_err(Failure::request)?;
    let (presented, method) = caller::client(&parts, &params).map_err(Failure::request)?;
    let id = presented.client.id.clone();
    let request =
        TokenRequest::read(&params).map_err(|error| Failure::plain(error).of(id.as_ref()))?;
    let issued = app
        .authority
        .issue(request, &presented, absent)
        .await
        .map_err(|error| {
            Failure::token(&error)
                .of(id.as_ref())
                .worded(app.compatibility, method)
        })?;
    let reply = TokenReply {
        access_token: issued.access_token,
        token_type: "bearer".to_owned(),
        expires_in: issued.expires_in.into(),
    };
    Ok(reply::no_store(StatusCode::OK, reply.to_json()))
}
