//! What a provider must say of a person: that it has just asked her, that an address is hers. Source:
//! security.md CON-05.

use std::time::Duration;

use countersign_jose::Algorithm;
use countersign_testkit::app::operator;
use countersign_testkit::provider::Fault;
use countersign_testkit::{Person, TestDatabase};
use serde_json::json;

use crate::at_provider::World;
use crate::provider_flows::{accept, invite, invited, linked};

/// CON-05 for who has no password: the provider must have asked, since she left for it.
#[tokio::test]
async fn whoever_has_no_password_proves_again_at_the_provider_who_she_is() {
    let world = World::new().await;
    let org = world.app.organization().await;
    let code = invite(&world, &org, "ada@example.com").await;
    let entered = accept(&world, &invited(&world, &code).await).await;
    let ada = Person::entered(world.app.anonymous(), &entered).await;
    world.app.advance(Duration::from_secs(11 * 60));
    let new = [
        ("new_password", "nine green umbrellas"),
        ("password_again", "nine green umbrellas"),
    ];
    let asked = ada.post("/console/account/password", &new).await;
    assert_eq!(asked.status, 422);
    assert!(
        asked.body.contains("Confirm with Example ID"),
        "{}",
        asked.body
    );
    assert!(
        asked.body.contains("Confirm first that it is you"),
        "{}",
        asked.body
    );

    let confirm = "?for=confirm&next=/console/account/password";
    for fault in [
        Fault::Claims(|c| {
            c.as_object_mut().unwrap().remove("auth_time");
        }),
        Fault::Claims(|c| c["auth_time"] = json!(c["iat"].as_i64().unwrap() - 62)),
        Fault::Claims(|c| c["sub"] = json!("somebody else")),
    ] {
        world.provider.misbehave(fault);
        let departed = world.depart(confirm, ada.cookie()).await;
        assert!(
            departed.address.contains("&prompt=login&max_age=0"),
            "{}",
            departed.address
        );
        assert_eq!(world.arrive(&departed, ada.cookie()).await.status, 403);
    }
    assert_eq!(
        ada.post("/console/account/password", &new).await.status,
        422
    );

    world.provider.misbehave(Fault::None);
    let departed = world.depart(confirm, ada.cookie()).await;
    let back = world.arrive(&departed, ada.cookie()).await;
    assert_eq!(back.header("location"), Some("/console/account/password"));
    assert_eq!(
        ada.post("/console/account/password", &new).await.status,
        303
    );
}

/// A sign-in that the provider remembered from the morning is no proof of now.
#[tokio::test]
async fn an_old_proof_at_the_provider_is_an_old_proof_here() {
    let world = World::new().await;
    linked(&world, "ada@example.com").await;
    world.provider.misbehave(Fault::Claims(|c| {
        c["auth_time"] = json!(c["iat"].as_i64().unwrap() - 601)
    }));

    let ada = Person::entered(world.app.anonymous(), &world.sign_in().await).await;

    let device = ada.get("/console/account/device").await.body;
    assert!(device.contains("id=\"password\""), "{device}");
}

#[tokio::test]
async fn only_verified_addresses_of_the_configured_domains_come_in() {
    let database = TestDatabase::sqlite().await;
    let more = "mail_domains = [\"example.com\", \"example.org\"]";
    let world = World::on(database, Algorithm::Es256, more).await;
    linked(&world, "ada@example.com").await;
    for (claims, status) in [
        (
            json!({"email": "ada@example.com", "email_verified": true}),
            303,
        ),
        (
            json!({"email": "Ada@EXAMPLE.ORG", "email_verified": true}),
            303,
        ),
        (
            json!({"email": "ada@example.com", "email_verified": false}),
            403,
        ),
        (
            json!({"email": "ada@example.com", "email_verified": "true"}),
            403,
        ),
        (json!({"email": "ada@example.com"}), 403),
        (
            json!({"email": "ada@evil.example", "email_verified": true}),
            403,
        ),
        (
            json!({"email": "ada@sub.example.com", "email_verified": true}),
            403,
        ),
        (json!({"email": "example.com", "email_verified": true}), 403),
        (json!({}), 403),
    ] {
        let mut whole = claims.clone();
        whole["sub"] = json!("ada-at-the-provider");
        world.provider.signs_in(whole);
        let answer = world.sign_in().await;
        assert_eq!(answer.status, status, "{claims}");
        assert_eq!(
            answer.body.contains("example.com or example.org"),
            status == 403
        );
    }
}

#[tokio::test]
async fn the_first_administrator_may_come_by_a_provider() {
    let world = World::new().await;
    let invited_first = world
        .app
        .authority
        .invite_first_administrator(&operator())
        .await;
    let code = invited_first.unwrap().unwrap().code.expose().to_owned();
    let mut fields = invited(&world, &code).await.to_vec();
    fields.push(("organization", "Example".to_owned()));
    let refused = accept(&world, &fields).await;
    assert_eq!(refused.status, 422, "the mail address is missing");
    fields.push(("sign_in_name", "ada@example.com".to_owned()));
    let entered = accept(&world, &fields).await;
    let ada = Person::entered(world.app.anonymous(), &entered).await;
    assert!(
        ada.get("/console/account")
            .await
            .body
            .contains("You run this installation.")
    );
}
