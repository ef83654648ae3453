//! Faces for people: the Developer Console, rendered on the server. Everything works without
//! scripts.
//!
//! # How a page is made
//!
//! - A handler takes `Console` as its state and `session::Member` (somebody in the organization
//!   of the path) or `session::Visitor` (somebody who is signed in), calls one use case, and
//!   gives its template to `page::render`. A template's struct is private, next to its handler,
//!   and holds a `page::Page` in its field `page`, which `base.html` reads.
//! - A form posts to a handler that takes `form::Form` last: it came from this session's own
//!   page. What was typed and what is wrong with it goes back into the page as `form::Filled`,
//!   with status 422. What was done is answered by `page::done`: 303 and a notice.
//! - What deserves it asks for the password again: `Filled` shows the field, and
//!   `session::Visitor::confirm` takes it (CON-05).
//! - Everything else that goes wrong is a `error::PageError`; `reader` makes the page of it.
//! - `templates/components.html` has the parts that pages are made of.

#![warn(missing_docs)]

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use countersign_authority::Authority;
use tower_http::csrf::CsrfLayer;

mod activity_log;
mod assets;
mod cookies;
mod developer;
mod error;
mod form;
mod headers;
mod notice;
mod page;
mod people;
mod query;
mod reader;
mod reference;
mod session;
mod text;

use cookies::Cookies;
use error::PageError;
use people::account::{self, access_tokens, device, identities, password};
use people::members::{self, invite};
use people::{
    activity, calendar, invitation, keys, organizations, policy, profiles, provider, services,
    sign_in, sign_out, undo,
};
pub use reader::pages;

/// What every handler is given. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Console {
    pub(crate) authority: Arc<Authority>,
    pub(crate) cookies: Arc<Cookies>,
}

impl Console {
    fn new(authority: Arc<Authority>) -> Self {
        Self {
            cookies: Arc::new(Cookies::for_origin(&authority.config().issuer)),
            authority,
        }
    }
}

/// All pages, under `/console`, and `/`, which leads there.
pub fn router(authority: Arc<Authority>) -> Router {
    let console = Console::new(authority);
    Router::new()
        .route("/", get(async || page::see_other("/console")))
        .route("/console", get(people::home))
        .route("/console/api", get(reference::show))
        .route("/console/sign-in", get(sign_in::show).post(sign_in::enter))
        .route(
            "/console/sign-in/code",
            get(sign_in::show_code).post(sign_in::enter_code),
        )
        .route("/console/sign-in/with/{provider}", get(provider::depart))
        .route(
            "/console/sign-in/with/{provider}/answer",
            get(provider::answer),
        )
        .route("/console/sign-out", post(sign_out::leave))
        .route(
            "/console/invitation",
            get(invitation::show).post(invitation::accept),
        )
        .route(
            "/console/invitation/identity",
            post(invitation::accept_identity),
        )
        .route("/console/invitation/join", post(invitation::join))
        .route("/console/brown-out", get(undo::show).post(undo::undo))
        .route("/console/account", get(account::show))
        .route(
            "/console/account/password",
            get(password::show).post(password::change),
        )
        .route(
            "/console/account/device",
            get(device::show).post(device::add),
        )
        .route(
            "/console/account/device/remove",
            get(device::ask_removal).post(device::remove),
        )
        .route("/console/account/identities", post(identities::link))
        .route(
            "/console/account/identities/{identity}/unlink",
            get(identities::ask_unlink).post(identities::unlink),
        )
        .route(
            "/console/account/sessions/{session}/end",
            post(account::end_session),
        )
        .route(
            "/console/organizations/{org}/access-tokens",
            get(access_tokens::list).post(access_tokens::create),
        )
        .route(
            "/console/organizations/{org}/access-tokens/{token}/delete",
            post(access_tokens::delete),
        )
        // Adobe's own API has `/console/organizations` and `../services` (`spec/ims-protocol.md` 6.9).
        .route("/console/account/organizations", get(organizations::list))
        .route(
            "/console/new-organization",
            get(organizations::show_new).post(organizations::create),
        )
        .route(
            "/console/organizations/{org}/switch",
            post(organizations::switch),
        )
        .route("/console/organizations/{org}/members", get(members::list))
        .route(
            "/console/organizations/{org}/members/invite",
            get(invite::show).post(invite::invite),
        )
        .route(
            "/console/organizations/{org}/members/invitations/{invitation}/withdraw",
            post(invite::withdraw),
        )
        .route(
            "/console/organizations/{org}/members/{person}",
            get(members::show).post(members::change),
        )
        .route(
            "/console/organizations/{org}/members/{person}/end-sessions",
            post(members::end_sessions),
        )
        .route(
            "/console/organizations/{org}/members/{person}/remove",
            get(members::ask_removal).post(members::remove),
        )
        .route("/console/organizations/{org}/activity", get(activity::list))
        .route(
            "/console/organizations/{org}/activity.csv",
            get(activity::export),
        )
        .route("/console/organizations/{org}/keys", get(keys::list))
        .route(
            "/console/organizations/{org}/keys/rotate",
            post(keys::rotate),
        )
        .route(
            "/console/organizations/{org}/published-services",
            get(services::list),
        )
        .route(
            "/console/organizations/{org}/profiles",
            get(profiles::list).post(profiles::create),
        )
        .route("/console/organizations/{org}/policy", get(policy::show))
        .route(
            "/console/organizations/{org}/calendar.ics",
            get(calendar::show),
        )
        .route(
            "/console/organizations/{org}/calendar",
            post(calendar::renew),
        )
        .route(
            "/console/organizations/{org}/calendar/withdraw",
            post(calendar::withdraw),
        )
        .merge(developer::routes())
        .route("/console/{*elsewhere}", get(nothing_there))
        .merge(assets::routes())
        .layer(
            CsrfLayer::new().with_rejection_response(|_| PageError::foreign_form().into_response()),
        )
        .layer(from_fn_with_state(console.clone(), reader::tell))
        .layer(from_fn_with_state(console.clone(), headers::protect))
        .with_state(console)
}

async fn nothing_there() -> Response {
    PageError::nothing_there().into_response()
}
