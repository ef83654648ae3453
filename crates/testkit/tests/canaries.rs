//! What callers send is never found again: not in answers, not in the log at its most talkative,
//! not in the database. A binary of its own, because a process has one log. Source: security.md
//! LOG-01, LOG-03, REQ-10, TOK-03.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::oidc::Settings;
use countersign_authority::{ProviderConfig, ProviderHttp};
use countersign_jose::Algorithm;
use countersign_testkit::app::operator;
use countersign_testkit::clients::urlencoded;
use countersign_testkit::log::CapturedLog;
use countersign_testkit::provider::{CLIENT_ID, CLIENT_SECRET, Fault};
use countersign_testkit::{Answer, Assertion, ISSUER, TestApp, TestClient, TestProvider, keys};
use serde_json::json;

/// Goes to a provider and comes back, for nothing; the code and the state that came back.
async fn sign_in_at(
    provider: &TestProvider,
    app: &TestApp,
    answers: &mut Vec<Answer>,
) -> Vec<String> {
    let mut seen = Vec::new();
    for method in ["client_secret_basic", "client_secret_post"] {
        // What was learnt before is forgotten by then.
        app.advance(Duration::from_secs(2 * 3600));
        provider.misbehave(match method {
            "client_secret_basic" => Fault::None,
            _ => Fault::Metadata(|m| {
                m["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
            }),
        });
        let caller = app.anonymous();
        let left = caller.get("/console/sign-in/with/example").send().await;
        let back = provider.approve(left.header("location").unwrap());
        let back = back.strip_prefix(ISSUER).unwrap();
        let cookie = left.cookie("-provider").unwrap();
        let answer = caller.get(back).header("cookie", &cookie).send().await;
        assert!(
            answer.body.contains("Nobody here signs in as"),
            "{}",
            answer.body
        );
        answers.push(answer);
        let parts = back
            .split(['?', '&'])
            .filter_map(|part| part.split_once('='));
        let secret = parts.filter(|(name, _)| ["code", "state"].contains(name));
        seen.extend(secret.map(|(_, value)| value.to_owned()));
        seen.push(cookie.split_once('=').unwrap().1.to_owned());
    }
    assert_eq!(seen.len(), 6);
    seen
}

fn configured(provider: &TestProvider) -> (ProviderConfig, Arc<dyn ProviderHttp>) {
    let settings = format!(
        "name = \"x\"\nissuer = \"{}\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"",
        provider.issuer
    );
    let settings: Settings = toml::from_str(&settings).unwrap();
    let (config, http) = settings.connect("example").unwrap();
    (config, Arc::new(http))
}

/// Everything that must never be found again, sent in every place where it can be sent.
#[tokio::test]
async fn neither_answers_nor_logs_nor_the_database_hold_what_callers_sent() {
    let log = CapturedLog::start();
    let provider = TestProvider::start(Algorithm::Es256).await;
    let app = TestApp::with(|setup| setup.providers = vec![configured(&provider)]).await;
    provider.follow(&app.clock);
    let client = app
        .jwt(&app.organization().await, &["DocCloudSDK"], keys::first())
        .await;
    app.authority
        .start_migration(&client.id, &operator())
        .await
        .unwrap();
    let canary = "p8e-CANARY0000secret0000CANARY000000";
    let guess = TestClient {
        secret: canary.to_owned(),
        ..client.clone()
    };
    let assertion = Assertion::of(&client, app.now())
        .with("CANARYclaim", "CANARYvalue")
        .sign();
    let caller = app.anonymous();
    let mut answers = Vec::new();
    let token = caller.token(&client, "openid").await.token();
    let exchanged = caller.exchange(&client, &assertion).await.token();

    for who in [&client, &guess] {
        answers.push(
            caller
                .post("/ims/token/v3")
                .query(&who.form("openid"))
                .send()
                .await,
        );
        answers.push(
            caller
                .post("/ims/exchange/jwt")
                .query(&who.exchange_form("CANARY.assertion.CANARY"))
                .send()
                .await,
        );
        answers.push(
            caller
                .post("/ims/exchange/jwt")
                .multipart(&who.exchange_form(canary))
                .send()
                .await,
        );
        answers.push(
            caller
                .post("/ims/token/v3")
                .basic(who.client_id.as_str(), canary)
                .send()
                .await,
        );
        answers.push(
            caller
                .post("/ims/revoke")
                .query(&[
                    ("token", token.as_str()),
                    ("client_id", "nobody"),
                    ("client_secret", canary),
                ])
                .send()
                .await,
        );
    }
    answers.push(
        caller
            .get("/ims/validate_token/v1")
            .query(&[("token", &token), ("client_id", "CANARYid")])
            .send()
            .await,
    );
    answers.push(
        caller
            .get("/ims/userinfo/v2?CANARYquery=CANARY")
            .bearer(&format!("{canary}.x.y"))
            .send()
            .await,
    );
    answers.push(
        caller
            .get("/ims/keys?CANARYquery")
            .header("cookie", "CANARYcookie")
            .header("referer", "https://x/?CANARY")
            .send()
            .await,
    );
    answers.push(
        caller
            .post("/ims/token/v3")
            .body("CANARY/type", "CANARY body")
            .send()
            .await,
    );
    let back = sign_in_at(&provider, &app, &mut answers).await;
    app.authority.flush().await;

    let text = log.text();
    assert!(
        text.contains("/ims/token/v3"),
        "the log is captured: {text}"
    );
    let database = String::from_utf8_lossy(&app.database.bytes()).into_owned();
    let signature = |jws: &str| jws.rsplit_once('.').unwrap().1[..40].to_owned();
    let canaries = [
        "CANARY0000secret",
        "CANARY.assertion",
        "CANARYquery",
        "CANARYcookie",
        "CANARY body",
        "CANARYvalue",
    ];
    let mut needles = canaries.map(str::to_owned).to_vec();
    needles.extend([
        client.secret[4..].to_owned(),
        signature(&assertion),
        signature(&token),
        signature(&exchanged),
    ]);
    // What the provider and the browser show each other, and what we show the provider.
    let encoded = |text: &str| urlencoded(&[("x", text)])[2..].to_owned();
    let pair = format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET)).replace("%20", "+");
    needles.extend([
        CLIENT_SECRET.to_owned(),
        encoded(CLIENT_SECRET),
        STANDARD.encode(pair)[..40].to_owned(),
    ]);
    needles.extend(back);
    for needle in needles {
        let line = text.lines().find(|line| line.contains(&needle));
        assert_eq!(line, None, "the log holds {needle}");
        assert!(!database.contains(&needle), "the database holds {needle}");
        for answer in &answers {
            assert!(
                !answer.body.contains(&needle),
                "an answer holds {needle}: {}",
                answer.body
            );
        }
    }
}
