//! More is asked for than can be signed. Source: security.md REL-30, REL-31, REL-33, REL-39.
//!
//! On one thread: all requests of a crowd are read before the first of them signs, whatever the
//! machine is like.

use std::thread::available_parallelism;

use countersign_model::ReplayPolicy;
use countersign_testkit::{Answer, Assertion, Call, TestApp, TestClient, keys};
use tokio::task::JoinSet;

use crate::replay::demand;

/// More than may wait, even if signatures were as fast as they are first taken to be.
const CROWD: usize = 2500;

const OVERLOADED: &str = r#"{"error":"temporarily_unavailable","error_description":"The service is not available right now. Please try again later."}"#;

/// The product with less patience than usual, and a noisy and a quiet client that it knows already.
async fn saturable() -> (TestApp, TestClient, TestClient) {
    let cores = available_parallelism().map_or(1, usize::from);
    let longest = u64::try_from(250 / cores).unwrap().max(1);
    let app = TestApp::with(|setup| setup.config.longest_wait_milliseconds = longest).await;
    let org = app.organization().await;
    let noisy = app.oauth(&org, &["DocCloudSDK"]).await;
    let quiet = app.oauth(&org, &["DocCloudSDK"]).await;
    for client in [&noisy, &quiet] {
        app.anonymous().token(client, "openid").await.token();
    }
    (app, noisy, quiet)
}

/// So many requests at once that not all of them can be served.
fn crowd(app: &TestApp, client: &TestClient) -> JoinSet<Answer> {
    crowd_of(|| {
        app.anonymous()
            .post("/ims/token/v3")
            .form(&client.form("openid"))
    })
}

fn crowd_of(call: impl Fn() -> Call) -> JoinSet<Answer> {
    let send = |call: Call| async { call.faults_expected().send().await };
    (0..CROWD).map(|_| send(call())).collect()
}

fn statuses(answers: &[Answer]) -> (usize, usize) {
    let count = |status| answers.iter().filter(|a| a.status == status).count();
    (count(200), count(503))
}

#[tokio::test]
async fn a_crowd_is_served_in_part_and_the_rest_is_sent_away_in_good_order() {
    let (app, noisy, _) = saturable().await;

    let answers = crowd(&app, &noisy).join_all().await;

    let (served, refused) = statuses(&answers);
    assert!(
        served > 0 && refused > 0,
        "{served} served, {refused} refused"
    );
    assert_eq!(served + refused, CROWD);
    let one = answers.iter().find(|answer| answer.status == 503).unwrap();
    one.must_be(503, OVERLOADED);
    assert_eq!(one.header("retry-after"), Some("2"));
    let cause = app.explain(&one.debug_id()).await;
    assert!(
        cause
            .unwrap()
            .contains("this client has too many requests waiting")
    );
    assert_eq!(app.anonymous().token(&noisy, "openid").await.status, 200);
}

#[tokio::test]
async fn a_quiet_client_and_all_that_is_cheap_notice_nothing_of_a_noisy_one() {
    let (app, noisy, quiet) = saturable().await;
    let caller = app.anonymous();
    let token = caller.token(&quiet, "openid").await.token();
    let crowd = crowd(&app, &noisy);

    for _ in 0..20 {
        assert_eq!(caller.token(&quiet, "openid").await.status, 200);
        assert!(caller.holds(&quiet, &token).await);
        assert_eq!(caller.get("/ims/keys").send().await.status, 200);
        let wrong = caller.post("/ims/token/v3").form(&[
            ("grant_type", "client_credentials"),
            ("client_id", quiet.client_id.as_str()),
            ("client_secret", "wrong"),
            ("scope", "openid"),
        ]);
        wrong.send().await.must_fail(400, "invalid_client");
    }

    let (_, refused) = statuses(&crowd.join_all().await);
    assert!(refused > 0, "there was no overload");
}

/// In a crowd whose line is full, whoever comes last.
async fn last_in(mut crowd: JoinSet<Answer>, call: Call) -> Answer {
    let last = crowd.spawn(async move { call.faults_expected().send().await });
    while let Some(answered) = crowd.join_next_with_id().await {
        let (id, answer) = answered.unwrap();
        if id == last.id() {
            crowd.shutdown().await;
            return answer;
        }
    }
    unreachable!("every task ends")
}

#[tokio::test]
async fn an_exchange_that_is_sent_away_has_not_used_its_assertion_up() {
    let (app, _, _) = saturable().await;
    let org = app.organization().await;
    let client = app.jwt(&org, &["CloudManagerSDK"], keys::first()).await;
    demand(&app, &client, ReplayPolicy::OnceIfJti).await;
    app.caught_up().await;
    let many_times = Assertion::of(&client, app.now()).sign();
    let once = Assertion::of(&client, app.now()).with("jti", "1").sign();
    let exchange = |assertion: &str| {
        let call = app.anonymous().post("/ims/exchange/jwt");
        call.form(&client.exchange_form(assertion))
    };
    exchange(&many_times).send().await.token();

    let crowd = crowd_of(|| exchange(&many_times));
    let refused = last_in(crowd, exchange(&once)).await;
    let again = exchange(&once).send().await;

    refused.must_fail(503, "temporarily_unavailable");
    again.token();
}

#[tokio::test]
async fn standard_clients_are_told_in_their_own_words() {
    let (app, noisy, _) = saturable().await;
    let form = [("grant_type", "client_credentials")];
    let call = app.anonymous().post("/oauth2/token").form(&form);
    let call = call.basic(noisy.client_id.as_str(), &noisy.secret);

    let refused = last_in(crowd(&app, &noisy), call).await;

    refused.must_fail(503, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), Some("2"));
}
