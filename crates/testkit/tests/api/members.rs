//! Members change and leave; credentials notice nothing. Source: security.md CON-02, CON-03;
//! ims-protocol 6.1.

use std::time::Duration;

use countersign_authority::{ManageError, MemberChange, NewAccessToken, NewCredential, NewGrant};
use countersign_model::{Role, UseCase};
use countersign_testkit::TestApp;
use countersign_testkit::app::operator;
use countersign_wire::ServiceCode;

use crate::people::{actor, developer, invite, member, session, signed_in};

on_both_engines!(
    a_removed_member_is_out_everywhere_and_the_credential_stays,
    a_changed_role_ends_sessions_and_bounds_tokens,
    a_person_who_is_switched_off_is_out,
    the_last_administrator_stays,
    of_two_administrators_who_leave_at_once_one_stays,
    a_developer_works_on_credentials_with_his_profiles_only,
    two_who_change_a_member_at_once,
    a_session_finds_the_organizations_where_the_membership_counts,
);

fn role(role: Role) -> MemberChange {
    MemberChange {
        role: Some(role),
        ..MemberChange::default()
    }
}

fn access(app: &TestApp, role: Option<Role>) -> NewAccessToken {
    NewAccessToken {
        name: "nightly".to_owned(),
        role,
        expires_at: app.now().plus(Duration::from_secs(86_400)),
    }
}

async fn a_removed_member_is_out_everywhere_and_the_credential_stays(app: &TestApp) {
    let org = app.organization().await;
    let bob = member(app, &org, "bob@example.com", Role::Developer).await;
    let cookie = signed_in(app, "bob@example.com").await;
    let as_bob = bob.actor(&org).unwrap();
    let new = app
        .new_credential(&org, NewGrant::OAuth, &["DocCloudSDK"])
        .await;
    let created = app.authority.create_credential(new, &as_bob).await.unwrap();
    let (_, token) = app
        .authority
        .create_access_token(access(app, None), &as_bob)
        .await
        .unwrap();
    let other = app.second_node().await;
    assert!(
        other
            .authority
            .access_token_actor(token.expose())
            .await
            .is_ok()
    );

    app.authority
        .remove_member(&org, &bob.person().id, &operator())
        .await
        .unwrap();
    assert!(session(&other, &cookie).await.is_none());
    let refused = other.authority.access_token_actor(token.expose()).await;
    assert!(matches!(refused, Err(ManageError::NoAccessToken)));
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", created.credential.client_id.as_str()),
        ("client_secret", created.secret.expose()),
        ("scope", "openid"),
    ];
    app.anonymous()
        .post("/ims/token/v3")
        .form(&form)
        .send()
        .await
        .token();
    let again = app
        .authority
        .remove_member(&org, &bob.person().id, &operator())
        .await;
    assert!(matches!(again, Err(ManageError::NoMember)));
}

async fn a_changed_role_ends_sessions_and_bounds_tokens(app: &TestApp) {
    let org = app.organization().await;
    let bob = member(app, &org, "bob@example.com", Role::Developer).await;
    let cookie = signed_in(app, "bob@example.com").await;
    let as_bob = bob.actor(&org).unwrap();
    let above = access(app, Some(Role::SystemAdministrator));
    let refused = app.authority.create_access_token(above, &as_bob).await;
    assert!(matches!(
        refused,
        Err(ManageError::RoleAboveOwn(Role::Developer))
    ));
    let (_, token) = app
        .authority
        .create_access_token(access(app, None), &as_bob)
        .await
        .unwrap();
    let acts = app
        .authority
        .access_token_actor(token.expose())
        .await
        .unwrap();
    assert_eq!(acts.role(), Some(Role::Developer));

    let person = &bob.person().id;
    app.authority
        .change_member(&org, person, role(Role::Viewer), None, &operator())
        .await
        .unwrap();
    assert!(session(app, &cookie).await.is_none(), "rights changed");
    let acts = app
        .authority
        .access_token_actor(token.expose())
        .await
        .unwrap();
    assert!(!acts.may(UseCase::CreateProject) && acts.may(UseCase::ReadProjects));
    app.advance(Duration::from_secs(86_400));
    let over = app.authority.access_token_actor(token.expose()).await;
    assert!(matches!(over, Err(ManageError::NoAccessToken)));
    let short = app
        .authority
        .access_token_actor(&token.expose()[..40])
        .await;
    assert!(matches!(short, Err(ManageError::NoAccessToken)));
}

async fn a_person_who_is_switched_off_is_out(app: &TestApp) {
    let org = app.organization().await;
    let bob = member(app, &org, "bob@example.com", Role::Viewer).await;
    let cookie = signed_in(app, "bob@example.com").await;
    let as_bob = bob.actor(&org).unwrap();
    let (_, token) = app
        .authority
        .create_access_token(access(app, None), &as_bob)
        .await
        .unwrap();
    app.authority
        .switch_person(&bob.person().id, false, &operator())
        .await
        .unwrap();
    assert!(session(app, &cookie).await.is_none());
    assert!(
        app.authority
            .access_token_actor(token.expose())
            .await
            .is_err()
    );
    app.authority
        .switch_person(&bob.person().id, true, &operator())
        .await
        .unwrap();
    assert!(
        session(app, &cookie).await.is_none(),
        "an old session does not come back"
    );
    signed_in(app, "bob@example.com").await;
    let ada = actor(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let refused = app
        .authority
        .switch_person(&bob.person().id, false, &ada)
        .await;
    assert!(
        matches!(refused, Err(ManageError::Forbidden { .. })),
        "people are the installation's"
    );
}

async fn the_last_administrator_stays(app: &TestApp) {
    let org = app.organization().await;
    let ada = member(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let (person, as_ada) = (&ada.person().id, ada.actor(&org).unwrap());
    let off = MemberChange {
        enabled: Some(false),
        ..MemberChange::default()
    };
    for change in [role(Role::Developer), off] {
        let refused = app
            .authority
            .change_member(&org, person, change, None, &as_ada)
            .await;
        assert!(matches!(refused, Err(ManageError::LastAdministrator)));
    }
    let refused = app.authority.remove_member(&org, person, &as_ada).await;
    assert!(matches!(refused, Err(ManageError::LastAdministrator)));
    member(app, &org, "bob@example.com", Role::SystemAdministrator).await;
    let changed = app
        .authority
        .change_member(&org, person, role(Role::Viewer), None, &as_ada)
        .await;
    assert_eq!(changed.unwrap().1.role, Role::Viewer);
}

async fn of_two_administrators_who_leave_at_once_one_stays(app: &TestApp) {
    let org = app.organization().await;
    let ada = member(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let bob = member(app, &org, "bob@example.com", Role::SystemAdministrator).await;
    let other = app.second_node().await;
    let (as_ada, as_bob) = (ada.actor(&org).unwrap(), bob.actor(&org).unwrap());
    let (one, two) = tokio::join!(
        app.authority.remove_member(&org, &ada.person().id, &as_ada),
        other
            .authority
            .change_member(&org, &bob.person().id, role(Role::Viewer), None, &as_bob),
    );
    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1);
    let left = app
        .authority
        .list_members(&org, &countersign_authority::Page::first(), &operator())
        .await
        .unwrap();
    let admins = left
        .iter()
        .filter(|(_, member)| member.role == Role::SystemAdministrator);
    assert_eq!(admins.count(), 1);
}

async fn a_developer_works_on_credentials_with_his_profiles_only(app: &TestApp) {
    let org = app.organization().await;
    let service = ServiceCode::parse("DocCloudSDK").unwrap();
    let profile = async |name: &str| {
        let made = app
            .authority
            .create_profile(&org, &service, name.to_owned(), &operator())
            .await;
        made.unwrap().id
    };
    let (own, others) = (profile("own").await, profile("others").await);
    let bob = developer(
        app,
        &org,
        "bob@example.com",
        Role::Developer,
        std::slice::from_ref(&own),
    )
    .await;
    let bob = bob.actor(&org).unwrap();
    let with = async |profile: &_| {
        let mut new = app
            .new_credential(&org, NewGrant::OAuth, &["DocCloudSDK"])
            .await;
        new.subscriptions[0].profiles = vec![Clone::clone(profile)];
        new
    };
    let refused = app
        .authority
        .create_credential(with(&others).await, &bob)
        .await;
    assert!(
        matches!(refused, Err(ManageError::ReadOnly(_))),
        "{refused:?}"
    );
    let mine = app
        .authority
        .create_credential(with(&own).await, &bob)
        .await
        .unwrap()
        .credential;
    let theirs = app
        .authority
        .create_credential(with(&others).await, &operator())
        .await
        .unwrap()
        .credential;

    let add = async |id: &_| {
        app.authority
            .add_secret(id, "more".to_owned(), None, &bob)
            .await
    };
    assert!(add(&mine.id).await.is_ok());
    let refused = add(&theirs.id).await.unwrap_err().to_string();
    assert!(
        refused.contains(others.as_str()) && refused.contains("System Administrator"),
        "{refused}"
    );
    let switched = app
        .authority
        .switch_project(&theirs.project_id, false, &bob)
        .await;
    assert!(matches!(switched, Err(ManageError::ReadOnly(_))));

    // What a product made for itself, not even an administrator changes; the operator can.
    let generated = NewCredential {
        origin: countersign_model::Origin::AutoGenerated,
        ..with(&own).await
    };
    let ada = actor(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let generated = app
        .authority
        .create_credential(generated, &ada)
        .await
        .unwrap()
        .credential;
    let refused = app
        .authority
        .switch_credential(&generated.id, false, &ada)
        .await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("read-only for everybody")
    );
    app.authority
        .switch_credential(&generated.id, false, &operator())
        .await
        .unwrap();

    // User Management is for administrators.
    let admin_only = app
        .new_credential(&org, NewGrant::OAuth, &["UserMgmtSDK"])
        .await;
    let refused = app
        .authority
        .create_credential(admin_only.clone(), &bob)
        .await;
    assert!(matches!(refused, Err(ManageError::Forbidden { .. })));
    app.authority
        .create_credential(admin_only, &ada)
        .await
        .unwrap();
}

async fn two_who_change_a_member_at_once(app: &TestApp) {
    let org = app.organization().await;
    let ada = actor(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let bob = member(app, &org, "bob@example.com", Role::Viewer).await;
    let (other, person) = (app.second_node().await, &bob.person().id);
    let (one, two) = tokio::join!(
        app.authority
            .change_member(&org, person, role(Role::Developer), Some(0), &ada),
        other
            .authority
            .change_member(&org, person, role(Role::SystemAdministrator), Some(0), &ada),
    );
    let (won, told) = if one.is_ok() { (one, two) } else { (two, one) };
    assert!(matches!(told, Err(ManageError::Stale)), "{told:?}");
    let (_, stored) = app.authority.find_member(&org, person, &ada).await.unwrap();
    assert_eq!(stored, won.unwrap().1);
}

async fn a_session_finds_the_organizations_where_the_membership_counts(app: &TestApp) {
    let (first, second) = (app.organization().await, app.organization().await);
    app.organization().await;
    member(app, &first, "bob@example.com", Role::Viewer).await;
    let cookie = signed_in(app, "bob@example.com").await;
    let bob = session(app, &cookie).await.unwrap();
    let code = invite(app, &second, "bob@example.com", Role::Viewer, &[]).await;
    app.authority.join(code.expose(), &bob).await.unwrap();
    let found = async || {
        let bob = session(app, &cookie).await.unwrap();
        let found = app.authority.organizations_of(&bob).await.unwrap();
        found.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    let mut both = vec![first.clone(), second.clone()];
    both.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    assert_eq!(found().await, both);

    let off = MemberChange {
        enabled: Some(false),
        ..MemberChange::default()
    };
    app.authority
        .change_member(&second, &bob.person().id, off, None, &operator())
        .await
        .unwrap();

    // Her sessions ended with the change.
    let cookie = signed_in(app, "bob@example.com").await;
    let bob = session(app, &cookie).await.unwrap();
    let found = app.authority.organizations_of(&bob).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|one| one.id).collect();
    assert_eq!(found, [first]);
}
