//! Leases and settings.

use countersign_store::{leases, nodes, retry, settings};

use crate::database::TestDatabase;
use crate::samples::{NASTY, at};

pub async fn a_lease_has_one_holder(db: &TestDatabase) {
    let mut w = db.store().write().await.unwrap();
    let (now, until, later) = (at(100), at(200), at(300));

    let first = leases::acquire(&mut w, NASTY, "a", now, until)
        .await
        .unwrap();
    let taken = leases::acquire(&mut w, NASTY, "b", at(199), later)
        .await
        .unwrap();
    let renewed = leases::acquire(&mut w, NASTY, "a", at(150), at(250))
        .await
        .unwrap();
    let expired = leases::acquire(&mut w, NASTY, "b", at(250), later)
        .await
        .unwrap();
    let other = leases::acquire(&mut w, "another", "a", now, until)
        .await
        .unwrap();
    assert_eq!(
        (first, taken, renewed, expired),
        (Some(1), None, Some(1), Some(2))
    );
    assert_eq!(other, Some(1));

    // Who held it before cannot give it back.
    leases::release(&mut w, NASTY, "a").await.unwrap();
    assert!(leases::check(&mut w, NASTY, 2).await.unwrap());
    leases::release(&mut w, NASTY, "b").await.unwrap();
    assert!(!leases::check(&mut w, NASTY, 2).await.unwrap());
    let freed = leases::acquire(&mut w, NASTY, "c", at(251), later)
        .await
        .unwrap();
    assert_eq!(freed, Some(3));
    // A holder that slept over its end holds it anew, with another number.
    let slept = leases::acquire(&mut w, NASTY, "c", at(900), at(999))
        .await
        .unwrap();
    assert_eq!(slept, Some(4));
    w.commit().await.unwrap();
}

pub async fn a_lease_raced_for_has_one_winner(db: &TestDatabase) {
    let racers: Vec<_> = (0..32)
        .map(|n| {
            let store = db.store().clone();
            tokio::spawn(async move {
                retry(|| async {
                    let mut w = store.write().await?;
                    let owner = format!("node-{n}");
                    let won = leases::acquire(&mut w, "trim", &owner, at(1), at(99)).await?;
                    w.commit().await.map(|()| won)
                })
                .await
                .unwrap()
            })
        })
        .collect();

    let mut winners = Vec::new();
    for racer in racers {
        winners.extend(racer.await.unwrap());
    }
    assert_eq!(winners, [1]);
}

pub async fn a_stale_holder_cannot_write(db: &TestDatabase) {
    let mut w = db.store().write().await.unwrap();
    let old = leases::acquire(&mut w, "rotate", "a", at(0), at(10))
        .await
        .unwrap()
        .unwrap();
    assert!(leases::hold(&mut w, "rotate", old).await.unwrap());
    let new = leases::acquire(&mut w, "rotate", "b", at(11), at(20))
        .await
        .unwrap()
        .unwrap();
    w.commit().await.unwrap();

    let mut w = db.store().write().await.unwrap();
    assert!(!leases::hold(&mut w, "rotate", old).await.unwrap());
    assert!(!leases::check(&mut w, "rotate", old).await.unwrap());
    assert!(leases::hold(&mut w, "rotate", new).await.unwrap());
    assert!(!leases::hold(&mut w, "unknown", 1).await.unwrap());
}

pub async fn the_first_value_of_a_setting_stays(db: &TestDatabase) {
    let racers: Vec<_> = (0..16)
        .map(|n| {
            let store = db.store().clone();
            tokio::spawn(async move {
                retry(|| async {
                    let mut w = store.write().await?;
                    let value = format!("{NASTY}{n}");
                    let held = settings::put_if_absent(&mut w, "master_key.id", &value).await?;
                    w.commit().await.map(|()| held)
                })
                .await
                .unwrap()
            })
        })
        .collect();
    let mut answers = Vec::new();
    for racer in racers {
        answers.push(racer.await.unwrap());
    }

    let mut r = db.store().read().await.unwrap();
    let stored = settings::get(&mut r, "master_key.id")
        .await
        .unwrap()
        .unwrap();
    assert!(
        answers.iter().all(|answer| *answer == stored),
        "{answers:?}"
    );
    assert_eq!(settings::get(&mut r, "unknown").await.unwrap(), None);
}

pub async fn a_lease_that_a_wrong_clock_took_is_free(db: &TestDatabase) {
    const YEARS: i64 = 10 * 365 * 86_400_000;
    let mut w = db.store().write().await.unwrap();
    let ahead = leases::acquire(&mut w, "work", "ahead", at(YEARS), at(YEARS + 30))
        .await
        .unwrap();
    w.commit().await.unwrap();

    let mut w = db.store().write().await.unwrap();
    let little = leases::acquire(&mut w, "work", "b", at(YEARS - 200), at(YEARS - 170))
        .await
        .unwrap();
    let right = leases::acquire(&mut w, "work", "c", at(0), at(30))
        .await
        .unwrap();
    w.commit().await.unwrap();

    assert_eq!((ahead, little, right), (Some(1), None, Some(2)));
}

pub async fn nodes_hear_each_other(db: &TestDatabase) {
    let beat = |node: &str, time, number| nodes::Beat {
        node: node.to_owned(),
        at: at(time),
        number,
    };
    let mut w = db.store().write().await.unwrap();
    nodes::beat(&mut w, "a", at(100)).await.unwrap();
    nodes::beat(&mut w, NASTY, at(-5)).await.unwrap();
    nodes::beat(&mut w, "c", at(300)).await.unwrap();
    // The clock was set back, or stands still.
    nodes::beat(&mut w, "c", at(200)).await.unwrap();
    nodes::beat(&mut w, "c", at(200)).await.unwrap();
    w.commit().await.unwrap();

    let mut w = db.store().write().await.unwrap();
    let heard = nodes::others(&mut w, "a").await.unwrap();
    assert_eq!(heard.len(), 2);
    assert!(heard.contains(&beat(NASTY, -5, 1)));
    assert!(heard.contains(&beat("c", 200, 3)));

    assert_eq!(nodes::trim(&mut w, at(200), 1).await.unwrap(), 1);
    assert_eq!(nodes::trim(&mut w, at(200), 9).await.unwrap(), 1);
    assert_eq!(
        nodes::others(&mut w, "b").await.unwrap(),
        [beat("c", 200, 3)]
    );
    w.commit().await.unwrap();
}
