//! What a request says of its caller is read from exactly one place (GWY-01 to GWY-03).

use countersign_testkit::gateway::{Gateway, get, post};
use countersign_testkit::upstream::Upstream;

#[tokio::test]
async fn doubled_headers_are_refused_in_both_orders_and_when_equal() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let member = gateway.member().await;
    let good = member.headers();
    for (own, bad) in [
        (member.authorization(), "Authorization: Bearer x\r\n"),
        (member.api_key(), "X-Api-Key: x\r\n"),
        (member.organization(), "X-GW-IMS-ORG-ID: x\r\n"),
    ] {
        for headers in [
            format!("{good}{bad}"),
            format!("{bad}{good}"),
            format!("{good}{own}"),
        ] {
            gateway
                .get("/", &headers)
                .await
                .must_be_refused(400, "400000");
        }
    }
    assert_eq!(upstream.asked(), 0);
}

#[tokio::test]
async fn a_joined_value_is_one_wrong_value() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let member = gateway.member().await;
    let (id, org) = (&member.client.client_id, &member.client.org_id);
    let table = [
        (
            format!(
                "x-api-key: {id}, {id}\r\n{}{}",
                member.authorization(),
                member.organization()
            ),
            403,
        ),
        (
            format!(
                "x-gw-ims-org-id: {org},{org}\r\n{}{}",
                member.authorization(),
                member.api_key()
            ),
            403,
        ),
        (
            format!(
                "Authorization: Bearer {0}, Bearer {0}\r\n{1}{2}",
                member.token,
                member.api_key(),
                member.organization()
            ),
            401,
        ),
    ];
    for (headers, status) in table {
        assert_eq!(gateway.get("/", &headers).await.status, status, "{headers}");
    }
}

#[tokio::test]
async fn the_scheme_has_any_case_one_blank_and_a_token_by_its_grammar() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let member = gateway.member().await;
    let rest = format!("{}{}", member.api_key(), member.organization());
    let token = &member.token;
    for (value, status) in [
        (format!("Bearer {token}"), 200),
        (format!("bearer {token}"), 200),
        (format!("BEARER {token}"), 200),
        (format!("Bearer  {token}"), 401),
        (format!("Bearer\t{token}"), 403),
        (format!("Bearer {token} x"), 401),
        (format!("Bearer \"{token}\""), 401),
        (format!("Token {token}"), 403),
        (token.clone(), 403),
        ("Bearer".to_owned(), 403),
    ] {
        let reply = gateway
            .get("/", &format!("Authorization: {value}\r\n{rest}"))
            .await;
        assert_eq!(reply.status, status, "{value}");
    }
}

#[tokio::test]
async fn the_query_and_the_body_are_no_place_for_credentials_unless_the_service_says_so() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let member = gateway.member().await;
    let (id, token) = (&member.client.client_id, &member.token);
    let org = member.organization();
    for name in ["user_token", "access_token", "token", "bearer"] {
        let headers = format!("{}{org}", member.api_key());
        let query = gateway.get(&format!("/?{name}={token}"), &headers).await;
        query.must_be_refused(403, "403010");
        let typed = format!("{headers}Content-Type: application/x-www-form-urlencoded\r\n");
        let form = gateway
            .send(post("/", &typed, &format!("{name}={token}")))
            .await;
        form.must_be_refused(403, "403010");
    }
    let headers = format!("{}{org}", member.authorization());
    let key = gateway.get(&format!("/?api_key={id}"), &headers).await;
    key.must_be_refused(403, "403000");
    assert_eq!(upstream.asked(), 0);
}

#[tokio::test]
async fn credentials_in_the_query_count_where_the_service_says_so_and_go_no_further() {
    let upstream = Upstream::start().await;
    let keys = "api_key_in_query = true\ntoken_in_query = true";
    let gateway = Gateway::publishing(&upstream.origin(), keys).await;
    let member = gateway.member().await;
    let (id, token) = (&member.client.client_id, &member.token);
    let org = member.organization();

    for target in [
        format!("/x?a=1&api_key={id}&b=%20&user_token={token}&a=2"),
        format!("/x?a=1&%61pi_key={id}&b=%20&user%5Ftoken={token}&a=2"),
    ] {
        let reply = gateway.get(&target, &org).await;
        assert_eq!(reply.json()["target"], "/x?a=1&b=%20&a=2", "{target}");
    }
    let alone = gateway
        .get(&format!("/x?api_key={id}&user_token={token}"), &org)
        .await;
    assert_eq!(alone.json()["target"], "/x");
    for (target, headers) in [
        (
            format!("/?api_key={id}&api_key={id}&user_token={token}"),
            org.clone(),
        ),
        (
            format!("/?api_key={id}&user_token={token}"),
            format!("{org}{}", member.api_key()),
        ),
        (
            format!("/?api_key={id}&user_token={token}"),
            format!("{org}{}", member.authorization()),
        ),
        (format!("/?api_key=%zz&user_token={token}"), org.clone()),
    ] {
        gateway
            .get(&target, &headers)
            .await
            .must_be_refused(400, "400000");
    }
    assert_eq!(upstream.asked(), 3);
}

#[tokio::test]
async fn near_misses_are_not_the_header_and_do_not_reach_the_upstream() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let member = gateway.member().await;
    let (id, org, token) = (
        &member.client.client_id,
        &member.client.org_id,
        &member.token,
    );
    let misses = format!(
        "x_api_key: {id}\r\nx.api.key: {id}\r\nx-gw_ims-org-id: {org}\r\nAuthorization_: Bearer {token}\r\nx_ims_user_id: evil\r\n"
    );
    gateway
        .get("/", &misses)
        .await
        .must_be_refused(403, "403000");

    let reply = gateway
        .get("/", &format!("{}{misses}", member.headers()))
        .await;
    assert_eq!(reply.status, 200);
    let asked = reply.json();
    let names: Vec<&str> = asked["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|h| h[0].as_str().unwrap())
        .collect();
    assert!(
        names.iter().all(|name| !name.contains(['_', '.'])),
        "{names:?}"
    );
    assert!(!reply.text().contains("evil"));
}

#[tokio::test]
async fn connection_cannot_name_what_is_decided_by() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = gateway.member().await.headers();
    for name in [
        "authorization",
        "Authorization",
        "x-api-key",
        "X-GW-IMS-Org-Id",
        "x-ims-user-id",
        "x-ims-client-id",
        "x-ims-org-id",
        "x-ims-scope",
    ] {
        for value in [
            name.to_owned(),
            format!("keep-alive, {name}"),
            format!("close,{name} ,x"),
        ] {
            let request = get("/", &format!("{headers}Connection: {value}\r\n"));
            gateway.send(request).await.must_be_refused(400, "400000");
        }
    }
    assert_eq!(upstream.asked(), 0);
}

#[tokio::test]
async fn options_pass_without_checks_and_without_an_identity() {
    let upstream = Upstream::start().await;
    let origin = upstream.origin();
    let gateway = Gateway::publishing(&origin, "").await;
    let request = get("/x", "X-IMS-User-Id: evil\r\n").replacen("GET", "OPTIONS", 1);
    let reply = gateway.send(&request).await;
    assert_eq!(reply.json()["method"], "OPTIONS");
    assert_eq!(reply.seen("x-ims-user-id"), [""; 0]);

    let closed = Gateway::publishing(&origin, "allow_options = false").await;
    closed.send(&request).await.must_be_refused(403, "403000");
}
