//! Refusals that look alike, take alike, and cannot be used to lock anybody out. Source:
//! security.md ERR-01 to ERR-09.

use std::time::{Duration, Instant};

use countersign_testkit::app::operator;
use countersign_testkit::{Answer, TestApp, TestClient};
use countersign_wire::ClientSecret;
use tokio::task::JoinSet;

async fn client(app: &TestApp) -> TestClient {
    app.oauth(&app.organization().await, &["DocCloudSDK"]).await
}

async fn ask(app: &TestApp, id: &str, secret: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
        ("scope", "openid"),
    ];
    app.anonymous()
        .post("/ims/token/v3")
        .form(&form)
        .send()
        .await
}

/// Unknown, deleted and disabled clients; wrong, expired and deleted secrets.
async fn refusals(app: &TestApp) -> (Vec<Answer>, Vec<Answer>) {
    let (living, disabled, deleted) = (client(app).await, client(app).await, client(app).await);
    let authority = &app.authority;
    authority
        .switch_credential(&disabled.id, false, &operator())
        .await
        .unwrap();
    authority
        .delete_credential(&deleted.id, &operator())
        .await
        .unwrap();
    let end = Some(app.now().plus(Duration::from_secs(1)));
    let expired = authority
        .add_secret(&living.id, "x".to_owned(), end, &operator())
        .await
        .unwrap();
    let gone = authority
        .add_secret(&living.id, "y".to_owned(), None, &operator())
        .await
        .unwrap();
    let force = countersign_authority::Force::No;
    authority
        .delete_secret(&living.id, &gone.record.id, force, &operator())
        .await
        .unwrap();
    app.advance(Duration::from_secs(1));
    let (expired, gone) = (expired.secret.unwrap(), gone.secret.unwrap());
    let id = living.client_id.as_str();
    let clients = vec![
        ask(app, "0123456789abcdef0123456789abcdef", &living.secret).await,
        ask(app, disabled.client_id.as_str(), &disabled.secret).await,
        ask(app, deleted.client_id.as_str(), &deleted.secret).await,
    ];
    let secrets = vec![
        ask(app, id, "p8e-wrong").await,
        ask(app, id, expired.expose()).await,
        ask(app, id, gone.expose()).await,
    ];
    (clients, secrets)
}

fn head(answer: &Answer) -> (u16, Vec<String>, String) {
    let mut names: Vec<_> = answer
        .headers
        .keys()
        .map(|name| name.as_str().to_owned())
        .collect();
    names.sort_unstable();
    (answer.status, names, answer.error())
}

#[tokio::test]
async fn two_texts_and_nothing_else_tell_refusals_apart() {
    let app = TestApp::new().await;

    let (clients, secrets) = refusals(&app).await;

    for answer in clients.iter().chain(&secrets) {
        assert_eq!(head(answer), head(&clients[0]));
    }
    assert!(clients.iter().all(|answer| answer.body == clients[0].body));
    assert!(secrets.iter().all(|answer| answer.body == secrets[0].body));
    assert_ne!(clients[0].body, secrets[0].body);
}

#[tokio::test]
async fn with_the_switch_there_is_one_text_and_401_under_basic() {
    let app = TestApp::with(|setup| setup.compatibility.uniform_client_errors = true).await;

    let (clients, secrets) = refusals(&app).await;

    for answer in clients.iter().chain(&secrets) {
        answer.must_be(
            400,
            r#"{"error":"invalid_client","error_description":"invalid client credentials"}"#,
        );
        assert_eq!(head(answer), head(&clients[0]));
    }
    let form = [("grant_type", "client_credentials"), ("scope", "openid")];
    for (id, secret) in [
        ("nobody", "x"),
        (client(&app).await.client_id.as_str(), "wrong"),
    ] {
        let basic = app
            .anonymous()
            .post("/ims/token/v3")
            .form(&form)
            .basic(id, secret)
            .send()
            .await;
        basic.must_fail(401, "invalid_client");
        assert_eq!(
            basic.header("www-authenticate"),
            Some(r#"Basic realm="ims""#)
        );
    }
}

#[tokio::test]
async fn unknown_clients_and_wrong_secrets_take_the_same_time() {
    let app = TestApp::new().await;
    let client = client(&app).await;
    // Loaded and negative entries are both in memory: what is measured is the comparison.
    let unknown = "0123456789abcdef0123456789abcdef";
    let mut last = String::new();
    for _ in 0..3 {
        let (mut unknowns, mut wrongs) = (Vec::new(), Vec::new());
        for _ in 0..300 {
            let began = Instant::now();
            ask(&app, unknown, "p8e-wrong").await;
            unknowns.push(began.elapsed());
            let began = Instant::now();
            ask(&app, client.client_id.as_str(), "p8e-wrong").await;
            wrongs.push(began.elapsed());
        }
        let auc = rank(&unknowns, &wrongs);
        let difference = median(&mut unknowns).abs_diff(median(&mut wrongs));
        if (auc - 0.5).abs() <= 0.15 || difference < Duration::from_micros(100) {
            return;
        }
        last = format!("AUC {auc}, medians differ by {difference:?}");
    }
    panic!("three times: {last}");
}

/// How often a value of `a` is below one of `b`: 0.5 when they cannot be told apart.
fn rank(a: &[Duration], b: &[Duration]) -> f64 {
    let below = a
        .iter()
        .map(|x| b.iter().filter(|y| x < *y).count())
        .sum::<usize>();
    below as f64 / (a.len() * b.len()) as f64
}

fn median(values: &mut [Duration]) -> Duration {
    values.sort_unstable();
    values[values.len() / 2]
}

#[tokio::test]
async fn nobody_can_lock_out_another_ones_client() {
    let app = TestApp::with(|setup| setup.config.failures_per_minute = 30).await;
    let client = client(&app).await;
    let attacker = app.anonymous().from("198.51.100.1");
    let owner = app.anonymous().from("192.0.2.1");
    let guess = TestClient {
        secret: "p8e-guess".to_owned(),
        ..client.clone()
    };
    let mut throttled = 0;

    for at in 0..1000 {
        let answer = attacker.token(&guess, "openid").await;
        if answer.status == 429 {
            throttled += 1;
            assert!(answer.header("retry-after").is_some());
        } else {
            assert_eq!(answer.status, 400);
        }
        if at % 50 == 0 {
            owner.token(&client, "openid").await.token();
        }
    }

    assert_eq!(throttled, 970);
    // Programs that share an address must not lock each other out, either.
    attacker.token(&client, "openid").await.token();
    owner.token(&client, "openid").await.token();
}

#[tokio::test]
async fn a_weak_secret_is_not_even_tried_where_guesses_come_from() {
    let app = TestApp::with(|setup| setup.config.failures_per_minute = 3).await;
    let client = client(&app).await;
    let weak = ClientSecret::parse("hunter2-hunter2").unwrap();
    let label = "old".to_owned();
    app.authority
        .import_secret(&client.id, label, &weak, &operator())
        .await
        .unwrap();
    let attacker = app.anonymous().from("198.51.100.1");
    let owner = app.anonymous().from("192.0.2.1");
    let with = |secret: &str| TestClient {
        secret: secret.to_owned(),
        ..client.clone()
    };

    for _ in 0..3 {
        attacker
            .token(&with("hunter1"), "openid")
            .await
            .must_fail(400, "invalid_client");
    }

    let lucky = attacker.token(&with(weak.expose()), "openid").await;
    lucky.must_fail(429, "too_many_requests");
    assert!(lucky.header("retry-after").is_some());
    owner.token(&with(weak.expose()), "openid").await.token();
}

#[tokio::test]
async fn a_change_of_a_credential_does_not_refill_its_bucket() {
    let app = TestApp::with(|setup| setup.config.tokens_per_minute = 2).await;
    let client = client(&app).await;
    for _ in 0..2 {
        app.anonymous().token(&client, "openid").await.token();
    }

    let pdf = countersign_testkit::app::subscription("UserMgmtSDK");
    app.authority
        .subscribe(&client.id, pdf, &operator())
        .await
        .unwrap();

    app.anonymous()
        .token(&client, "openid")
        .await
        .must_fail(429, "too_many_requests");
}

#[tokio::test]
async fn many_unknown_ids_from_one_address_are_one_attack() {
    let app = TestApp::with(|setup| setup.config.failures_per_minute = 30).await;
    let client = client(&app).await;
    for at in 0..30 {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &*format!("c{at}")),
            ("client_secret", "x"),
            ("scope", "openid"),
        ];
        app.anonymous()
            .post("/ims/token/v3")
            .form(&form)
            .send()
            .await
            .must_fail(400, "invalid_client");
    }

    assert_eq!(ask(&app, "another", "x").await.status, 429);
    app.anonymous()
        .from("192.0.2.1")
        .token(&client, "openid")
        .await
        .token();
}

#[tokio::test]
async fn only_proxies_that_are_trusted_say_where_a_request_came_from() {
    let app = TestApp::with(|setup| {
        setup.config.failures_per_minute = 5;
        setup.proxies = ["10.0.0.0/8".parse().unwrap()].into_iter().collect();
    })
    .await;
    let client = client(&app).await;
    let guess = TestClient {
        secret: "p8e-guess".to_owned(),
        ..client.clone()
    };
    let form = guess.form("openid");
    let from = |peer: &str, claimed: String| {
        let call = app.anonymous().from(peer).post("/ims/token/v3").form(&form);
        call.header("x-forwarded-for", &claimed).send()
    };

    for at in 0..5 {
        assert_eq!(
            from("203.0.113.9", format!("192.0.2.{at}")).await.status,
            400
        );
        assert_eq!(from("10.0.0.1", format!("192.0.2.{at}")).await.status, 400);
    }

    assert_eq!(
        from("203.0.113.9", "192.0.2.99".to_owned()).await.status,
        429,
        "a stranger's story"
    );
    assert_eq!(
        from("10.0.0.1", "192.0.2.99".to_owned()).await.status,
        400,
        "a proxy's word"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_at_once_exactly_the_limit_pass() {
    let app = TestApp::with(|setup| setup.config.tokens_per_minute = 10).await;
    let client = client(&app).await;
    // Loaded before, so that there is one limiter that all of them meet.
    app.anonymous()
        .token(&client, "there_is_none")
        .await
        .must_fail(400, "invalid_scope");
    let mut at_once = JoinSet::new();
    for _ in 0..64 {
        let (caller, client) = (app.anonymous(), client.clone());
        at_once.spawn(async move { caller.token(&client, "openid").await.status });
    }
    let began = Instant::now();

    let statuses = at_once.join_all().await;

    // The bucket refills by one in six seconds.
    let refilled = usize::try_from(began.elapsed().as_secs() / 6).unwrap();
    let passed = statuses.iter().filter(|status| **status == 200).count();
    assert!((10..=10 + refilled).contains(&passed), "{passed}");
}

#[tokio::test]
async fn the_database_holds_no_secret() {
    let app = TestApp::new().await;
    let client = client(&app).await;
    app.anonymous().token(&client, "openid").await.token();

    let bytes = app.database.bytes();

    let holds = |needle: &str| {
        bytes
            .windows(needle.len())
            .any(|window| window == needle.as_bytes())
    };
    assert!(holds(client.client_id.as_str()), "the search works");
    assert!(!holds(&client.secret) && !holds(&client.secret[4..]));
}
