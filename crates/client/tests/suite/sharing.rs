//! Many callers, few requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use countersign_client::TokenSource;
use countersign_wire::Timestamp;
use tokio::task::JoinSet;

use crate::stand_in::{Reply, StandIn, source, token_reply};

const SLOW: Duration = Duration::from_millis(100);

/// The outcomes of 32 callers at once.
async fn crowd(source: &Arc<TokenSource>) -> Vec<bool> {
    let mut callers = JoinSet::new();
    for _ in 0..32 {
        let source = Arc::clone(source);
        callers.spawn(async move { source.token().await.is_ok() });
    }
    callers.join_all().await
}

#[tokio::test]
async fn a_crowd_makes_one_request() {
    let ims = StandIn::start([token_reply().after(SLOW)]).await;
    let outcomes = crowd(&Arc::new(source(&ims.oauth()))).await;
    assert!(outcomes.into_iter().all(|ok| ok));
    assert_eq!(ims.asked().len(), 1);
}

#[tokio::test]
async fn a_crowd_shares_a_failure_too() {
    let ims = StandIn::start([Reply::new(400, "{}").after(SLOW)]).await;
    let source = Arc::new(source(&ims.oauth()));

    assert!(crowd(&source).await.into_iter().all(|ok| !ok));
    assert_eq!(ims.asked().len(), 1);

    source.token().await.unwrap_err();
    assert_eq!(ims.asked().len(), 2, "who comes later asks anew");
}

#[tokio::test]
async fn a_token_is_renewed_ahead_and_survives_an_outage() {
    let replies = [token_reply(), token_reply(), Reply::new(500, "")];
    let ims = StandIn::start(replies).await;
    let seconds = Arc::new(AtomicI64::new(1_900_000_000));
    let clock = Arc::clone(&seconds);
    let now = move || Timestamp::from_seconds(clock.load(Ordering::Relaxed));
    let source = source(&ims.oauth()).with_clock(Arc::new(now));
    let pass = |more: i64| seconds.fetch_add(more, Ordering::Relaxed);

    source.token().await.unwrap();
    pass(86_399 - 601);
    source.token().await.unwrap();
    assert_eq!(ims.asked().len(), 1, "more than ten minutes left");

    pass(2);
    source.token().await.unwrap();
    assert_eq!(ims.asked().len(), 2, "less than ten minutes left");

    pass(86_000);
    source.token().await.expect("the old token still works");
    source
        .token()
        .await
        .expect("and nobody is asked for a while");
    assert_eq!(ims.asked().len(), 3);

    pass(400);
    source.token().await.expect_err("the old token has ended");
}
