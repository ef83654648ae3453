//! What handlers read: ids of the path, the query, JSON bodies.

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use countersign_wire::form::{Params, Place};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::Failure;

/// The ids of the path, by their names. What has the form of no id is the id of nothing.
pub(super) struct Ids<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Ids<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let ids = Path::<T>::from_request_parts(parts, state).await;
        ids.map(|Path(ids)| Self(ids))
            .map_err(|_| Failure::nothing_there())
    }
}

/// A JSON body. Programs send more than the description has, and label GETs as JSON and JSON as
/// nothing: only the text decides.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|_| Failure::request("the body cannot be read to its end"))?;
        // What serde says could repeat a value, and a pasted secret is one: only the place is told.
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Failure::request(format!(
                "the body is not the JSON that this call takes: look at line {line}, column {column}"
            ))
        })
    }
}

/// The query.
pub(super) struct Query(Params);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let mut params = Params::default();
        let read = params.read(Place::Query, parts.uri.query().unwrap_or_default());
        read.map_err(|error| Failure::request(format!("the query cannot be read: {error}")))?;
        Ok(Self(params))
    }
}

impl Query {
    /// A parameter; an empty one is absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    /// A filter that is not served would answer with what was not asked for.
    pub(super) fn refuse(&self, names: &[&str]) -> Result<(), Failure> {
        match names.iter().find(|name| self.get(name).is_some()) {
            None => Ok(()),
            Some(name) => Err(Failure::request(format!(
                "`{name}` is not supported: leave it out, and look through the answer"
            ))),
        }
    }

    /// Which page: `page` from 1, and `size`.
    pub(super) fn paging(&self) -> Result<Paging, Failure> {
        let number = |name, usual| match self.get(name).map(str::parse::<u32>) {
            None => Ok(usual),
            Some(Ok(number)) if number >= 1 => Ok(number),
            Some(_) => Err(Failure::request(format!("`{name}` is a number from 1 on"))),
        };
        let size = number("size", USUAL_SIZE)?.min(MOST);
        let page = number("page", 1)?;
        Ok(Paging {
            page,
            size,
            is_whole: false,
        })
    }
}

/// A page by number.
#[derive(Clone, Copy)]
pub(super) struct Paging {
    pub(super) page: u32,
    pub(super) size: u32,
    /// Whether it stands for all that there are: nobody asked for a page.
    pub(super) is_whole: bool,
}

impl Paging {
    /// One page of all, if there are not more than `most`.
    pub(super) const fn whole(most: u32) -> Self {
        Self {
            page: 1,
            size: most,
            is_whole: true,
        }
    }

    /// How many things come before it.
    pub(super) fn skip(self) -> u32 {
        (self.page - 1).saturating_mul(self.size)
    }
}

const USUAL_SIZE: u32 = 100;
const MOST: u32 = 500;
