//! Signing in: a name and a password, then the code of a device where the person has one.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::{NewSession, SignInError, SignedIn};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};

use crate::Console;
use crate::cookies::Cookie;
use crate::error::PageError;
use crate::form::{Fields, Filled, GuestForm};
use crate::page::{self, Link, Page, own_path, see_other};
use crate::people::provider;
use crate::query::Query;
use crate::session::{Guest, Visitor};
use crate::text::sentence;

/// How long a sign-in waits for its code, in seconds; the authority has the last word.
const CODE_LIFE: u32 = 300;

#[derive(Template)]
#[template(path = "people/sign_in.html")]
struct SignInPage {
    page: Page,
    form: Filled,
    providers: Vec<Link>,
}

#[derive(Template)]
#[template(path = "people/sign_in_code.html")]
struct CodePage {
    page: Page,
    form: Filled,
}

/// `GET /console/sign-in`.
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Option<Visitor>,
    guest: Guest,
    query: Query,
) -> Result<Response, PageError> {
    let next = own_path(query.get("next")).unwrap_or("/console");
    if visitor.is_some() {
        return Ok(see_other(next));
    }
    page::render(&sign_in_page(
        &console,
        &guest,
        Filled::for_guest().with("next", next),
    ))
}

/// `POST /console/sign-in`.
pub(crate) async fn enter(
    State(console): State<Console>,
    guest: Guest,
    form: GuestForm,
) -> Result<Response, PageError> {
    let name = form.trimmed("sign_in_name");
    let mut filled = Filled::for_guest().typed(&["sign_in_name", "next"], &form);
    let Some(password) = form.secret("password") else {
        filled.fault("password", "Type your password.");
        return refused_sign_in(&console, &guest, filled, StatusCode::UNPROCESSABLE_ENTITY);
    };
    match console
        .authority
        .sign_in(name, password, &guest.place)
        .await
    {
        Ok(SignedIn::Whole(session)) => Ok(entered(&console, &session, &form)),
        Ok(SignedIn::CodeNeeded(half)) => {
            let next = percent_encoding::utf8_percent_encode(
                own_path(form.text("next")).unwrap_or("/console"),
                percent_encoding::NON_ALPHANUMERIC,
            );
            let mut response = see_other(&format!("/console/sign-in/code?next={next}"));
            let cookie = half.cookie.expose();
            let cookie = console.cookies.set(Cookie::Code, cookie, Some(CODE_LIFE));
            response.headers_mut().append(SET_COOKIE, cookie);
            Ok(response)
        }
        Err(error) => {
            let status = status(&error);
            tell(error, "sign_in_name", &mut filled)?;
            refused_sign_in(&console, &guest, filled, status)
        }
    }
}

/// `GET /console/sign-in/code`.
pub(crate) async fn show_code(
    State(console): State<Console>,
    guest: Guest,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, PageError> {
    let next = own_path(query.get("next")).unwrap_or("/console");
    if console.cookies.find(Cookie::Code, &headers).is_none() {
        return Err(PageError::sign_in(next));
    }
    page::render(&CodePage {
        page: Page::of_guest(&guest, "Enter the code of your device"),
        form: Filled::for_guest().with("next", next),
    })
}

/// `POST /console/sign-in/code`.
pub(crate) async fn enter_code(
    State(console): State<Console>,
    guest: Guest,
    headers: HeaderMap,
    form: GuestForm,
) -> Result<Response, PageError> {
    let cookie = console.cookies.find(Cookie::Code, &headers);
    let cookie = cookie.ok_or_else(|| PageError::sign_in("/console"))?;
    // People type codes as they see them: in two groups.
    let code = form.text("code").replace([' ', '-'], "");
    let entered_code = console
        .authority
        .enter_code(&cookie, &code, &guest.place)
        .await;
    match entered_code {
        Ok(session) => {
            let mut response = entered(&console, &session, &form);
            let cookie = console.cookies.clear(Cookie::Code);
            response.headers_mut().append(SET_COOKIE, cookie);
            Ok(response)
        }
        Err(SignInError::TooLate) => {
            let mut filled = Filled::for_guest().typed(&["next"], &form);
            filled.fault("sign_in_name", sentence(SignInError::TooLate));
            refused_sign_in(&console, &guest, filled, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(error) => {
            let status = status(&error);
            let mut filled = Filled::for_guest().typed(&["next"], &form);
            tell(error, "code", &mut filled)?;
            let mut response = page::refused(&CodePage {
                page: Page::of_guest(&guest, "Enter the code of your device"),
                form: filled,
            })?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}

/// The answer to somebody whose session has begun: the cookie, and where she wanted to go.
pub(crate) fn begun(console: &Console, session: &NewSession, path: &str) -> Response {
    let mut response = see_other(path);
    let cookie = session.cookie.expose();
    let cookie = console.cookies.set(Cookie::Session, cookie, None);
    response.headers_mut().append(SET_COOKIE, cookie);
    response
}

fn entered(console: &Console, session: &NewSession, form: &Fields) -> Response {
    let next = own_path(form.text("next")).unwrap_or("/console");
    begun(console, session, next)
}

fn sign_in_page(console: &Console, guest: &Guest, form: Filled) -> SignInPage {
    SignInPage {
        page: Page::of_guest(guest, "Sign in"),
        providers: provider::links(console, &[("next", form.value("next"))]),
        form,
    }
}

fn refused_sign_in(
    console: &Console,
    guest: &Guest,
    form: Filled,
    status: StatusCode,
) -> Result<Response, PageError> {
    let mut response = page::refused(&sign_in_page(console, guest, form))?;
    *response.status_mut() = status;
    Ok(response)
}

fn status(error: &SignInError) -> StatusCode {
    match error {
        SignInError::Throttled => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn tell(error: SignInError, field: &'static str, filled: &mut Filled) -> Result<(), PageError> {
    match error {
        SignInError::Unavailable(error) => return Err(error.into()),
        error => filled.fault(field, sentence(error)),
    }
    Ok(())
}
