//! Identities at providers, and what came back from there.

use countersign_model::{InstallationRole, Person, SignInName, State};
use countersign_store::identities::{self, IdentityRecord};
use countersign_store::{Error, Store, people, retry, used_states};
use countersign_wire::{IdentityId, PersonId};

use crate::database::TestDatabase;
use crate::samples::{NASTY, at};

const ISSUER: &str = "https://id.example.com/";

fn person(n: u8) -> Person {
    Person {
        id: PersonId::from_random([n; 12]),
        sign_in_name: SignInName::parse(&format!("p{n}@example.com")).unwrap(),
        name: NASTY.to_owned(),
        installation: InstallationRole::None,
        state: State::Enabled,
        created_at: at(1),
        revision: 0,
    }
}

fn identity(n: u8, owner: &Person, subject: &str) -> IdentityRecord {
    IdentityRecord {
        id: IdentityId::from_random([n; 16]),
        person_id: owner.id.clone(),
        issuer: ISSUER.to_owned(),
        subject: subject.to_owned(),
        shown: NASTY.to_owned(),
        created_at: at(1),
        used_at: at(2),
    }
}

pub async fn an_identity_is_found_by_issuer_and_subject_alone(db: &TestDatabase) {
    let (ada, bob) = (person(1), person(2));
    let first = identity(1, &ada, "Ada");
    let mut w = db.store().write().await.unwrap();
    people::insert(&mut w, &ada, None).await.unwrap();
    people::insert(&mut w, &bob, Some("$argon2id$x"))
        .await
        .unwrap();
    identities::insert(&mut w, &first).await.unwrap();
    // Case tells subjects apart.
    identities::insert(&mut w, &identity(2, &bob, "ada"))
        .await
        .unwrap();
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    let found = identities::find(&mut r, ISSUER, "Ada").await.unwrap();
    assert_eq!(found, Some(first.clone()));
    for (issuer, subject) in [
        ("https://id.example.com", "Ada"),
        (ISSUER, "ADA"),
        (ISSUER, ""),
    ] {
        assert_eq!(
            identities::find(&mut r, issuer, subject).await.unwrap(),
            None
        );
    }
    assert_eq!(identities::list(&mut r, &ada.id).await.unwrap(), [first]);
    let (_, proof) = people::find_with_proof(&mut r, &ada.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(proof.password, None);
    let proof = people::find_proof(&mut r, &bob.id).await.unwrap().unwrap();
    assert_eq!(proof.password.as_deref(), Some("$argon2id$x"));
}

pub async fn an_identity_is_of_one_person(db: &TestDatabase) {
    let (ada, bob) = (person(1), person(2));
    let mut w = db.store().write().await.unwrap();
    people::insert(&mut w, &ada, None).await.unwrap();
    people::insert(&mut w, &bob, None).await.unwrap();
    identities::insert(&mut w, &identity(1, &ada, "x"))
        .await
        .unwrap();
    w.commit().await.unwrap();

    let mut w = db.store().write().await.unwrap();
    let taken = identities::insert(&mut w, &identity(2, &bob, "x")).await;
    assert!(matches!(taken, Err(Error::Duplicate)), "{taken:?}");
    drop(w);

    let id = IdentityId::from_random([1; 16]);
    let mut w = db.store().write().await.unwrap();
    let foreign = identities::delete(&mut w, &bob.id, &id).await;
    assert!(matches!(foreign, Err(Error::Conflict)), "{foreign:?}");
    identities::note_use(&mut w, &id, "another name", at(9))
        .await
        .unwrap();
    people::hold(&mut w, &ada.id).await.unwrap();
    w.commit().await.unwrap();

    let mut w = db.store().write().await.unwrap();
    let found = identities::find(&mut w, ISSUER, "x")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.shown.as_str(), found.used_at),
        ("another name", at(9))
    );
    identities::delete(&mut w, &ada.id, &id).await.unwrap();
    let gone = identities::note_use(&mut w, &id, "x", at(10)).await;
    assert!(matches!(gone, Err(Error::Conflict)), "{gone:?}");
    drop(w);
}

pub async fn a_state_comes_back_once(db: &TestDatabase) {
    let at_once: Vec<_> = (0..8)
        .map(|_| tokio::spawn(take(db.store().clone(), "d")))
        .collect();
    let mut first = 0;
    for taken in at_once {
        first += u32::from(taken.await.unwrap());
    }
    assert_eq!(first, 1);
    assert!(take(db.store().clone(), "e").await);

    let mut w = db.store().write().await.unwrap();
    assert_eq!(used_states::trim(&mut w, at(99), 10).await.unwrap(), 0);
    assert_eq!(used_states::trim(&mut w, at(100), 1).await.unwrap(), 1);
    assert_eq!(used_states::trim(&mut w, at(100), 10).await.unwrap(), 1);
    w.commit().await.unwrap();
}

async fn take(store: Store, digest: &'static str) -> bool {
    let taken = retry(|| async {
        let mut w = store.write().await?;
        let is_first = used_states::insert(&mut w, digest, at(100)).await?;
        w.commit().await?;
        Ok::<_, Error>(is_first)
    });
    taken.await.unwrap()
}
