//! The caller's own access tokens.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::NewAccessToken;
use countersign_model::Role;
use countersign_wire::AccessTokenId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::error::{Failure, ProblemSchema};
use super::place::Paged;
use super::reply::{self, List, Paging};
use super::request::{Body, By, Ids, Query};
use super::secrets::instant;
use super::view::{AccessTokenView, CreatedAccessToken};
use crate::app::App;

/// An access token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAccessTokenBody {
    /// What it is for.
    name: String,
    /// `viewer`, `developer` or `system_administrator`, at most the caller's own, which it has if
    /// absent. The operator's tokens have none.
    role: Option<String>,
    /// When it stops working, RFC 3339: at most a year ahead.
    expires_at: String,
}

/// The caller's access tokens, without the tokens
#[utoipa::path(get, path = "/api/v1/access-tokens", tag = "access tokens", params(Paged),
    responses((status = 200, body = List<AccessTokenView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    mut query: Query,
) -> Result<Response, Failure> {
    let owner = (by.organization(), by.person());
    let paging = Paging::read(&app, &mut query, format!("access tokens of {owner:?}"))?;
    query.finish()?;
    let found = app.authority.list_access_tokens(&paging.page, &by).await?;
    paging.answer(
        &app,
        found,
        |one| one.id.as_str(),
        |one| AccessTokenView::from(one),
    )
}

/// Make an access token; this answer shows it once
#[utoipa::path(post, path = "/api/v1/access-tokens", tag = "access tokens", request_body = NewAccessTokenBody,
    responses((status = 201, body = CreatedAccessToken), (status = "default", body = ProblemSchema)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Body(body): Body<NewAccessTokenBody>,
) -> Result<Response, Failure> {
    let role = body.role.as_deref().map(|word| {
        Role::parse(word).ok_or_else(|| {
            Failure::request("`role` is `viewer`, `developer` or `system_administrator`")
        })
    });
    let expires_at = instant("expires_at", Some(&body.expires_at))?;
    let new = NewAccessToken {
        name: body.name,
        role: role.transpose()?,
        expires_at: expires_at.unwrap_or_default(),
    };
    let (token, secret) = app.authority.create_access_token(new, &by).await?;
    let view = CreatedAccessToken {
        token: AccessTokenView::from(&token),
        access_token: Some(secret.expose().to_owned()),
    };
    Ok(reply::created(&view, "/api/v1/access-tokens"))
}

/// End an access token
#[utoipa::path(delete, path = "/api/v1/access-tokens/{token}", tag = "access tokens", params(("token" = String, Path, description = "Id of the access token")),
    responses((status = 204), (status = "default", body = ProblemSchema)))]
pub(super) async fn delete(
    State(app): State<App>,
    By(by): By,
    Ids(token): Ids<AccessTokenId>,
) -> Result<Response, Failure> {
    app.authority.delete_access_token(&token, &by).await?;
    Ok(reply::deleted())
}
