//! One canonical path decides and is forwarded, and only published places are reached (GWY-09,
//! GWY-10).

use countersign_testkit::gateway::{Gateway, get, service};
use countersign_testkit::upstream::{RawUpstream, Then, Upstream};

/// A service whose every operation but one asks for a scope that the token does not have.
async fn gateway(upstream: &Upstream) -> Gateway {
    let keys = "scopes = [\"read_pc.dma_aem_ams\"]\n\
        operations = [{ methods = [\"GET\"], path = \"/public/**\", scopes = [] }]";
    Gateway::with(
        &[service(
            "cm",
            "/cm",
            &[&upstream.origin()],
            &format!("strip_prefix = true\n{keys}"),
        )],
        |_| {},
    )
    .await
}

#[tokio::test]
async fn spellings_of_one_path_are_decided_and_forwarded_alike() {
    let upstream = Upstream::start().await;
    let gateway = gateway(&upstream).await;
    let headers = gateway.member().await.headers();
    for raw in [
        "/cm/public/a~b",
        "/cm/public/a%7eb",
        "/cm//public///a~b",
        "/cm/./public/a~b",
        "/cm/x/../public/a~b",
        "/c%6d/%70ublic/a~b",
        "/y/../cm/public/z/../a~b",
    ] {
        let reply = gateway.get(raw, &headers).await;
        assert_eq!(reply.json()["target"], "/public/a~b", "{raw}");
    }
    let query = gateway.get("/cm//public/a?b=//../%2e%2e&c", &headers).await;
    assert_eq!(query.json()["target"], "/public/a?b=//../%2e%2e&c");
}

#[tokio::test]
async fn no_spelling_leads_around_a_check() {
    let upstream = Upstream::start().await;
    let gateway = gateway(&upstream).await;
    let headers = gateway.member().await.headers();
    for raw in [
        "/cm/private",
        "/cm/public/../private",
        "/cm/public/./../private",
        "/cm/public/..//private",
        "/cm/public/%2e%2e/private",
        "/cm/public/%2E./private",
        "/cm/public/..%2fprivate",
        "/cm/public/..%5cprivate",
        "/cm/public/..\\private",
        "/cm/public/..;/private",
        "/cm/public;/../private",
        "/cm/public%2f..%2fprivate",
        "/cm/public/%c0%ae%c0%ae/private",
        "/cm/public/..%00/private",
        "/cm/public/%zz/../../private",
        "/cm/publicprivate",
        "/cm/PUBLIC/a",
        "/cm/public%20/a",
    ] {
        let reply = gateway.get(raw, &headers).await;
        assert!([400, 401].contains(&reply.status), "{raw}: {reply:?}");
    }
    assert_eq!(upstream.asked(), 0);
}

#[tokio::test]
async fn without_credentials_no_target_at_all_gets_through() {
    let upstream = Upstream::start().await;
    let gateway = gateway(&upstream).await;
    for raw in [
        "/",
        "//",
        "*",
        "/cm",
        "/cm/",
        "/cm/public/a",
        "/cm/public/",
        "/cm/public/..",
        "/cm?x",
        "/.",
        "/..",
        "/%",
        "/%2f",
        "/cm/%2fpublic",
        "http://api.example.com/cm/public/a",
        "https://api.example.com/cm/public",
        "http://api.example.com",
        "/cm#public",
        "cm/public",
    ] {
        let reply = gateway.get(raw, "").await;
        assert!((400..500).contains(&reply.status), "{raw}: {reply:?}");
    }
    assert_eq!(upstream.asked(), 0);
}

#[tokio::test]
async fn neither_target_nor_host_choose_an_upstream() {
    let elsewhere = RawUpstream::start(Then::Hang(b"")).await;
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = gateway.member().await.headers();
    let other = elsewhere.address;
    let absolute = format!("GET http://{other}/x HTTP/1.1\r\nHost: {other}\r\n{headers}\r\n");
    let reply = gateway.send(absolute).await;
    assert_eq!(reply.json()["target"], "/x");
    assert_eq!(reply.seen("host"), [upstream.address.to_string()]);
    let differing =
        format!("GET http://{other}/x HTTP/1.1\r\nHost: api.example.com\r\n{headers}\r\n");
    gateway.send(differing).await.must_be_refused(400, "400000");
    let foreign = get("/x", &headers).replace("api.example.com", &other.to_string());
    assert_eq!(
        gateway.send(foreign).await.seen("host"),
        [upstream.address.to_string()]
    );
    let said = format!(
        "X-Forwarded-Host: {other}\r\nForwarded: host={other}\r\nX-Original-Url: http://{other}/\r\n"
    );
    assert_eq!(
        gateway.get("/x", &format!("{said}{headers}")).await.status,
        200
    );
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn hosts_and_prefixes_find_their_service() {
    let (one, two) = (Upstream::start().await, Upstream::start().await);
    let services = [
        service("any", "/", &[&one.origin()], ""),
        service("deep", "/deep", &[&two.origin()], ""),
        service(
            "named",
            "/",
            &[&two.origin()],
            "hosts = [\"two.example.com\"]",
        ),
    ];
    let gateway = Gateway::with(&services, |_| {}).await;
    let headers = gateway.member().await.headers();
    for (host, target, upstream) in [
        ("api.example.com", "/", &one),
        ("api.example.com", "/deeper", &one),
        ("api.example.com", "/deep", &two),
        ("TWO.example.com:8443", "/", &two),
    ] {
        let request = get(target, &headers).replace("api.example.com", host);
        let reply = gateway.send(request).await;
        assert_eq!(
            reply.seen("host"),
            [upstream.address.to_string()],
            "{host}{target}"
        );
    }
}

#[tokio::test]
async fn redirects_are_the_callers_to_follow() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = gateway.member().await.headers();
    let reply = gateway.get("/redirect", &headers).await;
    assert_eq!(
        (reply.status, reply.header("location")),
        (302, Some("/elsewhere"))
    );
    assert_eq!(upstream.asked(), 1);
}
