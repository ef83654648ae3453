//! Who is told by mail of what ends in a project.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::AlertsChange;
use countersign_model::alerts::parse_others;

use super::place::InProject;
use super::project::{refuse_read_only, ticked};
use crate::Console;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Page};
use crate::text::sentence;

#[derive(Template)]
#[template(path = "developer/alerts.html")]
struct AlertsPage {
    page: Page,
    form: Filled,
    path: String,
}

/// `GET /console/projects/{org}/{project}/alerts`.
pub(super) async fn ask(
    State(console): State<Console>,
    at: InProject,
) -> Result<Response, PageError> {
    refuse_read_only(&at)?;
    let (id, actor) = (&at.project.id, &at.member.actor);
    let alerts = console.authority.find_alerts(id, actor).await?;
    let others: Vec<_> = alerts.others.iter().map(ToString::to_string).collect();
    let form = Filled::new(&at.member.visitor)
        .with("others", others.join("\n"))
        .with("revision", alerts.revision.to_string())
        .with_all("paused", ticked(alerts.paused_at.is_some()));
    page::render(&alerts_page(&at, form))
}

/// `POST /console/projects/{org}/{project}/alerts`.
pub(super) async fn change(
    State(console): State<Console>,
    at: InProject,
    form: Form,
) -> Result<Response, PageError> {
    let typed = ["others", "paused", "revision"];
    let mut filled = Filled::new(&at.member.visitor).typed(&typed, &form);
    match parse_others(form.text("others").split([',', ';', ' ', '\r', '\n'])) {
        Err(error) => filled.fault("others", sentence(error)),
        Ok(others) => {
            let change = AlertsChange {
                paused: Some(form.is_ticked("paused")),
                others: Some(others),
                revision: form.revision(),
            };
            let (id, actor) = (&at.project.id, &at.member.actor);
            match console.authority.change_alerts(id, &change, actor).await {
                Ok(_) => return page::done(&console, &at.path(), "The notices are changed."),
                Err(error) => filled.refused(error, "")?,
            }
        }
    }
    page::refused(&alerts_page(&at, filled))
}

fn alerts_page(at: &InProject, form: Filled) -> AlertsPage {
    AlertsPage {
        page: at.page("Notices"),
        form,
        path: at.path(),
    }
}
