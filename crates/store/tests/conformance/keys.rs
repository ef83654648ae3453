//! Signing keys.

use countersign_model::{KeyState, SigningAlgorithm, SigningKeyRecord};
use countersign_store::{Error, signing_keys};
use countersign_wire::KeyId;

use crate::database::TestDatabase;
use crate::samples::at;

pub fn key(sequence: i64, state: KeyState) -> SigningKeyRecord {
    SigningKeyRecord {
        id: KeyId::parse(&format!("ims_na1-key-{sequence}")).unwrap(),
        sequence,
        algorithm: SigningAlgorithm::Rs256,
        sealed_private_key: "c2VhbGVk".to_owned(),
        certificate: Some("-----BEGIN CERTIFICATE-----\n".to_owned()),
        state,
        created_at: at(sequence),
    }
}

pub const ACTIVE: KeyState = KeyState::Active { since: at_ten() };
const RETIRED: KeyState = KeyState::Retired { since: at_ten() };

const fn at_ten() -> countersign_wire::Timestamp {
    countersign_wire::Timestamp::from_millis(10)
}

pub async fn there_is_at_most_one_active_key(db: &TestDatabase) {
    let first = key(1, ACTIVE);
    let second = key(2, KeyState::Next);
    let mut w = db.store().write().await.unwrap();
    signing_keys::insert(&mut w, &second).await.unwrap();
    signing_keys::insert(&mut w, &first).await.unwrap();
    w.commit().await.unwrap();

    let mut w = db.store().write().await.unwrap();
    let third = signing_keys::insert(&mut w, &key(3, ACTIVE)).await;
    drop(w);
    let mut w = db.store().write().await.unwrap();
    let too_early = signing_keys::save(&mut w, &KeyState::Next, &key(2, ACTIVE)).await;
    drop(w);
    let mut w = db.store().write().await.unwrap();
    signing_keys::save(&mut w, &ACTIVE, &key(1, RETIRED))
        .await
        .unwrap();
    signing_keys::save(&mut w, &KeyState::Next, &key(2, ACTIVE))
        .await
        .unwrap();
    w.commit().await.unwrap();

    assert!(matches!(third, Err(Error::Duplicate)), "{third:?}");
    assert!(matches!(too_early, Err(Error::Duplicate)), "{too_early:?}");
    let listed = signing_keys::list(&mut db.store().read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(listed, [key(1, RETIRED), key(2, ACTIVE)]);
}

pub async fn a_key_moves_only_from_the_state_it_is_in(db: &TestDatabase) {
    let mut w = db.store().write().await.unwrap();
    signing_keys::insert(&mut w, &key(1, RETIRED))
        .await
        .unwrap();
    w.commit().await.unwrap();
    let removed = key(1, KeyState::Removed { since: at(99) });
    let elsewhere = [
        KeyState::Next,
        ACTIVE,
        KeyState::Retired { since: at(11) },
        KeyState::Removed { since: at(10) },
    ];

    let mut w = db.store().write().await.unwrap();
    for before in elsewhere {
        let moved = signing_keys::save(&mut w, &before, &removed).await;
        assert!(
            matches!(moved, Err(Error::Conflict)),
            "{before:?}: {moved:?}"
        );
    }
    signing_keys::save(&mut w, &RETIRED, &removed)
        .await
        .unwrap();
    w.commit().await.unwrap();

    let listed = signing_keys::list(&mut db.store().read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(listed, [removed]);
}
