//! Something is done with many credentials of the board: chosen there, confirmed, done, and told of
//! each. Works without scripts: what was chosen travels in the forms.

use std::fmt;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::{
    BoardFilter, LivingTokens, Outcome, Page as Rows, PlanDirection, Planning, Stepped, WaveFilter,
};
use countersign_model::{Credential, Grants, Step, UseCase};
use countersign_wire::{CredentialId, WaveName};

use super::{filter, name_of, path};
use crate::Console;
use crate::error::PageError;
use crate::form::{Fields, Filled, Form};
use crate::page::{self, Page, Section};
use crate::query::Query;
use crate::session::Member;
use crate::text::sentence;

/// Names that are shown before it is done.
const NAMES: usize = 50;
/// Most credentials that one page can choose.
const MOST_TICKED: usize = 100;

#[derive(Template)]
#[template(path = "developer/board_confirm.html")]
struct ConfirmPage {
    page: Page,
    form: Filled,
    action: String,
    back: String,
    effect: String,
    /// How many credentials, of which some are named.
    count: usize,
    names: Vec<String>,
    /// What travels on.
    hidden: Vec<(&'static str, String)>,
    button: &'static str,
    look: &'static str,
}

#[derive(Template)]
#[template(path = "developer/board_done.html")]
struct DonePage {
    page: Page,
    form: Filled,
    action: String,
    back: String,
    summary: String,
    rows: Vec<Row>,
    /// What travels on, where something is left to do.
    rest: Vec<(&'static str, String)>,
}

struct Row {
    path: String,
    name: String,
    stage: &'static str,
    outcome: &'static str,
    look: &'static str,
    why: String,
}

/// What is done.
#[derive(Clone, Debug)]
enum Deed {
    Plan(WaveName),
    TakeOut(WaveName),
    Take(Step),
}

/// With which credentials.
enum Chosen {
    Ticked(Vec<CredentialId>),
    All { after: Option<CredentialId> },
}

/// A form of the board, read.
struct Order {
    deed: Deed,
    chosen: Chosen,
    filter: BoardFilter,
    /// The filter as it was written.
    query: String,
}

/// `POST /console/organizations/{org}/migration/choose`: asks before anything is done.
pub(in crate::developer) async fn confirm(
    State(console): State<Console>,
    member: Member,
    form: Form,
) -> Result<Response, PageError> {
    let order = Order::read(&form)?;
    order.may_be_done(&member)?;
    let found = order.find(&console, &member).await?;
    if found.is_empty() {
        return Err(PageError::request(
            "No credential is chosen. Go back, tick some, or choose all that the filter shows.",
        ));
    }
    let (button, look) = order.deed.button();
    page::render(&ConfirmPage {
        page: Page::of_member(&member, Section::Migration, order.deed.title())
            .crumb("Migration", path(&member)),
        form: Filled::new(&member.visitor),
        action: format!("{}/act", path(&member)),
        back: order.back(&member),
        effect: order.deed.effect(),
        count: found.len(),
        names: found.into_iter().take(NAMES).collect(),
        hidden: order.hidden(None),
        button,
        look,
    })
}

/// `POST /console/organizations/{org}/migration/act`.
pub(in crate::developer) async fn act(
    State(console): State<Console>,
    member: Member,
    form: Form,
) -> Result<Response, PageError> {
    let order = Order::read(&form)?;
    order.may_be_done(&member)?;
    match &order.deed {
        Deed::Plan(wave) => order.plan(&console, &member, wave, PlanDirection::In).await,
        Deed::TakeOut(wave) => {
            order
                .plan(&console, &member, wave, PlanDirection::Out)
                .await
        }
        Deed::Take(step) => order.take(&console, &member, *step).await,
    }
}

impl Order {
    fn read(form: &Fields) -> Result<Self, PageError> {
        let query = form.text("filter").to_owned();
        let filter = filter(&Query::read(&query));
        let deed = Deed::read(form, &filter)?;
        let ids = form.all("credentials").map(CredentialId::parse);
        let ids: Result<Vec<_>, _> = ids.collect();
        let ids = ids.map_err(|_| broken())?;
        let chosen = match form.text("scope") {
            "all" => Chosen::All {
                after: CredentialId::parse(form.text("after")).ok(),
            },
            _ if ids.len() > MOST_TICKED => return Err(broken()),
            _ => Chosen::Ticked(ids),
        };
        Ok(Self {
            deed,
            chosen,
            filter,
            query,
        })
    }

    fn may_be_done(&self, member: &Member) -> Result<(), PageError> {
        let case = match self.deed {
            Deed::Plan(_) | Deed::TakeOut(_) => UseCase::PlanMigration,
            Deed::Take(_) => UseCase::Migrate,
        };
        match member.actor.may(case) {
            true => Ok(()),
            false => Err(PageError::refused(
                "Viewers see the board, and change nothing on it. Ask a System Administrator of the organization for the role Developer.",
            )),
        }
    }

    /// The names of those that are meant.
    async fn find(&self, console: &Console, member: &Member) -> Result<Vec<String>, PageError> {
        let (org, actor) = (&member.organization.id, &member.actor);
        let mut names = Vec::new();
        if let Chosen::Ticked(ids) = &self.chosen {
            for id in ids {
                let found = console.authority.find_credential(id.as_str(), actor).await;
                let (credential, _) = found?;
                if credential.org_id != *org {
                    return Err(PageError::nothing_there());
                }
                names.push(credential.name);
            }
            return Ok(names);
        }
        let mut rows = Rows::first();
        loop {
            let board = console
                .authority
                .migration_board(org, &self.filter, &rows, actor)
                .await?;
            names.extend(board.rows.into_iter().map(|row| row.credential.name));
            match board.next {
                Some(after) => rows.after = Some(after),
                None => return Ok(names),
            }
        }
    }

    async fn plan(
        &self,
        console: &Console,
        member: &Member,
        wave: &WaveName,
        direction: PlanDirection,
    ) -> Result<Response, PageError> {
        let (org, actor) = (&member.organization.id, &member.actor);
        let authority = &console.authority;
        let done = match &self.chosen {
            Chosen::Ticked(ids) => {
                let planned = authority.plan_credentials(org, wave, (direction, ids), actor);
                planned.await?
            }
            Chosen::All { .. } => {
                let (mut done, mut after) = (Planning::default(), None::<String>);
                loop {
                    let found = (direction, &self.filter, after.as_deref());
                    let (some, next) = authority.plan_found(org, wave, found, actor).await?;
                    done = done.and(some);
                    match next {
                        Some(next) => after = Some(next),
                        None => break done,
                    }
                }
            }
        };
        let notice = planned(&done, wave, direction);
        page::done(console, &self.back(member), &notice)
    }

    async fn take(
        &self,
        console: &Console,
        member: &Member,
        step: Step,
    ) -> Result<Response, PageError> {
        let (org, actor) = (&member.organization.id, &member.actor);
        let authority = &console.authority;
        let (done, rest) = match &self.chosen {
            Chosen::Ticked(ids) => {
                let done = authority.take_steps(org, ids, step, LivingTokens::Keep, actor);
                let done = done.await?;
                let left = done
                    .iter()
                    .filter(|one| matches!(one.outcome, Outcome::NotTried));
                let left: Vec<_> = left.map(|one| one.id.clone()).collect();
                let rest = (!left.is_empty()).then_some(Chosen::Ticked(left));
                (done, rest)
            }
            Chosen::All { after } => {
                let which = (&self.filter, after.as_ref());
                let found = authority.take_found_steps(org, which, step, actor);
                let (done, next) = found.await?;
                (done, next.map(|after| Chosen::All { after: Some(after) }))
            }
        };
        page::render(&DonePage {
            page: Page::of_member(member, Section::Migration, self.deed.title())
                .crumb("Migration", path(member)),
            form: Filled::new(&member.visitor),
            action: format!("{}/act", path(member)),
            back: self.back(member),
            summary: Counts::of(&done).to_string(),
            rows: told(member, &done),
            rest: rest.map_or_else(Vec::new, |rest| self.hidden(Some(&rest))),
        })
    }

    /// The fields of the same order, with other credentials if they are given.
    fn hidden(&self, rest: Option<&Chosen>) -> Vec<(&'static str, String)> {
        let mut fields = vec![("filter", self.query.clone())];
        match &self.deed {
            Deed::Plan(wave) => {
                fields.push(("deed", "plan".to_owned()));
                fields.push(("into", wave.to_string()));
            }
            Deed::TakeOut(_) => fields.push(("deed", "take_out".to_owned())),
            Deed::Take(step) => fields.push(("deed", step.as_str().to_owned())),
        }
        match rest.unwrap_or(&self.chosen) {
            Chosen::Ticked(ids) => {
                fields.push(("scope", "ticked".to_owned()));
                fields.extend(ids.iter().map(|id| ("credentials", id.to_string())));
            }
            Chosen::All { after } => {
                fields.push(("scope", "all".to_owned()));
                fields.extend(after.as_ref().map(|after| ("after", after.to_string())));
            }
        }
        fields
    }

    fn back(&self, member: &Member) -> String {
        Query::read(&self.query).without(&path(member), "after")
    }
}

impl Deed {
    fn read(form: &Fields, filter: &BoardFilter) -> Result<Self, PageError> {
        match (form.text("deed"), &filter.wave) {
            ("plan", _) => {
                let wave = WaveName::parse(form.text("into"));
                let wave = wave.map_err(|_| {
                    PageError::request(
                        "No wave is chosen. Choose the wave that the credentials come into; if there is none, make one first.",
                    )
                })?;
                Ok(Self::Plan(wave))
            }
            ("take_out", WaveFilter::In(wave)) => Ok(Self::TakeOut(wave.clone())),
            ("take_out", _) => Err(PageError::request(
                "Filter the board by the wave first: only what is in it can be taken out.",
            )),
            // What is deleted for good is confirmed one by one.
            ("finish", _) => Err(broken()),
            (word, _) => Step::parse(word).map(Self::Take).ok_or_else(broken),
        }
    }

    fn title(&self) -> String {
        match self {
            Self::Plan(wave) => format!("Put into wave {wave}"),
            Self::TakeOut(wave) => format!("Take out of wave {wave}"),
            Self::Take(Step::Start) => "Start migrations".to_owned(),
            Self::Take(Step::Disable) => "Disable JWT halves".to_owned(),
            Self::Take(Step::Restore) => "Restore JWT halves".to_owned(),
            Self::Take(Step::Finish) => "Delete JWT halves".to_owned(),
            Self::Take(Step::Cancel) => "Cancel migrations".to_owned(),
        }
    }

    fn effect(&self) -> String {
        match self {
            Self::Plan(wave) => format!(
                "They come into the wave {wave}. Nothing else changes: a wave is a plan. Of all that a filter shows, what is in another wave stays there, and what nobody has to do anything for is left out."
            ),
            Self::TakeOut(wave) => {
                format!("They come out of the wave {wave}, into none. Nothing else changes.")
            }
            Self::Take(Step::Start) => "Each gets its OAuth half: from now on both grants give tokens, and nothing changes for what runs. What was started before stays as it is.".to_owned(),
            Self::Take(Step::Disable) => "The JWT half of each that the review calls safe is disabled: exchanges are refused, nothing is lost for the time of the quarantine, and it can be restored at once. The others stay as they are, and you read why.".to_owned(),
            Self::Take(Step::Restore) => {
                "JWT halves in quarantine work again, on every node within a second.".to_owned()
            }
            Self::Take(Step::Finish) => "JWT halves in quarantine are deleted, for good.".to_owned(),
            Self::Take(Step::Cancel) => "The OAuth half of each is taken back: programs that use it fail at once. The JWT half works as before, also where it was disabled.".to_owned(),
        }
    }

    fn button(&self) -> (&'static str, &'static str) {
        match self {
            Self::Plan(_) => ("Put into the wave", "accent"),
            Self::TakeOut(_) => ("Take out", "accent"),
            Self::Take(Step::Start) => ("Start", "accent"),
            Self::Take(Step::Disable) => ("Disable what is safe", "negative"),
            Self::Take(Step::Restore) => ("Restore", "accent"),
            Self::Take(Step::Finish) => ("Delete", "negative"),
            Self::Take(Step::Cancel) => ("Cancel migrations", "negative"),
        }
    }
}

/// How it went, in figures.
#[derive(Default)]
struct Counts {
    done: usize,
    unchanged: usize,
    skipped: usize,
    refused: usize,
    not_tried: usize,
}

impl Counts {
    fn of(all: &[Stepped]) -> Self {
        let mut counts = Self::default();
        for one in all {
            *match one.outcome {
                Outcome::Done => &mut counts.done,
                Outcome::Unchanged => &mut counts.unchanged,
                Outcome::Skipped(_) => &mut counts.skipped,
                Outcome::Refused(_) => &mut counts.refused,
                Outcome::NotTried => &mut counts.not_tried,
            } += 1;
        }
        counts
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} done", self.done)?;
        for (count, words) in [
            (self.unchanged, "as it was"),
            (self.skipped, "left out"),
            (self.refused, "refused"),
            (self.not_tried, "not tried yet"),
        ] {
            if count > 0 {
                write!(f, ", {count} {words}")?;
            }
        }
        f.write_str(".")
    }
}

/// Of each what happened; of what was as it is, only the number is told.
fn told(member: &Member, all: &[Stepped]) -> Vec<Row> {
    let mut rows: Vec<_> = all.iter().filter_map(|one| row(member, one)).collect();
    // What somebody has to look at comes first.
    rows.sort_by_key(|row| row.outcome == "done");
    rows
}

fn row(member: &Member, stepped: &Stepped) -> Option<Row> {
    let (outcome, look, why) = match &stepped.outcome {
        Outcome::Done => ("done", "positive", String::new()),
        Outcome::Unchanged => return None,
        Outcome::Skipped(why) => ("left out", "neutral", sentence(why)),
        Outcome::Refused(error) => ("refused", "negative", sentence(error)),
        Outcome::NotTried => ("not tried yet", "notice", String::new()),
    };
    let credential = stepped.credential.as_ref();
    Some(Row {
        path: credential
            .map(|one| credential_path(member, one))
            .unwrap_or_default(),
        name: credential.map_or_else(|| stepped.id.to_string(), |one| one.name.clone()),
        stage: credential.map_or("", stage),
        outcome,
        look,
        why,
    })
}

fn credential_path(member: &Member, credential: &Credential) -> String {
    format!(
        "{}/{}/credentials/{}",
        member.projects_path(),
        credential.project_id,
        credential.id
    )
}

fn stage(credential: &Credential) -> &'static str {
    match credential.grants {
        Grants::OAuth => "",
        Grants::Jwt(migration) => name_of(migration.as_str()),
    }
}

fn planned(done: &Planning, wave: &WaveName, direction: PlanDirection) -> String {
    let changed = done.changed;
    let mut notice = match direction {
        PlanDirection::In => format!("{changed} came into the wave {wave}"),
        PlanDirection::Out => format!("{changed} came out of the wave {wave}"),
    };
    if done.unchanged > 0 {
        notice += &match direction {
            PlanDirection::In => format!(", {} were in it", done.unchanged),
            PlanDirection::Out => format!(", {} were not in it", done.unchanged),
        };
    }
    if done.skipped > 0 {
        notice += &format!(
            ", {} were left out: they are in another wave, or nobody has to do anything for them",
            done.skipped
        );
    }
    notice + "."
}

fn broken() -> PageError {
    PageError::request("The form cannot be read. Go back to the board, and try again.")
}
