//! `admin members`

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use countersign_authority::{Invited, MemberChange, NewInvitation};
use countersign_model::{Membership, Person, Role, SignInName};
use countersign_wire::{Opaque, OrgId, PersonId, ProfileId};

use super::Answer;
use super::record::Record;
use super::session::{Session, all};
use crate::outcome::Failure;

/// What to do with members.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a link that invites somebody, for seven days; or, with `--first`, the first
    /// administrator, for thirty minutes
    Invite {
        /// The mail address that the person signs in with
        #[arg(required_unless_present = "first")]
        sign_in_name: Option<SignInName>,
        /// The first administrator of the installation, as long as there is nobody
        #[arg(long, conflicts_with_all = ["sign_in_name", "role", "profile", "org"])]
        first: bool,
        /// As what
        #[arg(long, default_value = "viewer", value_parser = role_parser())]
        role: Role,
        /// Developer of which product profile; may be repeated
        #[arg(long, value_name = "ID")]
        profile: Vec<ProfileId>,
        /// The organization [default: the only one]
        #[arg(long)]
        org: Option<OrgId>,
    },
    /// List the members of an organization
    List {
        /// The organization [default: the only one]
        #[arg(long)]
        org: Option<OrgId>,
    },
    /// Change what a member may do
    Set {
        /// Id of the person
        person: PersonId,
        /// As what
        #[arg(long, value_parser = role_parser())]
        role: Option<Role>,
        /// Developer of which product profiles, in place of those before; may be repeated
        #[arg(long, value_name = "ID")]
        profile: Option<Vec<ProfileId>>,
        /// Switch the membership on again
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Switch the membership off
        #[arg(long)]
        disable: bool,
        /// The organization [default: the only one]
        #[arg(long)]
        org: Option<OrgId>,
    },
    /// Remove a member: sessions and access tokens end at once, credentials stay
    Remove {
        /// Id of the person
        person: PersonId,
        /// The organization [default: the only one]
        #[arg(long)]
        org: Option<OrgId>,
    },
    /// Switch a person off everywhere: sessions and access tokens end at once
    Disable {
        /// Id of the person
        person: PersonId,
    },
    /// Let a person sign in again
    Enable {
        /// Id of the person
        person: PersonId,
    },
}

fn role_parser() -> impl clap::builder::TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str))
        .try_map(|word| Role::parse(&word).ok_or("no such word"))
}

pub(super) async fn run(verb: &Verb, session: &Session) -> Result<Answer, Failure> {
    let (authority, actor) = (&session.authority, &session.actor);
    match verb {
        Verb::Invite { first: true, .. } => {
            let invited = authority.invite_first_administrator(actor).await?;
            let invited = invited.ok_or_else(|| {
                Failure::refused("there is somebody already: the link is for an empty installation")
                    .hint("`admin members invite NAME` invites one more")
            })?;
            Ok(Answer::Item(link(session, &invited)))
        }
        Verb::Invite {
            sign_in_name,
            role,
            profile,
            org,
            ..
        } => {
            let org = session.organization(org.as_ref()).await?;
            let name = sign_in_name.clone();
            let new = NewInvitation {
                sign_in_name: name.ok_or_else(|| Failure::broken("say whom to invite"))?,
                role: *role,
                profiles: profile.clone(),
            };
            let invited = authority.invite_member(&org, new, actor).await?;
            Ok(Answer::Item(link(session, &invited)))
        }
        Verb::List { org } => {
            let org = session.organization(org.as_ref()).await?;
            let found = all(
                async |page| authority.list_members(&org, page, actor).await,
                |(person, _)| person.id.as_str(),
            )
            .await?;
            let rows = found.iter().map(shown).collect();
            Ok(Answer::List(
                &["id", "sign_in_name", "role", "enabled"],
                rows,
            ))
        }
        Verb::Set {
            person,
            role,
            profile,
            enable,
            disable,
            org,
        } => {
            let org = session.organization(org.as_ref()).await?;
            let change = MemberChange {
                role: *role,
                profiles: profile.clone(),
                enabled: (*enable || *disable).then_some(*enable),
            };
            let changed = authority
                .change_member(&org, person, change, None, actor)
                .await?;
            Ok(Answer::Item(shown(&changed)))
        }
        Verb::Remove { person, org } => {
            let org = session.organization(org.as_ref()).await?;
            authority.remove_member(&org, person, actor).await?;
            Ok(Answer::Item(Record::new().text("removed", person)))
        }
        Verb::Disable { person } => switch(person, false, session).await,
        Verb::Enable { person } => switch(person, true, session).await,
    }
}

async fn switch(person: &PersonId, enabled: bool, session: &Session) -> Result<Answer, Failure> {
    let (authority, actor) = (&session.authority, &session.actor);
    let person = authority.switch_person(person, enabled, actor).await?;
    let record = Record::new()
        .text("id", &person.id)
        .text("sign_in_name", &person.sign_in_name)
        .flag("enabled", person.state.is_enabled());
    Ok(Answer::Item(record))
}

fn link(session: &Session, invited: &Invited) -> Record {
    let origin = &session.authority.config().issuer;
    Record::new()
        .text("link", invitation_link(origin, &invited.code))
        .text("works_until", invited.invitation.expires_at)
        .text("role", invited.invitation.role.as_str())
}

fn shown((person, member): &(Person, Membership)) -> Record {
    let enabled = person.state.is_enabled() && member.state.is_enabled();
    Record::new()
        .text("id", &person.id)
        .text("sign_in_name", &person.sign_in_name)
        .text("name", &person.name)
        .text("role", member.role.as_str())
        .list("profiles", &member.profiles)
        .text("org_id", &member.org_id)
        .flag("enabled", enabled)
        .text("member_since", member.created_at)
}

/// Where invitations are accepted. The code is in the query, which is in no log.
pub fn invitation_link(origin: &str, code: &Opaque) -> String {
    format!("{origin}/console/invitation?code={}", code.expose())
}
