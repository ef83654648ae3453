//! `POST /oauth2/token`. Sources: RFC 6749 section 4.4, RFC 8707.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::AbsentScope;
use countersign_wire::oauth::TokenReply;
use countersign_wire::token::TokenRequest;
use http::StatusCode;

use super::caller;
use super::error::Failure;
use crate::app::App;
use crate::ims::reply;
use crate::kit::whole::Whole;

/// Who asks for no scope gets every scope of the credential, and is told (RFC 6749 section 3.3).
pub(super) async fn token(
    State(app): State<App>,
    Whole { parts, body }: Whole,
) -> Result<Response, Failure> {
    let params = caller::params(&parts, &body)?;
    let presented = caller::client(&parts, &params)?;
    let request =
        TokenRequest::read_standard(&params).map_err(|error| Failure::of(error).by(&presented))?;
    let issued = app
        .authority
        .issue(request, &presented, AbsentScope::GrantsAll)
        .await
        .map_err(|error| Failure::token(&error).by(&presented))?;
    let reply = TokenReply {
        access_token: issued.access_token,
        token_type: "Bearer",
        expires_in: issued.expires_in.into(),
        scope: issued.scope.blank_separated(),
    };
    Ok(reply::no_store(StatusCode::OK, reply.to_json()))
}
