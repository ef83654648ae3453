//! Waves of a migration, and the credentials in them.

use countersign_model::wave::Tally;
use countersign_model::{Credential, Grants, Migration, Wave};
use countersign_store::jwt_credentials::{self, Which};
use countersign_store::{Error, Page, Store, credentials, waves};
use countersign_wire::{CredentialId, OrgId, WaveName};

use crate::database::TestDatabase;
use crate::samples::{NASTY, World, at};

fn name(text: &str) -> WaveName {
    WaveName::parse(text).unwrap()
}

fn wave(org: &OrgId, text: &str) -> Wave {
    Wave {
        org_id: org.clone(),
        name: name(text),
        note: NASTY.to_owned(),
        start_on: Some(at(i64::MIN)),
        disable_on: None,
        created_by: "person:ada@example.com".to_owned(),
        created_at: at(3),
        revision: 0,
    }
}

async fn stored(store: &Store, wave: &Wave) {
    let mut w = store.write().await.unwrap();
    waves::insert(&mut w, wave).await.unwrap();
    w.commit().await.unwrap();
}

async fn planned(store: &Store, org: &OrgId, wave: &str, ids: &[CredentialId]) {
    let mut w = store.write().await.unwrap();
    assert!(waves::hold(&mut w, org, &name(wave)).await.unwrap());
    waves::put(&mut w, org, &name(wave), ids).await.unwrap();
    w.commit().await.unwrap();
}

/// Ids of what the board reads.
async fn read(store: &Store, which: Which<'_>) -> Vec<CredentialId> {
    let mut r = store.read().await.unwrap();
    let found = jwt_credentials::list(&mut r, which, at(0), &Page::first()).await;
    found.unwrap().into_iter().map(|one| one.id).collect()
}

pub async fn a_wave_is_saved_by_revision_and_found_by_name(db: &TestDatabase) {
    let (first, second) = (
        World::create(db.store(), 1).await,
        World::create(db.store(), 2).await,
    );
    let org = first.organization.id;
    let mut all = ["b", "a.1", "C"].map(|text| wave(&org, text));
    for one in &all {
        stored(db.store(), one).await;
    }
    // Another organization has names of its own.
    stored(db.store(), &wave(&second.organization.id, "b")).await;
    let mut w = db.store().write().await.unwrap();
    let again = waves::insert(&mut w, &all[0]).await;
    assert!(matches!(again, Err(Error::Duplicate)), "{again:?}");
    drop(w);

    let changed = Wave {
        note: String::new(),
        start_on: Some(at(1)),
        disable_on: Some(at(1)),
        ..all[0].clone()
    };
    let mut w = db.store().write().await.unwrap();
    waves::save(&mut w, &changed).await.unwrap();
    let late = waves::save(&mut w, &changed).await;
    assert!(matches!(late, Err(Error::Conflict)), "{late:?}");
    drop(w);
    let mut w = db.store().write().await.unwrap();
    waves::save(&mut w, &changed).await.unwrap();
    w.commit().await.unwrap();
    all[0] = Wave {
        revision: 1,
        ..changed
    };

    let mut r = db.store().read().await.unwrap();
    let mut listed = Vec::new();
    let mut page = Page {
        after: None,
        limit: 2,
    };
    loop {
        let some = waves::list(&mut r, &org, &page).await.unwrap();
        let is_last = some.len() < 2;
        listed.extend(some);
        if is_last {
            break;
        }
        page.after = listed.last().map(|last| last.name.to_string());
    }
    listed.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
    all.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
    assert_eq!(listed, all);
    let found = waves::find(&mut r, &org, &name("C")).await.unwrap();
    assert_eq!(found.as_ref(), all.iter().find(|one| one.name == name("C")));
    assert_eq!(waves::find(&mut r, &org, &name("c")).await.unwrap(), None);
}

async fn credential(db: &TestDatabase, world: &World, n: u8, grants: Grants) -> CredentialId {
    let credential = Credential {
        grants,
        ..world.credential(n)
    };
    let mut w = db.store().write().await.unwrap();
    credentials::insert(&mut w, &credential).await.unwrap();
    w.commit().await.unwrap();
    credential.id
}

pub async fn a_credential_is_in_one_wave_or_in_none(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let other = World::create(db.store(), 2).await;
    let org = &world.organization.id;
    let started = Grants::Jwt(Migration::Paired { since: at(1) });
    let mut ids = Vec::new();
    for n in 1..=40 {
        let grants = match n {
            40 => started,
            _ => Grants::Jwt(Migration::NotStarted),
        };
        ids.push(credential(db, &world, n, grants).await);
    }
    let oauth = credential(db, &world, 41, Grants::OAuth).await;
    let theirs = credential(db, &other, 42, started).await;
    for text in ["first", "second"] {
        stored(db.store(), &wave(org, text)).await;
    }
    planned(db.store(), org, "first", &ids).await;
    planned(db.store(), org, "second", &ids[..2]).await;

    let mut r = db.store().read().await.unwrap();
    let asked = [&ids[..], &[oauth, theirs]].concat();
    let mut found = waves::planned(&mut r, org, &asked).await.unwrap();
    found.sort_by(|one, other| one.credential.cmp(&other.credential));
    let found: Vec<_> = found
        .into_iter()
        .map(|one| (one.credential, one.wave.unwrap()))
        .collect();
    let in_wave = |at: usize| name(if at < 2 { "second" } else { "first" });
    let expected: Vec<_> = (0..40).map(|at| (ids[at].clone(), in_wave(at))).collect();
    assert_eq!(found, expected, "others are not planned");
    let tally = |not_started, started| Tally {
        not_started,
        started,
        ..Tally::default()
    };
    let tallies = waves::tallies(&mut r, org).await.unwrap();
    assert_eq!(
        tallies,
        [(name("first"), tally(37, 1)), (name("second"), tally(2, 0))]
    );
    let one = waves::tally(&mut r, org, &name("second")).await.unwrap();
    assert_eq!(one, tally(2, 0));
    drop(r);

    let second = name("second");
    assert_eq!(
        read(db.store(), Which::InWave(org, &second)).await,
        ids[..2]
    );
    let mut w = db.store().write().await.unwrap();
    let taken = waves::take_out(&mut w, &ids[1..39]).await.unwrap();
    assert_eq!(taken, 38);
    assert_eq!(waves::take_out(&mut w, &ids[1..39]).await.unwrap(), 0);
    w.commit().await.unwrap();
    assert_eq!(read(db.store(), Which::InNoWave(org)).await, ids[1..39]);
    assert_eq!(read(db.store(), Which::Of(org)).await, ids);
    assert_eq!(read(db.store(), Which::All).await.len(), 41);
}

pub async fn what_is_deleted_leaves_its_wave(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let org = &world.organization.id;
    let not_started = Grants::Jwt(Migration::NotStarted);
    let ids = [
        credential(db, &world, 1, not_started).await,
        credential(db, &world, 2, not_started).await,
    ];
    let first = wave(org, "first");
    stored(db.store(), &first).await;
    planned(db.store(), org, "first", &ids).await;

    let mut w = db.store().write().await.unwrap();
    let gone = credentials::find(&mut w, &ids[0]).await.unwrap().unwrap();
    credentials::delete(&mut w, &gone).await.unwrap();
    w.commit().await.unwrap();
    assert_eq!(
        read(db.store(), Which::InWave(org, &first.name)).await,
        ids[1..]
    );

    let mut w = db.store().write().await.unwrap();
    let stale = Wave {
        revision: 7,
        ..first.clone()
    };
    let refused = waves::delete(&mut w, &stale).await;
    assert!(matches!(refused, Err(Error::Conflict)), "{refused:?}");
    drop(w);
    let mut w = db.store().write().await.unwrap();
    waves::delete(&mut w, &first).await.unwrap();
    assert!(!waves::hold(&mut w, org, &first.name).await.unwrap());
    w.commit().await.unwrap();
    assert_eq!(read(db.store(), Which::InNoWave(org)).await, ids[1..]);
}
