//! Inviting somebody: a link, shown once.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use countersign_authority::NewInvitation;
use countersign_model::SignInName;
use countersign_wire::InvitationId;

use super::{ROLES, chosen_role, must_change, path, profile_choices, ticked_profiles};
use crate::Console;
use crate::error::PageError;
use crate::form::{Fields, Filled, Form};
use crate::page::{self, Page, Section};
use crate::session::Member;
use crate::text::{moment, sentence};

#[derive(Template)]
#[template(path = "people/invite.html")]
struct InvitePage {
    page: Page,
    form: Filled,
    path: String,
    roles: [(&'static str, &'static str); 3],
    choices: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "people/invited.html")]
struct InvitedPage {
    page: Page,
    path: String,
    sign_in_name: String,
    role: &'static str,
    until: String,
    link: String,
}

/// `GET /console/organizations/{org}/members/invite`.
pub(crate) async fn show(
    State(console): State<Console>,
    member: Member,
) -> Result<Response, PageError> {
    must_change(&member)?;
    let form = Filled::confirmed(&member.visitor).with("role", "developer");
    page::render(&template(&console, &member, form).await?)
}

/// `POST /console/organizations/{org}/members/invite`: the answer shows the link once.
pub(crate) async fn invite(
    State(console): State<Console>,
    member: Member,
    form: Form,
) -> Result<Response, PageError> {
    must_change(&member)?;
    let typed = ["sign_in_name", "role", "profiles"];
    let mut filled = Filled::confirmed(&member.visitor).typed(&typed, &form);
    member
        .visitor
        .confirm(&console, &mut filled, form.secret("password"))
        .await?;
    let wanted = wanted(&form, &mut filled);
    if let (Some(new), true) = (wanted, filled.is_fine()) {
        let (org, actor) = (&member.organization.id, &member.actor);
        match console.authority.invite_member(org, new, actor).await {
            Ok(invited) => {
                let origin = &console.authority.config().issuer;
                let code = invited.code.expose();
                let invitation = invited.invitation;
                return page::render(&InvitedPage {
                    page: Page::of_member(&member, Section::Members, "Send this link")
                        .crumb("Members", path(&member)),
                    path: path(&member),
                    sign_in_name: form.trimmed("sign_in_name").to_owned(),
                    role: invitation.role.title(),
                    until: moment(invitation.expires_at),
                    link: format!("{origin}/console/invitation?code={code}"),
                });
            }
            Err(error) => filled.refused(error, "profiles")?,
        }
    }
    page::refused(&template(&console, &member, filled).await?)
}

/// `POST /console/organizations/{org}/members/invitations/{invitation}/withdraw`.
pub(crate) async fn withdraw(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    _form: Form,
) -> Result<Response, PageError> {
    let id = InvitationId::parse(&id).map_err(|_| PageError::nothing_there())?;
    console
        .authority
        .withdraw_invitation(&member.organization.id, &id, &member.actor)
        .await?;
    let notice = "The invitation is withdrawn: its link does not work any more.";
    page::done(&console, &path(&member), notice)
}

fn wanted(form: &Fields, filled: &mut Filled) -> Option<NewInvitation> {
    let profiles = ticked_profiles(form, filled);
    let role = chosen_role(form, filled);
    let sign_in_name = SignInName::parse(form.text("sign_in_name"))
        .map_err(|error| filled.fault("sign_in_name", sentence(error)))
        .ok()?;
    Some(NewInvitation {
        sign_in_name,
        role: role?,
        profiles,
    })
}

async fn template(
    console: &Console,
    member: &Member,
    form: Filled,
) -> Result<InvitePage, PageError> {
    Ok(InvitePage {
        page: Page::of_member(member, Section::Members, "Invite somebody")
            .crumb("Members", path(member)),
        path: format!("{}/invite", path(member)),
        choices: profile_choices(console, member).await?,
        roles: ROLES,
        form,
    })
}
