//! Whoever reads that something went wrong: the page of an error has her own navigation.

use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use countersign_authority::Authority;
use countersign_server::kit::problem::Problem;
use countersign_server::kit::stack::Pages;
use http::header::{ACCEPT, AUTHORIZATION};
use http::request::Parts;

use crate::page::{self, Page, Section};
use crate::session::{Member, Visitor};
use crate::{Console, headers};

/// What an error says, among the extensions of an answer that has no page yet.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) title: &'static str,
    pub(crate) what: String,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    page: Page,
    what: &'a str,
}

/// Makes pages of what handlers say is wrong.
pub(crate) async fn tell(State(console): State<Console>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let reader = parts.clone();
    let mut response = next.run(Request::from_parts(parts, body)).await;
    match response.extensions_mut().remove::<Said>() {
        Some(said) => print(&console, reader, &said, response).await,
        None => response,
    }
}

/// Pages of what is wrong before a handler is reached: too large, too late, no such method.
pub fn pages(authority: Arc<Authority>) -> Pages {
    let console = Console::new(authority);
    Pages {
        are_wanted,
        print: Box::new(move |problem, reader| {
            let console = console.clone();
            Box::pin(async move {
                let said = said(problem);
                let bare = problem.status.into_response();
                let mut response = print(&console, reader, &said, bare).await;
                headers::mark(&console, &mut response);
                response
            })
        }),
    }
}

/// Browsers say that they read pages. Adobe's own API has paths among those of the pages; its
/// callers show a token, which no browser does by itself.
fn are_wanted(head: &Parts) -> bool {
    let path = head.uri.path();
    let is_ours = path == "/" || path == "/console" || path.starts_with("/console/");
    let accepted = head.headers.get(ACCEPT).map(|accepted| accepted.as_bytes());
    let reads_pages = || {
        let html = b"text/html";
        accepted.is_some_and(|kinds| kinds.windows(html.len()).any(|kind| kind == html))
    };
    is_ours && reads_pages() && !head.headers.contains_key(AUTHORIZATION)
}

/// Puts the page into an answer.
async fn print(console: &Console, reader: Parts, said: &Said, response: Response) -> Response {
    let page = match response.status().is_server_error() {
        // Who it is may be what cannot be found out now.
        true => Page::bare(said.title),
        false => page_for(console, reader, said.title).await,
    };
    let page = ErrorPage {
        page,
        what: &said.what,
    };
    let (mut head, _) = response.into_parts();
    let (page, body) = page::html(&page).into_parts();
    head.headers.extend(page.headers);
    Response::from_parts(head, body)
}

/// With the navigation of whoever reads it, where that can be found out.
async fn page_for(console: &Console, mut reader: Parts, title: &str) -> Page {
    let known = known(console, &mut reader, title).await;
    let mut page = known.unwrap_or_else(|| Page::bare(title));
    // What was done before is said on a page that shows it.
    page.notice = None;
    page
}

async fn known(console: &Console, reader: &mut Parts, title: &str) -> Option<Page> {
    if let Ok(member) = Member::from_request_parts(reader, console).await {
        return Some(Page::of_member(&member, Section::Elsewhere, title));
    }
    let visitor =
        <Visitor as axum::extract::FromRequestParts<Console>>::from_request_parts(reader, console);
    Some(Page::of_visitor(&visitor.await.ok()?, title))
}

/// The same in words for people: what happened, and what to do next.
fn said(problem: Problem) -> Said {
    let (title, what) = match problem.status.as_u16() {
        404 => (
            "There is nothing here",
            "There is nothing at this address. It may be mistyped, or what was here may be deleted.",
        ),
        405 => (
            "There is no page here",
            "This address takes a form and has no page of its own. Nothing was changed: open the page that has the form.",
        ),
        408 => (
            "This took too long",
            "What you sent did not arrive in time, so nothing was changed. Go back and send it again, by a better connection if you can.",
        ),
        413 => (
            "This is too large",
            "What you sent is larger than this installation takes, so nothing was changed. A certificate has about 2 KB, a key about 3 KB: go back, and look whether you chose the right file.",
        ),
        414 => (
            "This address is too long",
            "The address is longer than this installation reads, so nothing was done. Search for less, or start from your projects.",
        ),
        415 => (
            "This request cannot be read",
            "What you sent is compressed, which this installation does not read. Nothing was changed.",
        ),
        431 => (
            "This request is too large",
            "Your browser sends too much about itself, mostly cookies. Nothing was changed: delete the cookies of this site, then sign in again.",
        ),
        503 => (
            "Not available at the moment",
            "The answer took too long. What you wanted may be done or not: look before you repeat it, and tell the operator of this installation if it lasts.",
        ),
        500.. => (
            "Something is broken",
            "This did not work, and it is not your fault. What you wanted may be done or not: look before you repeat it, and tell the operator of this installation if it happens again.",
        ),
        _ => (
            "This request cannot be read",
            "Something between your browser and this installation changed the request, so it was not read, and nothing was changed. Start from your projects.",
        ),
    };
    Said {
        title,
        what: what.to_owned(),
    }
}
