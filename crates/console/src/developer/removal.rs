//! A client secret or a public key taken away from a credential, with the tokens that it was used
//! for or without them.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use countersign_authority::{At, Force, ManageError};
use countersign_model::{Certificate, Credential, Secret};

use super::place::InCredential;
use crate::Console;
use crate::error::PageError;
use crate::form::{Fields, Filled, Form};
use crate::page::{self, Page};

/// What a credential proves itself with.
#[derive(Clone, Copy)]
enum Proof<'a> {
    Secret(&'a Secret),
    Certificate(&'a Certificate),
}

/// The path of the page: organization, project, credential, secret or certificate.
type Ids = Path<(String, String, String, String)>;

#[derive(Template)]
#[template(path = "developer/removal.html")]
struct RemovalPage {
    page: Page,
    form: Filled,
    path: String,
    back: String,
    /// Label and last characters of a secret.
    secret: Option<(String, String)>,
    /// Of a certificate.
    fingerprint: Option<String>,
    is_last: bool,
    button: &'static str,
}

/// `GET ../secrets/{secret}/delete`.
pub(super) async fn ask_secret(
    State(console): State<Console>,
    at: InCredential,
    Path((_, _, _, id)): Ids,
) -> Result<Response, PageError> {
    ask(&console, &at, Proof::secret(&at, &id)?)
}

/// `POST ../secrets/{secret}/delete`.
pub(super) async fn secret(
    State(console): State<Console>,
    at: InCredential,
    Path((_, _, _, id)): Ids,
    form: Form,
) -> Result<Response, PageError> {
    remove(&console, &at, Proof::secret(&at, &id)?, &form).await
}

/// `GET ../certificates/{certificate}/delete`.
pub(super) async fn ask_certificate(
    State(console): State<Console>,
    at: InCredential,
    Path((_, _, _, id)): Ids,
) -> Result<Response, PageError> {
    ask(&console, &at, Proof::certificate(&at, &id)?)
}

/// `POST ../certificates/{certificate}/delete`.
pub(super) async fn certificate(
    State(console): State<Console>,
    at: InCredential,
    Path((_, _, _, id)): Ids,
    form: Form,
) -> Result<Response, PageError> {
    remove(&console, &at, Proof::certificate(&at, &id)?, &form).await
}

fn ask(console: &Console, at: &InCredential, proof: Proof<'_>) -> Result<Response, PageError> {
    if let Some(reason) = at.read_only() {
        return Err(PageError::refused(&reason));
    }
    let form =
        Filled::confirmed(&at.member.visitor).with("revision", at.credential.revision.to_string());
    page::render(&removal_page(console, at, proof, form))
}

async fn remove(
    console: &Console,
    at: &InCredential,
    proof: Proof<'_>,
    form: &Fields,
) -> Result<Response, PageError> {
    let visitor = &at.member.visitor;
    let mut filled = Filled::confirmed(visitor).typed(&["tokens", "force", "revision"], form);
    visitor
        .confirm(console, &mut filled, form.secret("password"))
        .await?;
    if filled.is_fine() {
        match proof.delete(console, at, form).await {
            Ok(_) => return page::done(console, &at.path(), proof.words().done),
            Err(error) => filled.refused_at(error, field)?,
        }
    }
    page::refused(&removal_page(console, at, proof, filled))
}

/// What the pages call it.
struct Words {
    button: &'static str,
    done: &'static str,
}

impl<'a> Proof<'a> {
    fn secret(at: &'a InCredential, id: &str) -> Result<Self, PageError> {
        let mut all = at.credential.secrets.iter();
        let found = all.find(|secret| secret.id.as_str() == id);
        found.map(Self::Secret).ok_or_else(PageError::nothing_there)
    }

    fn certificate(at: &'a InCredential, id: &str) -> Result<Self, PageError> {
        let mut all = at.credential.certificates.iter();
        let found = all.find(|certificate| certificate.id.as_str() == id);
        found
            .map(Self::Certificate)
            .ok_or_else(PageError::nothing_there)
    }

    async fn delete(
        self,
        console: &Console,
        at: &InCredential,
        form: &Fields,
    ) -> Result<Credential, ManageError> {
        let (authority, actor) = (&console.authority, &at.member.actor);
        let of = At::revision(&at.credential.id, form.revision());
        let force = match form.is_ticked("force") {
            true => Force::Yes,
            false => Force::No,
        };
        match (self, form.is_ticked("tokens")) {
            (Self::Secret(one), true) => {
                authority
                    .delete_secret_with_tokens(of, &one.id, force, actor)
                    .await
            }
            (Self::Secret(one), false) => authority.delete_secret(of, &one.id, force, actor).await,
            (Self::Certificate(one), true) => {
                authority
                    .delete_certificate_with_tokens(of, &one.id, force, actor)
                    .await
            }
            (Self::Certificate(one), false) => {
                authority
                    .delete_certificate(of, &one.id, force, actor)
                    .await
            }
        }
    }

    const fn words(self) -> Words {
        match self {
            Self::Secret(_) => Words {
                button: "Delete client secret",
                done: "The client secret is deleted.",
            },
            Self::Certificate(_) => Words {
                button: "Delete public key",
                done: "The public key is deleted.",
            },
        }
    }

    fn title(self) -> String {
        match self {
            Self::Secret(one) => format!("Delete the secret ending in {}", one.hint),
            Self::Certificate(_) => "Delete public key".to_owned(),
        }
    }

    fn path(self) -> String {
        match self {
            Self::Secret(one) => format!("secrets/{}/delete", one.id),
            Self::Certificate(one) => format!("certificates/{}/delete", one.id),
        }
    }

    /// Whether it is the last of its kind that works.
    fn is_last(self, console: &Console, credential: &Credential) -> bool {
        let now = console.authority.clock().now();
        match self {
            Self::Secret(one) => {
                let mut others = credential.secrets.iter().filter(|other| other.id != one.id);
                one.is_live(now) && !others.any(|other| other.is_live(now))
            }
            Self::Certificate(one) => {
                let mut live = credential.live_certificates(now);
                one.is_live(now) && !live.any(|other| other.id != one.id)
            }
        }
    }
}

fn field(error: &ManageError) -> &'static str {
    match error {
        ManageError::LastSecret | ManageError::LastCertificate => "force",
        _ => "",
    }
}

fn removal_page(
    console: &Console,
    at: &InCredential,
    proof: Proof<'_>,
    form: Filled,
) -> RemovalPage {
    let (secret, fingerprint) = match proof {
        Proof::Secret(one) => (Some((one.label.clone(), one.hint.clone())), None),
        Proof::Certificate(one) => (None, Some(one.fingerprint.clone())),
    };
    RemovalPage {
        page: at.page(proof.title()),
        form,
        path: format!("{}/{}", at.path(), proof.path()),
        back: at.path(),
        secret,
        fingerprint,
        is_last: proof.is_last(console, &at.credential),
        button: proof.words().button,
    }
}
