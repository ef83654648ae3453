//! What stands before every call: who calls, and whether the call was made before.

use axum::body::{Body, to_bytes};
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use countersign_authority::{Actor, Begun, ManageError, Reply};
use countersign_wire::{Opaque, OrgId};
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;

use super::error::Failure;
use crate::app::App;
use crate::kit::client_ip::Source;
use crate::kit::problem::JSON;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before, and that what was shown then is not shown again.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Members of answers that are shown once. They are remembered as `null`.
pub(super) const SHOWN_ONCE: [&str; 6] = [
    "access_token",
    "assertion",
    "client_secret",
    "link_code",
    "private_key",
    "undo_link",
];
/// Headers of an answer that are worth giving again.
const KEPT: [HeaderName; 2] = [ETAG, LOCATION];
/// Longest body that is read to compare it; the limits of the server hold before.
const MOST: usize = 1 << 20;

/// Lets a call with an access token pass, as whoever the token acts for.
pub(super) async fn authenticate(
    State(app): State<App>,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    let source = request.extensions().get::<Source>().copied();
    let token = bearer(request.headers());
    let actor = match actor(&app, token, source).await {
        Ok(actor) => actor,
        Err(failure) => return failure.into_response(),
    };
    let read = read_of(&params, &request).filter(|_| actor.is_operator());
    if let Err(failure) = note_read(&app, read, &actor).await {
        return failure.into_response();
    }
    request.extensions_mut().insert(actor.clone());
    let mut response = match key(request.headers()) {
        Ok(Some(key)) if request.method() == Method::POST => {
            once(&app, &actor, &key, request, next).await
        }
        Ok(_) => next.run(request).await,
        Err(failure) => failure.into_response(),
    };
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

/// The token of the one `Authorization: Bearer` header.
fn bearer(headers: &HeaderMap) -> Option<Opaque> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    is_bearer.then(|| Opaque::new(token.to_owned()))
}

async fn actor(app: &App, token: Option<Opaque>, source: Option<Source>) -> Result<Actor, Failure> {
    let token = token.ok_or_else(Failure::unauthenticated)?;
    match app.authority.access_token_actor(token.expose()).await {
        Ok(actor) => Ok(match source {
            Some(source) => actor.from(source.0),
            None => actor,
        }),
        Err(ManageError::NoAccessToken) => Err(Failure::unauthenticated()),
        Err(error) => Err(error.into()),
    }
}

/// The organization that is looked at, and the path.
fn read_of(params: &RawPathParams, request: &Request) -> Option<(OrgId, String)> {
    let (_, org) = params.iter().find(|(name, _)| *name == "org")?;
    let org = OrgId::parse(org).ok()?;
    let path = request.uri().path().chars().take(256).collect();
    (request.method() == Method::GET).then_some((org, path))
}

/// What the operator reads of an organization is written down (ORG-03).
async fn note_read(app: &App, read: Option<(OrgId, String)>, actor: &Actor) -> Result<(), Failure> {
    match read {
        Some((org, path)) => Ok(app.authority.note_operator_read(&org, &path, actor).await?),
        None => Ok(()),
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let Some(value) = headers.get(KEY) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let fits = (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    match fits {
        true => Ok(Some(text.to_owned())),
        false => Err(Failure::request(
            "`Idempotency-Key` has 1 to 128 printable characters without blanks: a UUID is a good one",
        )),
    }
}

/// Does a creation once, however often it is asked for with this key.
async fn once(app: &App, actor: &Actor, key: &str, request: Request, next: Next) -> Response {
    match try_once(app, actor, key, request, next).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    }
}

async fn try_once(
    app: &App,
    actor: &Actor,
    key: &str,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, MOST).await;
    let body = body.map_err(|_| Failure::request("the body cannot be read to its end"))?;
    let asked = format!("{}\n{}", head.uri, String::from_utf8_lossy(&body));
    match app.authority.begin_request(key, &asked, actor).await? {
        Begun::New => {}
        Begun::Done(reply) => return Ok(again(&reply)),
        Begun::Unfinished => {
            return Err(Failure::new(
                StatusCode::CONFLICT,
                "unfinished",
                "the first request with this `Idempotency-Key` is still worked on, or it was cut off: look whether the thing was made, then use another key",
            ));
        }
        Begun::OtherRequest => {
            return Err(Failure::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "key_used",
                "this `Idempotency-Key` was used for another request: make a new one for each",
            ));
        }
    }
    let response = next.run(Request::from_parts(head, Body::from(body))).await;
    if !response.status().is_success() {
        app.authority.forget_request(key, actor).await?;
        return Ok(response);
    }
    let (head, body) = response.into_parts();
    let body = to_bytes(body, MOST).await;
    let body = body.map_err(|_| Failure::request("the answer cannot be kept"))?;
    let reply = Reply {
        status: head.status.as_u16(),
        headers: kept_headers(&head.headers),
        body: without_secrets(&body),
    };
    app.authority.finish_request(key, &reply, actor).await?;
    Ok(Response::from_parts(head, Body::from(body)))
}

fn kept_headers(headers: &HeaderMap) -> String {
    let kept = KEPT.iter().filter_map(|name| {
        let value = headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), Value::from(value)))
    });
    Value::Object(kept.collect()).to_string()
}

fn without_secrets(body: &[u8]) -> String {
    let Ok(mut document) = serde_json::from_slice::<Value>(body) else {
        return String::new();
    };
    if let Some(members) = document.as_object_mut() {
        for name in SHOWN_ONCE {
            if let Some(member) = members.get_mut(name) {
                *member = Value::Null;
            }
        }
    }
    document.to_string()
}

fn again(reply: &Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let mut response = (status, [(CONTENT_TYPE, JSON)], reply.body.clone()).into_response();
    let headers = response.headers_mut();
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    let kept: Value = serde_json::from_str(&reply.headers).unwrap_or_default();
    for name in KEPT {
        let value = kept.get(name.as_str()).and_then(Value::as_str);
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}
