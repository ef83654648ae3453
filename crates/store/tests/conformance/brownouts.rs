//! Brown-outs, their credentials, and whom they refused.

use std::time::Duration;

use countersign_model::brownout::{
    Brownout, CallerPattern, Fate, Member, Refused, Repeat, Share, Windows,
};
use countersign_store::brownouts::{self, Refusal};
use countersign_store::{Error, Page, Store, credentials, retry};
use countersign_wire::{Agent, BrownoutId, Caller, Consumer, CredentialId, Network};

use crate::database::TestDatabase;
use crate::samples::{NASTY, World, at};

fn brownout(world: &World, n: u8, ids: &[CredentialId]) -> Brownout {
    let member = |id: &CredentialId| Member {
        id: id.clone(),
        left_at: None,
    };
    Brownout {
        id: BrownoutId::new(at(i64::from(n)), [n; 10]),
        org_id: world.organization.id.clone(),
        name: format!("{n} {NASTY}"),
        members: ids.iter().map(member).collect(),
        windows: Windows {
            first_at: at(1000),
            lasts: Duration::from_secs(60),
            repeat: Repeat::Daily,
            times: 2,
        },
        share: Share::All,
        allowed: 3,
        fate: Fate::Scheduled,
        planned_by: NASTY.to_owned(),
        planned_at: at(7),
    }
}

fn caller(n: u8) -> Caller {
    Caller {
        network: Network::of([10, 0, n, 1].into()),
        agent: Agent::of(b"program/1 node/2"),
        consumer: n
            .is_multiple_of(2)
            .then(|| Consumer::of(b"nightly").unwrap()),
    }
}

fn refusal(id: &CredentialId, n: u8, times: u64) -> Refusal {
    Refusal {
        credential_id: id.clone(),
        refused: Refused {
            caller: caller(n),
            first_at: at(2000),
            last_at: at(3000),
            times,
        },
    }
}

async fn insert(store: &Store, brownout: &Brownout) -> Result<(), Error> {
    let mut w = store.write().await?;
    brownouts::lock(&mut w).await?;
    brownouts::insert(&mut w, brownout, &format!("digest {}", brownout.id)).await?;
    w.commit().await
}

pub async fn a_brownout_comes_back_whole(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let elsewhere = World::create(db.store(), 2).await;
    let mut ids = Vec::new();
    for n in 1..=40 {
        ids.push(world.stored_credential(db.store(), n).await.id);
    }
    ids.sort_unstable();
    let mut named = brownout(&world, 2, &ids[..1]);
    named.share = Share::Callers(vec![
        CallerPattern {
            network: Some(Network::of([10, 0, 0, 1].into())),
            agent: Some(Agent::of(b"a/1 b/2")),
            consumer: None,
        },
        CallerPattern {
            consumer: Consumer::of(b"x"),
            ..CallerPattern::default()
        },
    ]);
    let mut share = brownout(&world, 3, &ids);
    share.share = Share::PerCent(7);
    let all = [brownout(&world, 1, &ids[3..5]), named, share];
    for one in &all {
        insert(db.store(), one).await.unwrap();
    }
    let mut r = db.store().read().await.unwrap();
    let org = &world.organization.id;
    let [first, named, share] = &all;
    for one in &all {
        assert_eq!(
            brownouts::find(&mut r, &one.id).await.unwrap().as_ref(),
            Some(one)
        );
        let by_name = brownouts::find_by_name(&mut r, org, &one.name)
            .await
            .unwrap();
        assert_eq!(by_name.as_ref(), Some(one));
        let digest = format!("digest {}", one.id);
        let by_digest = brownouts::find_by_digest(&mut r, &digest).await.unwrap();
        assert_eq!(by_digest.as_ref(), Some(one));
    }
    assert_eq!(
        brownouts::find_by_digest(&mut r, "digest").await.unwrap(),
        None
    );
    let listed = brownouts::list(&mut r, org, None, &Page::first())
        .await
        .unwrap();
    assert_eq!(listed, [share.clone(), named.clone(), first.clone()]);
    let of_one = brownouts::list(&mut r, org, Some(&ids[0]), &Page::first())
        .await
        .unwrap();
    assert_eq!(of_one, [share.clone(), named.clone()]);
    let behind = Page {
        after: Some(named.id.to_string()),
        limit: 9,
    };
    assert_eq!(
        brownouts::list(&mut r, org, None, &behind).await.unwrap(),
        std::slice::from_ref(first)
    );
    let theirs = &elsewhere.organization.id;
    assert_eq!(
        brownouts::list(&mut r, theirs, None, &Page::first())
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        brownouts::find_by_name(&mut r, theirs, &first.name)
            .await
            .unwrap(),
        None
    );
    let ends_at = first.windows.ends_at();
    let before = at(ends_at.as_millis() - 1);
    assert_eq!(brownouts::scheduled(&mut r, before).await.unwrap(), all);
    assert_eq!(brownouts::scheduled(&mut r, ends_at).await.unwrap(), []);
    assert_eq!(
        brownouts::count_scheduled(&mut r, org, before)
            .await
            .unwrap(),
        3
    );
    assert_eq!(
        brownouts::count_scheduled(&mut r, theirs, before)
            .await
            .unwrap(),
        0
    );
    drop(r);
    let mut same_name = brownout(&world, 4, &ids[..1]);
    same_name.name.clone_from(&first.name);
    let taken = insert(db.store(), &same_name).await;
    assert!(matches!(taken, Err(Error::Duplicate)), "{taken:?}");
}

pub async fn a_credential_leaves_what_is_still_to_come(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let one = world.stored_credential(db.store(), 1).await;
    let two = world.stored_credential(db.store(), 2).await;
    let mut ids = [one.id.clone(), two.id.clone()];
    ids.sort_unstable();
    let both = brownout(&world, 1, &ids);
    let undone = brownout(&world, 2, &ids);
    for brownout in [&both, &undone] {
        insert(db.store(), brownout).await.unwrap();
    }
    let mut w = db.store().write().await.unwrap();
    brownouts::save_end(&mut w, &undone.clone().undo("x", at(1)))
        .await
        .unwrap();

    assert_eq!(brownouts::leave(&mut w, &one.id, at(5)).await.unwrap(), 1);
    assert_eq!(brownouts::leave(&mut w, &one.id, at(6)).await.unwrap(), 0);
    let late = both.windows.ends_at();
    assert_eq!(brownouts::leave(&mut w, &two.id, late).await.unwrap(), 0);

    let found = brownouts::find(&mut w, &both.id).await.unwrap().unwrap();
    let left: Vec<_> = found
        .members
        .iter()
        .filter(|member| member.left_at == Some(at(5)))
        .collect();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id, one.id);
    brownouts::add_refusals(&mut w, &both.id, &[refusal(&one.id, 1, 1)])
        .await
        .unwrap();
    credentials::delete(&mut w, &one).await.unwrap();
    let found = brownouts::find(&mut w, &both.id).await.unwrap().unwrap();
    assert_eq!(found.members.len(), 1);
    assert_eq!(
        brownouts::list_refusals(&mut w, &both.id).await.unwrap(),
        []
    );
    w.commit().await.unwrap();
}

pub async fn an_end_is_saved_once(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let id = world.stored_credential(db.store(), 1).await.id;
    let (first, second) = (
        brownout(&world, 1, std::slice::from_ref(&id)),
        brownout(&world, 2, &[id]),
    );
    for one in [&first, &second] {
        insert(db.store(), one).await.unwrap();
    }
    let aborted = first.clone().abort(4, at(9));
    let undone = second.clone().undo(NASTY, at(8));
    let mut w = db.store().write().await.unwrap();
    for one in [&aborted, &undone] {
        brownouts::save_end(&mut w, one).await.unwrap();
        assert_eq!(
            brownouts::find(&mut w, &one.id).await.unwrap().as_ref(),
            Some(one)
        );
    }
    assert_eq!(brownouts::scheduled(&mut w, at(0)).await.unwrap(), []);
    w.commit().await.unwrap();
    let mut w = db.store().write().await.unwrap();
    let again = brownouts::save_end(&mut w, &first.undo("y", at(10))).await;
    assert!(matches!(again, Err(Error::Conflict)), "{again:?}");
}

pub async fn nodes_that_add_refusals_at_once_lose_none(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let id = world.stored_credential(db.store(), 1).await.id;
    let one = brownout(&world, 1, std::slice::from_ref(&id));
    let other = brownout(&world, 2, std::slice::from_ref(&id));
    insert(db.store(), &one).await.unwrap();
    insert(db.store(), &other).await.unwrap();
    let second_node = db.open_again().await.unwrap();
    let tasks = (0..8_u8).map(|n| {
        let store = if n % 2 == 0 { db.store() } else { &second_node }.clone();
        let (brownout, id) = (one.id.clone(), id.clone());
        tokio::spawn(async move {
            retry(|| async {
                let mut w = store.write().await?;
                let news = [refusal(&id, n / 2, 2), refusal(&id, 9, 0)];
                brownouts::add_refusals(&mut w, &brownout, &news).await?;
                let failed = brownouts::count_failed(&mut w, &brownout).await?;
                w.commit().await?;
                Ok::<_, Error>(failed)
            })
            .await
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut most = 0;
    for task in tasks {
        most = most.max(task.await.unwrap().unwrap());
    }
    // Whoever comes last sees everybody: so the end of it cannot be missed.
    assert_eq!(most, 4);
    let mut r = db.store().read().await.unwrap();
    let listed = brownouts::list_refusals(&mut r, &one.id).await.unwrap();
    let times: u64 = listed.iter().map(|one| one.refused.times).sum();
    assert_eq!((listed.len(), times), (5, 16));
    assert!(listed.iter().any(|one| *one == refusal(&id, 9, 0)));
    let ids = [one.id.clone(), other.id.clone()];
    let failed = brownouts::who_failed(&mut r, &ids).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[&one.id].len(), 4);
    assert!(failed[&one.id].contains(&(id, caller(3))));
    drop(r);
    second_node.close().await;
}

pub async fn old_brownouts_are_trimmed(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let id = world.stored_credential(db.store(), 1).await.id;
    for n in 1..=3 {
        insert(db.store(), &brownout(&world, n, std::slice::from_ref(&id)))
            .await
            .unwrap();
    }
    let ends_at = brownout(&world, 1, &[]).windows.ends_at();
    let mut w = db.store().write().await.unwrap();
    assert_eq!(brownouts::trim(&mut w, ends_at, 9).await.unwrap(), 0);
    let later = ends_at.plus(Duration::from_millis(1));
    assert_eq!(brownouts::trim(&mut w, later, 2).await.unwrap(), 2);
    assert_eq!(brownouts::trim(&mut w, later, 2).await.unwrap(), 1);
    let page = Page::first();
    let left = brownouts::list(&mut w, &world.organization.id, None, &page);
    assert_eq!(left.await.unwrap(), []);
    w.commit().await.unwrap();
}
