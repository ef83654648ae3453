//! What surrounds every page, and how a page becomes an answer.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use countersign_authority::Actor;
use countersign_model::{InstallationRole, Organization, UseCase};
use http::StatusCode;
use http::header::SET_COOKIE;

use crate::Console;
use crate::assets;
use crate::error::PageError;
use crate::notice;
use crate::session::{Guest, Member, Visitor};

/// Which entry of the navigation a page belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Section {
    /// Projects and what is in them.
    Projects,
    /// Services that can be added.
    Services,
    /// Members and invitations.
    Members,
    /// The activity log.
    Activity,
    /// Signing keys.
    Keys,
    /// The dates of the deprecation policy.
    Policy,
    /// The board of the migration.
    Migration,
    /// Nothing that stands there.
    Elsewhere,
}

/// What `base.html` reads; the field `page` of every template.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// The heading, and the title of the window.
    pub(crate) title: String,
    /// Who is signed in.
    pub(crate) viewer: Option<Viewer>,
    /// The organization that the page is about, or that the person works in.
    pub(crate) organization: Option<Link>,
    /// The navigation.
    pub(crate) places: Vec<Link>,
    /// The way to this page, itself left out.
    pub(crate) crumbs: Vec<Link>,
    /// What is said once.
    pub(crate) notice: Option<String>,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    /// Her name.
    pub(crate) name: String,
    /// For the form that signs her out.
    pub(crate) form_token: String,
}

/// A link with its text.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// The text.
    pub(crate) name: String,
    /// Where it leads; a path of ours.
    pub(crate) path: String,
    /// Whether the page is there already.
    pub(crate) is_current: bool,
}

impl Link {
    pub(crate) fn new(name: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            is_current: false,
        }
    }
}

impl Page {
    /// A page about nothing of anybody's.
    pub(crate) fn bare(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            viewer: None,
            organization: None,
            places: Vec::new(),
            crumbs: Vec::new(),
            notice: None,
        }
    }

    /// A page for somebody who need not be signed in.
    pub(crate) fn of_guest(guest: &Guest, title: impl Into<String>) -> Self {
        Self {
            notice: guest.notice.clone(),
            ..Self::bare(title)
        }
    }

    /// A page about the person, or about the installation. The navigation is that of the
    /// organization that she works in.
    pub(crate) fn of_visitor(visitor: &Visitor, title: impl Into<String>) -> Self {
        let page = Self::signed_in(visitor, title);
        let organization = visitor.organization();
        let actor = organization.and_then(|one| visitor.session.actor(&one.id));
        match (organization, actor) {
            (Some(organization), Some(actor)) => {
                page.within(organization, &actor, Section::Elsewhere)
            }
            _ => page,
        }
    }

    /// A page about something of an organization.
    pub(crate) fn of_member(member: &Member, section: Section, title: impl Into<String>) -> Self {
        Self::signed_in(&member.visitor, title).within(&member.organization, &member.actor, section)
    }

    /// Adds a step to the way that led here.
    #[must_use]
    pub(crate) fn crumb(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.crumbs.push(Link::new(name, path));
        self
    }

    /// For templates: path of the style sheet.
    pub(crate) fn style(&self) -> &str {
        &assets::STYLE.path
    }

    /// For templates: path of the script.
    pub(crate) fn script(&self) -> &str {
        &assets::SCRIPT.path
    }

    fn signed_in(visitor: &Visitor, title: impl Into<String>) -> Self {
        Self {
            viewer: Some(Viewer {
                name: visitor.session.person().name.clone(),
                form_token: visitor.session.form_token().to_owned(),
            }),
            notice: visitor.notice.clone(),
            ..Self::bare(title)
        }
    }

    fn within(mut self, organization: &Organization, actor: &Actor, here: Section) -> Self {
        let number = &organization.numeric_id;
        let below = format!("/console/organizations/{number}");
        let all = [
            (
                Section::Projects,
                UseCase::ReadProjects,
                "Projects",
                format!("/console/projects/{number}"),
            ),
            (
                Section::Services,
                UseCase::ReadOrganization,
                "APIs",
                format!("{below}/published-services"),
            ),
            (
                Section::Migration,
                UseCase::ReadCredentials,
                "Migration",
                format!("{below}/migration"),
            ),
            (
                Section::Members,
                UseCase::ReadMembers,
                "Members",
                format!("{below}/members"),
            ),
            (
                Section::Activity,
                UseCase::ReadActivity,
                "Activity",
                format!("{below}/activity"),
            ),
            (
                Section::Keys,
                UseCase::ReadKeys,
                "Keys",
                format!("{below}/keys"),
            ),
            (
                Section::Policy,
                UseCase::ReadPolicy,
                "Policy",
                format!("{below}/policy"),
            ),
        ];
        self.organization = Some(Link::new(
            &organization.name,
            "/console/account/organizations",
        ));
        self.places = all
            .into_iter()
            .filter(|(_, case, ..)| actor.may(*case))
            .map(|(section, _, name, path)| Link {
                is_current: section == here,
                ..Link::new(name, path)
            })
            .collect();
        self
    }
}

/// A page as an answer.
pub(crate) fn render(template: &impl Template) -> Result<Response, PageError> {
    Ok(html(template))
}

/// A page whose form has something wrong with it: what was typed is in it.
pub(crate) fn refused(template: &impl Template) -> Result<Response, PageError> {
    let mut response = html(template);
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

/// A page as an answer, in whatever status.
pub(crate) fn html(template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => Html(text).into_response(),
        // A template writes into a String, which does not fail; its parts could.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The answer to a form that did what it was for: another page, which says so.
pub(crate) fn done(console: &Console, path: &str, notice: &str) -> Result<Response, PageError> {
    let mut response = see_other(path);
    let kept = notice::keep(&console.cookies, notice);
    response.headers_mut().append(SET_COOKIE, kept);
    Ok(response)
}

/// Leads to a path of ours.
pub(crate) fn see_other(path: &str) -> Response {
    Redirect::to(path).into_response()
}

/// A path that came from outside, if it is one of ours: no other host, however it is written
/// (CON-10).
pub(crate) fn own_path(text: &str) -> Option<&str> {
    let is_own =
        text == "/console" || text.starts_with("/console/") || text.starts_with("/console?");
    let is_plain = text.len() <= 2000 && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    (is_own && is_plain).then_some(text)
}

/// Whether a person runs the installation.
pub(crate) fn is_operator(visitor: &Visitor) -> bool {
    visitor.session.person().installation == InstallationRole::Operator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_console_are_gone_back_to() {
        for own in ["/console", "/console/projects/1?a=b", "/console?x"] {
            assert_eq!(own_path(own), Some(own));
        }
        for foreign in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/console/",
            "/console\\..\\x",
            "/consoles",
            "/ims/token/v3",
            "/console/ x",
            "/console/\r\nSet-Cookie:x",
            "",
        ] {
            assert_eq!(own_path(foreign), None, "{foreign:?}");
        }
    }
}
