//! Personal access tokens: what programs of a member show to the management API.

use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use countersign_authority::{ManageError, NewAccessToken, Page as Rows, role_of};
use countersign_model::Role;
use countersign_wire::AccessTokenId;

use crate::Console;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Page};
use crate::session::Member;
use crate::text::{moment, moment_or_never};

/// How long a token may live, in days, with words for it.
const LIVES: [(&str, &str); 4] = [
    ("7", "7 days"),
    ("30", "30 days"),
    ("90", "90 days"),
    ("365", "a year"),
];

#[derive(Template)]
#[template(path = "people/access_tokens.html")]
struct TokensPage {
    page: Page,
    form: Filled,
    path: String,
    tokens: Vec<Row>,
    roles: Vec<(&'static str, &'static str)>,
    lives: [(&'static str, &'static str); 4],
}

#[derive(Template)]
#[template(path = "people/access_token.html")]
struct NewTokenPage<'a> {
    page: Page,
    path: String,
    name: String,
    until: String,
    value: &'a str,
}

struct Row {
    name: String,
    hint: String,
    role: &'static str,
    created: String,
    expires: String,
    used: String,
    delete: String,
}

/// `GET /console/organizations/{org}/access-tokens`.
pub(crate) async fn list(
    State(console): State<Console>,
    member: Member,
) -> Result<Response, PageError> {
    let form = Filled::confirmed(&member.visitor).with("days", "90");
    page::render(&template(&console, &member, form).await?)
}

/// `POST /console/organizations/{org}/access-tokens`: the answer shows the token once.
pub(crate) async fn create(
    State(console): State<Console>,
    member: Member,
    form: Form,
) -> Result<Response, PageError> {
    let mut filled = Filled::confirmed(&member.visitor).typed(&["name", "role", "days"], &form);
    member
        .visitor
        .confirm(&console, &mut filled, form.secret("password"))
        .await?;
    let is_offered = |days: &&str| LIVES.iter().any(|(offered, _)| offered == days);
    let days = Some(form.text("days")).filter(is_offered);
    let days: Option<u64> = days.and_then(|days| days.parse().ok());
    let Some(days) = days else {
        filled.fault("days", "Choose how long the token lives.");
        return page::refused(&template(&console, &member, filled).await?);
    };
    if filled.is_fine() {
        let now = console.authority.clock().now();
        let new = NewAccessToken {
            name: form.trimmed("name").to_owned(),
            role: Role::parse(form.text("role")),
            expires_at: now.plus(Duration::from_secs(days * 86_400)),
        };
        match console
            .authority
            .create_access_token(new, &member.actor)
            .await
        {
            Ok((token, secret)) => {
                return page::render(&NewTokenPage {
                    page: Page::of_visitor(&member.visitor, "Your new access token")
                        .crumb("Your account", "/console/account")
                        .crumb("Access tokens", path(&member)),
                    path: path(&member),
                    name: token.name,
                    until: moment(token.expires_at),
                    value: secret.expose(),
                });
            }
            Err(error) => filled.refused_at(error, field)?,
        }
    }
    page::refused(&template(&console, &member, filled).await?)
}

/// `POST /console/organizations/{org}/access-tokens/{token}/delete`.
pub(crate) async fn delete(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    _form: Form,
) -> Result<Response, PageError> {
    let id = AccessTokenId::parse(&id).map_err(|_| PageError::nothing_there())?;
    let deleted = console.authority.delete_access_token(&id, &member.actor);
    deleted.await?;
    let notice = "The access token is deleted: programs that use it are refused from now on.";
    page::done(&console, &path(&member), notice)
}

async fn template(
    console: &Console,
    member: &Member,
    form: Filled,
) -> Result<TokensPage, PageError> {
    let path = path(member);
    let all = console
        .authority
        .list_access_tokens(&Rows::first(), &member.actor)
        .await?;
    let mut roles: Vec<_> = Role::ALL
        .into_iter()
        .filter(|role| member.actor.role().is_some_and(|own| *role <= own))
        .map(|role| (role.as_str(), role.title()))
        .collect();
    roles.reverse();
    let tokens = all.into_iter().map(|one| Row {
        role: role_of(&one).map_or("", Role::title),
        created: moment(one.created_at),
        expires: moment(one.expires_at),
        used: moment_or_never(one.last_used_at),
        delete: format!("{path}/{}/delete", one.id),
        hint: one.hint,
        name: one.name,
    });
    Ok(TokensPage {
        page: Page::of_visitor(
            &member.visitor,
            format!("Access tokens for {}", member.organization.name),
        )
        .crumb("Your account", "/console/account"),
        tokens: tokens.collect(),
        form,
        path,
        roles,
        lives: LIVES,
    })
}

fn path(member: &Member) -> String {
    format!("{}/access-tokens", member.path())
}

fn field(error: &ManageError) -> &'static str {
    match error {
        ManageError::Name(_) => "name",
        ManageError::RoleAboveOwn(_) => "role",
        ManageError::TokenLife => "days",
        _ => "",
    }
}
