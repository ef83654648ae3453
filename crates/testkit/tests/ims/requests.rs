//! How a request may and may not be put. Source: security.md REQ-02 to REQ-13, HTP-12; RFC 6749.

use countersign_authority::OrganizationChange;
use countersign_model::SecretsInQuery;
use countersign_testkit::app::operator;
use countersign_testkit::clients::{BOUNDARY, multipart, urlencoded};
use countersign_testkit::{Answer, Assertion, TestApp, TestClient, keys, redact};

const FORM: &str = "application/x-www-form-urlencoded";

async fn app_and_client() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let client = app.oauth(&app.organization().await, &["DocCloudSDK"]).await;
    (app, client)
}

async fn send(app: &TestApp, query: &str, body: &str) -> Answer {
    let target = format!("/ims/token/v3?{query}");
    app.anonymous().post(&target).body(FORM, body).send().await
}

#[tokio::test]
async fn a_parameter_occurs_once_in_one_place() {
    let (app, client) = app_and_client().await;
    let good = urlencoded(&client.form("openid"));
    let doubled = [
        "grant_type=client_credentials".to_owned(),
        format!("client_id={}", client.client_id),
        format!("client_secret={}", client.secret),
        "scope=openid".to_owned(),
        "%73cope=openid".to_owned(),
        "a=1&a=1".to_owned(),
        "a=1&a=".to_owned(),
    ];
    for again in &doubled {
        let in_body = send(&app, "", &format!("{good}&{again}")).await;
        let in_query = send(&app, &format!("{good}&{again}"), "").await;

        in_body.must_fail(400, "invalid_request");
        in_query.must_fail(400, "invalid_request");
    }
    send(&app, "", &format!("{good}&resource=a&resource=a"))
        .await
        .token();
}

#[tokio::test]
async fn in_query_and_body_equal_values_pass_and_different_ones_do_not() {
    let (app, client) = app_and_client().await;
    let good = urlencoded(&client.form("openid"));

    send(&app, &good, &good).await.token();
    send(&app, "scope=openid&b=1", &good).await.token();
    send(&app, "scope=DCAPI", &good)
        .await
        .must_fail(400, "invalid_request");
    send(&app, "client_id=other", &good)
        .await
        .must_fail(400, "invalid_request");
}

#[tokio::test]
async fn a_parameter_without_a_value_is_absent_and_an_unknown_one_ignored() {
    let (app, client) = app_and_client().await;
    let good = urlencoded(&client.form("openid"));
    let no_secret = urlencoded(&[
        ("grant_type", "client_credentials"),
        ("client_id", client.client_id.as_str()),
    ]);

    send(&app, "", &format!("{good}&foo=1&bar&org_id=x&scopes=y"))
        .await
        .token();
    let answer = send(
        &app,
        "",
        &format!("{no_secret}&client_secret=&scope=openid"),
    )
    .await;

    assert!(
        answer.body.contains("invalid client_secret parameter"),
        "{}",
        answer.body
    );
    let plural = send(
        &app,
        "",
        &format!("{good}&scopes=DCAPI").replace("&scope=openid", ""),
    )
    .await;
    plural.must_fail(400, "invalid_target_scope");
}

#[tokio::test]
async fn body_types() {
    let (app, client) = app_and_client().await;
    let form = client.form("openid");
    let good = urlencoded(&form);
    let parts = multipart(&form);
    let boundary = format!("multipart/form-data; boundary={BOUNDARY}");
    let call = |content_type: &str, body: &str| {
        app.anonymous()
            .post("/ims/token/v3")
            .body(content_type, body)
    };

    for content_type in [
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-URLencoded",
        "application/x-www-form-urlencoded; charset=utf-8",
        "application/x-www-form-urlencoded;charset=UTF-8",
        r#"application/x-www-form-urlencoded; charset="UTF-8""#,
    ] {
        call(content_type, &good).send().await.token();
    }
    call(&boundary, &parts).send().await.token();
    call(FORM, &parts).send().await.token();
    app.anonymous()
        .post("/ims/token/v3")
        .query(&form)
        .send()
        .await
        .token();
    app.anonymous()
        .post("/ims/token/v3")
        .query(&form)
        .header("content-type", "text/plain")
        .send()
        .await
        .token();

    let cut = &parts[..parts.len() - 60];
    let file = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"scope\"; filename=\"x\"\r\n\r\nopenid\r\n--{BOUNDARY}--\r\n"
    );
    let nameless = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nopenid\r\n--{BOUNDARY}--\r\n"
    );
    let many: Vec<_> = (0..300).map(|at| format!("p{at}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "1")).collect();
    for (content_type, body) in [
        ("application/json", r#"{"grant_type":"client_credentials"}"#),
        ("text/plain", good.as_str()),
        ("application/xml", "<a/>"),
        (
            "application/x-www-form-urlencoded; charset=utf-16",
            good.as_str(),
        ),
        ("multipart/form-data", parts.as_str()),
        (boundary.as_str(), cut),
        (boundary.as_str(), good.as_str()),
        (boundary.as_str(), file.as_str()),
        (boundary.as_str(), nameless.as_str()),
        (boundary.as_str(), multipart(&many).as_str()),
        (FORM, urlencoded(&many).as_str()),
    ] {
        call(content_type, body)
            .send()
            .await
            .must_fail(400, "invalid_request");
    }
    let untyped = app
        .anonymous()
        .post("/ims/token/v3")
        .untyped_body(good.clone())
        .send()
        .await;
    untyped.must_fail(400, "invalid_request");
    let packed = call(FORM, &good)
        .header("content-encoding", "gzip")
        .send()
        .await;
    packed.must_fail(415, "invalid_request");
}

#[tokio::test]
async fn parameters_are_decoded_once_and_strictly() {
    let (app, client) = app_and_client().await;
    let good = urlencoded(&client.form("openid"));
    for bad in [
        "%zz",
        "%",
        "%4",
        "%ff",
        "%c0%af",
        "%ed%a0%80",
        "%00",
        "%0d%0a",
        "%1b",
        "%7f",
        "%c2%85",
    ] {
        send(&app, "", &format!("{good}&x={bad}"))
            .await
            .must_fail(400, "invalid_request");
        send(&app, &format!("x={bad}"), &good)
            .await
            .must_fail(400, "invalid_request");
    }
    let not_utf8 = app
        .anonymous()
        .post("/ims/token/v3")
        .body(FORM, [good.as_bytes(), b"&x=\xff"].concat());
    not_utf8.send().await.must_fail(400, "invalid_request");

    // `%2541` is the text `%41`, not `A`: the secret does not match.
    let body = good.replace(
        &urlencoded(&[("client_secret", &client.secret)]),
        "client_secret=%2541",
    );
    assert!(
        send(&app, "", &body)
            .await
            .body
            .contains("invalid client_secret parameter")
    );
}

#[tokio::test]
async fn ids_and_secrets_are_printable_ascii() {
    let (app, client) = app_and_client().await;
    let id = client.client_id.as_str();
    for text in [
        "\u{ff11}\u{ff12}",
        "\u{130}d",
        "a\u{202e}b",
        "\u{1f511}",
        "\u{e9}",
    ] {
        let ids = [
            ("grant_type", "client_credentials"),
            ("client_id", text),
            ("client_secret", "x"),
            ("scope", "openid"),
        ];
        let secrets = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", text),
            ("scope", "openid"),
        ];
        for form in [ids, secrets] {
            app.anonymous()
                .post("/ims/token/v3")
                .form(&form)
                .send()
                .await
                .must_fail(400, "invalid_request");
        }
    }
    // No case folding, no trimming makes another id this one.
    for text in [id.to_uppercase(), format!("{id} "), format!(" {id}")] {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &text),
            ("client_secret", &client.secret),
            ("scope", "openid"),
        ];
        let answer = app
            .anonymous()
            .post("/ims/token/v3")
            .form(&form)
            .send()
            .await;
        assert_eq!(answer.status, 400, "{text:?}: {}", answer.body);
    }
}

#[tokio::test]
async fn lengths_are_limited() {
    let (app, client) = app_and_client().await;
    let limits = [
        ("client_id", 128),
        ("client_secret", 512),
        ("scope", 4096),
        ("jwt_token", 16_384),
        ("foo", 4096),
    ];
    for (name, most) in limits {
        for length in [most + 1, most * 3] {
            let value = "a".repeat(length);
            let mut form = client.form("openid").to_vec();
            form.retain(|(other, _)| *other != name);
            form.push((name, &value));
            let answer = app
                .anonymous()
                .post("/ims/token/v3")
                .form(&form)
                .send()
                .await;
            answer.must_fail(400, "invalid_request");
        }
        let value = "a".repeat(most);
        let mut form = client.form("openid").to_vec();
        form.retain(|(other, _)| *other != name);
        form.push((name, &value));
        let answer = app
            .anonymous()
            .post("/ims/token/v3")
            .form(&form)
            .send()
            .await;
        assert!(!answer.body.contains("too long"), "{name}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_body_beyond_64_kib_is_not_read() {
    let (app, client) = app_and_client().await;
    let good = urlencoded(&client.form("openid"));
    let pad = |bytes: usize| format!("{good}{}", "&".repeat(bytes - good.len()));
    let send = |body: String| {
        app.anonymous()
            .post("/ims/token/v3")
            .body(FORM, body)
            .send()
    };

    send(pad(65_536)).await.token();
    let answer = send(pad(65_537)).await;

    answer.must_fail(413, "request_too_large");
}

#[tokio::test]
async fn basic_authentication_works_alone() {
    let (app, client) = app_and_client().await;
    let (id, secret) = (client.client_id.as_str(), client.secret.as_str());
    let grant = [("grant_type", "client_credentials"), ("scope", "openid")];
    let call = || app.anonymous().post("/ims/token/v3").form(&grant);

    call().basic(id, secret).send().await.token();
    let named = [&grant[..], &[("client_id", id)]].concat();
    app.anonymous()
        .post("/ims/token/v3")
        .form(&named)
        .basic(id, secret)
        .send()
        .await
        .token();

    let wrong = call().basic(id, "p8e-wrong").send().await;
    wrong.must_be(
        400,
        r#"{"error":"invalid_client","error_description":"invalid client_secret parameter"}"#,
    );
    assert_eq!(wrong.header("www-authenticate"), None);
    for broken in [
        "Basic !!!",
        "Basic",
        "Basic YWJj",
        "Basic AGFiOmM=",
        "Basic /zp4",
    ] {
        call()
            .header("authorization", broken)
            .send()
            .await
            .must_fail(400, "invalid_request");
    }
    let twice = call().basic(id, secret).basic(id, secret).send().await;
    twice.must_fail(400, "invalid_request");
}

#[tokio::test]
async fn one_way_to_authenticate_per_request() {
    let (app, client) = app_and_client().await;
    let (id, secret) = (client.client_id.as_str(), client.secret.as_str());
    for (in_body, in_header) in [
        (secret, secret),
        (secret, "wrong"),
        ("wrong", secret),
        ("wrong", "wrong"),
    ] {
        let mut form = client.form("openid");
        form[2].1 = in_body;
        let call = app
            .anonymous()
            .post("/ims/token/v3")
            .form(&form)
            .basic(id, in_header);

        call.send().await.must_fail(400, "invalid_request");
    }
    let other = [
        ("grant_type", "client_credentials"),
        ("scope", "openid"),
        ("client_id", "other"),
    ];
    let call = app
        .anonymous()
        .post("/ims/token/v3")
        .form(&other)
        .basic(id, secret);
    call.send().await.must_fail(400, "invalid_request");
}

#[tokio::test]
async fn basic_carries_every_character_of_a_secret() {
    let (app, client) = app_and_client().await;
    let odd = "100% of a:b+c & d/e=f~0123456789abcdefGHIJ";
    let secret = countersign_wire::ClientSecret::parse(odd).unwrap();
    app.authority
        .import_secret(&client.id, "odd".to_owned(), &secret, &operator())
        .await
        .unwrap();
    let grant = [("grant_type", "client_credentials"), ("scope", "openid")];
    let call = app.anonymous().post("/ims/token/v3").form(&grant);

    call.basic(client.client_id.as_str(), odd)
        .send()
        .await
        .token();
}

#[tokio::test]
async fn an_organization_can_refuse_secrets_in_urls() {
    let app = TestApp::new().await;
    let client = app
        .jwt(&app.organization().await, &["DocCloudSDK"], keys::first())
        .await;
    app.authority
        .start_migration(&client.id, &operator())
        .await
        .unwrap();
    let assertion = Assertion::of(&client, app.now()).sign();
    let change = OrganizationChange {
        secrets_in_query: Some(SecretsInQuery::Refuse),
        ..OrganizationChange::default()
    };
    let token = || {
        app.anonymous()
            .post("/ims/token/v3")
            .query(&client.form("openid"))
    };
    let exchange = || {
        app.anonymous()
            .post("/ims/exchange/jwt")
            .query(&client.exchange_form(&assertion))
    };
    token().send().await.token();
    exchange().send().await.token();

    app.authority
        .change_organization(&client.org_id, change, &operator())
        .await
        .unwrap();

    let text = "This organization does not accept secrets in the URL. Send them in the body.";
    token().send().await.must_be(
        400,
        &format!(r#"{{"error":"invalid_request","error_description":"{text}"}}"#),
    );
    exchange().send().await.must_fail(400, "invalid_request");
    app.anonymous().token(&client, "openid").await.token();
}

#[tokio::test]
async fn grants_are_compared_exactly() {
    let (app, client) = app_and_client().await;
    for grant in [
        "password",
        "implicit",
        "Client_Credentials",
        "client_credentials ",
        "authorization_code",
        "refresh_token",
    ] {
        let mut form = client.form("openid");
        form[0].1 = grant;

        let answer = app
            .anonymous()
            .post("/ims/token/v3")
            .form(&form)
            .send()
            .await;

        answer.must_fail(400, "unsupported_grant_type");
    }
    let answer = app.anonymous().token(&client, "openid").await;
    assert!(answer.json().get("refresh_token").is_none());
}

#[tokio::test]
async fn scopes_asked_for_are_granted_whole_or_not_at_all() {
    let app = TestApp::new().await;
    let client = app
        .oauth(&app.organization().await, &["DocCloudSDK", "McDtmSDK"])
        .await;
    let all = "AdobeID,openid,read_organizations,additional_info.job_function,additional_info.projectedProductContext,additional_info.roles,DCAPI";
    let scope_of = |answer: &Answer| {
        let claims: serde_json::Value =
            serde_json::from_str(&redact::payload_text(&answer.token())).unwrap();
        claims["scope"].as_str().unwrap().to_owned()
    };

    assert_eq!(scope_of(&app.anonymous().token(&client, all).await), all);
    assert_eq!(
        scope_of(&app.anonymous().token(&client, "DCAPI,,openid,DCAPI").await),
        "DCAPI,openid"
    );
    assert_eq!(
        scope_of(&app.anonymous().token(&client, ", openid  DCAPI ,").await),
        "openid,DCAPI"
    );

    app.anonymous()
        .token(&client, &format!("{all},firefly_api"))
        .await
        .must_fail(400, "invalid_scope");
    app.anonymous()
        .token(&client, "OPENID")
        .await
        .must_fail(400, "invalid_scope");
    app.anonymous()
        .token(&client, &"openid,".repeat(9400))
        .await
        .must_fail(413, "request_too_large");
}
