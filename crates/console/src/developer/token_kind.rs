//! Which kind of access tokens a credential gets: those of the original, or JWTs as RFC 9068 has
//! them.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::At;
use countersign_model::{SigningAlgorithm, TokenKind};

use super::place::InCredential;
use crate::Console;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Page};

#[derive(Template)]
#[template(path = "developer/token_kind.html")]
struct KindPage {
    page: Page,
    form: Filled,
    path: String,
    back: String,
    choices: Vec<(&'static str, String)>,
}

/// `GET ../token-kind`.
pub(super) async fn ask(at: InCredential) -> Result<Response, PageError> {
    if let Some(reason) = at.read_only() {
        return Err(PageError::refused(&reason));
    }
    let form = Filled::new(&at.member.visitor)
        .with("kind", at.credential.token_kind.as_str())
        .with("revision", at.credential.revision.to_string());
    page::render(&kind_page(&at, form))
}

/// `POST ../token-kind`.
pub(super) async fn change(
    State(console): State<Console>,
    at: InCredential,
    form: Form,
) -> Result<Response, PageError> {
    let mut filled = Filled::new(&at.member.visitor).typed(&["kind", "revision"], &form);
    let Some(kind) = TokenKind::parse(form.text("kind")) else {
        filled.fault("kind", "Choose one of the kinds.");
        return page::refused(&kind_page(&at, filled));
    };
    let of = At::revision(&at.credential.id, form.revision());
    let changed = console.authority.set_token_kind(of, kind, &at.member.actor);
    match changed.await {
        Ok(_) => page::done(
            &console,
            &at.path(),
            "The kind of tokens is changed: the next token is of it. Those that are out stay good.",
        ),
        Err(error) => {
            filled.refused(error, "kind")?;
            page::refused(&kind_page(&at, filled))
        }
    }
}

/// A kind as people read it.
pub(super) fn name(kind: TokenKind) -> String {
    match kind {
        TokenKind::Ims => "IMS token, as Adobe's (RS256)".to_owned(),
        TokenKind::Standard { algorithm } => {
            format!("Standard JWT (RFC 9068), {}", algorithm.as_str())
        }
    }
}

fn kind_page(at: &InCredential, form: Filled) -> KindPage {
    let standard = SigningAlgorithm::ALL.map(|algorithm| TokenKind::Standard { algorithm });
    let all = std::iter::once(TokenKind::Ims).chain(standard);
    KindPage {
        page: at.page("Kind of access tokens"),
        form,
        path: format!("{}/token-kind", at.path()),
        back: at.path(),
        choices: all.map(|kind| (kind.as_str(), name(kind))).collect(),
    }
}
