//! What the library never does, whatever the server says.

use std::time::Duration;

use countersign_client::error::Malformed;
use countersign_client::http::MAX_ANSWER;
use countersign_client::{Error, Http, HttpOptions, Origin, Unreachable};
use tokio::net::TcpListener;

use crate::stand_in::{Reply, StandIn, source, token_reply};

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let other = StandIn::start([token_reply()]).await;
        let target = format!("{}/ims/token/v3", other.origin);
        let ims = StandIn::start([Reply::new(status, "").with("location", target)]).await;

        let error = source(&ims.oauth()).token().await.unwrap_err();

        let redirect = Malformed::Redirect(status);
        assert!(matches!(error, Error::Malformed { why, .. } if why == redirect));
        assert_eq!(
            other.asked().len(),
            0,
            "nothing arrives at the second server"
        );
    }
}

#[tokio::test]
async fn an_answer_has_at_most_one_mebibyte() {
    let ims = StandIn::start([Reply::new(200, "x".repeat(MAX_ANSWER + 1))]).await;
    let error = source(&ims.oauth()).token().await.unwrap_err();
    assert!(matches!(
        error,
        Error::Malformed {
            why: Malformed::TooLong,
            ..
        }
    ));
}

#[tokio::test]
async fn a_refusal_is_final() {
    for status in [400, 401, 403, 404, 500] {
        let ims = StandIn::start([Reply::new(status, "{}")]).await;
        source(&ims.oauth()).token().await.unwrap_err();
        assert_eq!(ims.asked().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn busy_servers_that_say_when_are_asked_again() {
    for status in [429, 503] {
        let busy = Reply::new(status, "{}").with("retry-after", "0");
        let ims = StandIn::start([busy, token_reply()]).await;
        source(&ims.oauth()).token().await.unwrap();
        assert_eq!(ims.asked().len(), 2, "{status}");
    }
}

#[tokio::test]
async fn busy_servers_that_do_not_say_when_or_say_much_later_are_left_alone() {
    for busy in [
        Reply::new(503, "{}"),
        Reply::new(429, "{}").with("retry-after", "3600"),
        Reply::new(429, "{}").with("retry-after", "soon"),
    ] {
        let ims = StandIn::start([busy]).await;
        source(&ims.oauth()).token().await.unwrap_err();
        assert_eq!(ims.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_and_not_asked_twice() {
    let ims = StandIn::start([token_reply().after(Duration::from_secs(60))]).await;
    let mut options = HttpOptions::default();
    options.timeout = Duration::from_millis(200);
    let http = Http::new(ims.origin.clone(), &options).unwrap();
    let credential = ims.oauth().credential().unwrap();

    let error = countersign_client::TokenSource::new(credential, http)
        .token()
        .await
        .unwrap_err();

    assert!(matches!(
        error,
        Error::Unreachable {
            why: Unreachable::Timeout,
            ..
        }
    ));
    assert_eq!(ims.asked().len(), 1);
}

#[tokio::test]
async fn nobody_listening_is_said_plainly() {
    let origin = Origin::parse(&format!("http://{}", free_address().await)).unwrap();
    assert_eq!(reach(origin).await, Unreachable::Connection);
}

#[tokio::test]
async fn a_server_without_tls_is_said_plainly() {
    let ims = StandIn::start([token_reply()]).await;
    let https = ims.origin.as_str().replace("http:", "https:");
    assert_eq!(
        reach(Origin::parse(&https).unwrap()).await,
        Unreachable::NotTls
    );
}

async fn reach(origin: Origin) -> Unreachable {
    let http = Http::new(origin, &HttpOptions::default()).unwrap();
    match http.get("/").await.unwrap_err() {
        Error::Unreachable { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

async fn free_address() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}
