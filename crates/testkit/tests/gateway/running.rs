//! Calls that run: what is taken away while they do ends them (GWY-12).

use std::time::{Duration, Instant};

use countersign_testkit::gateway::{Gateway, get, post};
use countersign_testkit::upstream::Upstream;

#[tokio::test]
async fn revocation_ends_an_answer_that_streams() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let member = gateway.member().await;
    for target in ["/stream/600/50", "/stream/2/60000"] {
        let member = match target {
            "/stream/600/50" => member.clone(),
            _ => gateway.member().await,
        };
        let mut connection = gateway.connect().await;
        connection.write(get(target, &member.headers())).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let revoked = gateway
            .app
            .anonymous()
            .revoke(&member.client, &member.token)
            .await;
        assert_eq!(revoked.status, 200);

        let began = Instant::now();
        let reply = connection.reply().await;
        assert!(
            reply.status == 200 && !reply.complete,
            "{target}: {reply:?}"
        );
        assert!(
            began.elapsed() < Duration::from_secs(3),
            "{target}: {:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn an_answer_that_streams_for_seconds_with_a_good_token_comes_to_its_end() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = gateway.member().await.headers();
    let reply = gateway.get("/stream/30/100", &headers).await;
    assert!(reply.complete && reply.body.len() == 300, "{reply:?}");
}

#[tokio::test]
async fn revocation_ends_a_body_that_is_sent() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let member = gateway.member().await;
    let mut connection = gateway.connect().await;
    let begun = post("/x", &member.headers(), "0123456789");
    connection.write(&begun[..begun.len() - 5]).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let revoked = gateway
        .app
        .anonymous()
        .revoke(&member.client, &member.token)
        .await;
    assert_eq!(revoked.status, 200);
    connection.reply().await.must_be_refused(401, "401013");
}

#[tokio::test]
async fn an_altered_token_is_refused_after_the_good_one_was_remembered() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let member = gateway.member().await;
    assert_eq!(gateway.get("/", &member.headers()).await.status, 200);
    let mut altered = member.clone();
    // Not the last character: some of its bits are padding.
    let at = member.token.len() - 5;
    let other = if member.token[at..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    altered.token.replace_range(at..=at, other);
    gateway
        .get("/", &altered.headers())
        .await
        .must_be_refused(401, "401013");
    assert_eq!(gateway.get("/", &member.headers()).await.status, 200);
}
