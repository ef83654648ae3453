//! `POST /oauth2/introspect`. Source: RFC 7662.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{SignedClaims, ValidToken};
use countersign_wire::claims::Audience;
use countersign_wire::oauth::{INACTIVE, Introspection};
use http::StatusCode;

use super::caller;
use super::error::Failure;
use crate::app::App;
use crate::ims::reply;
use crate::kit::whole::Whole;

/// Tells an authenticated caller what a token is good for. Whatever is wrong with the token, and
/// if it is none of the caller's business, the answer is the same.
pub(super) async fn introspect(
    State(app): State<App>,
    Whole { parts, body }: Whole,
) -> Result<Response, Failure> {
    let (client, token, presented) = caller::with_token(&app, &parts, &body).await?;
    let held = app
        .authority
        .introspect(token.expose(), &client)
        .await
        .map_err(|error| Failure::undecided(&error).by(&presented))?;
    Ok(match held {
        Some(held) => reply::json(&introspection(held, &app.authority.config().issuer)),
        None => reply::no_store(StatusCode::OK, INACTIVE.to_owned()),
    })
}

fn introspection(held: ValidToken, issuer: &str) -> Introspection {
    let claims = held.claims;
    Introspection {
        active: true,
        scope: claims.scope.blank_separated(),
        client_id: held.client.credential.client_id.clone(),
        token_type: "Bearer",
        exp: held.expires_at.as_seconds(),
        iat: claims.created_at.as_seconds(),
        sub: claims.account_id,
        aud: match claims.signed {
            SignedClaims::Standard(signed) => Some(signed.aud),
            SignedClaims::Ims(signed) => signed.aud.map(Audience::Several),
        },
        iss: issuer.to_owned(),
        jti: claims.id,
        org_id: claims.org_id,
    }
}
