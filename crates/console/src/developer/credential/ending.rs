//! The end of a JWT half: disabled, restored, deleted. Source: `spec/ims-protocol.md` 6.5;
//! `spec/decisions.md`, decision 4.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::{At, Despite, Disabling, LivingTokens, ManageError};
use countersign_model::review::{Review, Verdict};
use countersign_model::{Grants, Migration};

use super::migration::{Said, blockers, said};
use crate::Console;
use crate::developer::place::InCredential;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Page};
use crate::text::moment;

#[derive(Template)]
#[template(path = "developer/migration_end.html")]
struct EndPage {
    page: Page,
    form: Filled,
    action: String,
    back: String,
    /// What the callers of the JWT half say.
    said: Said,
    /// What else there is to know.
    blockers: Vec<String>,
    /// What will happen.
    effect: String,
    /// What has to be typed, where it has to be.
    project: Option<String>,
    /// Whether a reason has to be given.
    asks_why: bool,
    /// Whether tokens can be ended, too.
    may_end_tokens: bool,
    button: &'static str,
}

/// `GET ../migration/disable`.
pub(in crate::developer) async fn ask_disable(
    State(console): State<Console>,
    at: InCredential,
) -> Result<Response, PageError> {
    let form = form(&at, Filled::new(&at.member.visitor))?;
    page::render(&disable_page(&console, &at, form).await?)
}

/// `POST ../migration/disable`.
pub(in crate::developer) async fn disable(
    State(console): State<Console>,
    at: InCredential,
    form: Form,
) -> Result<Response, PageError> {
    const FIELDS: [&str; 4] = ["revision", "project", "reason", "end_tokens"];
    let mut filled = Filled::new(&at.member.visitor).typed(&FIELDS, &form);
    let disabling = Disabling {
        tokens: match form.is_ticked("end_tokens") {
            true => LivingTokens::End,
            false => LivingTokens::Keep,
        },
        despite: despite(&form),
    };
    let of = At::revision(&at.credential.id, form.revision());
    let disabled = console
        .authority
        .disable_jwt_half(of, &disabling, &at.member.actor);
    match disabled.await {
        Ok(_) => page::done(
            &console,
            &format!("{}/migration", at.path()),
            "The JWT half is disabled. Whoever tries it is shown here, and you can restore it at once.",
        ),
        Err(error) => {
            filled.refused_at(error, field)?;
            page::refused(&disable_page(&console, &at, filled).await?)
        }
    }
}

/// `POST ../migration/restore`.
pub(in crate::developer) async fn restore(
    State(console): State<Console>,
    at: InCredential,
    form: Form,
) -> Result<Response, PageError> {
    let of = At::revision(&at.credential.id, form.revision());
    let restored = console.authority.restore_jwt_half(of, &at.member.actor);
    restored.await?;
    page::done(
        &console,
        &format!("{}/migration", at.path()),
        "The JWT half works again, on every node within a second.",
    )
}

/// `GET ../migration/finish`.
pub(in crate::developer) async fn ask_finish(
    State(console): State<Console>,
    at: InCredential,
) -> Result<Response, PageError> {
    let form = form(&at, Filled::confirmed(&at.member.visitor))?;
    page::render(&finish_page(&console, &at, form).await?)
}

/// `POST ../migration/finish`.
pub(in crate::developer) async fn finish(
    State(console): State<Console>,
    at: InCredential,
    form: Form,
) -> Result<Response, PageError> {
    let visitor = &at.member.visitor;
    let mut filled = Filled::confirmed(visitor).typed(&["revision", "project", "reason"], &form);
    if form.trimmed("project") != at.project.name {
        filled.refused_at(ManageError::OtherProject, field)?;
    }
    visitor
        .confirm(&console, &mut filled, form.secret("password"))
        .await?;
    if filled.is_fine() {
        let of = At::revision(&at.credential.id, form.revision());
        let despite = despite(&form);
        let finished = console
            .authority
            .finish_migration(of, despite.as_ref(), &at.member.actor);
        match finished.await {
            Ok(_) => {
                let notice =
                    "The migration is completed: the JWT half and its certificates are deleted.";
                return page::done(&console, &at.path(), notice);
            }
            Err(error) => filled.refused_at(error, field)?,
        }
    }
    page::refused(&finish_page(&console, &at, filled).await?)
}

/// What stands in the fields that are there only where the review does not say *safe*.
fn despite(form: &Form) -> Option<Despite> {
    let (project, reason) = (form.trimmed("project"), form.trimmed("reason"));
    (!reason.is_empty()).then(|| Despite {
        project: project.to_owned(),
        reason: reason.to_owned(),
    })
}

fn field(error: &ManageError) -> &'static str {
    match error {
        ManageError::OtherProject => "project",
        ManageError::NoReason => "reason",
        _ => "",
    }
}

/// An empty form, for whoever may change the credential.
fn form(at: &InCredential, form: Filled) -> Result<Filled, PageError> {
    match at.read_only() {
        Some(reason) => Err(PageError::refused(&reason)),
        None => Ok(form.with("revision", at.credential.revision.to_string())),
    }
}

async fn review(console: &Console, at: &InCredential) -> Result<Review, PageError> {
    let (id, actor) = (&at.credential.id, &at.member.actor);
    Ok(console.authority.review_migration(id, actor).await?)
}

async fn disable_page(
    console: &Console,
    at: &InCredential,
    form: Filled,
) -> Result<EndPage, PageError> {
    let review = review(console, at).await?;
    let is_safe = review.verdict == Verdict::Safe;
    Ok(EndPage {
        page: at.page("Disable the JWT half"),
        form,
        action: format!("{}/migration/disable", at.path()),
        back: format!("{}/migration", at.path()),
        said: said(&review),
        blockers: blockers(&review),
        effect: "Exchanges of JWTs are refused from now on, on every node within a second. Nothing is lost: whoever tries is shown to you, and one click restores it until the quarantine ends. Then the JWT half and its certificates are deleted.".to_owned(),
        project: (!is_safe).then(|| at.project.name.clone()),
        asks_why: !is_safe,
        may_end_tokens: true,
        button: "Disable the JWT half",
    })
}

async fn finish_page(
    console: &Console,
    at: &InCredential,
    form: Filled,
) -> Result<EndPage, PageError> {
    let review = review(console, at).await?;
    let until = match at.credential.grants {
        Grants::Jwt(Migration::Disabled { until, .. }) => moment(until),
        _ => "its quarantine".to_owned(),
    };
    Ok(EndPage {
        page: at.page("Delete the JWT half"),
        form,
        action: format!("{}/migration/finish", at.path()),
        back: format!("{}/migration", at.path()),
        effect: format!(
            "The JWT half and its certificates are deleted now and not after {until}. This cannot be undone. Tokens that were exchanged before live to their end."
        ),
        project: Some(at.project.name.clone()),
        asks_why: review.verdict != Verdict::Safe,
        said: said(&review),
        blockers: blockers(&review),
        may_end_tokens: false,
        button: "Delete the JWT half",
    })
}
