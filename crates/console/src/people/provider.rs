//! Signing in at an OpenID provider: there and back.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use countersign_authority::{Arrival, Next, ProviderError, Purpose, Returned};
use countersign_server::kit::access_log::Cause;
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use url::form_urlencoded::{self, Serializer};

use crate::Console;
use crate::cookies::Cookie;
use crate::error::PageError;
use crate::page::{self, Link, Page, own_path, see_other};
use crate::people::account::identities;
use crate::people::invitation;
use crate::people::sign_in::begun;
use crate::query::Query;
use crate::session::{Guest, Visitor};
use crate::text::sentence;

/// How long the browser is remembered, in seconds; the authority has the last word.
const BROWSER_LIFE: u32 = 600;

#[derive(Template)]
#[template(path = "people/provider_refused.html")]
struct RefusedPage {
    page: Page,
    what: String,
    /// Whether nobody is known by this identity: there are ways to become known.
    is_unknown: bool,
    is_signed_in: bool,
}

/// Links to every provider, with these parameters.
pub(crate) fn links(console: &Console, parameters: &[(&str, &str)]) -> Vec<Link> {
    let query = Serializer::new(String::new())
        .extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()))
        .finish();
    let link =
        |id: &str, name: &str| Link::new(name, format!("/console/sign-in/with/{id}?{query}"));
    let all = console.authority.providers();
    all.map(|one| link(&one.id, &one.name)).collect()
}

/// `GET /console/sign-in/with/{provider}`: to the provider.
pub(crate) async fn depart(
    State(console): State<Console>,
    visitor: Option<Visitor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, PageError> {
    let next = own_path(query.get("next")).unwrap_or("/console");
    let is_here = visitor.is_some();
    let person = visitor.map(|visitor| visitor.session.person().id.clone());
    let signed_in = || {
        person
            .clone()
            .ok_or_else(|| PageError::sign_in("/console/account"))
    };
    let purpose = match (query.get("for"), query.get("code")) {
        ("link", _) => Purpose::Link(signed_in()?),
        ("confirm", _) => Purpose::Confirm(signed_in()?),
        (_, "") if is_here => return Ok(see_other(next)),
        (_, "") => Purpose::SignIn,
        (_, code) => match console.authority.find_invitation(code).await? {
            // Whoever has an account signs in with it, and joins.
            welcome if welcome.next == Next::SignIn => Purpose::SignIn,
            welcome => Purpose::Accept(welcome.invitation.id),
        },
    };
    let browser = console.cookies.find(Cookie::Provider, &headers);
    let departed = console
        .authority
        .depart(&id, purpose, next, browser.as_deref())
        .await;
    match departed {
        Ok(departure) => {
            let mut response = see_other(&departure.address);
            let browser = departure.browser.expose();
            let cookie = console
                .cookies
                .set(Cookie::Provider, browser, Some(BROWSER_LIFE));
            response.headers_mut().append(SET_COOKIE, cookie);
            Ok(response)
        }
        Err(error) => refused(error, is_here),
    }
}

/// `GET /console/sign-in/with/{provider}/answer`: back from there.
pub(crate) async fn answer(
    State(console): State<Console>,
    visitor: Option<Visitor>,
    guest: Guest,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let returned = Returned {
        browser: console.cookies.find(Cookie::Provider, &headers),
        ..read(uri.query().unwrap_or_default())?
    };
    let session = visitor.as_ref().map(|visitor| &visitor.session);
    let arrived = console
        .authority
        .arrive(&id, &returned, session, &guest.place)
        .await;
    match (arrived, &visitor) {
        (Ok(Arrival::SignedIn(session, next)), _) => {
            let next = own_path(&next).unwrap_or("/console");
            Ok(begun(&console, &session, next))
        }
        (Ok(Arrival::Accept(id, offered)), _) => {
            invitation::identified(&console, &guest, &id, offered).await
        }
        (Ok(Arrival::Link(offered)), Some(visitor)) => identities::offered(visitor, offered),
        (Ok(Arrival::Link(_)), None) => Err(PageError::sign_in("/console/account")),
        (Ok(Arrival::Confirmed(next)), _) => {
            let notice = "You have confirmed that it is you: go on within ten minutes.";
            page::done(&console, own_path(&next).unwrap_or("/console"), notice)
        }
        (Err(error), visitor) => refused(error, visitor.is_some()),
    }
}

/// The parameters of the redirect. None of them may come twice (RFC 6749 section 3.1).
fn read(query: &str) -> Result<Returned, PageError> {
    let find = |name: &str| {
        let mut all = form_urlencoded::parse(query.as_bytes()).filter(|(found, _)| found == name);
        match (all.next(), all.next()) {
            (_, Some(_)) => Err(PageError::request(
                "The answer of the provider cannot be read: a part of it is there twice. Begin again.",
            )),
            (found, None) => Ok(found.map(|(_, value)| value.into_owned())),
        }
    };
    Ok(Returned {
        browser: None,
        state: find("state")?.unwrap_or_default(),
        code: find("code")?,
        error: find("error")?,
        issuer: find("iss")?,
    })
}

fn refused(error: ProviderError, is_signed_in: bool) -> Result<Response, PageError> {
    let cause = error.cause();
    let (status, code) = match error {
        ProviderError::Manage(error) => return Err(error.into()),
        ProviderError::NoProvider => return Err(PageError::nothing_there()),
        ProviderError::Stale => (StatusCode::FORBIDDEN, "sign_in_stale"),
        ProviderError::Declined { .. } => (StatusCode::FORBIDDEN, "sign_in_declined"),
        ProviderError::NotBelieved { .. } => (StatusCode::FORBIDDEN, "sign_in_not_believed"),
        ProviderError::Domain { .. } => (StatusCode::FORBIDDEN, "sign_in_domain"),
        ProviderError::Unknown { .. } => (StatusCode::FORBIDDEN, "sign_in_unknown"),
        ProviderError::OtherPerson { .. } => (StatusCode::FORBIDDEN, "sign_in_other_person"),
        ProviderError::NotConfirmed { .. } => (StatusCode::FORBIDDEN, "sign_in_not_confirmed"),
        ProviderError::Throttled => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
        ProviderError::Unavailable { .. } => {
            (StatusCode::SERVICE_UNAVAILABLE, "provider_unavailable")
        }
    };
    let mut response = page::html(&RefusedPage {
        page: Page::bare("This sign-in did not work"),
        is_unknown: matches!(error, ProviderError::Unknown { .. }),
        what: sentence(&error),
        is_signed_in,
    });
    *response.status_mut() = status;
    if matches!(code, "too_many" | "provider_unavailable") {
        let minute = HeaderValue::from_static("60");
        response.headers_mut().insert(RETRY_AFTER, minute);
    }
    let client = None;
    let detail = cause;
    response.extensions_mut().insert(Cause {
        code,
        detail,
        client,
    });
    Ok(response.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_comes_twice_is_refused() {
        let found = read("state=a%20b&code=c&x=1&x=2").expect("reads");
        assert_eq!(
            (found.state.as_str(), found.code.as_deref()),
            ("a b", Some("c"))
        );
        for twice in [
            "state=a&state=a",
            "state=a&code=b&code=c",
            "iss=a&iss=b",
            "error=a&error=b",
        ] {
            assert!(read(twice).is_err(), "{twice}");
        }
    }
}
