//! Following the link of an invitation: of the first administrator, of somebody new, of somebody
//! who has an account already.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::{Acceptance, ManageError, Newcomer, Next, OfferedIdentity, Welcome};
use countersign_model::SignInName;
use countersign_model::project::check_label;
use countersign_wire::InvitationId;

use crate::Console;
use crate::error::PageError;
use crate::form::{Fields, Filled, Form, GuestForm};
use crate::page::{self, Link, Page};
use crate::people::provider;
use crate::people::sign_in::begun;
use crate::query::Query;
use crate::session::{Guest, Visitor};
use crate::text::{moment, sentence};

#[derive(Template)]
#[template(path = "people/invitation.html")]
struct AcceptPage {
    page: Page,
    form: Filled,
    what: Shown,
    providers: Vec<Link>,
}

#[derive(Template)]
#[template(path = "people/invitation_identity.html")]
struct IdentityPage {
    page: Page,
    form: Filled,
    what: Shown,
    /// What the identity is recognized by.
    shown: String,
}

#[derive(Template)]
#[template(path = "people/join.html")]
struct JoinPage {
    page: Page,
    form: Filled,
    what: Shown,
    /// Where to sign in and come back from; `None` for who is signed in as the invited person.
    sign_in: Option<String>,
    /// Who is signed in, if that is somebody else.
    other: Option<String>,
}

/// An invitation as its page shows it.
struct Shown {
    organization: Option<String>,
    sign_in_name: Option<String>,
    role: &'static str,
    until: String,
    names_organization: bool,
}

impl From<&Welcome> for Shown {
    fn from(welcome: &Welcome) -> Self {
        let invitation = &welcome.invitation;
        Self {
            organization: welcome.organization.clone(),
            sign_in_name: invitation.sign_in_name.as_ref().map(ToString::to_string),
            role: invitation.role.title(),
            until: moment(invitation.expires_at),
            names_organization: welcome.next == Next::NameOrganization,
        }
    }
}

/// `GET /console/invitation?code=..`.
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Option<Visitor>,
    guest: Guest,
    query: Query,
) -> Result<Response, PageError> {
    let code = query.get("code");
    let welcome = console.authority.find_invitation(code).await?;
    let form = match &visitor {
        Some(visitor) => Filled::new(visitor),
        None => Filled::for_guest(),
    };
    let form = form.with("code", code);
    match welcome.next {
        Next::SignIn => join_page(visitor.as_ref(), &guest, &welcome, form, code),
        Next::ChoosePassword | Next::NameOrganization => {
            page::render(&accept_page(&console, &guest, &welcome, form))
        }
    }
}

/// `POST /console/invitation`: somebody new chooses a password, and is signed in.
pub(crate) async fn accept(
    State(console): State<Console>,
    guest: Guest,
    form: GuestForm,
) -> Result<Response, PageError> {
    let code = form.text("code");
    let welcome = console.authority.find_invitation(code).await?;
    let mut filled =
        Filled::for_guest().typed(&["code", "name", "sign_in_name", "organization"], &form);
    if let Some(acceptance) = acceptance(&form, &welcome, &mut filled) {
        let accepted = console
            .authority
            .accept_invitation(code, acceptance, &guest.place)
            .await;
        match accepted {
            Ok(session) => return Ok(begun(&console, &session, "/console")),
            Err(error) => filled.refused_at(error, field)?,
        }
    }
    page::refused(&accept_page(&console, &guest, &welcome, filled))
}

/// The page for somebody invited who has signed in at a provider.
pub(crate) async fn identified(
    console: &Console,
    guest: &Guest,
    id: &InvitationId,
    offered: OfferedIdentity,
) -> Result<Response, PageError> {
    let sealed = &offered.sealed;
    let found = console.authority.find_offered_invitation(id, sealed);
    let (welcome, shown) = found.await?;
    let form = Filled::for_guest()
        .with("invitation", id.as_str())
        .with("sealed", sealed)
        .with("name", offered.name.unwrap_or_default());
    page::render(&identity_page(guest, &welcome, form, shown))
}

/// `POST /console/invitation/identity`: somebody new signs in at a provider from now on.
pub(crate) async fn accept_identity(
    State(console): State<Console>,
    guest: Guest,
    form: GuestForm,
) -> Result<Response, PageError> {
    let id = InvitationId::parse(form.text("invitation"));
    let id = id.map_err(|_| ManageError::NoInvitation)?;
    let sealed = form.text("sealed");
    let found = console.authority.find_offered_invitation(&id, sealed);
    let (welcome, shown) = found.await?;
    let typed = [
        "invitation",
        "sealed",
        "name",
        "sign_in_name",
        "organization",
    ];
    let mut filled = Filled::for_guest().typed(&typed, &form);
    if let Some(newcomer) = newcomer(&form, &welcome, &mut filled) {
        let accepted = console
            .authority
            .accept_with_identity(&id, sealed, newcomer, &guest.place)
            .await;
        match accepted {
            Ok(session) => return Ok(begun(&console, &session, "/console")),
            Err(error) => filled.refused_at(error, field)?,
        }
    }
    page::refused(&identity_page(&guest, &welcome, filled, shown))
}

/// `POST /console/invitation/join`: somebody who is signed in enters one organization more.
pub(crate) async fn join(
    State(console): State<Console>,
    visitor: Visitor,
    form: Form,
) -> Result<Response, PageError> {
    let joined = console.authority.join(form.text("code"), &visitor.session);
    joined.await?;
    let notice = "You are a member now: the organization is in this list.";
    page::done(&console, "/console/account/organizations", notice)
}

fn title(welcome: &Welcome) -> String {
    match &welcome.organization {
        Some(name) => format!("You are invited to {name}"),
        None => "Set up this installation".to_owned(),
    }
}

fn accept_page(console: &Console, guest: &Guest, welcome: &Welcome, form: Filled) -> AcceptPage {
    AcceptPage {
        page: Page::of_guest(guest, title(welcome)),
        providers: provider::links(console, &[("code", form.value("code"))]),
        form,
        what: Shown::from(welcome),
    }
}

fn identity_page(guest: &Guest, welcome: &Welcome, form: Filled, shown: String) -> IdentityPage {
    IdentityPage {
        page: Page::of_guest(guest, title(welcome)),
        form,
        what: Shown::from(welcome),
        shown,
    }
}

fn acceptance(form: &Fields, welcome: &Welcome, filled: &mut Filled) -> Option<Acceptance> {
    let password = form.secret("password");
    match (&password, form.secret("password_again")) {
        (None, _) => filled.fault("password", "Choose a password."),
        (Some(one), Some(other)) if one.expose() == other.expose() => {}
        _ => filled.fault(
            "password_again",
            "The two passwords differ: type the same one twice.",
        ),
    }
    let newcomer = newcomer(form, welcome, filled)?;
    Some(Acceptance {
        name: newcomer.name,
        sign_in_name: newcomer.sign_in_name,
        password: password?,
        organization: newcomer.organization,
    })
}

fn newcomer(form: &Fields, welcome: &Welcome, filled: &mut Filled) -> Option<Newcomer> {
    let sign_in_name = match welcome.invitation.sign_in_name {
        Some(_) => None,
        None => match SignInName::parse(form.text("sign_in_name")) {
            Ok(name) => Some(name),
            Err(error) => {
                filled.fault("sign_in_name", sentence(error));
                None
            }
        },
    };
    let name = form.trimmed("name");
    if let Err(error) = check_label(name) {
        filled.fault("name", sentence(error));
    }
    let organization = form.trimmed("organization");
    let is_named = welcome.next == Next::NameOrganization;
    if let (true, Err(error)) = (is_named, check_label(organization)) {
        filled.fault("organization", sentence(error));
    }
    filled.is_fine().then_some(())?;
    Some(Newcomer {
        name: name.to_owned(),
        sign_in_name,
        organization: is_named.then(|| organization.to_owned()),
    })
}

/// At which field an error belongs.
fn field(error: &ManageError) -> &'static str {
    match error {
        ManageError::Password(_) => "password",
        ManageError::SignInName(_) | ManageError::Taken => "sign_in_name",
        _ => "",
    }
}

fn join_page(
    visitor: Option<&Visitor>,
    guest: &Guest,
    welcome: &Welcome,
    form: Filled,
    code: &str,
) -> Result<Response, PageError> {
    let invited = welcome.invitation.sign_in_name.as_ref();
    let here = visitor.map(|visitor| &visitor.session.person().sign_in_name);
    let page = match visitor {
        Some(visitor) => Page::of_visitor(visitor, title(welcome)),
        None => Page::of_guest(guest, title(welcome)),
    };
    let back = format!("/console/invitation?code={code}");
    let back = percent_encoding::utf8_percent_encode(&back, percent_encoding::NON_ALPHANUMERIC);
    page::render(&JoinPage {
        page,
        form,
        what: Shown::from(welcome),
        sign_in: here
            .is_none()
            .then(|| format!("/console/sign-in?next={back}")),
        other: here
            .filter(|here| Some(*here) != invited)
            .map(ToString::to_string),
    })
}
