//! Credentials: whole aggregates, revisions, ids that are never used twice.

use countersign_store::{Store, credentials};

use crate::samples::World;

pub async fn a_credential_comes_back_whole(store: Store) {
    let world = World::create(&store, 1).await;
    let credential = world.stored_credential(&store, 1).await;

    let mut r = store.read().await.unwrap();
    let by_id = credentials::find(&mut r, &credential.id).await.unwrap();
    let by_client_id = credentials::find_by_client_id(&mut r, &credential.client_id)
        .await
        .unwrap();
    let record = credentials::find_record(&mut r, &credential.client_id)
        .await
        .unwrap()
        .unwrap();

    assert_eq!(by_id, Some(credential.clone()));
    assert_eq!(by_client_id, Some(credential.clone()));
    assert_eq!(record.credential, credential);
    assert_eq!(record.organization, world.organization);
    assert_eq!(record.project, world.project);
    assert_eq!(record.technical_account, world.account);
}
