//! What a transaction promises.

use std::sync::atomic::{AtomicU32, Ordering};

use countersign_store::{Error, Page, Retryable, organizations, projects, retry};

use crate::database::TestDatabase;
use crate::samples::{organization, project};

pub async fn a_dropped_write_leaves_nothing(db: &TestDatabase) {
    let mut w = db.store().write().await.unwrap();
    organizations::insert(&mut w, &organization(1))
        .await
        .unwrap();
    let own = organizations::list(&mut w, &Page::first()).await.unwrap();
    drop(w);

    // The next writer gets in, and finds nothing.
    let mut w = db.store().write().await.unwrap();
    let left = organizations::list(&mut w, &Page::first()).await.unwrap();
    organizations::insert(&mut w, &organization(1))
        .await
        .unwrap();
    w.commit().await.unwrap();

    assert_eq!(own, [organization(1)]);
    assert_eq!(left, []);
}

pub async fn a_failed_transaction_is_not_committed(db: &TestDatabase) {
    let mut w = db.store().write().await.unwrap();
    organizations::insert(&mut w, &organization(1))
        .await
        .unwrap();
    let again = organizations::insert(&mut w, &organization(1)).await;
    let committed = w.commit().await;

    assert!(matches!(again, Err(Error::Duplicate)), "{again:?}");
    assert!(matches!(committed, Err(Error::Failed)), "{committed:?}");
    let mut r = db.store().read().await.unwrap();
    let left = organizations::list(&mut r, &Page::first()).await.unwrap();
    assert_eq!(left, []);
}

pub async fn a_missing_parent_is_refused(db: &TestDatabase) {
    let mut w = db.store().write().await.unwrap();
    let orphan = project(&organization(1).id, 1);
    let inserted = projects::insert(&mut w, &orphan, &[]).await;

    assert!(matches!(inserted, Err(Error::Refused(_))), "{inserted:?}");
}

pub async fn a_reader_sees_one_moment(db: &TestDatabase) {
    let mut r = db.store().read().await.unwrap();
    let before = organizations::list(&mut r, &Page::first()).await.unwrap();
    let mut w = db.store().write().await.unwrap();
    organizations::insert(&mut w, &organization(1))
        .await
        .unwrap();
    w.commit().await.unwrap();

    let during = organizations::list(&mut r, &Page::first()).await.unwrap();
    drop(r);
    let mut r = db.store().read().await.unwrap();
    let after = organizations::list(&mut r, &Page::first()).await.unwrap();

    assert_eq!((before.len(), during.len(), after.len()), (0, 0, 1));
}

/// An error of a caller that wraps ours.
#[derive(Debug)]
enum CallersError {
    Store(Error),
}

impl From<Error> for CallersError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl Retryable for CallersError {
    fn is_retryable(&self) -> bool {
        let Self::Store(error) = self;
        error.is_retryable()
    }
}

pub async fn only_what_may_succeed_later_is_repeated(db: &TestDatabase) {
    let tries = AtomicU32::new(0);
    let busy_twice: Result<u32, CallersError> = retry(|| async {
        let mut w = db.store().write().await?;
        organizations::insert(&mut w, &organization(1)).await?;
        match tries.fetch_add(1, Ordering::Relaxed) {
            tried @ 0..2 => Err(Error::Busy(format!("try {tried}").into()).into()),
            tried => {
                w.commit().await?;
                Ok(tried)
            }
        }
    })
    .await;
    assert_eq!(busy_twice.unwrap(), 2);

    for error in [
        || Error::Conflict,
        || Error::Duplicate,
        || Error::InDoubt("gone".into()),
        || Error::Unavailable("gone".into()),
    ] {
        let tries = AtomicU32::new(0);
        let failed: Result<(), Error> = retry(|| async {
            tries.fetch_add(1, Ordering::Relaxed);
            Err(error())
        })
        .await;
        failed.unwrap_err();
        assert_eq!(tries.into_inner(), 1);
    }
}
