//! What handlers read: ids of the path, the query, JSON bodies, the revision that a change was
//! made from.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use countersign_authority::Actor;
use countersign_wire::Caller;
use countersign_wire::form::{Params, Place};
use http::header::{CONTENT_TYPE, IF_MATCH};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use super::error::Failure;
use crate::ims::caller::caller;

/// Who calls; `guard.rs` put it there.
pub(super) struct By(pub(super) Actor);

impl<S: Send + Sync> FromRequestParts<S> for By {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let actor = parts.extensions.get::<Actor>().cloned();
        actor.map(Self).ok_or_else(Failure::unauthenticated)
    }
}

/// What the request tells of the program that sent it: evidence, where a token is made.
pub(super) struct CalledFrom(pub(super) Caller);

impl<S: Send + Sync> FromRequestParts<S> for CalledFrom {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(caller(parts)))
    }
}

/// The ids of the path. What has the form of no id is the id of nothing.
pub(super) struct Ids<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Ids<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let ids = Path::<T>::from_request_parts(parts, state).await;
        ids.map(|Path(ids)| Self(ids))
            .map_err(|_| Failure::nothing_there())
    }
}

/// A JSON body. Unknown and doubled members are refused: both are mistakes somebody should see.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes = json_body(request, state).await?;
        let body = serde_json::from_slice(&bytes);
        // What serde says names members and places, and no values of ours; still a pasted secret
        // can stand where a number should: only the place is repeated.
        body.map(Self).map_err(|error| refused(&error))
    }
}

/// A body that says it is JSON.
pub(super) async fn json_body<S: Send + Sync>(
    request: Request,
    state: &S,
) -> Result<Bytes, Failure> {
    if !is_json(request.headers()) {
        return Err(Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "the body must be JSON: send `Content-Type: application/json`",
        ));
    }
    let bytes = Bytes::from_request(request, state).await;
    bytes.map_err(|_| Failure::request("the body cannot be read to its end"))
}

fn refused(error: &serde_json::Error) -> Failure {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let known = ["unknown field", "missing field", "duplicate field"];
    let what = match known.iter().any(|start| text.starts_with(start)) {
        true => text.split(" at line").next().unwrap_or_default(),
        false => "it is not JSON of the form that is described",
    };
    let what: String = what.chars().filter(|c| !c.is_control()).take(300).collect();
    Failure::request(format!(
        "the body cannot be taken at line {line}, column {column}: {what}; `/api/v1/openapi.json` describes it"
    ))
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or_default().split(';').next();
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// The revision of an `If-Match`, which makes a change fail that was made from another one.
pub(super) struct IfMatch(pub(super) Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let mut values = parts.headers.get_all(IF_MATCH).iter();
        let revision = match (values.next(), values.next()) {
            (None, _) => return Ok(Self(None)),
            (Some(value), None) => value.to_str().ok().and_then(revision),
            (Some(_), Some(_)) => None,
        };
        // A tag that is none of ours can match nothing.
        Ok(Self(Some(revision.unwrap_or(-1))))
    }
}

fn revision(tag: &str) -> Option<i64> {
    tag.trim()
        .strip_prefix('"')?
        .strip_suffix('"')?
        .parse()
        .ok()
}

/// The query, of which every parameter must be wanted.
pub(super) struct Query(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let text = parts.uri.query().unwrap_or_default();
        let mut params = Params::default();
        let read = params.read(Place::Query, text);
        read.map_err(|error| Failure::request(format!("the query cannot be read: {error}")))?;
        let names = text.split('&').filter(|pair| !pair.is_empty());
        let names = names.map(|pair| pair.split('=').next().unwrap_or_default());
        let held = names.filter_map(|name| Some((name.to_owned(), params.get(name)?.to_owned())));
        Ok(Self(held.collect()))
    }
}

impl Query {
    /// Takes a parameter out.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Whether a parameter is `true`; everything else but `false` is a mistake.
    pub(super) fn take_flag(&mut self, name: &'static str) -> Result<bool, Failure> {
        match self.take(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Failure::request(format!("`{name}` is `true` or `false`"))),
        }
    }

    /// Everything must have been taken.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Failure::request(
                "the query has a parameter that this call does not know: `/api/v1/openapi.json` lists them",
            )),
        }
    }
}
