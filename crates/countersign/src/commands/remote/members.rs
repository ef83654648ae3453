//! `countersign members`

use clap::{Subcommand, ValueEnum};
use countersign_client::management::Verb as Http;
use serde_json::{Value, json};

use super::shown::Shown;
use super::{Noun, Session, body, text};
use crate::outcome::Failure;
use crate::output;

/// What to do with members.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the members of an organization
    List,
    /// Show a member
    Show(Which),
    /// Invite somebody; the code of the link is shown this once
    Invite {
        /// The mail address that the person signs in with
        sign_in_name: String,
        /// What the person may do
        #[arg(long)]
        role: Role,
        /// Id of a product profile of which the person is Developer; repeatable
        #[arg(long = "profile", value_name = "ID")]
        profiles: Vec<String>,
    },
    /// List the invitations that were not used
    Invitations,
    /// Withdraw an invitation
    Withdraw {
        /// Id of the invitation
        invitation: String,
    },
    /// Change what a member may do: the member's sessions end
    Change {
        #[command(flatten)]
        which: Which,
        /// What the member may do
        #[arg(long)]
        role: Option<Role>,
        /// Id of a product profile of which the member is Developer, instead of all before; repeatable
        #[arg(long = "profile", value_name = "ID")]
        profiles: Option<Vec<String>>,
    },
    /// Let a member in again
    Enable(Which),
    /// Keep a member out: sessions end at once
    Disable(Which),
    /// End a member's sessions in the console; access tokens stay
    EndSessions(Which),
    /// Remove a member: sessions and access tokens end at once, credentials stay
    Remove(Which),
}

/// One member.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// Id or sign-in name
    member: String,
}

/// The roles.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Role {
    /// Sees, and changes nothing
    Viewer,
    /// Makes projects and credentials
    Developer,
    /// Everything in the organization
    SystemAdministrator,
}

impl Role {
    const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::SystemAdministrator => "system_administrator",
        }
    }
}

impl Noun for Verb {
    async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        match self {
            Self::List => {
                let call = session.within(Http::Get, &["members"]).await?;
                Ok(Shown::List(COLUMNS, session.list(call).await?))
            }
            Self::Show(which) => {
                let id = which.find(session).await?;
                let call = session.within(Http::Get, &["members", &id]).await?;
                Ok(Shown::Item(COLUMNS, session.send(call).await?.body))
            }
            Self::Invite {
                sign_in_name,
                role,
                profiles,
            } => {
                let new = json!({
                    "sign_in_name": sign_in_name, "role": role.word(), "profiles": profiles,
                });
                let call = session.within(Http::Post, &["invitations"]).await?;
                let invited = session.send(call.body(new)).await?.body;
                output::note("the code is shown this once: give it to the person");
                Ok(Shown::Item(&["id", "link_code", "sign_in_name"], invited))
            }
            Self::Invitations => {
                let call = session.within(Http::Get, &["invitations"]).await?;
                let columns = &["id", "sign_in_name", "role", "invited_by", "expires_at"];
                Ok(Shown::List(columns, session.list(call).await?))
            }
            Self::Withdraw { invitation } => {
                let at = ["invitations", invitation.as_str()];
                session
                    .send(session.within(Http::Delete, &at).await?)
                    .await?;
                Ok(Shown::Item(&[], json!({"withdrawn": invitation})))
            }
            Self::Change {
                which,
                role,
                profiles,
            } => {
                let change = body([
                    ("role", role.map(|role| json!(role.word()))),
                    ("profiles", profiles.as_ref().map(|ids| json!(ids))),
                ]);
                which.change(session, change).await
            }
            Self::Enable(which) => which.change(session, json!({"enabled": true})).await,
            Self::Disable(which) => which.change(session, json!({"enabled": false})).await,
            Self::EndSessions(which) => {
                let id = which.find(session).await?;
                let at = ["members", id.as_str(), "sessions"];
                session
                    .send(session.within(Http::Delete, &at).await?)
                    .await?;
                Ok(Shown::Item(&[], json!({"sessions_ended": which.member})))
            }
            Self::Remove(which) => {
                let id = which.find(session).await?;
                session.delete(&["members", &id]).await?;
                Ok(Shown::Item(&[], json!({"removed": which.member})))
            }
        }
    }
}

impl Which {
    async fn change(&self, session: &Session, change: Value) -> Result<Shown, Failure> {
        let id = self.find(session).await?;
        let changed = session.change(&["members", &id], change).await?;
        Ok(Shown::Item(COLUMNS, changed))
    }

    async fn find(&self, session: &Session) -> Result<String, Failure> {
        if !self.member.contains('@') {
            return Ok(self.member.clone());
        }
        let call = session.within(Http::Get, &["members"]).await?;
        let members = session.list(call).await?;
        let is_meant = |one: &&Value| {
            let name = one["sign_in_name"].as_str();
            one["id"] == self.member.as_str()
                || name.is_some_and(|name| name.eq_ignore_ascii_case(&self.member))
        };
        match members.iter().find(is_meant) {
            Some(found) => Ok(text(found, "id")),
            None => Err(Failure::refused("the organization has no such member")
                .hint("`countersign members list` shows all")),
        }
    }
}

const COLUMNS: &[&str] = &["id", "sign_in_name", "name", "role", "profiles", "enabled"];
