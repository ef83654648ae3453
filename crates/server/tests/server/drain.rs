//! Ending without breaking what is in flight (REL-40).

use countersign_server::listen::Drained;
use tokio::net::TcpStream;

use crate::app::TestServer;
use crate::app::header;
use crate::app::status;

const WAIT: &str = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn requests_in_flight_are_answered_and_new_connections_refused() {
    let server = TestServer::new().await;
    let mut working = server.connect().await;
    working.write(WAIT).await;
    server.reached.notified().await;
    let mut idle = server.connect().await;
    idle.write("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").await;
    idle.until("hello").await;

    server.drain.cancel();
    assert_eq!(idle.rest().await, "");
    assert!(TcpStream::connect(server.address).await.is_err());
    server.go.notify_one();

    let answer = working.rest().await;
    assert_eq!(status(&answer), 200);
    assert_eq!(header(&answer, "connection"), Some("close"));
    assert_eq!(server.served.await.unwrap(), Drained::Clean);
}

#[tokio::test]
async fn readiness_goes_first_and_the_door_closes_after_the_delay() {
    let server = TestServer::with(|listener| listener.drain_delay_seconds = 1).await;

    server.drain.cancel();
    let ready = server.get("/readyz").await;
    let alive = server.get("/healthz").await;

    assert_eq!(status(&ready), 503);
    assert!(ready.contains(r#""status":"draining""#));
    assert_eq!(status(&alive), 200);
    assert_eq!(server.served.await.unwrap(), Drained::Clean);
}

#[tokio::test]
async fn what_does_not_end_is_cut() {
    let server = TestServer::with(|listener| listener.drain_timeout_seconds = 1).await;
    let mut working = server.connect().await;
    working.write(WAIT).await;
    server.reached.notified().await;

    server.drain.cancel();

    assert_eq!(server.served.await.unwrap(), Drained::Cut(1));
    assert_eq!(working.rest().await, "");
}
