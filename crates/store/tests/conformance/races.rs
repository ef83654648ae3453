//! Many writers at once.

use countersign_store::{Error, Store, credentials, retry, used_assertions};
use countersign_wire::OrgId;
use tokio::task::JoinHandle;

use crate::database::TestDatabase;
use crate::samples::{World, at, load, secret};

async fn all<T>(tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut results = Vec::with_capacity(tasks.len());
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

pub async fn of_many_saves_of_one_revision_one_wins(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let before = world.stored_credential(db.store(), 1).await;

    for round in 1..=3 {
        let before = load(db.store(), &before.id).await;
        let tasks = (0..32).map(|n| {
            let (store, before) = (db.store().clone(), before.clone());
            tokio::spawn(async move {
                let mut after = before.clone();
                after.name = format!("round {round}, writer {n}");
                let saved = retry(|| async {
                    let mut w = store.write().await?;
                    credentials::save(&mut w, &before, &after).await?;
                    w.commit().await
                })
                .await;
                saved.map(|()| after.name)
            })
        });
        let results = all(tasks.collect()).await;

        let winners: Vec<&String> = results.iter().flatten().collect();
        assert_eq!(winners.len(), 1, "{results:?}");
        let losers = results.iter().filter(|r| matches!(r, Err(Error::Conflict)));
        assert_eq!(losers.count(), 31, "{results:?}");
        let stored = load(db.store(), &before.id).await;
        assert_eq!((&stored.name, stored.revision), (winners[0], round + 1));
    }
}

/// What it loads, it changes in the same transaction: then nobody ever sees a conflict.
async fn add_secret(store: &Store, world: &World, n: u8) -> Result<(), Error> {
    retry(|| async {
        let mut w = store.write().await?;
        let id = world.credential(1).id;
        let before = credentials::find(&mut w, &id).await?.unwrap();
        let mut after = before.clone();
        after.secrets.push(secret(n));
        credentials::save(&mut w, &before, &after).await?;
        w.commit().await
    })
    .await
}

pub async fn lost_races_are_repeated_until_each_change_is_in(db: &TestDatabase) {
    let world = std::sync::Arc::new(World::create(db.store(), 1).await);
    let before = world.stored_credential(db.store(), 1).await;

    let tasks = (10..26).map(|n| {
        let (store, world) = (db.store().clone(), world.clone());
        tokio::spawn(async move { add_secret(&store, &world, n).await })
    });
    for added in all(tasks.collect()).await {
        added.unwrap();
    }

    let after = load(db.store(), &before.id).await;
    assert_eq!(after.revision, 17);
    assert_eq!(after.secrets.len(), before.secrets.len() + 16);
}

pub async fn one_assertion_is_used_once(db: &TestDatabase) {
    let second_node = db.open_again().await.unwrap();
    for round in 0..5 {
        let tasks = (0..32).map(|n| {
            let store = if n % 2 == 0 { db.store() } else { &second_node }.clone();
            let jti = format!("n:{round}");
            tokio::spawn(async move {
                retry(|| async {
                    let mut w = store.write().await?;
                    let org = OrgId::from_random([1; 12]);
                    let first = used_assertions::insert(&mut w, &org, &jti, at(5)).await?;
                    w.commit().await.map(|()| first)
                })
                .await
                .unwrap()
            })
        });
        let first = all(tasks.collect())
            .await
            .into_iter()
            .filter(|first| *first);
        assert_eq!(first.count(), 1);
    }
    second_node.close().await;
}
