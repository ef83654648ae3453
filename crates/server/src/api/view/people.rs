//! Members, invitations and personal access tokens.

use countersign_authority::{Invited, role_of};
use countersign_model::member::{AccessToken, Invitation};
use countersign_model::{Membership, Person};
use serde::Serialize;
use utoipa::ToSchema;

use super::{enabled, shown, time};

/// A person in an organization.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct MemberView {
    /// Id of the person.
    id: String,
    sign_in_name: String,
    name: String,
    /// `viewer`, `developer` or `system_administrator`.
    role: &'static str,
    profiles: Vec<String>,
    enabled: bool,
    member_since: String,
}

impl From<&(Person, Membership)> for MemberView {
    fn from((person, member): &(Person, Membership)) -> Self {
        Self {
            id: person.id.to_string(),
            sign_in_name: person.sign_in_name.to_string(),
            name: person.name.clone(),
            role: member.role.as_str(),
            profiles: member.profiles.iter().map(ToString::to_string).collect(),
            enabled: enabled(member.state) && enabled(person.state),
            member_since: time(member.created_at),
        }
    }
}

/// An invitation that was not used yet.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct InvitationView {
    id: String,
    sign_in_name: Option<String>,
    role: &'static str,
    profiles: Vec<String>,
    invited_by: String,
    created_at: String,
    expires_at: String,
}

impl From<&Invitation> for InvitationView {
    fn from(invitation: &Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            sign_in_name: invitation.sign_in_name.as_ref().map(ToString::to_string),
            role: invitation.role.as_str(),
            profiles: invitation
                .profiles
                .iter()
                .map(ToString::to_string)
                .collect(),
            invited_by: invitation.invited_by.clone(),
            created_at: time(invitation.created_at),
            expires_at: time(invitation.expires_at),
        }
    }
}

/// An invitation that was made.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct CreatedInvitation {
    #[serde(flatten)]
    pub(in crate::api) invitation: InvitationView,
    /// The code of its link: shown in this answer and never again.
    link_code: Option<String>,
}

impl From<&Invited> for CreatedInvitation {
    fn from(invited: &Invited) -> Self {
        Self {
            invitation: (&invited.invitation).into(),
            link_code: Some(shown(&invited.code)),
        }
    }
}

/// A personal access token, without the token.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct AccessTokenView {
    id: String,
    name: String,
    /// Its last four characters.
    hint: String,
    /// The role it has at most; `null` for one of the operator.
    role: Option<&'static str>,
    created_at: String,
    expires_at: String,
    last_used_at: Option<String>,
}

impl From<&AccessToken> for AccessTokenView {
    fn from(token: &AccessToken) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.clone(),
            hint: token.hint.clone(),
            role: role_of(token).map(countersign_model::Role::as_str),
            created_at: time(token.created_at),
            expires_at: time(token.expires_at),
            last_used_at: token.last_used_at.map(time),
        }
    }
}

/// An access token that was made.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct CreatedAccessToken {
    #[serde(flatten)]
    pub(in crate::api) token: AccessTokenView,
    /// The token: shown in this answer and never again.
    pub(in crate::api) access_token: Option<String>,
}
