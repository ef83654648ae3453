//! Certificates of the JWT half: uploaded, or generated with their key.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::{ManageError, NewCertificate};

use super::place::InCredential;
use super::shown_once::{self, Made};
use crate::Console;
use crate::error::PageError;
use crate::form::{Fields, Filled, Form};
use crate::page::{self, Page};
use crate::text::sentence;

/// Longest file: a certificate has about 1500 bytes (CON-16).
const LONGEST_FILE: usize = 64 << 10;

#[derive(Template)]
#[template(path = "developer/certificate_add.html")]
struct AddPage {
    page: Page,
    form: Filled,
    path: String,
    back: String,
    /// Why none can be added, if so.
    refused: Option<String>,
}

/// `GET ../certificates`.
pub(super) async fn ask(
    State(console): State<Console>,
    at: InCredential,
) -> Result<Response, PageError> {
    if let Some(reason) = at.read_only() {
        return Err(PageError::refused(&reason));
    }
    if !at.credential.grants.has_jwt_half() {
        return Err(PageError::nothing_there());
    }
    let form = Filled::confirmed(&at.member.visitor).with("how", "generate");
    page::render(&add_page(&console, &at, form).await?)
}

/// `POST ../certificates`: the answer shows a generated key once.
pub(super) async fn add(
    State(console): State<Console>,
    at: InCredential,
    form: Form,
) -> Result<Response, PageError> {
    let mut filled = Filled::confirmed(&at.member.visitor).typed(&["how"], &form);
    let new = new_certificate(&form, &mut filled);
    let visitor = &at.member.visitor;
    visitor
        .confirm(&console, &mut filled, form.secret("password"))
        .await?;
    if let (Some(new), true) = (new, filled.is_fine()) {
        let (id, actor) = (&at.credential.id, &at.member.actor);
        match console.authority.add_certificate(id, &new, actor).await {
            Ok(added) => {
                return match &added.private_key {
                    Some(key) => {
                        let made = Made {
                            title: "Your new key pair",
                            secret: None,
                            pair: Some((key, &added.certificate.pem)),
                        };
                        shown_once::show(&console.authority, &at, &made)
                    }
                    None => page::done(&console, &at.path(), "The public key is added."),
                };
            }
            Err(error) => filled.refused_at(error, field)?,
        }
    }
    page::refused(&add_page(&console, &at, filled).await?)
}

/// The certificate that a form asks for: generated, or in a file.
pub(super) fn new_certificate(form: &Fields, filled: &mut Filled) -> Option<NewCertificate> {
    match form.text("how") {
        "generate" => return Some(NewCertificate::Generate),
        "upload" => {}
        _ => {
            filled.fault(
                "how",
                "Choose whether a key pair is generated or a certificate uploaded.",
            );
            return None;
        }
    }
    let file = form.bytes("certificate");
    if file.is_empty() || file.len() > LONGEST_FILE {
        filled.fault(
            "certificate",
            "Choose the file of a certificate: CRT, CER, DER or PEM, at most 64 KB.",
        );
        return None;
    }
    Some(NewCertificate::Upload(file.to_vec()))
}

/// Whether an error is about the certificate.
pub(super) fn is_about_certificate(error: &ManageError) -> bool {
    matches!(
        error,
        ManageError::Certificate(_)
            | ManageError::SameCertificate
            | ManageError::KeyOfAnotherOrganization
            | ManageError::KnownTestKey
            | ManageError::ExpiredCertificate(_)
    )
}

fn field(error: &ManageError) -> &'static str {
    match is_about_certificate(error) {
        true => "certificate",
        false => "",
    }
}

async fn add_page(
    console: &Console,
    at: &InCredential,
    form: Filled,
) -> Result<AddPage, PageError> {
    let (org, actor) = (&at.member.organization.id, &at.member.actor);
    let policy = console.authority.show_policy(org, actor).await?;
    let now = console.authority.clock().now();
    let dates = at.credential.dates(&policy);
    let may = dates.may_add_certificate(at.credential.origin, now);
    Ok(AddPage {
        page: at.page("Add a public key"),
        form,
        path: format!("{}/certificates", at.path()),
        back: at.path(),
        refused: may.err().map(sentence),
    })
}
