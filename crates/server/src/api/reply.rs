//! How answers look: JSON, with the revision as `ETag`, and lists in pages.

use axum::response::{IntoResponse, Response};
use countersign_authority::Page;
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::Failure;
use super::request::Query;
use super::table;
use crate::app::App;
use crate::kit::problem::{JSON, Problem};

const USUAL_LIMIT: u32 = 50;
const MOST: u32 = 200;

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct List<T> {
    /// The things.
    pub(super) items: Vec<T>,
    /// Where the list goes on: pass it as `cursor`. `null` at its end.
    pub(super) next_cursor: Option<String>,
}

/// A thing.
pub(super) fn item<T: Serialize>(view: &T) -> Response {
    json(StatusCode::OK, view)
}

/// A document that is written already.
pub(super) fn text(document: String) -> Response {
    ([(CONTENT_TYPE, JSON)], document).into_response()
}

/// A thing that changes, with the revision that the next change is made from.
pub(super) fn revised<T: Serialize>(view: &T, revision: i64) -> Response {
    tagged(json(StatusCode::OK, view), revision)
}

/// A thing that was made, and where it is.
pub(super) fn created<T: Serialize>(view: &T, location: &str) -> Response {
    let mut response = json(StatusCode::CREATED, view);
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// The answer with a revision.
pub(super) fn tagged(mut response: Response, revision: i64) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{revision}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// Nothing is left to say.
pub(super) fn deleted() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

fn json<T: Serialize>(status: StatusCode, view: &T) -> Response {
    match serde_json::to_string(view) {
        Ok(body) => (status, [(CONTENT_TYPE, JSON)], body).into_response(),
        Err(_) => Problem::INTERNAL.into_response(),
    }
}

/// Which page of which list is asked for, and in which form.
pub(super) struct Paging {
    list: String,
    limit: u32,
    pub(super) page: Page,
    form: Form,
}

/// How a list is written.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Csv,
}

impl Paging {
    /// Reads `limit` and `cursor`. `list` names the list with its filter: a cursor of another one
    /// is refused (ORG-12).
    pub(super) fn read(app: &App, query: &mut Query, list: String) -> Result<Self, Failure> {
        let limit = match query.take("limit") {
            None => USUAL_LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MOST).contains(limit))
                .ok_or_else(|| Failure::request("`limit` is a number from 1 to 200"))?,
        };
        let form = match query.take("format").as_deref() {
            None | Some("json") => Form::Json,
            Some("csv") => Form::Csv,
            Some(_) => return Err(Failure::request("`format` is `json` or `csv`")),
        };
        let after = match query.take("cursor") {
            None => None,
            Some(cursor) => Some(app.authority.open_cursor(&list, &cursor).ok_or_else(|| {
                Failure::request(
                    "`cursor` belongs to another list, another filter or another installation: begin again without it",
                )
            })?),
        };
        // One more than is shown tells whether there is more.
        let page = Page {
            after,
            limit: limit + 1,
        };
        Ok(Self {
            list,
            limit,
            page,
            form,
        })
    }

    /// The page for a list that knows itself where it goes on.
    pub(super) fn exactly(&self) -> Page {
        Page {
            after: self.page.after.clone(),
            limit: self.limit,
        }
    }

    /// The answer of such a list: `next` is the key to go on behind.
    pub(super) fn answer_until<V: Serialize>(
        &self,
        app: &App,
        items: Vec<V>,
        next: Option<&str>,
    ) -> Result<Response, Failure> {
        let next_cursor = next.map(|key| app.authority.seal_cursor(&self.list, key));
        Ok(self.written(items, next_cursor.transpose()?))
    }

    fn written<V: Serialize>(&self, items: Vec<V>, next_cursor: Option<String>) -> Response {
        match self.form {
            Form::Json => item(&List { items, next_cursor }),
            Form::Csv => table::answer(&items, next_cursor.as_deref()),
        }
    }

    /// The answer: what was found, cut to the page.
    pub(super) fn answer<T, V: Serialize>(
        &self,
        app: &App,
        mut found: Vec<T>,
        key: impl Fn(&T) -> &str,
        view: impl Fn(&T) -> V,
    ) -> Result<Response, Failure> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let is_more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = match found.last() {
            Some(last) if is_more => Some(app.authority.seal_cursor(&self.list, key(last))?),
            _ => None,
        };
        let items: Vec<_> = found.iter().map(view).collect();
        Ok(self.written(items, next_cursor))
    }
}
