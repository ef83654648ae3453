//! What every test here needs of people.

use std::net::IpAddr;

use countersign_authority::{
    Acceptance, Actor, ManageError, NewInvitation, NewSession, Session, SignedIn, Visitor,
};
use countersign_model::{Role, SignInName};
use countersign_testkit::app::{Node, operator};
use countersign_wire::{Opaque, OrgId, ProfileId};

pub const PASSWORD: &str = "three blue lighthouses";

pub fn opaque(text: &str) -> Opaque {
    Opaque::new(text.to_owned())
}

pub fn source(last: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, last])
}

pub fn visitor(last: u8) -> Visitor {
    Visitor {
        source: source(last),
        agent: "Browser/1.0".to_owned(),
    }
}

pub fn name(text: &str) -> SignInName {
    SignInName::parse(text).unwrap()
}

pub fn acceptance(full: &str) -> Acceptance {
    Acceptance {
        name: full.to_owned(),
        sign_in_name: None,
        password: opaque(PASSWORD),
        organization: None,
    }
}

/// Follows the link of an invitation.
pub async fn accept(
    node: &Node,
    code: &str,
    acceptance: Acceptance,
) -> Result<NewSession, ManageError> {
    let visitor = visitor(1);
    node.authority
        .accept_invitation(code, acceptance, &visitor)
        .await
}

/// The code of an invitation of that name.
pub async fn invite(
    node: &Node,
    org: &OrgId,
    who: &str,
    role: Role,
    profiles: &[ProfileId],
) -> Opaque {
    let new = NewInvitation {
        sign_in_name: name(who),
        role,
        profiles: profiles.to_vec(),
    };
    let invited = node.authority.invite_member(org, new, &operator()).await;
    invited.unwrap().code
}

/// A new person with a role, signed in.
pub async fn member(node: &Node, org: &OrgId, who: &str, role: Role) -> Session {
    developer(node, org, who, role, &[]).await
}

/// A new person with a role and product profiles, signed in.
pub async fn developer(
    node: &Node,
    org: &OrgId,
    who: &str,
    role: Role,
    profiles: &[ProfileId],
) -> Session {
    let code = invite(node, org, who, role, profiles).await;
    let new = accept(node, code.expose(), acceptance(who)).await.unwrap();
    session(node, &new).await.unwrap()
}

/// The session of a cookie that was just given out.
pub async fn session(node: &Node, new: &NewSession) -> Option<Session> {
    let found = node.authority.find_session(new.cookie.expose(), source(1));
    found.await.unwrap()
}

/// Signs in with the password alone.
pub async fn signed_in(node: &Node, who: &str) -> NewSession {
    let signed_in = node
        .authority
        .sign_in(who, opaque(PASSWORD), &visitor(1))
        .await;
    match signed_in.unwrap() {
        SignedIn::Whole(session) => session,
        SignedIn::CodeNeeded(_) => panic!("a code is needed"),
    }
}

/// The person as a member of the organization.
pub async fn actor(node: &Node, org: &OrgId, who: &str, role: Role) -> Actor {
    member(node, org, who, role).await.actor(org).unwrap()
}
