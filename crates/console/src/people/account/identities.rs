//! Identities at OpenID providers: linked to the own account, and taken away.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use countersign_authority::OfferedIdentity;
use countersign_wire::IdentityId;

use crate::Console;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Link, Page};
use crate::people::provider;
use crate::session::Visitor;
use crate::text::moment;

/// An identity in the list of the account.
pub(crate) struct IdentityRow {
    pub(crate) provider: String,
    pub(crate) shown: String,
    pub(crate) since: String,
    pub(crate) used: String,
    pub(crate) unlink: String,
}

#[derive(Template)]
#[template(path = "people/identity_link.html")]
struct LinkPage {
    page: Page,
    form: Filled,
    offered: OfferedIdentity,
}

#[derive(Template)]
#[template(path = "people/identity_unlink.html")]
struct UnlinkPage {
    page: Page,
    form: Filled,
    row: IdentityRow,
}

/// The identities of the person, and the providers at which she has none.
pub(crate) async fn list(
    console: &Console,
    visitor: &Visitor,
) -> Result<(Vec<IdentityRow>, Vec<Link>), PageError> {
    let identities = console.authority.list_identities(&visitor.session).await?;
    let providers: Vec<_> = console.authority.providers().collect();
    let missing = |issuer: &str| !identities.iter().any(|one| one.issuer == issuer);
    let links = provider::links(console, &[("for", "link")]);
    let links = links.into_iter().zip(&providers);
    let links = links.filter(|(_, provider)| missing(&provider.issuer));
    let links = links.map(|(link, _)| link).collect();
    let rows = identities.iter().map(|one| {
        let named = providers
            .iter()
            .find(|provider| provider.issuer == one.issuer);
        IdentityRow {
            provider: named.map_or_else(
                || format!("{}, which is not offered any more", one.issuer),
                |provider| provider.name.clone(),
            ),
            shown: one.shown.clone(),
            since: moment(one.created_at),
            used: moment(one.used_at),
            unlink: format!("/console/account/identities/{}/unlink", one.id),
        }
    });
    Ok((rows.collect(), links))
}

/// The page for a person who has come back from a provider to link what she is there.
pub(crate) fn offered(visitor: &Visitor, offered: OfferedIdentity) -> Result<Response, PageError> {
    let form = Filled::confirmed(visitor).with("sealed", &offered.sealed);
    page::render(&link_page(visitor, form, offered))
}

/// `POST /console/account/identities`.
pub(crate) async fn link(
    State(console): State<Console>,
    visitor: Visitor,
    form: Form,
) -> Result<Response, PageError> {
    let (session, sealed) = (&visitor.session, form.text("sealed"));
    let offered = console.authority.offered_identity(session, sealed)?;
    let mut filled = Filled::confirmed(&visitor).typed(&["sealed"], &form);
    visitor
        .confirm(&console, &mut filled, form.secret("password"))
        .await?;
    if filled.is_fine() {
        match console.authority.link_identity(session, sealed).await {
            Ok(()) => {
                let notice = "It is linked: you can sign in with it from now on.";
                return page::done(&console, "/console/account", notice);
            }
            Err(error) => filled.refused(error, "")?,
        }
    }
    page::refused(&link_page(&visitor, filled, offered))
}

/// `GET /console/account/identities/{identity}/unlink`.
pub(crate) async fn ask_unlink(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let row = find(&console, &visitor, &id).await?;
    let form = Filled::confirmed(&visitor);
    page::render(&unlink_page(&visitor, form, row))
}

/// `POST /console/account/identities/{identity}/unlink`.
pub(crate) async fn unlink(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let row = find(&console, &visitor, &id).await?;
    let id = IdentityId::parse(&id).map_err(|_| PageError::nothing_there())?;
    let mut filled = Filled::confirmed(&visitor);
    visitor
        .confirm(&console, &mut filled, form.secret("password"))
        .await?;
    if filled.is_fine() {
        let unlinked = console.authority.unlink_identity(&visitor.session, &id);
        match unlinked.await {
            Ok(()) => {
                let notice = "It is linked no more. Your other sessions have ended.";
                return page::done(&console, "/console/account", notice);
            }
            Err(error) => filled.refused(error, "")?,
        }
    }
    page::refused(&unlink_page(&visitor, filled, row))
}

async fn find(console: &Console, visitor: &Visitor, id: &str) -> Result<IdentityRow, PageError> {
    let (rows, _) = list(console, visitor).await?;
    let path = format!("/console/account/identities/{id}/unlink");
    let found = rows.into_iter().find(|row| row.unlink == path);
    found.ok_or_else(PageError::nothing_there)
}

fn link_page(visitor: &Visitor, form: Filled, offered: OfferedIdentity) -> LinkPage {
    LinkPage {
        page: Page::of_visitor(visitor, "Link a sign-in").crumb("Your account", "/console/account"),
        form,
        offered,
    }
}

fn unlink_page(visitor: &Visitor, form: Filled, row: IdentityRow) -> UnlinkPage {
    UnlinkPage {
        page: Page::of_visitor(visitor, "Unlink a sign-in")
            .crumb("Your account", "/console/account"),
        form,
        row,
    }
}
