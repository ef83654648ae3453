//! Many callers at once, slow ones among them, and an end in order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_server::listen::Drained;
use countersign_testkit::gateway::{Connection, Gateway, get};
use countersign_testkit::upstream::Upstream;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_slow_connections_do_not_slow_the_rest() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = gateway.member().await.headers();
    let alone = slowest_of(&gateway, &headers, 200).await;

    let mut slow = Vec::new();
    for n in 0..1_000 {
        let mut connection = gateway.connect().await;
        match n % 4 {
            // A head that does not end, a body that does not, an answer that nobody reads.
            0 => connection.write("GET / HTTP/1.1\r\nHost: a\r\nx: ").await,
            1 => {
                let begun =
                    format!("POST /x HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: 9\r\n\r\nx");
                connection.write(begun).await;
            }
            2 => connection.write(get("/wait/60000", &headers)).await,
            _ => connection.write(get("/stream/6000/100", &headers)).await,
        }
        slow.push(connection);
    }
    let beside = slowest_of(&gateway, &headers, 200).await;

    let bound = (alone * 20).max(Duration::from_millis(500));
    assert!(
        beside < bound,
        "alone {alone:?}, beside 1000 slow ones {beside:?}"
    );
    drop(slow);
}

/// The time that 95 of 100 calls do not take.
async fn slowest_of(gateway: &Gateway, headers: &str, calls: usize) -> Duration {
    let mut connection = gateway.connect().await;
    let mut times = Vec::new();
    for _ in 0..calls {
        let began = Instant::now();
        connection.write(get("/", headers)).await;
        assert_eq!(connection.reply().await.status, 200);
        times.push(began.elapsed());
    }
    times.sort();
    times[calls * 95 / 100]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ending_in_order_drops_no_call() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = Arc::new(gateway.member().await.headers());
    let mut callers = JoinSet::new();
    for n in 0..50 {
        let (headers, address) = (Arc::clone(&headers), gateway.address);
        callers.spawn(async move {
            let mut connection = Connection::to(address).await;
            let target = match n % 2 {
                0 => "/wait/400",
                _ => "/stream/8/50",
            };
            connection.write(get(target, &headers)).await;
            connection.reply().await
        });
    }
    while upstream.asked() < 50 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    gateway.drain.cancel();
    while let Some(reply) = callers.join_next().await {
        let reply = reply.unwrap();
        assert!(reply.status == 200 && reply.complete, "{reply:?}");
    }
    assert_eq!(gateway.served.await.unwrap(), Drained::Clean);
}
