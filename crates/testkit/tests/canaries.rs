//! What callers send is never found again: not in answers, not in the log at its most talkative,
//! not in the database. A binary of its own, because a process has one log. Source: security.md
//! LOG-01, LOG-03, REQ-10, TOK-03.

use countersign_testkit::app::operator;
use countersign_testkit::log::CapturedLog;
use countersign_testkit::{Assertion, TestApp, TestClient, keys};

/// Everything that must never be found again, sent in every place where it can be sent.
#[tokio::test]
async fn neither_answers_nor_logs_nor_the_database_hold_what_callers_sent() {
    let log = CapturedLog::start();
    let app = TestApp::new().await;
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
