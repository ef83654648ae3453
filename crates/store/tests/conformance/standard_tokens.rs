//! What standard tokens brought: kinds of tokens, keys of several algorithms, keys of clients.

use countersign_model::{Credential, SigningAlgorithm, SigningKeyRecord, TokenKind};
use countersign_store::revocations::{self, Revocation, Subject};
use countersign_store::usage::{self, Grant, Usage, UsageSubject};
use countersign_store::{Error, Store, credentials, signing_keys};
use countersign_wire::{CredentialId, KeyThumbprint, OrgId, TokenId};
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::database::TestDatabase;
use crate::keys::{ACTIVE, key};
use crate::samples::{World, at, load};

pub async fn every_kind_of_token_is_stored(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let standard = SigningAlgorithm::ALL.map(|algorithm| TokenKind::Standard { algorithm });
    for (n, token_kind) in (1..).zip([TokenKind::Ims].into_iter().chain(standard)) {
        let before = world.stored_credential(db.store(), n).await;
        let after = Credential {
            token_kind,
            jwks: n.is_multiple_of(2).then(|| format!(r#"{{"keys":[{n}]}}"#)),
            ..before.clone()
        };
        let mut w = db.store().write().await.unwrap();
        credentials::save(&mut w, &before, &after).await.unwrap();
        w.commit().await.unwrap();

        let loaded = load(db.store(), &after.id).await;
        assert_eq!((loaded.token_kind, loaded.jwks), (token_kind, after.jwks));
    }

    let mut r = db.store().read().await.unwrap();
    let used = credentials::standard_algorithms(&mut r).await.unwrap();
    assert_eq!(used, SigningAlgorithm::ALL);
}

pub async fn each_algorithm_has_its_own_active_key(db: &TestDatabase) {
    let of = |sequence, algorithm| SigningKeyRecord {
        algorithm,
        certificate: None,
        ..key(sequence, ACTIVE)
    };
    let keys = [
        of(1, SigningAlgorithm::Rs256),
        of(2, SigningAlgorithm::Es256),
        of(3, SigningAlgorithm::EdDsa),
    ];
    let mut w = db.store().write().await.unwrap();
    for key in &keys {
        signing_keys::insert(&mut w, key).await.unwrap();
    }
    w.commit().await.unwrap();

    let mut w = db.store().write().await.unwrap();
    let second = signing_keys::insert(&mut w, &of(4, SigningAlgorithm::Es256)).await;
    drop(w);

    assert!(matches!(second, Err(Error::Duplicate)), "{second:?}");
    assert_eq!(stored_keys(db.store()).await, keys);
}

pub async fn keys_of_clients_are_evidence_and_can_be_revoked(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let credential = world.stored_credential(db.store(), 1).await;
    let thumbprint = KeyThumbprint::parse(&"_-9".repeat(15)[..43]).unwrap();
    let used = Usage {
        credential_id: credential.id.clone(),
        subject: UsageSubject::Key(thumbprint.clone()),
        grant: Grant::ClientCredentials,
        first_used_at: at(1),
        last_used_at: at(2),
        uses: 3,
    };
    let revoked = Revocation {
        subject: Subject::Key(thumbprint),
        revoked_at: at(1),
        expires_at: at(2),
    };
    let mut w = db.store().write().await.unwrap();
    usage::add(&mut w, std::slice::from_ref(&used))
        .await
        .unwrap();
    revocations::insert(&mut w, &revoked).await.unwrap();
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    assert_eq!(usage::list(&mut r, &credential.id).await.unwrap(), [used]);
    assert_eq!(revocations::list(&mut r, at(0)).await.unwrap(), [revoked]);
}

pub async fn a_database_of_the_first_schema_is_carried_over(db: &TestDatabase) {
    let first = Migration::new(
        1,
        "core".into(),
        MigrationType::Simple,
        include_str!("../../migrations/0001_core.sql").into_sql_str(),
        false,
    );
    let mut migrator = Migrator::with_migrations(vec![first]);
    migrator.set_locking(false);
    let fresh = db.empty().await;
    fresh.fill_by_hand(&migrator, ROWS_OF_THE_FIRST).await;

    let store = Store::open(fresh.config()).await.unwrap();

    let credential = load(&store, &CredentialId::parse("7").unwrap()).await;
    assert_eq!(credential.token_kind, TokenKind::Ims);
    assert_eq!(credential.jwks, None);
    let keys = stored_keys(&store).await;
    assert_eq!(keys.len(), 2);
    assert!(keys[1].is_active() && keys[1].certificate.is_some());
    let mut r = store.read().await.unwrap();
    let token = Subject::Token(TokenId::parse("t").unwrap());
    assert!(revocations::find(&mut r, &token).await.unwrap().is_some());
    assert_eq!(
        usage::list(&mut r, &credential.id).await.unwrap()[0].uses,
        9
    );
    assert_eq!(credential.org_id, OrgId::from_random([0xaa; 12]));
    drop(r);
    store.close().await;
    fresh.remove().await;
}

async fn stored_keys(store: &Store) -> Vec<SigningKeyRecord> {
    let mut r = store.read().await.unwrap();
    signing_keys::list(&mut r).await.unwrap()
}

/// As the first release wrote them.
const ROWS_OF_THE_FIRST: &str = "
    INSERT INTO organizations (id, numeric_id, name, replay, secrets_in_query, created_at, revision)
    VALUES ('AAAAAAAAAAAAAAAAAAAAAAAA@AdobeOrg', '1', 'o', 'allow', 'accept', 1, 1);
    INSERT INTO projects (id, org_id, name, title, description, kind, created_at, revision)
    VALUES ('2', 'AAAAAAAAAAAAAAAAAAAAAAAA@AdobeOrg', 'p', '', '', 'default', 1, 1);
    INSERT INTO workspaces (id, project_id, name) VALUES ('3', '2', 'Production');
    INSERT INTO technical_accounts (id, email, org_id, created_at)
    VALUES ('BBBBBBBBBBBBBBBBBBBBBBBB@techacct.adobe.com',
        '01234567-89ab-cdef-0123-456789abcdef@techacct.adobe.com',
        'AAAAAAAAAAAAAAAAAAAAAAAA@AdobeOrg', 1);
    INSERT INTO credentials
        (id, client_id, org_id, project_id, workspace_id, technical_account_id, name, owner_team,
         owner_contact, origin, grants, created_at, revision)
    VALUES ('7', 'client', 'AAAAAAAAAAAAAAAAAAAAAAAA@AdobeOrg', '2', '3',
        'BBBBBBBBBBBBBBBBBBBBBBBB@techacct.adobe.com', 'c', 't', 'd', 'console', 'oauth', 1, 1);
    INSERT INTO signing_keys
        (id, sequence, algorithm, sealed_private_key, certificate, state, state_since,
         active_marker, created_at)
    VALUES ('k1', 1, 'RS256', 'x', 'PEM', 'retired', 5, NULL, 1),
        ('k2', 2, 'RS256', 'x', 'PEM', 'active', 5, 'active', 1);
    INSERT INTO revocations (kind, subject_id, revoked_at, expires_at) VALUES ('token', 't', 1, 2);
    INSERT INTO usage (credential_id, subject, subject_id, grant_type, first_used_at, last_used_at,
        uses)
    VALUES ('7', 'grant', '', 'client_credentials', 1, 2, 9)";
