//! Callers, findings, owners of secrets and certificates.

use countersign_model::evidence::{Seen, Sketch, Trace};
use countersign_store::attempts;
use countersign_store::callers::{self, Finding, FindingKind, Sketched};
use countersign_store::daily_usage::{self, Day, DayKind};
use countersign_store::owners::{self, Owner};
use countersign_store::service_calls::Count;
use countersign_store::usage::{self, Grant, Usage, UsageSubject};
use countersign_store::{Error, Store, credentials, projects, retry};
use countersign_wire::{Agent, Caller, CertificateId, Consumer, CredentialId, Network, SecretId};

use crate::database::TestDatabase;
use crate::samples::{World, at};

fn caller(n: u8) -> Caller {
    Caller {
        network: Network::of([10, 0, n, 1].into()),
        agent: Agent::of(b"program/1"),
        consumer: n
            .is_multiple_of(2)
            .then(|| Consumer::of(b"nightly").unwrap()),
    }
}

fn seen(n: u8) -> Seen {
    let trace = Trace {
        caller: caller(n),
        secret: n.is_multiple_of(3).then(|| SecretId::from_random([n; 16])),
        minted_by: format!("certificate:{n}").into(),
    };
    Seen::once(trace, at(i64::from(n)))
}

pub async fn callers_are_saved_by_their_differences(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let id = world.stored_credential(db.store(), 1).await.id;
    let others = Seen {
        trace: None,
        uses: 7,
        ..seen(1)
    };
    let first = [seen(3), seen(2), others.clone()];
    let mut again = seen(3);
    (again.uses, again.rhythm.hours, again.last_at) = (9, u64::MAX >> 1, at(8));
    let second = [seen(4), again, others];
    let mut w = db.store().write().await.unwrap();
    let grant = Grant::JwtExchange;
    callers::save(&mut w, &[sketched(&id, grant, &[], &first)])
        .await
        .unwrap();
    callers::save(
        &mut w,
        &[sketched(&id, Grant::ClientCredentials, &[], &[seen(5)])],
    )
    .await
    .unwrap();
    let stored = callers::list(&mut w, &id, grant).await.unwrap();

    callers::save(&mut w, &[sketched(&id, grant, &stored, &second)])
        .await
        .unwrap();
    w.commit().await.unwrap();

    assert_eq!(sorted(stored), sorted(first.to_vec()));
    let mut w = db.store().write().await.unwrap();
    let stored = callers::list(&mut w, &id, grant).await.unwrap();
    assert_eq!(sorted(stored), sorted(second.to_vec()));
    let nobody = CredentialId::from_number(77);
    callers::save(&mut w, &[sketched(&nobody, grant, &[], &first)])
        .await
        .unwrap();
    let credential = credentials::find(&mut w, &id).await.unwrap().unwrap();
    credentials::delete(&mut w, &credential).await.unwrap();
    for id in [id, nobody] {
        assert_eq!(callers::list(&mut w, &id, grant).await.unwrap(), []);
    }
    w.commit().await.unwrap();
}

/// More than one statement takes, and two halves of one of them.
pub async fn evidence_of_many_credentials_is_written_at_once(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let mut ids = Vec::new();
    for n in 1..=40 {
        ids.push(world.stored_credential(db.store(), n).await.id);
    }
    ids.sort_unstable();
    let used = |id: &CredentialId, subject| Usage {
        credential_id: id.clone(),
        subject,
        grant: Grant::JwtExchange,
        first_used_at: at(2),
        last_used_at: at(3),
        uses: 5,
    };
    let of_one = |id| {
        let secret = UsageSubject::Secret(SecretId::from_random([1; 16]));
        [used(id, UsageSubject::Grant), used(id, secret)]
    };
    let uses: Vec<_> = ids.iter().flat_map(of_one).collect();
    let mut news: Vec<_> = ids
        .iter()
        .map(|id| sketched(id, Grant::JwtExchange, &[], &[seen(1), seen(2)]))
        .collect();
    news.push(sketched(&ids[0], Grant::ClientCredentials, &[], &[seen(3)]));

    let mut w = db.store().write().await.unwrap();
    for _ in 0..2 {
        usage::add(&mut w, &uses).await.unwrap();
    }
    callers::save(&mut w, &news).await.unwrap();
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    let mut stored = callers::list_all(&mut r, &ids).await.unwrap();
    for of_half in news {
        let half = (of_half.credential_id, of_half.grant);
        assert_eq!(sorted(stored.remove(&half).unwrap()), sorted(of_half.after));
    }
    assert!(stored.is_empty(), "{stored:?}");
    for id in &ids {
        let twice = of_one(id).map(|used| Usage { uses: 10, ..used });
        assert_eq!(usage::list(&mut r, id).await.unwrap(), twice);
    }
}

pub async fn nodes_that_save_callers_at_once_lose_none(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let id = world.stored_credential(db.store(), 1).await.id;
    let nodes: Vec<_> = (0..8)
        .map(|n| tokio::spawn(add(db.store().clone(), id.clone(), n)))
        .collect();
    for node in nodes {
        node.await.unwrap();
    }

    let mut r = db.store().read().await.unwrap();
    let stored = callers::list(&mut r, &id, Grant::JwtExchange)
        .await
        .unwrap();
    assert_eq!(sorted(stored), sorted((0..8).map(seen).collect()));
}

/// As a node does: the row of the grant's usage first, then the callers.
async fn add(store: Store, id: CredentialId, n: u8) {
    let grant = Grant::JwtExchange;
    let used = Usage {
        credential_id: id.clone(),
        subject: UsageSubject::Grant,
        grant,
        first_used_at: at(1),
        last_used_at: at(1),
        uses: 1,
    };
    retry(|| async {
        let mut w = store.write().await?;
        usage::add(&mut w, std::slice::from_ref(&used)).await?;
        let before = callers::list(&mut w, &id, grant).await?;
        let mut sketch = Sketch::of(&before);
        sketch.add(&seen(n));
        callers::save(&mut w, &[sketched(&id, grant, &before, sketch.seen())]).await?;
        w.commit().await?;
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

pub async fn a_finding_keeps_its_last_caller(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let id = world.stored_credential(db.store(), 1).await.id;
    let found = |first, last, n| Finding {
        kind: FindingKind::SecretInQuery,
        first_at: at(first),
        last_at: at(last),
        times: 2,
        caller: caller(n),
    };
    let mut w = db.store().write().await.unwrap();
    for found in [found(5, 6, 1), found(7, 9, 2), found(1, 2, 3)] {
        callers::add_finding(&mut w, &id, &found).await.unwrap();
    }
    let nobody = CredentialId::from_number(77);
    callers::add_finding(&mut w, &nobody, &found(1, 2, 3))
        .await
        .unwrap();
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    let whole = Finding {
        times: 6,
        ..found(1, 9, 2)
    };
    assert_eq!(callers::findings(&mut r, &id).await.unwrap(), [whole]);
    assert_eq!(callers::findings(&mut r, &nobody).await.unwrap(), []);
}

pub async fn an_owner_is_found_by_the_id_of_what_it_has(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let credential = world.stored_credential(db.store(), 1).await;
    let (secret, certificate) = (&credential.secrets[0].id, &credential.certificates[0].id);
    let owner = Owner::Credential(credential.id.clone(), credential.org_id.clone());
    let mut w = db.store().write().await.unwrap();

    assert_eq!(owners::of_secret(&mut w, secret).await.unwrap(), owner);
    let found = owners::of_certificate(&mut w, certificate).await.unwrap();
    assert_eq!(found, owner);
    credentials::delete(&mut w, &credential).await.unwrap();
    let found = owners::of_secret(&mut w, secret).await.unwrap();
    assert_eq!(found, Owner::Deleted);
    let found = owners::of_certificate(&mut w, certificate).await.unwrap();
    assert_eq!(found, Owner::Deleted);
    let never = SecretId::from_random([0xee; 16]);
    let found = owners::of_secret(&mut w, &never).await.unwrap();
    assert_eq!(found, Owner::Nobody);
    let never = CertificateId::from_random([0xee; 16]);
    let found = owners::of_certificate(&mut w, &never).await.unwrap();
    assert_eq!(found, Owner::Nobody);
}

fn sketched(id: &CredentialId, grant: Grant, before: &[Seen], after: &[Seen]) -> Sketched {
    Sketched {
        credential_id: id.clone(),
        grant,
        before: before.to_vec(),
        after: after.to_vec(),
    }
}

fn sorted(mut seen: Vec<Seen>) -> Vec<Seen> {
    seen.sort_by(|a, b| a.trace.cmp(&b.trace));
    seen
}

pub async fn days_are_added_up_and_trimmed(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let id = world.stored_credential(db.store(), 1).await.id;
    let day = |credential: &CredentialId, day_at, kind, uses| Day {
        credential_id: credential.clone(),
        day_at: at(day_at),
        kind,
        grant: Grant::ClientCredentials,
        uses,
    };
    let nobody = CredentialId::from_number(77);
    let news = [
        day(&id, 1, DayKind::Call, 2),
        day(&id, 1, DayKind::Token, 3),
        day(&id, 2, DayKind::Token, u64::MAX),
        day(&nobody, 2, DayKind::Token, 4),
    ];

    let mut w = db.store().write().await.unwrap();
    for _ in 0..2 {
        daily_usage::add(&mut w, &news).await.unwrap();
    }
    let all = daily_usage::list(&mut w, &id, at(0)).await.unwrap();
    let trimmed = daily_usage::trim(&mut w, at(2), 10).await.unwrap();
    w.commit().await.unwrap();

    let most = u64::try_from(i64::MAX).unwrap();
    let added = [
        day(&id, 1, DayKind::Call, 4),
        day(&id, 1, DayKind::Token, 6),
        day(&id, 2, DayKind::Token, most),
    ];
    assert_eq!(all, added);
    assert_eq!(trimmed, 2);
    let mut r = db.store().read().await.unwrap();
    let left = daily_usage::list(&mut r, &id, at(0)).await.unwrap();
    assert_eq!(left, added[2..]);
    assert_eq!(daily_usage::list(&mut r, &id, at(3)).await.unwrap(), []);
    assert_eq!(daily_usage::list(&mut r, &nobody, at(0)).await.unwrap(), []);
}

pub async fn nodes_that_count_a_day_at_once_lose_nothing(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let mut ids = Vec::new();
    for n in 1..=4 {
        ids.push(world.stored_credential(db.store(), n).await.id);
    }
    ids.sort_unstable();
    let days: Vec<_> = ids
        .iter()
        .map(|id| Day {
            credential_id: id.clone(),
            day_at: at(86_400_000),
            kind: DayKind::Token,
            grant: Grant::JwtExchange,
            uses: 1,
        })
        .collect();
    let nodes: Vec<_> = (0..8)
        .map(|_| tokio::spawn(count(db.store().clone(), days.clone())))
        .collect();
    for node in nodes {
        node.await.unwrap();
    }

    let mut r = db.store().read().await.unwrap();
    for day in days {
        let stored = daily_usage::list(&mut r, &day.credential_id, at(0)).await;
        assert_eq!(stored.unwrap(), [Day { uses: 8, ..day }]);
    }
}

async fn count(store: Store, days: Vec<Day>) {
    let latest: Vec<_> = days
        .iter()
        .map(|day| (day.credential_id.clone(), day.day_at))
        .collect();
    retry(|| async {
        let mut w = store.write().await?;
        daily_usage::add(&mut w, &days).await?;
        projects::note_activity(&mut w, &latest).await?;
        w.commit().await?;
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

pub async fn attempts_are_added_up_saved_and_forgotten(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let (id, other) = (
        world.stored_credential(db.store(), 1).await.id,
        world.stored_credential(db.store(), 2).await.id,
    );
    let nobody = CredentialId::from_number(77);
    let count = |first, last, uses| Count {
        first_at: at(first),
        last_at: at(last),
        uses,
    };
    let anonymous = |n| {
        let mut seen = seen(n);
        let trace = seen.trace.as_mut().unwrap();
        (trace.secret, trace.minted_by) = (None, Box::default());
        seen
    };
    let others = Seen {
        trace: None,
        ..seen(9)
    };
    let mut w = db.store().write().await.unwrap();
    attempts::add(&mut w, &id, &count(5, 6, 2)).await.unwrap();
    attempts::add(&mut w, &id, &count(3, 4, 1)).await.unwrap();
    attempts::add(&mut w, &other, &count(1, 9, u64::MAX))
        .await
        .unwrap();
    attempts::add(&mut w, &nobody, &count(1, 1, 1))
        .await
        .unwrap();
    let before = [anonymous(1), others.clone()];
    attempts::save(&mut w, &id, &[], &before).await.unwrap();
    let mut again = anonymous(2);
    again.uses = 7;
    let after = [again, others];
    attempts::save(&mut w, &id, &before, &after).await.unwrap();
    attempts::save(&mut w, &nobody, &[], &after).await.unwrap();
    w.commit().await.unwrap();

    let mut w = db.store().write().await.unwrap();
    let all = [id.clone(), other.clone(), nobody.clone()];
    let counts = attempts::of_credentials(&mut w, &all).await.unwrap();
    assert_eq!(counts.len(), 2);
    assert_eq!(counts[&id], count(3, 6, 3));
    assert_eq!(counts[&other].last_at, at(9));
    let stored = attempts::list(&mut w, &id).await.unwrap();
    assert_eq!(sorted(stored), sorted(after.to_vec()));
    assert_eq!(attempts::list(&mut w, &nobody).await.unwrap(), []);

    attempts::clear(&mut w, &id).await.unwrap();
    assert_eq!(attempts::list(&mut w, &id).await.unwrap(), []);
    let counts = attempts::of_credentials(&mut w, &all).await.unwrap();
    assert!(counts.contains_key(&other) && !counts.contains_key(&id));
    w.commit().await.unwrap();
}
