//! How people come in. Source: security.md ORG-15.

use std::time::Duration;

use countersign_authority::{Acceptance, ManageError, Next};
use countersign_model::{InstallationRole, Role, UseCase};
use countersign_testkit::TestApp;
use countersign_testkit::app::operator;

use crate::people::{
    PASSWORD, accept, acceptance, invite, member, name, opaque, session, signed_in, visitor,
};

on_both_engines!(
    the_first_administrator_comes_in_once,
    the_first_link_is_replaced_and_runs_out,
    an_invitation_is_used_once,
    an_invitation_is_for_its_name_only,
    of_two_who_use_a_link_one_comes_in,
);

fn first() -> Acceptance {
    Acceptance {
        sign_in_name: Some(name("ada@example.com")),
        organization: Some("Example".to_owned()),
        ..acceptance("Ada Lovelace")
    }
}

async fn first_code(app: &TestApp) -> Option<String> {
    let invited = app.authority.invite_first_administrator(&operator()).await;
    invited
        .unwrap()
        .map(|invited| invited.code.expose().to_owned())
}

async fn the_first_administrator_comes_in_once(app: &TestApp) {
    let code = first_code(app).await.unwrap();
    let welcome = app.authority.find_invitation(&code).await.unwrap();
    assert_eq!(welcome.next, Next::NameOrganization);

    let accepted = accept(app, &code, first());
    let session = session(app, &accepted.await.unwrap()).await.unwrap();
    let org = session.organization().unwrap();
    assert_eq!(session.person().installation, InstallationRole::Operator);
    let ada = session.actor(org).unwrap();
    assert_eq!(ada.role(), Some(Role::SystemAdministrator));
    let found = app.authority.find_organization(org, &ada).await.unwrap();
    assert_eq!(found.name, "Example");

    let again = accept(app, &code, first());
    assert!(matches!(again.await, Err(ManageError::NoInvitation)));
    assert_eq!(first_code(app).await, None, "there is somebody");
    signed_in(app, "ADA@example.com").await;

    // Whoever runs the installation opens no organization by that.
    let theirs = app.organization().await;
    let runs = session.installation_actor().unwrap();
    assert!(runs.may(UseCase::PublishServices) && !runs.may(UseCase::ReadProjects));
    let refused = app.authority.find_organization(&theirs, &runs).await;
    assert!(matches!(refused, Err(ManageError::NoOrganization)));
    assert!(session.actor(&theirs).is_none());
}

async fn the_first_link_is_replaced_and_runs_out(app: &TestApp) {
    let (old, code) = (
        first_code(app).await.unwrap(),
        first_code(app).await.unwrap(),
    );
    let replaced = accept(app, &old, first());
    assert!(matches!(replaced.await, Err(ManageError::NoInvitation)));
    app.advance(Duration::from_secs(30 * 60));
    let late = accept(app, &code, first());
    assert!(matches!(late.await, Err(ManageError::NoInvitation)));
    assert_eq!(app.database.count("people").await, 0);
}

async fn an_invitation_is_used_once(app: &TestApp) {
    let org = app.organization().await;
    let code = invite(app, &org, "bob@example.com", Role::Developer, &[]).await;
    let code = code.expose();
    let weak = Acceptance {
        password: opaque("password1234"),
        ..acceptance("Bob")
    };
    let refused = accept(app, code, weak);
    assert!(matches!(refused.await, Err(ManageError::Password(_))));

    let accepted = accept(app, code, acceptance("Bob"));
    let bob = session(app, &accepted.await.unwrap()).await.unwrap();
    assert_eq!(bob.actor(&org).unwrap().role(), Some(Role::Developer));
    let again = accept(app, code, acceptance("Bob"));
    assert!(matches!(again.await, Err(ManageError::NoInvitation)));

    // The database alone lets nobody in: neither code nor password is in it.
    let dump = format!(
        "{:?}",
        app.database
            .query("SELECT password || detail FROM people, audit")
            .await
    );
    assert!(!dump.contains(PASSWORD) && !dump.contains(code));
}

async fn an_invitation_is_for_its_name_only(app: &TestApp) {
    let (org, other) = (app.organization().await, app.organization().await);
    let bob = member(app, &org, "bob@example.com", Role::Viewer).await;
    let eve = member(app, &org, "eve@example.com", Role::Viewer).await;
    let code = invite(app, &other, "bob@example.com", Role::Developer, &[]).await;
    let code = code.expose();

    let welcome = app.authority.find_invitation(code).await.unwrap();
    assert_eq!(welcome.next, Next::SignIn, "bob has a password");
    let taken = accept(app, code, acceptance("Bob"));
    assert!(
        matches!(taken.await, Err(ManageError::Taken)),
        "and keeps it"
    );
    let foreign = app.authority.join(code, &eve).await;
    assert!(matches!(foreign, Err(ManageError::NoInvitation)));
    assert_eq!(app.authority.join(code, &bob).await.unwrap(), other);

    let bob = session(app, &signed_in(app, "bob@example.com").await)
        .await
        .unwrap();
    assert_eq!(bob.memberships().len(), 2);
    app.authority
        .switch_organization(&bob, &other)
        .await
        .unwrap();
    let away = app.authority.switch_organization(&eve, &other).await;
    assert!(matches!(away, Err(ManageError::NoOrganization)));
}

async fn of_two_who_use_a_link_one_comes_in(app: &TestApp) {
    let code = first_code(app).await.unwrap();
    let others = Acceptance {
        sign_in_name: Some(name("eve@example.com")),
        ..first()
    };
    let second = app.second_node().await;
    let (here, there) = (visitor(1), visitor(2));
    let (one, other) = tokio::join!(
        app.authority.accept_invitation(&code, first(), &here),
        second.authority.accept_invitation(&code, others, &there),
    );
    assert_eq!(u8::from(one.is_ok()) + u8::from(other.is_ok()), 1);
    assert_eq!(app.database.count("people").await, 1);
    assert_eq!(app.database.count("organizations").await, 1);
}
