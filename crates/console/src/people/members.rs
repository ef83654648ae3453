//! The members of an organization: who they are, what they may do, who was invited.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use countersign_authority::{MemberChange, Page as Rows};
use countersign_model::{Membership, Person, ProductProfile, Role, UseCase};
use countersign_wire::{PersonId, ProfileId};

use crate::Console;
use crate::error::PageError;
use crate::form::{Fields, Filled, Form};
use crate::page::{self, Page, Section};
use crate::query::Query;
use crate::session::Member;
use crate::text::moment;

pub(crate) mod invite;

/// Roles as a form offers them, the least first.
pub(super) const ROLES: [(&str, &str); 3] = [
    (
        "viewer",
        "Viewer: sees projects and credentials, changes nothing",
    ),
    (
        "developer",
        "Developer: makes projects and credentials, with the product profiles below",
    ),
    (
        "system_administrator",
        "System Administrator: everything in the organization",
    ),
];

#[derive(Template)]
#[template(path = "people/members.html")]
struct MembersPage {
    page: Page,
    form: Filled,
    members: Vec<MemberRow>,
    invitations: Vec<InvitationRow>,
    next: Option<String>,
    invite: Option<String>,
}

struct MemberRow {
    name: String,
    sign_in_name: String,
    path: String,
    role: &'static str,
    is_enabled: bool,
    since: String,
}

struct InvitationRow {
    sign_in_name: String,
    role: &'static str,
    by: String,
    until: String,
    is_over: bool,
    withdraw: String,
}

#[derive(Template)]
#[template(path = "people/member.html")]
struct MemberPage {
    page: Page,
    form: Filled,
    path: String,
    end_sessions: String,
    name: String,
    sign_in_name: String,
    role: &'static str,
    since: String,
    is_enabled: bool,
    profiles: Vec<String>,
    may_change: bool,
    roles: [(&'static str, &'static str); 3],
    choices: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "people/member_remove.html")]
struct RemovePage {
    page: Page,
    form: Filled,
    path: String,
    name: String,
    organization: String,
}

/// `GET /console/organizations/{org}/members`.
pub(crate) async fn list(
    State(console): State<Console>,
    member: Member,
    query: Query,
) -> Result<Response, PageError> {
    let (org, actor) = (&member.organization.id, &member.actor);
    let path = path(&member);
    let mut found = console
        .authority
        .list_members(org, &query.rows(), actor)
        .await?;
    let next = query.cut(&path, &mut found, |(person, _)| person.id.as_str());
    let invitations = console
        .authority
        .list_invitations(org, &Rows::first(), actor)
        .await?;
    let now = console.authority.clock().now();
    let invitations = invitations.into_iter().map(|one| InvitationRow {
        sign_in_name: one
            .sign_in_name
            .map(|name| name.to_string())
            .unwrap_or_default(),
        role: one.role.title(),
        by: one.invited_by,
        until: moment(one.expires_at),
        is_over: now >= one.expires_at,
        withdraw: format!("{path}/invitations/{}/withdraw", one.id),
    });
    page::render(&MembersPage {
        members: found.iter().map(|one| member_row(&path, one)).collect(),
        invitations: invitations.collect(),
        next,
        invite: actor
            .may(UseCase::ChangeMembers)
            .then(|| format!("{path}/invite")),
        form: Filled::new(&member.visitor),
        page: Page::of_member(&member, Section::Members, "Members"),
    })
}

/// `GET /console/organizations/{org}/members/{person}`.
pub(crate) async fn show(
    State(console): State<Console>,
    member: Member,
    Path((_, person)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let found = find(&console, &member, &person).await?;
    let form = Filled::confirmed(&member.visitor)
        .with("role", found.1.role.as_str())
        .with("revision", found.1.revision.to_string())
        .with_all("profiles", found.1.profiles.iter().map(ToString::to_string))
        .with_all(
            "enabled",
            found.1.state.is_enabled().then(|| "yes".to_owned()),
        );
    page::render(&template(&console, &member, &found, form).await?)
}

/// `POST /console/organizations/{org}/members/{person}`.
pub(crate) async fn change(
    State(console): State<Console>,
    member: Member,
    Path((_, person)): Path<(String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    must_change(&member)?;
    let found = find(&console, &member, &person).await?;
    let typed = ["role", "revision", "profiles", "enabled"];
    let mut filled = Filled::confirmed(&member.visitor).typed(&typed, &form);
    member
        .visitor
        .confirm(&console, &mut filled, form.secret("password"))
        .await?;
    let wanted = wanted(&form, &mut filled);
    if let (Some((change, revision)), true) = (wanted, filled.is_fine()) {
        let (org, id) = (&member.organization.id, &found.0.id);
        let changed = console
            .authority
            .change_member(org, id, change, Some(revision), &member.actor)
            .await;
        match changed {
            Ok(_) => {
                let notice = format!("{} was changed.", found.0.name);
                return page::done(&console, &path(&member), &notice);
            }
            Err(error) => filled.refused(error, "role")?,
        }
    }
    page::refused(&template(&console, &member, &found, filled).await?)
}

/// `POST /console/organizations/{org}/members/{person}/end-sessions`: for a device that was lost.
pub(crate) async fn end_sessions(
    State(console): State<Console>,
    member: Member,
    Path((_, person)): Path<(String, String)>,
    _form: Form,
) -> Result<Response, PageError> {
    must_change(&member)?;
    let (person, _) = find(&console, &member, &person).await?;
    let org = &member.organization.id;
    console
        .authority
        .end_sessions(org, &person.id, &member.actor)
        .await?;
    let notice = format!("{} is signed out everywhere.", person.name);
    page::done(&console, &path(&member), &notice)
}

/// `GET /console/organizations/{org}/members/{person}/remove`.
pub(crate) async fn ask_removal(
    State(console): State<Console>,
    member: Member,
    Path((_, person)): Path<(String, String)>,
) -> Result<Response, PageError> {
    must_change(&member)?;
    let found = find(&console, &member, &person).await?;
    let form = Filled::confirmed(&member.visitor);
    page::render(&removal(&member, &found, form))
}

/// `POST /console/organizations/{org}/members/{person}/remove`.
pub(crate) async fn remove(
    State(console): State<Console>,
    member: Member,
    Path((_, person)): Path<(String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    must_change(&member)?;
    let found = find(&console, &member, &person).await?;
    let mut filled = Filled::confirmed(&member.visitor);
    member
        .visitor
        .confirm(&console, &mut filled, form.secret("password"))
        .await?;
    if filled.is_fine() {
        let (org, id) = (&member.organization.id, &found.0.id);
        match console
            .authority
            .remove_member(org, id, &member.actor)
            .await
        {
            Ok(()) => {
                let notice = format!("{} is no member any more.", found.0.name);
                return page::done(&console, &path(&member), &notice);
            }
            Err(error) => filled.refused(error, "")?,
        }
    }
    page::refused(&removal(&member, &found, filled))
}

/// Keeps those out who could fill in a form and not send it. The use cases ask again.
pub(super) fn must_change(member: &Member) -> Result<(), PageError> {
    match member.actor.may(UseCase::ChangeMembers) {
        true => Ok(()),
        false => Err(PageError::refused(
            "Only System Administrators of the organization invite, change and remove people. Ask one of them.",
        )),
    }
}

/// Product profiles as a form offers them.
pub(super) async fn profile_choices(
    console: &Console,
    member: &Member,
) -> Result<Vec<(String, String)>, PageError> {
    let all = console
        .authority
        .list_profiles(&member.organization.id, &member.actor)
        .await?;
    let choice = |one: &ProductProfile| (one.id.to_string(), profile_name(console, one));
    Ok(all.iter().map(choice).collect())
}

/// The profiles that were ticked.
pub(super) fn ticked_profiles(form: &Fields, filled: &mut Filled) -> Vec<ProfileId> {
    let ticked: Result<Vec<_>, _> = form.all("profiles").map(ProfileId::parse).collect();
    ticked.unwrap_or_else(|_| {
        filled.fault("profiles", "Choose product profiles from the list.");
        Vec::new()
    })
}

/// The role that was chosen.
pub(super) fn chosen_role(form: &Fields, filled: &mut Filled) -> Option<Role> {
    let role = Role::parse(form.text("role"));
    if role.is_none() {
        filled.fault("role", "Choose a role from the list.");
    }
    role
}

/// Path of the list.
pub(super) fn path(member: &Member) -> String {
    format!("{}/members", member.path())
}

fn profile_name(console: &Console, profile: &ProductProfile) -> String {
    let service = console.authority.catalogue().find(&profile.service);
    let service = service.map_or(profile.service.as_str(), |service| service.name.as_str());
    format!("{service}: {}", profile.name)
}

fn wanted(form: &Fields, filled: &mut Filled) -> Option<(MemberChange, i64)> {
    let profiles = ticked_profiles(form, filled);
    let role = chosen_role(form, filled)?;
    let change = MemberChange {
        role: Some(role),
        profiles: Some(profiles),
        enabled: Some(form.is_ticked("enabled")),
    };
    // A revision that is no number was never the stored one.
    Some((change, form.text("revision").parse().unwrap_or(-1)))
}

async fn find(
    console: &Console,
    member: &Member,
    person: &str,
) -> Result<(Person, Membership), PageError> {
    let id = PersonId::parse(person).map_err(|_| PageError::nothing_there())?;
    let org = &member.organization.id;
    let found = console.authority.find_member(org, &id, &member.actor);
    Ok(found.await?)
}

async fn template(
    console: &Console,
    member: &Member,
    (person, membership): &(Person, Membership),
    form: Filled,
) -> Result<MemberPage, PageError> {
    let choices = profile_choices(console, member).await?;
    let has = |id: &str| membership.profiles.iter().any(|one| one.as_str() == id);
    let profiles = choices.iter().filter(|(id, _)| has(id));
    Ok(MemberPage {
        page: Page::of_member(member, Section::Members, &person.name)
            .crumb("Members", path(member)),
        form,
        path: format!("{}/{}", path(member), person.id),
        end_sessions: format!("{}/{}/end-sessions", path(member), person.id),
        name: person.name.clone(),
        sign_in_name: person.sign_in_name.to_string(),
        role: membership.role.title(),
        since: moment(membership.created_at),
        is_enabled: person.state.is_enabled() && membership.state.is_enabled(),
        profiles: profiles.map(|(_, name)| name.clone()).collect(),
        may_change: member.actor.may(UseCase::ChangeMembers),
        roles: ROLES,
        choices,
    })
}

fn removal(member: &Member, (person, _): &(Person, Membership), form: Filled) -> RemovePage {
    let own = format!("{}/{}", path(member), person.id);
    RemovePage {
        page: Page::of_member(member, Section::Members, format!("Remove {}", person.name))
            .crumb("Members", path(member))
            .crumb(&person.name, &own),
        form,
        path: own,
        name: person.name.clone(),
        organization: member.organization.name.clone(),
    }
}

fn member_row(path: &str, (person, membership): &(Person, Membership)) -> MemberRow {
    MemberRow {
        name: person.name.clone(),
        sign_in_name: person.sign_in_name.to_string(),
        path: format!("{path}/{}", person.id),
        role: membership.role.title(),
        is_enabled: person.state.is_enabled() && membership.state.is_enabled(),
        since: moment(membership.created_at),
    }
}
