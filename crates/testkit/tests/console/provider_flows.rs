//! Who comes in by an OpenID provider: who was invited, who linked it here, and nobody else.

use std::time::Duration;

use countersign_authority::{NewInvitation, Page};
use countersign_jose::Algorithm;
use countersign_model::{Role, SignInName};
use countersign_testkit::app::operator;
use countersign_testkit::person::PASSWORD;
use countersign_testkit::{Answer, Person, TestDatabase};
use countersign_wire::OrgId;
use serde_json::json;

use crate::at_provider::{World, hidden};

/// Tests once on SQLite and once, where there is one, on PostgreSQL.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {$(
            #[tokio::test]
            async fn $name() {
                super::$name(&super::world(Some(super::TestDatabase::sqlite().await)).await.unwrap()).await;
            }
        )+}

        mod postgres {$(
            #[tokio::test]
            async fn $name() {
                let database = super::TestDatabase::postgres().await;
                let Some(world) = super::world(database).await else { return };
                super::$name(&world).await;
                world.app.remove().await;
            }
        )+}
    };
}

on_both_engines!(
    somebody_invited_comes_in_by_a_provider,
    somebody_with_an_account_links_it_and_signs_in,
    an_identity_is_of_one_person,
    an_invitation_is_used_once_by_whichever_way,
    the_last_way_in_stays,
    whoever_was_switched_off_is_a_stranger,
);

async fn world(database: Option<TestDatabase>) -> Option<World> {
    Some(World::on(database?, Algorithm::Es256, "").await)
}

/// A member with a password who has linked what the provider calls Ada.
pub async fn linked(world: &World, sign_in_name: &str) -> Person {
    let org = world.app.organization().await;
    let person = world.app.person(&org, sign_in_name, Role::Viewer).await;
    let page = offered(world, &person).await;
    let sealed = hidden(&page, "sealed");
    let done = person
        .post("/console/account/identities", &[("sealed", &sealed)])
        .await;
    assert_eq!(
        done.header("location"),
        Some("/console/account"),
        "{}",
        done.body
    );
    person
}

/// The page that asks a person whether to link what she is at the provider.
async fn offered(world: &World, person: &Person) -> Answer {
    let departed = world.depart("?for=link", person.cookie()).await;
    world.arrive(&departed, person.cookie()).await
}

pub async fn invite(world: &World, org: &OrgId, name: &str) -> String {
    let new = NewInvitation {
        sign_in_name: SignInName::parse(name).unwrap(),
        role: Role::Developer,
        profiles: Vec::new(),
    };
    let invited = world
        .app
        .authority
        .invite_member(org, new, &operator())
        .await;
    invited.unwrap().code.expose().to_owned()
}

/// Follows the link of an invitation to the provider; what is to be posted then.
pub async fn invited(world: &World, code: &str) -> [(&'static str, String); 3] {
    let departed = world.depart(&format!("?code={code}"), "").await;
    assert!(!departed.address.contains(code), "the code stays here");
    let page = world.arrive(&departed, "").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("value=\"Ada Example\""), "{}", page.body);
    [
        ("invitation", hidden(&page, "invitation")),
        ("sealed", hidden(&page, "sealed")),
        ("name", "Ada".to_owned()),
    ]
}

pub async fn accept(world: &World, fields: &[(&'static str, String)]) -> Answer {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let call = world.app.anonymous().post("/console/invitation/identity");
    call.form(&fields).send().await
}

async fn somebody_invited_comes_in_by_a_provider(world: &World) {
    let org = world.app.organization().await;
    // The address of the invitation is another one than that at the provider: the link decides.
    let code = invite(world, &org, "ada@work.example").await;
    let page = world
        .app
        .anonymous()
        .get(&format!("/console/invitation?code={code}"));
    assert!(
        page.send()
            .await
            .body
            .contains("Create account with <bdi>Example ID</bdi>")
    );
    let fields = invited(world, &code).await;

    let entered = accept(world, &fields).await;
    let ada = Person::entered(world.app.anonymous(), &entered).await;
    let account = ada.get("/console/account").await.body;
    assert!(account.contains("ada@work.example") && account.contains("Set a password"));
    assert!(account.contains("Yours at the provider that you sign in at."));
    let page = Page::first();
    let members = world
        .app
        .authority
        .list_members(&org, &page, &operator())
        .await
        .unwrap();
    assert_eq!(members[0].1.role, Role::Developer);

    Person::entered(world.app.anonymous(), &world.sign_in().await).await;
    for password in ["", "x", PASSWORD] {
        let form = [("sign_in_name", "ada@work.example"), ("password", password)];
        let call = world.app.anonymous().post("/console/sign-in").form(&form);
        assert_eq!(call.send().await.status, 422, "there is no password");
    }
    let linked = world.events("identity.linked").await;
    assert!(
        linked[0].starts_with("person:ada@work.example "),
        "{linked:?}"
    );
    assert!(linked[0].contains("ada-at-the-provider"), "{linked:?}");
    let entered = world.events("sign_in.succeeded").await;
    assert!(
        entered
            .iter()
            .any(|line| line.contains("\"provider\":\"example\"")),
        "{entered:?}"
    );
}

async fn somebody_with_an_account_links_it_and_signs_in(world: &World) {
    // The same mail address, verified there, opens no account here by itself.
    let org = world.app.organization().await;
    world
        .app
        .person(&org, "ada@example.com", Role::SystemAdministrator)
        .await;
    let stranger = world.sign_in().await;
    assert_eq!(stranger.status, 403);
    assert!(
        stranger
            .body
            .contains("Nobody here signs in as ada@example.com at Example ID.")
    );
    assert!(stranger.body.contains("ask a System Administrator"));

    let bob = linked(world, "bob@example.com").await;
    let entered = Person::entered(world.app.anonymous(), &world.sign_in().await).await;
    assert!(
        entered
            .get("/console/account")
            .await
            .body
            .contains("bob@example.com")
    );
    let account = bob.get("/console/account").await.body;
    let path = account
        .split("href=\"")
        .find(|rest| rest.contains("/unlink\""))
        .unwrap();
    let path = path.split('"').next().unwrap();
    assert_eq!(bob.get(path).await.status, 200);
    let gone = bob.post(path, &[]).await;
    assert_eq!(gone.header("location"), Some("/console/account"));
    assert_eq!(
        entered.get("/console/account").await.status,
        303,
        "that session ended"
    );
    assert_eq!(bob.get("/console/account").await.status, 200);
    assert_eq!(world.sign_in().await.status, 403);
    assert_eq!(bob.post(path, &[]).await.status, 404);
    assert_eq!(world.events("identity.unlinked").await.len(), 1);
}

async fn an_identity_is_of_one_person(world: &World) {
    linked(world, "bob@example.com").await;
    let org = world.app.organization().await;
    let eve = world
        .app
        .person(&org, "eve@example.com", Role::Viewer)
        .await;
    let sealed = hidden(&offered(world, &eve).await, "sealed");

    let taken = eve
        .post("/console/account/identities", &[("sealed", &sealed)])
        .await;
    assert_eq!(taken.status, 422);
    assert!(
        taken.body.contains("linked to an account here already"),
        "{}",
        taken.body
    );

    // What was sealed for one person is nothing for another.
    let mallory = world
        .app
        .person(&org, "mallory@example.com", Role::Viewer)
        .await;
    let foreign = mallory
        .post("/console/account/identities", &[("sealed", &sealed)])
        .await;
    assert_eq!(foreign.status, 409);
    // Nor does somebody else's journey end in one's own account.
    let departed = world.depart("?for=link", eve.cookie()).await;
    assert_eq!(world.arrive(&departed, mallory.cookie()).await.status, 403);
    world.app.advance(Duration::from_secs(600));
    let late = eve
        .post("/console/account/identities", &[("sealed", &sealed)])
        .await;
    assert_eq!(late.status, 409);
}

async fn an_invitation_is_used_once_by_whichever_way(world: &World) {
    let org = world.app.organization().await;
    let code = invite(world, &org, "ada@example.com").await;
    let fields = invited(world, &code).await;
    let (one, other) = tokio::join!(accept(world, &fields), accept(world, &fields));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    // Whoever is second finds it gone, before her form is read or after.
    assert!(matches!(statuses, [303, 409 | 422]), "{statuses:?}");
    assert_eq!(accept(world, &fields).await.status, 409);
    let gone = world
        .app
        .anonymous()
        .get(&format!("/console/sign-in/with/example?code={code}"));
    assert_eq!(gone.send().await.status, 409);

    // What was shown for one invitation is nothing for another.
    world
        .provider
        .signs_in(json!({"sub": "carol", "name": "Ada Example"}));
    let carols = invite(world, &org, "carol@example.com").await;
    let mut fields = invited(world, &carols).await;
    let dan = invite(world, &org, "dan@example.com").await;
    let dans = invited(world, &dan).await;
    fields[0] = dans[0].clone();
    assert_eq!(accept(world, &fields).await.status, 409);
}

async fn the_last_way_in_stays(world: &World) {
    let org = world.app.organization().await;
    let code = invite(world, &org, "ada@example.com").await;
    let fields = invited(world, &code).await;
    let entered = accept(world, &fields).await;
    let ada = Person::entered(world.app.anonymous(), &entered).await;
    let account = ada.get("/console/account").await.body;
    let path = account
        .split("href=\"")
        .find(|rest| rest.contains("/unlink\""))
        .unwrap();
    let path = path.split('"').next().unwrap();

    let refused = ada.post(path, &[]).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.body.contains("This is your only way to sign in"),
        "{}",
        refused.body
    );
    let new = [
        ("new_password", "nine green umbrellas"),
        ("password_again", "nine green umbrellas"),
    ];
    let set = ada.post("/console/account/password", &new).await;
    assert_eq!(
        set.header("location"),
        Some("/console/account"),
        "{}",
        set.body
    );
    let gone = ada.post(path, &[]).await;
    assert_eq!(
        gone.header("location"),
        Some("/console/account"),
        "{}",
        gone.body
    );
    let form = [
        ("sign_in_name", "ada@example.com"),
        ("password", "nine green umbrellas"),
    ];
    let call = world.app.anonymous().post("/console/sign-in").form(&form);
    assert_eq!(call.send().await.status, 303);
}

async fn whoever_was_switched_off_is_a_stranger(world: &World) {
    let bob = linked(world, "bob@example.com").await;
    let people = world
        .app
        .authority
        .list_people(&Page::first(), &operator())
        .await
        .unwrap();
    let id = &people[0].id;
    world
        .app
        .authority
        .switch_person(id, false, &operator())
        .await
        .unwrap();
    assert_eq!(bob.get("/console/account").await.status, 303);
    let refused = world.sign_in().await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("Nobody here signs in as"));
    world
        .app
        .authority
        .switch_person(id, true, &operator())
        .await
        .unwrap();
    assert_eq!(world.sign_in().await.status, 303);
}
