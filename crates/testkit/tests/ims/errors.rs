//! Every row of the error table, with its status and its bytes. Source: ims-protocol 2.2; the
//! token endpoint prints `error` first, the exchange `error_description`.

use std::time::Duration;

use countersign_testkit::app::operator;
use countersign_testkit::{Answer, Assertion, ISSUER, TestApp, TestClient, keys};
use serde_json::json;

const PDF: &str = "DocCloudSDK";

async fn app_with_jwt() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let client = app
        .jwt(&app.organization().await, &[PDF], keys::first())
        .await;
    (app, client)
}

async fn app_with_oauth() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let client = app.oauth(&app.organization().await, &[PDF]).await;
    (app, client)
}

/// Asks both endpoints with the same client parameters.
async fn ask_both(app: &TestApp, client: &[(&str, &str)], assertion: &str) -> (Answer, Answer) {
    let token = [
        client,
        &[("grant_type", "client_credentials"), ("scope", "openid")],
    ]
    .concat();
    let exchange = [client, &[("jwt_token", assertion)]].concat();
    let caller = app.anonymous();
    (
        caller.post("/ims/token/v3").form(&token).send().await,
        caller
            .post("/ims/exchange/jwt")
            .form(&exchange)
            .send()
            .await,
    )
}

#[track_caller]
fn both_are(answers: &(Answer, Answer), error: &str, description: &str) {
    let token = format!(r#"{{"error":"{error}","error_description":"{description}"}}"#);
    let exchange = format!(r#"{{"error_description":"{description}","error":"{error}"}}"#);
    answers.0.must_be(400, &token);
    answers.1.must_be(400, &exchange);
    for answer in [&answers.0, &answers.1] {
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("pragma"), Some("no-cache"));
        assert_eq!(answer.header("www-authenticate"), None);
    }
}

#[tokio::test]
async fn row_1_client_unknown_disabled_or_absent() {
    let (app, client) = app_with_jwt().await;
    app.authority
        .start_migration(&client.id, &operator())
        .await
        .unwrap();
    let good = Assertion::of(&client, app.now()).sign();
    let secret = ("client_secret", client.secret.as_str());
    let named = ("client_id", client.client_id.as_str());

    let unknown = ask_both(
        &app,
        &[("client_id", "0123456789abcdef0123456789abcdef"), secret],
        &good,
    )
    .await;
    let absent = ask_both(&app, &[secret], &good).await;
    app.authority
        .switch_credential(&client.id, false, &operator())
        .await
        .unwrap();
    let disabled = ask_both(&app, &[named, secret], &good).await;
    app.authority
        .delete_credential(&client.id, &operator())
        .await
        .unwrap();
    let deleted = ask_both(&app, &[named, secret], &good).await;

    for answers in [unknown, absent, disabled, deleted] {
        both_are(&answers, "invalid_client", "invalid client_id parameter");
    }
}

#[tokio::test]
async fn row_2_secret_wrong_deleted_expired_or_absent() {
    let (app, client) = app_with_jwt().await;
    app.authority
        .start_migration(&client.id, &operator())
        .await
        .unwrap();
    let good = Assertion::of(&client, app.now()).sign();
    let named = ("client_id", client.client_id.as_str());
    let add = |end| {
        app.authority
            .add_secret(&client.id, "second".to_owned(), end, &OPERATOR)
    };
    let expiring = add(Some(app.now().plus(Duration::from_secs(1))))
        .await
        .unwrap();
    let deleted = add(None).await.unwrap();
    let force = countersign_authority::Force::No;
    app.authority
        .delete_secret(&client.id, &deleted.record.id, force, &operator())
        .await
        .unwrap();
    app.advance(Duration::from_secs(1));
    let expired = expiring.secret.unwrap();
    let deleted = deleted.secret.unwrap();

    for secret in ["wrong", expired.expose(), deleted.expose(), ""] {
        let answers = ask_both(&app, &[named, ("client_secret", secret)], &good).await;
        both_are(
            &answers,
            "invalid_client",
            "invalid client_secret parameter",
        );
    }
    let absent = ask_both(&app, &[named], &good).await;
    both_are(&absent, "invalid_client", "invalid client_secret parameter");
}

static OPERATOR: std::sync::LazyLock<countersign_authority::Actor> =
    std::sync::LazyLock::new(operator);

#[tokio::test]
async fn row_3_a_credential_that_was_created_for_oauth_only() {
    let (app, client) = app_with_oauth().await;
    let assertion = Assertion::of(&client, app.now()).sign();

    app.anonymous().exchange(&client, &assertion).await.must_be(
        401,
        r#"{"error_description":"client not authorized for jwt exchange","error":"invalid_client"}"#,
    );
}

/// One knob turned on a good assertion, and the row it leads to.
async fn refused(
    app: &TestApp,
    client: &TestClient,
    assertion: &str,
    error: &str,
    description: &str,
) {
    let body = format!(r#"{{"error_description":"{description}","error":"{error}"}}"#);
    app.anonymous()
        .exchange(client, assertion)
        .await
        .must_be(400, &body);
}

#[tokio::test]
async fn row_4_the_audience_is_another_client() {
    let (app, client) = app_with_jwt().await;
    let other = app.oauth(&client.org_id, &[PDF]).await;
    let aud = format!("{ISSUER}/c/{}", other.client_id);
    let assertion = Assertion::of(&client, app.now()).with("aud", aud).sign();

    let description = "The client_id parameter does not match the audience of the JWT.";
    refused(&app, &client, &assertion, "invalid_client", description).await;
}

#[tokio::test]
async fn row_5_the_audience_is_another_environment() {
    let (app, client) = app_with_jwt().await;
    let id = &client.client_id;
    for aud in [
        format!("https://ims-na1-stg1.adobelogin.com/c/{id}"),
        format!("{ISSUER}/c/00000000000000000000000000000000"),
    ] {
        let assertion = Assertion::of(&client, app.now()).with("aud", aud).sign();
        let description = "The audience of the JWT is not valid for this environment.";
        refused(&app, &client, &assertion, "invalid_client", description).await;
    }
}

const MALFORMED: &str = "JWT token is incorrectly formatted, and can not be decoded.";

#[tokio::test]
async fn row_6_not_a_jwt() {
    let (app, client) = app_with_jwt().await;
    let good = Assertion::of(&client, app.now());
    let exp = app.now().as_seconds() + 300;
    let mut tokens = ["", "abc", "a.b", "a.b.c", "a.b.c.d", "!!.!!.!!"]
        .map(str::to_owned)
        .to_vec();
    tokens.push(good.sign_payload("no JSON"));
    tokens.push(good.sign_payload("[]"));
    tokens.push(good.clone().with("exp", exp.to_string()).sign());
    tokens.push(good.clone().with("exp", exp as f64 + 0.5).sign());
    tokens.push(good.clone().with("jti", json!([1])).sign());
    tokens.push(good.clone().with("jti", 1.5).sign());

    for token in tokens {
        refused(&app, &client, &token, "invalid_token", MALFORMED).await;
    }
}

#[tokio::test]
async fn row_7_expired_beyond_the_skew() {
    let (app, client) = app_with_jwt().await;
    let now = app.now().as_seconds();
    let expired_for = |seconds| {
        Assertion::of(&client, app.now())
            .with("exp", now - seconds)
            .sign()
    };

    assert_eq!(
        app.anonymous()
            .exchange(&client, &expired_for(29))
            .await
            .status,
        200
    );
    let description = format!("JWT token has expired. exp={}, now={now}", now - 31);
    refused(
        &app,
        &client,
        &expired_for(31),
        "invalid_token",
        &description,
    )
    .await;
}

const NO_BINDING: &str = "Could not match JWT signature to any of the bindings";

#[tokio::test]
async fn row_8_no_certificate_of_this_account_verifies() {
    let (app, client) = app_with_jwt().await;
    let good = Assertion::of(&client, app.now());
    let other_account = "00112233445566778899AABB@techacct.adobe.com";
    let other_org = "00112233445566778899AABB@AdobeOrg";
    for assertion in [
        good.clone().signed_by(keys::foreign()).sign(),
        good.with_signature(&[0; 256]),
        good.clone().with("sub", other_account).sign(),
        good.clone().with("iss", other_org).sign(),
    ] {
        refused(&app, &client, &assertion, "invalid_token", NO_BINDING).await;
    }
}

#[tokio::test]
async fn row_9_algorithms_other_than_rs256() {
    let (app, client) = app_with_jwt().await;
    let good = Assertion::of(&client, app.now());
    for alg in ["none", "HS256", "ES256", "PS256", "RS512", "rs256", "EdDSA"] {
        let header = format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#);
        let assertion = good.clone().with_header(&header).sign();
        let description = "The JWT header algorithm is not supported.";
        refused(&app, &client, &assertion, "invalid_signature", description).await;
    }
    let unsigned = good.with_header(r#"{"alg":"none"}"#).with_signature(b"");
    assert_eq!(
        app.anonymous().exchange(&client, &unsigned).await.status,
        400
    );
}

const NOT_BOUND: &str =
    "The metascopes in the JWT are not a subset of the metascopes in the binding.";

#[tokio::test]
async fn row_10_a_metascope_that_is_not_bound() {
    let (app, client) = app_with_jwt().await;
    for metascope in ["ent_user_sdk", "ent_there_is_none"] {
        let claim = format!("{ISSUER}/s/{metascope}");
        let assertion = Assertion::of(&client, app.now()).with(&claim, true).sign();
        refused(&app, &client, &assertion, "invalid_scope", NOT_BOUND).await;
    }
}

#[tokio::test]
async fn row_11_no_metascope() {
    let (app, client) = app_with_jwt().await;
    let bare = Assertion::of(&client, app.now()).without_metascopes();
    let own = format!("{ISSUER}/s/ent_documentcloud_sdk");
    let foreign = "https://ims-na1-stg1.adobelogin.com/s/ent_documentcloud_sdk";
    for assertion in [
        bare.clone(),
        bare.clone().with(&own, false),
        bare.clone().with(&own, json!(null)),
        bare.with(foreign, true),
    ] {
        let description = "The JWT does not contain any metascope.";
        refused(
            &app,
            &client,
            &assertion.sign(),
            "invalid_scope",
            description,
        )
        .await;
    }
}

#[tokio::test]
async fn row_12_single_use() {
    let (app, client) = app_with_jwt().await;
    crate::replay::demand(&app, &client, countersign_model::ReplayPolicy::RequireJti).await;
    let good = Assertion::of(&client, app.now());
    let once = good.clone().with("jti", "1769947200").sign();
    let description = "The jti claim is missing or was previously used.";

    refused(&app, &client, &good.sign(), "invalid_jti", description).await;
    assert_eq!(app.anonymous().exchange(&client, &once).await.status, 200);
    refused(&app, &client, &once, "invalid_jti", description).await;
}

#[tokio::test]
async fn row_13_claims_that_are_missing_or_misformed() {
    let (app, client) = app_with_jwt().await;
    let good = Assertion::of(&client, app.now());
    let cases = [
        ("exp", good.clone().without("exp")),
        ("iss", good.clone().without("iss")),
        ("sub", good.clone().without("sub")),
        ("iss", good.clone().with("iss", 5)),
        ("iss", good.clone().with("iss", "Adobe")),
        ("sub", good.clone().with("sub", json!(null))),
        ("sub", good.clone().with("sub", "x@example.com")),
        (
            "metascope",
            good.clone()
                .with(&format!("{ISSUER}/s/ent_documentcloud_sdk"), "true"),
        ),
    ];
    for (name, assertion) in cases {
        let description = format!("The claim {name} is missing or has the wrong format.");
        refused(
            &app,
            &client,
            &assertion.sign(),
            "bad_request",
            &description,
        )
        .await;
    }
}

#[tokio::test]
async fn row_14_already_migrated() {
    let (app, client) = app_with_jwt().await;
    app.migrate(&client).await;
    let assertion = Assertion::of(&client, app.now()).sign();

    let description = "This credential was migrated to OAuth Server-to-Server on 2026-02-01. Request tokens at /ims/token/v3 with client_credentials instead.";
    refused(&app, &client, &assertion, "invalid_client", description).await;
}

#[tokio::test]
async fn row_14_as_the_original_was_seen_to_answer() {
    let app = TestApp::with(|setup| setup.compatibility.migrated_as_observed = true).await;
    let client = app
        .jwt(&app.organization().await, &[PDF], keys::first())
        .await;
    app.migrate(&client).await;
    let assertion = Assertion::of(&client, app.now()).sign();
    let call = app
        .anonymous()
        .post("/ims/exchange/jwt")
        .form(&client.exchange_form(&assertion));

    let answer = call.faults_expected().send().await;

    answer.must_be(
        500,
        r#"{"error_description":"Please try again later","error":"internal_error"}"#,
    );
}

#[tokio::test]
async fn row_14_disabled() {
    let (app, client) = app_with_jwt().await;
    app.disable_jwt_half(&client).await;
    let assertion = Assertion::of(&client, app.now()).sign();

    let description = "The Service Account (JWT) half of this credential was disabled on 2026-02-01. Request tokens at /ims/token/v3 with client_credentials instead.";
    refused(&app, &client, &assertion, "invalid_client", description).await;
}

#[tokio::test]
async fn row_15_the_policy_has_ended() {
    let (app, client) = app_with_jwt().await;
    app.set_policy(
        None,
        countersign_model::deprecation::Preset::AsItWent.policy(),
    )
    .await;
    app.set_date("2026-03-01");
    let assertion = Assertion::of(&client, app.now()).sign();

    let description = "Service Account (JWT) credentials ended on 2026-03-01. Use the OAuth Server-to-Server grant at /ims/token/v3 instead.";
    refused(&app, &client, &assertion, "invalid_client", description).await;
}

#[tokio::test]
async fn row_16_an_assertion_that_lives_too_long() {
    let (app, client) = app_with_jwt().await;
    let now = app.now().as_seconds();
    let lives = |seconds: i64| {
        Assertion::of(&client, app.now())
            .with("exp", now + seconds)
            .sign()
    };

    assert_eq!(
        app.anonymous()
            .exchange(&client, &lives(90_000))
            .await
            .status,
        200
    );
    let description = "The JWT expiration is too far in the future.";
    refused(&app, &client, &lives(90_001), "invalid_token", description).await;
}

#[tokio::test]
async fn rows_17_to_21_of_the_token_endpoint() {
    let (app, client) = app_with_oauth().await;
    let table = [
        (
            None,
            Some("openid"),
            "invalid_request",
            "grant_type is required",
        ),
        (
            Some(""),
            Some("openid"),
            "invalid_request",
            "grant_type is required",
        ),
        (
            Some("password"),
            Some("openid"),
            "unsupported_grant_type",
            "The grant_type is not supported.",
        ),
        (
            Some("client_credentials"),
            None,
            "invalid_target_scope",
            "scope is required",
        ),
        (
            Some("client_credentials"),
            Some(" , ,"),
            "invalid_target_scope",
            "scope is required",
        ),
        (
            Some("client_credentials"),
            Some("openid,ff_apis"),
            "invalid_scope",
            "Invalid scope value",
        ),
        (
            Some("client_credentials"),
            Some("there_is_none"),
            "invalid_scope",
            "Invalid scope value",
        ),
        (
            Some("client_credentials"),
            Some("open\u{1d5c2}d"),
            "invalid_scope",
            "Invalid scope value",
        ),
    ];
    for (grant, scope, error, description) in table {
        let mut form = client.form("")[1..3].to_vec();
        form.extend(grant.map(|grant| ("grant_type", grant)));
        form.extend(scope.map(|scope| ("scope", scope)));

        let answer = app
            .anonymous()
            .post("/ims/token/v3")
            .form(&form)
            .send()
            .await;

        answer.must_be(
            400,
            &format!(r#"{{"error":"{error}","error_description":"{description}"}}"#),
        );
    }
}

#[tokio::test]
async fn row_19_a_credential_with_its_jwt_half_only() {
    let (app, client) = app_with_jwt().await;

    app.anonymous().token(&client, "openid").await.must_be(
        400,
        r#"{"error":"unauthorized_client","error_description":"Client not authorized for client_credentials grant"}"#,
    );
}

#[tokio::test]
async fn row_23_bodies_of_another_type() {
    let (app, client) = app_with_oauth().await;
    let types = "The body must be application/x-www-form-urlencoded or multipart/form-data.";
    let body = r#"{"grant_type":"client_credentials"}"#;
    let (by_type, exchange) = (
        app.anonymous()
            .post("/ims/token/v3")
            .body("application/json", body),
        app.anonymous()
            .post("/ims/exchange/jwt")
            .body("application/json", body),
    );

    let answer = by_type.send().await;

    answer.must_be(
        400,
        &format!(r#"{{"error":"invalid_request","error_description":"{types}"}}"#),
    );
    let answer = exchange.send().await;
    answer.must_be(
        400,
        &format!(r#"{{"error_description":"{types}","error":"invalid_request"}}"#),
    );
    drop(client);
}

#[tokio::test]
async fn row_24_too_many_tokens() {
    let app = TestApp::with(|setup| setup.config.tokens_per_minute = 3).await;
    let client = app.oauth(&app.organization().await, &[PDF]).await;
    for _ in 0..3 {
        app.anonymous().token(&client, "openid").await.token();
    }

    let answer = app.anonymous().token(&client, "openid").await;

    let description =
        "Too many requests. Wait as long as Retry-After says, and reuse tokens until they expire.";
    answer.must_be(
        429,
        &format!(r#"{{"error":"too_many_requests","error_description":"{description}"}}"#),
    );
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[tokio::test]
async fn rows_26_and_27_of_the_services_behind_a_token() {
    let (app, client) = app_with_oauth().await;
    let revoked = app.anonymous().token(&client, "openid").await.token();
    let expired = app.anonymous().token(&client, "openid").await.token();
    app.anonymous()
        .revoke(&client, &revoked)
        .await
        .must_be(200, "");
    app.advance(Duration::from_secs(1));
    let body = r#"{"error":"invalid_token","error_description":"Invalid or expired token."}"#;
    for path in [
        "/ims/userinfo/v2",
        "/ims/profile/v1",
        "/ims/organizations/v5",
    ] {
        let absent = app.anonymous().get(path).send().await;
        let wrong = app.anonymous().get(path).bearer("abc").send().await;
        let taken_back = app.anonymous().get(path).bearer(&revoked).send().await;

        for answer in [&absent, &wrong, &taken_back] {
            answer.must_be(401, body);
        }
        assert_eq!(absent.header("www-authenticate"), Some("Bearer"));
        assert_eq!(
            wrong.header("www-authenticate"),
            Some(r#"Bearer error="invalid_token""#)
        );
    }
    app.advance(Duration::from_secs(86_400));
    let late = app
        .anonymous()
        .get("/ims/userinfo/v2")
        .bearer(&expired)
        .send()
        .await;
    late.must_be(401, body);
}

#[tokio::test]
async fn unknown_paths_and_methods_answer_in_the_same_shape() {
    let app = TestApp::new().await;

    let nowhere = app.anonymous().get("/ims/fetch_pc_by_org/v1").send().await;
    let wrong = app.anonymous().get("/ims/token/v3").send().await;

    nowhere.must_be(
        404,
        r#"{"error":"not_found","error_description":"There is nothing at this path"}"#,
    );
    wrong.must_be(
        405,
        r#"{"error":"method_not_allowed","error_description":"This path does not answer to this method"}"#,
    );
    assert_eq!(wrong.header("allow"), Some("POST"));
}
