//! Used assertions and revocations: what holds until it has expired.

use std::collections::HashSet;

use countersign_store::revocations::{self, Revocation, Subject};
use countersign_store::used_assertions;
use countersign_wire::{CertificateId, CredentialId, OrgId, SecretId, TokenId};

use crate::database::TestDatabase;
use crate::samples::{NASTY, at};

pub async fn used_assertions_are_trimmed_in_batches(db: &TestDatabase) {
    let org = OrgId::from_random([1; 12]);
    let other = OrgId::from_random([2; 12]);
    let mut w = db.store().write().await.unwrap();
    for n in 0..25 {
        let jti = format!("s:{n}");
        assert!(
            used_assertions::insert(&mut w, &org, &jti, at(n))
                .await
                .unwrap()
        );
    }
    assert!(
        used_assertions::insert(&mut w, &org, NASTY, at(i64::MAX))
            .await
            .unwrap()
    );
    assert!(
        used_assertions::insert(&mut w, &org, "s:nul\0", at(i64::MAX))
            .await
            .unwrap()
    );
    assert!(
        used_assertions::insert(&mut w, &other, "s:1", at(i64::MAX))
            .await
            .unwrap()
    );
    assert!(
        !used_assertions::insert(&mut w, &org, "s:1", at(0))
            .await
            .unwrap()
    );
    assert!(
        !used_assertions::insert(&mut w, &org, NASTY, at(0))
            .await
            .unwrap()
    );
    w.commit().await.unwrap();

    let mut w = db.store().write().await.unwrap();
    assert_eq!(used_assertions::trim(&mut w, at(20), 15).await.unwrap(), 15);
    assert_eq!(used_assertions::trim(&mut w, at(20), 15).await.unwrap(), 6);
    assert_eq!(used_assertions::trim(&mut w, at(20), 15).await.unwrap(), 0);
    assert!(
        used_assertions::insert(&mut w, &org, "s:20", at(30))
            .await
            .unwrap()
    );
    assert!(
        !used_assertions::insert(&mut w, &org, "s:21", at(30))
            .await
            .unwrap()
    );
    w.commit().await.unwrap();
}

fn token(n: u32, expires_at: i64) -> Revocation {
    Revocation {
        subject: Subject::Token(TokenId::parse(&format!("token-{n}")).unwrap()),
        revoked_at: at(1),
        expires_at: at(expires_at),
    }
}

pub async fn a_revocation_keeps_the_later_end(db: &TestDatabase) {
    let once = |revoked, expires| Revocation {
        revoked_at: at(revoked),
        ..token(1, expires)
    };
    let mut w = db.store().write().await.unwrap();
    for revocation in [once(5, 100), once(7, 90), once(6, 110), once(1, 1)] {
        revocations::insert(&mut w, &revocation).await.unwrap();
    }
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    let found = revocations::find(&mut r, &token(1, 0).subject)
        .await
        .unwrap();
    let unknown = revocations::find(&mut r, &token(2, 0).subject)
        .await
        .unwrap();

    assert_eq!(found, Some(once(7, 110)));
    assert_eq!(unknown, None);
}

pub async fn many_revocations_are_listed_whole(db: &TestDatabase) {
    let secret = SecretId::from_random([1; 16]);
    let certificate = CertificateId::from_random([1; 16]);
    let others = [
        Subject::Secret(secret),
        Subject::Certificate(certificate),
        Subject::Credential(CredentialId::from_number(1)),
    ];
    let mut expected: HashSet<Subject> = others.iter().cloned().collect();
    let mut w = db.store().write().await.unwrap();
    for subject in others {
        let revocation = Revocation {
            subject,
            revoked_at: at(i64::MIN),
            expires_at: at(i64::MAX),
        };
        revocations::insert(&mut w, &revocation).await.unwrap();
    }
    for n in 0..1203 {
        let revocation = token(n, 100 + i64::from(n % 2));
        revocations::insert(&mut w, &revocation).await.unwrap();
        if n % 2 == 1 {
            expected.insert(revocation.subject);
        }
    }
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    let live = revocations::list(&mut r, at(100)).await.unwrap();

    assert_eq!(live.len(), expected.len());
    let listed: HashSet<Subject> = live.into_iter().map(|one| one.subject).collect();
    assert_eq!(listed, expected);
}

pub async fn revocations_are_trimmed_when_they_expired(db: &TestDatabase) {
    let mut w = db.store().write().await.unwrap();
    for n in 0..30 {
        revocations::insert(&mut w, &token(n, i64::from(n)))
            .await
            .unwrap();
    }
    w.commit().await.unwrap();

    let mut w = db.store().write().await.unwrap();
    assert_eq!(revocations::trim(&mut w, at(9), 7).await.unwrap(), 7);
    assert_eq!(revocations::trim(&mut w, at(9), 7).await.unwrap(), 3);
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    assert_eq!(
        revocations::list(&mut r, at(i64::MIN)).await.unwrap().len(),
        20
    );
}
