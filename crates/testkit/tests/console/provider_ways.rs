//! On the way to an OpenID provider and back: what comes back is taken once, in time, from the browser
//! that left, and nobody waits for long.

use std::time::{Duration, Instant};

use countersign_model::Role;
use countersign_testkit::Person;
use countersign_testkit::provider::{Fault, Signature};

use crate::at_provider::World;
use crate::provider_flows::linked;

#[tokio::test]
async fn a_new_key_is_fetched_and_made_up_ones_are_not() {
    let world = World::new().await;
    linked(&world, "ada@example.com").await;
    let before = world.provider.key_sets();
    world.sign_in().await;
    assert_eq!(world.provider.key_sets(), before, "it is known");

    world.app.advance(Duration::from_secs(31));
    world.provider.change_key("key-2");
    assert_eq!(world.sign_in().await.status, 303);
    assert_eq!(world.provider.key_sets(), before + 1);

    world
        .provider
        .misbehave(Fault::Signature(Signature::UnknownName));
    for _ in 0..5 {
        assert_eq!(world.sign_in().await.status, 403);
    }
    assert_eq!(
        world.provider.key_sets(),
        before + 1,
        "not again within half a minute"
    );
}

#[tokio::test]
async fn a_provider_that_does_not_answer_keeps_nobody_for_long() {
    let world = World::new().await;
    linked(&world, "ada@example.com").await;
    world.provider.misbehave(Fault::Silence);

    let began = Instant::now();
    let answer = world.sign_in().await;

    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("60"))
    );
    assert!(
        answer
            .body
            .contains("Example ID cannot be asked at the moment")
    );
}

#[tokio::test]
async fn what_came_back_is_taken_once_from_the_browser_that_left_and_in_time() {
    let world = World::new().await;
    linked(&world, "ada@example.com").await;
    let [used, stolen, late] = [(); 3].map(|()| world.depart("", ""));
    let (used, stolen, late) = (used.await, stolen.await, late.await);

    let path = world.approve(&used);
    assert_eq!(world.come(&path, &used.cookie).await.status, 303);
    // The code is another one, so that it is the state that is refused.
    let again = world.approve(&used);
    let mut refused = vec![world.come(&again, &used.cookie).await];

    let path = world.approve(&stolen);
    refused.push(world.come(&path, "").await);
    refused.push(world.come(&path, &used.cookie).await);
    let elsewhere = path.replace("/with/example/", "/with/other/");
    assert_eq!(world.come(&elsewhere, &stolen.cookie).await.status, 404);

    world.app.advance(Duration::from_secs(600));
    refused.push(world.arrive(&late, "").await);
    for answer in &refused {
        assert_eq!(answer.status, 403);
        assert!(
            world
                .cause(answer)
                .await
                .contains("began in another browser")
        );
        assert!(answer.cookie("__Host-countersign").is_none());
    }
}

#[tokio::test]
async fn several_tabs_do_not_hinder_each_other() {
    let world = World::new().await;
    linked(&world, "ada@example.com").await;
    let first = world.depart("?next=/console/account", "").await;
    let second = world
        .depart("?next=/console/projects/1", &first.cookie)
        .await;
    assert_eq!(first.cookie, second.cookie);

    for (departed, next) in [
        (&second, "/console/projects/1"),
        (&first, "/console/account"),
    ] {
        let answer = world.arrive(departed, "").await;
        assert_eq!(answer.header("location"), Some(next));
        Person::entered(world.app.anonymous(), &answer).await;
    }
}

#[tokio::test]
async fn many_failures_from_one_address_make_it_wait() {
    let world = World::new().await;
    let org = world.app.organization().await;
    world
        .app
        .person(&org, "bob@example.com", Role::Viewer)
        .await;
    let path = "/console/sign-in/with/example/answer?state=x&code=y";
    for _ in 0..100 {
        assert_eq!(world.come(path, "").await.status, 403);
    }
    assert_eq!(world.come(path, "").await.status, 429);
    let call = world.app.anonymous().from("203.0.113.200").get(path);
    assert_eq!(call.send().await.status, 403, "another address does not");
}
