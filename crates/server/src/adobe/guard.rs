//! What stands before every call: API key and token, in the order of `spec/ims-protocol.md` 8.2,
//! and the organization of the path.

use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use countersign_authority::Actor;
use countersign_model::Organization;
use countersign_wire::gateway::{API_KEY, ORGANIZATION};
use countersign_wire::{ClientId, GatewayError, NumericOrgId, Opaque, OrgId};
use http::header::{AUTHORIZATION, CACHE_CONTROL};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

use super::error::Failure;
use crate::app::App;
use crate::kit::client_ip::Source;

/// The path as it was asked for: handlers of nested routes see only its end.
#[derive(Clone)]
struct WholePath(String);

/// Lets a call pass, as whoever its token acts for.
pub(super) async fn authenticate(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Response {
    let source = request.extensions().get::<Source>().copied();
    let actor = match caller(&app, request.headers(), source).await {
        Ok(actor) => actor,
        Err(failure) => return failure.into_response(),
    };
    let path = WholePath(request.uri().path().to_owned());
    request.extensions_mut().insert(actor);
    request.extensions_mut().insert(path);
    let mut response = next.run(request).await;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

async fn caller(app: &App, headers: &HeaderMap, source: Option<Source>) -> Result<Actor, Failure> {
    let key = single(headers, API_KEY)?
        .ok_or_else(|| Failure::gateway(GatewayError::API_KEY_REQUIRED, "no `x-api-key`"))?;
    let key = ClientId::parse(key)
        .map_err(|_| Failure::gateway(GatewayError::API_KEY_INVALID, "`x-api-key` is none"))?;
    let token = bearer(headers)?
        .ok_or_else(|| Failure::gateway(GatewayError::TOKEN_MISSING, "no bearer token"))?;
    let actor = app.authority.console_caller(&key, token.expose()).await?;
    Ok(match source {
        Some(source) => actor.from(source.0),
        None => actor,
    })
}

/// A header that may come once.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Failure> {
    let mut all = headers.get_all(name).iter();
    match (all.next().map(HeaderValue::to_str), all.next()) {
        (None, _) => Ok(None),
        (Some(Ok(text)), None) => Ok(Some(text)),
        _ => Err(Failure::gateway(
            GatewayError::AMBIGUOUS_HEADER,
            format!("`{name}` comes more than once, or cannot be read"),
        )),
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<Opaque>, Failure> {
    let value = single(headers, AUTHORIZATION.as_str())?;
    let parts = value.and_then(|value| value.split_once(' '));
    Ok(parts
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| Opaque::new(token.trim().to_owned())))
}

/// Who asks.
pub(super) struct By(pub(super) Actor);

impl<S: Send + Sync> FromRequestParts<S> for By {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let actor = parts.extensions.get::<Actor>().cloned();
        actor
            .map(Self)
            .ok_or_else(|| Failure::gateway(GatewayError::TOKEN_MISSING, "nobody was let in"))
    }
}

/// Who asks, and the organization that the path numbers. One that the caller may not know of is
/// not there.
pub(super) struct In {
    pub(super) org: Organization,
    pub(super) by: Actor,
}

impl FromRequestParts<App> for In {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let By(by) = By::from_request_parts(parts, app).await?;
        let params = RawPathParams::from_request_parts(parts, app).await;
        let params = params.map_err(|_| Failure::nothing_there())?;
        let number = params.iter().find(|(name, _)| *name == "org");
        let org = find(app, number.map(|(_, id)| id), &by).await?;
        check_header(&parts.headers, &org)?;
        if by.is_operator() && parts.method == Method::GET {
            let what = path(parts);
            app.authority
                .note_operator_read(&org.id, &what, &by)
                .await?;
        }
        Ok(Self { org, by })
    }
}

/// By its number; by its code, where the original has that in paths.
async fn find(app: &App, id: Option<&str>, by: &Actor) -> Result<Organization, Failure> {
    let id = id.ok_or_else(Failure::nothing_there)?;
    if let Ok(code) = OrgId::parse(id) {
        return Ok(app.authority.find_organization(&code, by).await?);
    }
    let number = NumericOrgId::parse(id).map_err(|_| Failure::nothing_there())?;
    Ok(app
        .authority
        .find_organization_by_number(&number, by)
        .await?)
}

/// Some programs name the organization a second time.
fn check_header(headers: &HeaderMap, org: &Organization) -> Result<(), Failure> {
    match single(headers, ORGANIZATION)? {
        Some(code) if code != org.id.as_str() => Err(Failure::gateway(
            GatewayError::ORGANIZATION_MISMATCH,
            "`x-gw-ims-org-id` is not the organization of the path",
        )),
        _ => Ok(()),
    }
}

fn path(parts: &Parts) -> String {
    let whole = parts.extensions.get::<WholePath>();
    let path = whole.map_or(parts.uri.path(), |whole| &whole.0);
    path.chars().take(256).collect()
}
