//! `Generate access token` and `Generate JWT`: a credential tried out by a person.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::{Issued, ManageError};
use countersign_wire::{Agent, Caller, Network, Opaque, ScopeSet};

use super::block;
use super::place::InCredential;
use crate::Console;
use crate::error::PageError;
use crate::form::{Fields, Filled, Form};
use crate::page::{self, Page};
use crate::session::Guest;
use crate::text::{moment, span};

/// What the console calls itself in the evidence of use.
const AGENT: &[u8] = b"countersign-console";

#[derive(Template)]
#[template(path = "developer/token.html")]
struct AskPage {
    page: Page,
    form: Filled,
    path: String,
    back: String,
    /// Whether the private key of a certificate is needed.
    needs_key: bool,
    scopes: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "developer/token_made.html")]
struct MadePage {
    page: Page,
    back: String,
    again: String,
    token: String,
    life: String,
    scopes: String,
    header: String,
}

#[derive(Template)]
#[template(path = "developer/assertion.html")]
struct AssertionPage {
    page: Page,
    form: Filled,
    path: String,
    back: String,
    payload: String,
    made: Option<MadeAssertion>,
}

struct MadeAssertion {
    assertion: String,
    until: String,
    curl: String,
}

/// `GET ../generate-token`.
pub(super) async fn ask(
    State(console): State<Console>,
    at: InCredential,
) -> Result<Response, PageError> {
    if let Some(reason) = at.read_only() {
        return Err(PageError::refused(&reason));
    }
    let form = Filled::new(&at.member.visitor);
    page::render(&ask_page(&console, &at, form))
}

/// `POST ../generate-token`: the answer shows the token once.
pub(super) async fn generate(
    State(console): State<Console>,
    at: InCredential,
    guest: Guest,
    form: Form,
) -> Result<Response, PageError> {
    let mut filled = Filled::new(&at.member.visitor).typed(&["scopes"], &form);
    let caller = Caller {
        network: Network::of(guest.place.source),
        agent: Agent::of(AGENT),
        consumer: None,
    };
    match made(&console, &at, &caller, &form).await {
        Ok(issued) => page::render(&made_page(&at, issued)),
        Err(error) => {
            filled.refused_at(error, field)?;
            page::refused(&ask_page(&console, &at, filled))
        }
    }
}

/// `GET ../generate-jwt`.
pub(super) async fn ask_assertion(
    State(console): State<Console>,
    at: InCredential,
) -> Result<Response, PageError> {
    if let Some(reason) = at.read_only() {
        return Err(PageError::refused(&reason));
    }
    if !at.credential.grants.has_jwt_half() {
        return Err(PageError::nothing_there());
    }
    let payload = console.authority.show_assertion(&at.credential);
    let form = Filled::new(&at.member.visitor);
    page::render(&assertion_page(&at, form, payload, None))
}

/// `POST ../generate-jwt`: the private key signs once, and is neither kept nor written down.
pub(super) async fn generate_assertion(
    State(console): State<Console>,
    at: InCredential,
    form: Form,
) -> Result<Response, PageError> {
    let mut filled = Filled::new(&at.member.visitor);
    let payload = || console.authority.show_assertion(&at.credential);
    let Some(key) = form.secret("private_key") else {
        filled.fault("private_key", NO_KEY);
        return page::refused(&assertion_page(&at, filled, payload(), None));
    };
    let (id, actor) = (&at.credential.id, &at.member.actor);
    match console.authority.make_assertion(id, &key, actor).await {
        Ok(made) => {
            let assertion = made.assertion.expose().to_owned();
            let shown = MadeAssertion {
                curl: block::curl_exchange(&console.authority, &at.credential, &assertion),
                until: moment(made.expires_at),
                assertion,
            };
            page::render(&assertion_page(&at, filled, made.payload, Some(shown)))
        }
        Err(error) => {
            filled.refused_at(error, field)?;
            page::refused(&assertion_page(&at, filled, payload(), None))
        }
    }
}

const NO_KEY: &str = "Paste the private key: the content of private.key.";

async fn made(
    console: &Console,
    at: &InCredential,
    caller: &Caller,
    form: &Fields,
) -> Result<Issued, ManageError> {
    let (id, actor) = (&at.credential.id, &at.member.actor);
    if needs_key(at) {
        let key = form.secret("private_key");
        let key = key.unwrap_or_else(|| Opaque::new(String::new()));
        return console
            .authority
            .make_token_with_key(id, &key, caller, actor)
            .await;
    }
    let chosen: Vec<_> = form.all("scopes").collect();
    // What is no scope is none of the credential's: it is refused with those.
    let scope = (!chosen.is_empty()).then(|| ScopeSet::parse(&chosen.join(",")));
    let scope = scope.and_then(Result::ok);
    console.authority.make_token(id, scope, caller, actor).await
}

/// Only an assertion leads to a token where there is no OAuth half.
fn needs_key(at: &InCredential) -> bool {
    !at.credential.grants.has_oauth_half()
}

fn field(error: &ManageError) -> &'static str {
    match error {
        ManageError::PrivateKey(_) | ManageError::ForeignKey => "private_key",
        ManageError::Token(countersign_authority::TokenError::NotGranted { .. }) => "scopes",
        _ => "",
    }
}

fn ask_page(console: &Console, at: &InCredential, form: Filled) -> AskPage {
    let scopes = at.credential.granted_scopes(console.authority.catalogue());
    let choice = |scope: &countersign_wire::Scope| (scope.to_string(), scope.to_string());
    AskPage {
        page: at.page("Generate access token"),
        form,
        path: format!("{}/generate-token", at.path()),
        back: at.path(),
        needs_key: needs_key(at),
        scopes: scopes.iter().map(choice).collect(),
    }
}

fn made_page(at: &InCredential, issued: Issued) -> MadePage {
    MadePage {
        page: at.page("Your access token"),
        back: at.path(),
        again: format!("{}/generate-token", at.path()),
        life: span(issued.expires_in),
        scopes: issued.scope.to_string(),
        header: format!("Authorization: Bearer {}", issued.access_token),
        token: issued.access_token,
    }
}

fn assertion_page(
    at: &InCredential,
    form: Filled,
    payload: String,
    made: Option<MadeAssertion>,
) -> AssertionPage {
    AssertionPage {
        page: at.page("Generate JWT"),
        form,
        path: format!("{}/generate-jwt", at.path()),
        back: at.path(),
        payload,
        made,
    }
}
