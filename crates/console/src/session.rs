//! Who looks at a page: nobody in particular, somebody who is signed in, a member of the
//! organization that the path names.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::{FromRequestParts, OptionalFromRequestParts, RawPathParams};
use countersign_authority::{Actor, ManageError, Session, Visitor as Place};
use countersign_model::Organization;
use countersign_server::kit::client_ip::Source;
use countersign_wire::{Opaque, OrgId};
use http::header::USER_AGENT;
use http::request::Parts;

use crate::Console;
use crate::cookies::Cookie;
use crate::error::PageError;
use crate::form::Filled;
use crate::notice;
use crate::page::Link;
use crate::people::provider;

/// Somebody who need not be signed in.
pub(crate) struct Guest {
    /// Where the person sits.
    pub(crate) place: Place,
    /// What the page says once.
    pub(crate) notice: Option<String>,
}

/// Somebody who is signed in. Whoever is not is sent to sign in, and comes back here.
pub(crate) struct Visitor {
    /// The session, with the person as she is now.
    pub(crate) session: Session,
    /// Where she is a member, by id.
    pub(crate) organizations: Vec<Organization>,
    /// What the page says once.
    pub(crate) notice: Option<String>,
    /// Whether she proved lately who she is (CON-05).
    pub(crate) is_confirmed: bool,
    /// Where she proves it again, if she has no password to do it by and has to.
    pub(crate) confirm_with: Vec<Link>,
}

/// A member of the organization that stands in the path as `{org}`: its numeric id, or its id.
/// For everybody else that organization does not exist.
pub(crate) struct Member {
    /// Who it is.
    pub(crate) visitor: Visitor,
    /// Where.
    pub(crate) organization: Organization,
    /// For use cases.
    pub(crate) actor: Actor,
}

impl FromRequestParts<Console> for Guest {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, PageError> {
        let agent = parts.headers.get(USER_AGENT);
        Ok(Self {
            place: Place {
                source: source(parts),
                agent: agent
                    .map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned())
                    .unwrap_or_default(),
            },
            notice: notice::find(&console.cookies, &parts.headers),
        })
    }
}

impl FromRequestParts<Console> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, PageError> {
        let session = session_of(parts, console).await?;
        let session = session.ok_or_else(|| PageError::sign_in(&way_back(parts)))?;
        let organizations = console.authority.organizations_of(&session).await?;
        let is_confirmed = session.is_confirmed(console.authority.clock().now());
        let confirm_with = match is_confirmed || session.has_password() {
            true => Vec::new(),
            false => provider::links(console, &[("for", "confirm"), ("next", &way_back(parts))]),
        };
        Ok(Self {
            is_confirmed,
            confirm_with,
            notice: notice::find(&console.cookies, &parts.headers),
            organizations,
            session,
        })
    }
}

/// For pages that look different to somebody who is signed in.
impl OptionalFromRequestParts<Console> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Console,
    ) -> Result<Option<Self>, PageError> {
        match session_of(parts, console).await? {
            Some(_) => <Self as FromRequestParts<Console>>::from_request_parts(parts, console)
                .await
                .map(Some),
            None => Ok(None),
        }
    }
}

impl FromRequestParts<Console> for Member {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, PageError> {
        let visitor =
            <Visitor as FromRequestParts<Console>>::from_request_parts(parts, console).await?;
        let params = RawPathParams::from_request_parts(parts, console).await;
        let params = params.map_err(|_| PageError::nothing_there())?;
        let named = params.iter().find(|(name, _)| *name == "org");
        let (_, named) = named.ok_or_else(PageError::nothing_there)?;
        let is_meant =
            |one: &&Organization| one.numeric_id.as_str() == named || one.id.as_str() == named;
        let organization = visitor.organizations.iter().find(is_meant).cloned();
        let organization = organization.ok_or_else(PageError::nothing_there)?;
        let actor = visitor.actor(&organization.id)?;
        Ok(Self {
            visitor,
            organization,
            actor,
        })
    }
}

impl Visitor {
    /// The person as a member of an organization of hers.
    ///
    /// # Errors
    /// As if the organization did not exist.
    pub(crate) fn actor(&self, org: &OrgId) -> Result<Actor, PageError> {
        self.session.actor(org).ok_or_else(PageError::nothing_there)
    }

    /// The organization that the person works in: the one chosen last, else the one that she has
    /// been a member of for longest.
    pub(crate) fn organization(&self) -> Option<&Organization> {
        let id = self.session.organization()?;
        self.organizations.iter().find(|one| one.id == *id)
    }

    /// Takes the password that a form has asked for again, where that was needed (CON-05); who has
    /// none is sent to a provider. What is
    /// wrong with it stands in the form afterwards: [`Filled::is_fine`].
    ///
    /// # Errors
    /// [`PageError`] when it cannot be told now.
    pub(crate) async fn confirm(
        &self,
        console: &Console,
        filled: &mut Filled,
        password: Option<Opaque>,
    ) -> Result<(), PageError> {
        if self.is_confirmed {
            return Ok(());
        }
        filled.ask_for_password(&self.confirm_with);
        if !self.session.has_password() {
            filled.fault("", "Confirm first that it is you, then repeat this.");
            return Ok(());
        }
        let Some(password) = password else {
            filled.fault("password", "Type your password: this asks for it again.");
            return Ok(());
        };
        match console.authority.confirm(&self.session, password).await {
            Ok(()) => Ok(()),
            Err(error @ (ManageError::WrongPassword | ManageError::Throttled)) => {
                filled.refused(error, "password")
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Member {
    /// Path below which everything about the organization is.
    pub(crate) fn path(&self) -> String {
        format!("/console/organizations/{}", self.organization.numeric_id)
    }

    /// Path of the organization's projects.
    pub(crate) fn projects_path(&self) -> String {
        format!("/console/projects/{}", self.organization.numeric_id)
    }
}

/// The session of the request, looked up once.
pub(crate) async fn session_of(
    parts: &mut Parts,
    console: &Console,
) -> Result<Option<Session>, PageError> {
    if let Some(session) = parts.extensions.get::<Session>() {
        return Ok(Some(session.clone()));
    }
    let Some(cookie) = console.cookies.find(Cookie::Session, &parts.headers) else {
        return Ok(None);
    };
    let source = source(parts);
    let session = console.authority.find_session(&cookie, source).await?;
    if let Some(session) = &session {
        parts.extensions.insert(session.clone());
    }
    Ok(session)
}

fn source(parts: &Parts) -> IpAddr {
    let source = parts.extensions.get::<Source>();
    source.map_or(Ipv4Addr::UNSPECIFIED.into(), |source| source.0)
}

/// Where to go on after signing in. What was posted is gone; the page of the form is the best.
fn way_back(parts: &Parts) -> String {
    let target = parts.uri.path_and_query();
    match (parts.method.is_safe(), target) {
        (true, Some(target)) => target.as_str().to_owned(),
        _ => "/console".to_owned(),
    }
}
