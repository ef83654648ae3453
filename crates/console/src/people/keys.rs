//! The keys that sign tokens: seen by everybody, moved on by whoever runs the installation.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::Rotation;
use countersign_model::rotation::Step;
use countersign_model::signing_key::{KeyState, SigningKeyRecord};

use crate::Console;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Page, Section};
use crate::session::Member;
use crate::text::moment;

#[derive(Template)]
#[template(path = "people/keys.html")]
struct KeysPage {
    page: Page,
    form: Filled,
    keys: Vec<Row>,
    rhythm: String,
    next_step: Option<String>,
    overdue: Option<String>,
    may_rotate: bool,
    path: String,
}

struct Row {
    id: String,
    algorithm: &'static str,
    state: &'static str,
    look: &'static str,
    since: String,
    created: String,
}

/// `GET /console/organizations/{org}/keys`.
pub(crate) async fn list(
    State(console): State<Console>,
    member: Member,
) -> Result<Response, PageError> {
    let form = Filled::confirmed(&member.visitor);
    page::render(&template(&console, &member, form).await?)
}

/// `POST /console/organizations/{org}/keys/rotate`.
pub(crate) async fn rotate(
    State(console): State<Console>,
    member: Member,
    form: Form,
) -> Result<Response, PageError> {
    let operator = member.visitor.session.installation_actor();
    let operator = operator.ok_or_else(|| {
        PageError::refused("Only people who run the installation rotate its keys. Ask one of them.")
    })?;
    let mut filled = Filled::confirmed(&member.visitor);
    member
        .visitor
        .confirm(&console, &mut filled, form.secret("password"))
        .await?;
    if filled.is_fine() {
        match console.authority.rotate_keys(&operator).await {
            Ok(rotation) => return page::done(&console, &path(&member), &told(&rotation)),
            Err(error) => filled.refused(error, "")?,
        }
    }
    page::refused(&template(&console, &member, filled).await?)
}

fn path(member: &Member) -> String {
    format!("{}/keys", member.path())
}

fn told(rotation: &Rotation) -> String {
    match rotation {
        Rotation::Published { ready_at, .. } => format!(
            "The next keys are published. They may sign from {} on.",
            moment(*ready_at)
        ),
        Rotation::Activated { .. } => "The next keys sign now.".to_owned(),
    }
}

async fn template(console: &Console, member: &Member, form: Filled) -> Result<KeysPage, PageError> {
    let authority = &console.authority;
    let keys = authority.list_keys(&member.actor).await?;
    let schedule = authority.schedule();
    let next_step = schedule.plan(&keys).into_iter().next();
    let next_step = next_step.map(|due| {
        let what = match due.step {
            Step::Publish(algorithm) => format!("the next {} key is published", algorithm.as_str()),
            Step::Activate(key) => format!("key {key} begins to sign"),
            Step::Remove(key) => format!("key {key} is taken out"),
        };
        format!("{what} at {}", moment(due.at))
    });
    let overdue = authority.overdue_rotation();
    Ok(KeysPage {
        page: Page::of_member(member, Section::Keys, "Signing keys"),
        form,
        keys: keys.iter().rev().map(row).collect(),
        rhythm: match schedule.every {
            Some(every) => format!("Keys change every {} days.", every.as_secs() / 86_400),
            None => "Keys change only when somebody asks for it.".to_owned(),
        },
        next_step,
        overdue: overdue.map(|due| {
            format!(
                "Since {}. No node of the installation does the background work, or it fails: tell the operator.",
                moment(due.at)
            )
        }),
        may_rotate: member.visitor.session.installation_actor().is_some(),
        path: path(member),
    })
}

fn row(key: &SigningKeyRecord) -> Row {
    let (state, look, since) = match key.state {
        KeyState::Next => ("published, signs next", "info", None),
        KeyState::Active { since } => ("signs", "positive", Some(since)),
        KeyState::Retired { since } => ("published, signs no more", "notice", Some(since)),
        KeyState::Removed { since } => ("taken out", "neutral", Some(since)),
    };
    Row {
        id: key.id.to_string(),
        algorithm: key.algorithm.as_str(),
        state,
        look,
        since: since.map(moment).unwrap_or_default(),
        created: moment(key.created_at),
    }
}
