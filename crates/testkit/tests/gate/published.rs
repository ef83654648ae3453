//! Services of the configuration and of the database are one table that nodes keep alike.

use countersign_authority::{Clash, ManageError, PublishError};
use countersign_model::PublishedError;
use countersign_testkit::app::operator;
use countersign_testkit::{TestApp, TestDatabase};
use countersign_wire::{CanonicalPath, PublishedName};

use crate::support::{Attempt, SCOPES, client, service, setup, setup_with, within_a_second};

on_both_engines!(
    services_of_the_database_come_and_go_on_every_node,
    one_name_and_one_place_are_taken_once,
    limits_outlive_changes_of_other_services,
);

fn named(name: &str, more: &str) -> String {
    format!(
        "name = \"{name}\"\nservice = \"CloudManagerSDK\"\nupstreams = [\"http://127.0.0.1:9\"]\n{more}"
    )
}

fn found(app: &countersign_testkit::Node, host: &str, path: &str) -> Option<String> {
    let table = app.authority.published();
    let path = CanonicalPath::parse(path).unwrap();
    table
        .find(host, &path)
        .map(|service| service.name.as_str().to_owned())
}

async fn publish(app: &TestApp, text: &str) -> Result<(), ManageError> {
    app.authority
        .publish_service(service(text), &operator())
        .await
        .map(drop)
}

async fn services_of_the_database_come_and_go_on_every_node(app: &TestApp) {
    let node = app.second_node().await;
    publish(app, &named("stored", "prefix = \"/v2\""))
        .await
        .unwrap();
    let client = client(app, &app.organization().await).await;
    let token = app.anonymous().token(&client, SCOPES).await.token();
    let mut attempt = Attempt::of(&client, &token);
    (attempt.host, attempt.path) = ("any.example", "/v2/x");
    let open = attempt.ask(app).await.expect("passes");
    let name = PublishedName::parse("stored").unwrap();

    assert_eq!(
        found(app, "any.example", "/v2/x").as_deref(),
        Some("stored")
    );
    within_a_second(async || found(&node, "any.example", "/v2/x").is_some()).await;
    let later = app.second_node().await;
    assert_eq!(
        found(&later, "cm.example", "/v2").as_deref(),
        Some("cloud-manager")
    );
    assert_eq!(
        found(&later, "other.example", "/v2").as_deref(),
        Some("stored")
    );
    let listed = app
        .authority
        .list_published_services(&operator())
        .await
        .unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|s| (s.name.as_str(), s.is_configured))
        .collect();
    assert_eq!(
        listed,
        [
            ("cloud-manager", true),
            ("stored", false),
            ("user-management", true)
        ]
    );

    node.authority
        .unpublish_service(&name, None, &operator())
        .await
        .unwrap();

    assert_eq!(found(&node, "any.example", "/v2/x"), None);
    within_a_second(async || found(app, "any.example", "/v2/x").is_none()).await;
    assert!(!app.authority.still_holds(&open).await, "an open call");
    let gone = app
        .authority
        .unpublish_service(&name, None, &operator())
        .await;
    assert!(matches!(gone, Err(ManageError::NoPublishedService)));
    let configured = PublishedName::parse("cloud-manager").unwrap();
    let kept = app
        .authority
        .unpublish_service(&configured, None, &operator())
        .await;
    assert!(matches!(kept, Err(ManageError::ConfiguredService(_))));
    let told = app
        .database
        .query("SELECT action FROM audit WHERE action LIKE 'service.%' ORDER BY action")
        .await;
    assert_eq!(told, ["service.published", "service.unpublished"]);
}

async fn one_name_and_one_place_are_taken_once(app: &TestApp) {
    for (text, is_name) in [
        (named("cloud-manager", "prefix = \"/other\""), true),
        (
            named("again", "hosts = [\"x.example\", \"cm.example\"]"),
            false,
        ),
    ] {
        let refused = publish(app, &text).await;
        let Err(ManageError::Publish(PublishError::Clash(clash))) = refused else {
            panic!("published");
        };
        assert_eq!(matches!(clash, Clash::Name(_)), is_name, "{clash}");
    }
    let unknown = named("unknown", "").replace("CloudManagerSDK", "NoSuchSDK");
    let refused = publish(app, &unknown).await;
    assert!(matches!(
        refused,
        Err(ManageError::Publish(PublishError::Service(
            _,
            PublishedError::NoService(_)
        )))
    ));
    publish(app, &named("first", "prefix = \"/a\""))
        .await
        .unwrap();
    assert!(
        publish(app, &named("second", "prefix = \"/a\""))
            .await
            .is_err()
    );
    let (left, right) = (
        named("left", "prefix = \"/b\""),
        named("right", "prefix = \"/b\""),
    );
    let both = tokio::join!(publish(app, &left), publish(app, &right));
    assert!(
        both.0.is_ok() != both.1.is_ok(),
        "one of two at once: {both:?}"
    );
    assert_eq!(app.authority.published_clashes().await.unwrap(), []);
}

async fn limits_outlive_changes_of_other_services(app: &TestApp) {
    let client = client(app, &app.organization().await).await;
    let token = app.anonymous().token(&client, SCOPES).await.token();
    let limited = "hosts = [\"limited.example\"]\nlimits = { per_client_per_minute = 2 }";
    publish(app, &named("limited", limited)).await.unwrap();
    let mut attempt = Attempt::of(&client, &token);
    attempt.host = "limited.example";
    assert_eq!(
        [attempt.code(app).await, attempt.code(app).await],
        [None, None]
    );

    publish(app, &named("other", "prefix = \"/other\""))
        .await
        .unwrap();

    let denied = attempt.ask(app).await.err().expect("refused");
    assert_eq!(denied.error().error_code, "429050");
    let wait = denied.retry_after().unwrap().as_secs_f64();
    assert!((0.1..=30.0).contains(&wait), "{wait}");
}

#[tokio::test]
async fn an_organization_has_a_limit_for_all_of_its_clients_together() {
    let limited = named(
        "limited",
        "limits = { per_client_per_minute = 2, per_organization_per_minute = 3 }",
    );
    let app = TestApp::on(TestDatabase::sqlite().await, setup_with(&[&limited])).await;
    let org = app.organization().await;
    let mut codes = Vec::new();
    for client in [client(&app, &org).await, client(&app, &org).await] {
        let token = app.anonymous().token(&client, SCOPES).await.token();
        for _ in 0..3 {
            codes.push(Attempt::of(&client, &token).code(&app).await.is_none());
        }
    }
    assert_eq!(codes, [true, true, false, true, false, false]);
    let other = client(&app, &app.organization().await).await;
    let token = app.anonymous().token(&other, SCOPES).await.token();
    assert_eq!(Attempt::of(&other, &token).code(&app).await, None);
}

#[tokio::test]
async fn the_host_and_then_the_longest_prefix_decide() {
    let services = [
        named("root", ""),
        named("api", "prefix = \"/api\""),
        named("api-v2", "prefix = \"/api/v2\""),
        named(
            "of-host",
            "hosts = [\"a.example\", \"[::1]\"]\nprefix = \"/api\"",
        ),
    ];
    let services: Vec<&str> = services.iter().map(String::as_str).collect();
    let app = TestApp::on(TestDatabase::sqlite().await, setup_with(&services)).await;
    for (host, path, expected) in [
        ("b.example", "/", "root"),
        ("b.example", "/apiv2", "root"),
        ("b.example", "/api", "api"),
        ("b.example", "/api/v2/x", "api-v2"),
        ("b.example:8443", "/api/v1", "api"),
        ("a.example", "/api/v2/x", "of-host"),
        ("A.Example.:443", "/api/v2/x", "of-host"),
        ("[::1]:8080", "/api", "of-host"),
        ("a.example", "/other", "root"),
        ("xa.example", "/api", "api"),
        ("", "/api", "api"),
    ] {
        assert_eq!(
            found(&app, host, path).as_deref(),
            Some(expected),
            "{host} {path}"
        );
    }
}
