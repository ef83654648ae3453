//! Who is told what ends, and how often: once, whatever nodes and restarts there are.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign::notices::{
    Messenger, Security, Settings, SmtpSettings, WebhookSettings, WebhookUrl,
};
use countersign_authority::{MessageState, NewCertificate, NewGrant, OrganizationChange, Page};
use countersign_jose::SigningKey;
use countersign_model::{DeprecationPolicy, Owner, Quarantine, Role};
use countersign_testkit::app::{Node, START, operator};
use countersign_testkit::sinks::{MailSink, WebhookSink, webhook_secret};
use countersign_testkit::{Assertion, Setup, TestApp, TestClient, TestDatabase, keys};
use countersign_wire::{OrgId, Timestamp};
use serde_json::Value;

use crate::people::member;

/// Runs tests that make the product themselves, once on each engine.
macro_rules! on_databases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                super::$name(countersign_testkit::TestDatabase::sqlite().await).await;
            }
        )+}

        mod postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let Some(database) = countersign_testkit::TestDatabase::postgres().await else { return };
                super::$name(database).await;
            }
        )+}
    };
}

on_databases!(
    everything_is_told_once_in_forty_days_of_two_nodes,
    what_was_missed_is_told_once,
    a_message_is_tried_again_under_its_id,
    a_message_that_never_arrives_is_given_up_and_seen,
    who_is_told_is_who_can_be_reached,
    a_mail_tells_everything_to_one_recipient_once,
    what_the_mail_server_refuses_is_seen,
    a_message_tells_of_one_organization,
    dates_of_a_policy_are_told,
    a_disabled_half_that_is_still_tried_is_told_until_its_callers_have_moved,
    a_migration_that_does_not_get_on_is_told_before_its_end,
    attempts_in_a_long_quarantine_are_told_at_once,
    what_is_the_matter_is_told_to_the_owner_first,
);

const DAY: Duration = Duration::from_secs(86_400);
const WINDOWS: [u64; 8] = [30, 23, 16, 9, 3, 2, 1, 0];

fn days(count: u32) -> Duration {
    DAY * count
}

/// The product with a webhook; no node works unless the test says so.
async fn start(database: TestDatabase, sink: &WebhookSink, organizations: Vec<OrgId>) -> TestApp {
    let settings = Settings {
        webhooks: vec![webhook(sink, organizations)],
        ..Settings::default()
    };
    start_with(database, &settings).await
}

async fn start_with(database: TestDatabase, settings: &Settings) -> TestApp {
    let secret = |_: &str| Some(webhook_secret());
    let notices = Messenger::prepare(settings, "https://ims.example.com", secret).unwrap();
    let setup = Setup {
        leads: false,
        notices,
        ..Setup::default()
    };
    TestApp::on(database, setup).await
}

fn webhook(sink: &WebhookSink, organizations: Vec<OrgId>) -> WebhookSettings {
    WebhookSettings {
        name: "ops".to_owned(),
        url: WebhookUrl::new(sink.url()),
        secret_file: None,
        organizations,
        allow_private: true,
        ca_file: None,
    }
}

/// A JWT credential whose certificate ends then.
async fn jwt_until(node: &Node, org: &OrgId, end: Timestamp) -> TestClient {
    jwt_with(node, org, end, keys::first()).await
}

/// The same with a key of the test's choice: organizations do not share keys.
async fn jwt_with(
    node: &Node,
    org: &OrgId,
    end: Timestamp,
    key: &'static SigningKey,
) -> TestClient {
    let certificate = keys::certificate(key, START, end);
    let grant = NewGrant::Jwt(NewCertificate::Upload(certificate));
    let new = node.new_credential(org, grant, &["DocCloudSDK"]).await;
    node.create(new, Some(key)).await
}

async fn add_secret(node: &Node, client: &TestClient, end: Timestamp) {
    let (by, label) = (operator(), "blue".to_owned());
    let added = node.authority.add_secret(&client.id, label, Some(end), &by);
    added.await.unwrap();
}

/// What the background does, at once: finds, then sends.
async fn round(node: &Node) {
    node.authority.work_as_leader().await.unwrap();
    node.authority.send_notices().await.unwrap();
}

/// In which windows each subject was told of.
fn told(notices: &[Value]) -> BTreeMap<(String, String), Vec<u64>> {
    let mut told: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for notice in notices {
        let text = |name: &str| notice[name].as_str().unwrap().to_owned();
        let days = notice["days_before"].as_u64().unwrap();
        told.entry((text("kind"), text("subject_id")))
            .or_default()
            .push(days);
    }
    told
}

async fn everything_is_told_once_in_forty_days_of_two_nodes(database: TestDatabase) {
    let sink = WebhookSink::start().await;
    let app = start(database, &sink, Vec::new()).await;
    let org = app.organization().await;
    let client = jwt_until(&app, &org, START.plus(days(35))).await;
    add_secret(&app, &client, START.plus(days(33))).await;

    let mut second = app.second_node().await;
    for step in 0..40 * 3 {
        app.advance(DAY / 3);
        if step % 30 == 29 {
            second = app.second_node().await;
        }
        let (first, other) = tokio::join!(
            app.authority.work_as_leader(),
            second.authority.work_as_leader()
        );
        first.and(other).unwrap();
        let (first, other) = tokio::join!(
            app.authority.send_notices(),
            second.authority.send_notices()
        );
        first.and(other).unwrap();
    }

    let received = sink.received();
    assert!(received.iter().all(|one| one.is_signed));
    let mut ids: Vec<_> = received.iter().map(|one| &one.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), received.len());
    let told = told(&sink.notices());
    assert_eq!(told.len(), 2, "{told:?}");
    for (what, windows) in told {
        assert_eq!(windows, WINDOWS, "{what:?}");
    }
    let notice = &sink.notices()[0];
    assert_eq!(notice["credential"]["client_id"], client.client_id.as_str());
    let page = format!("{}/credentials/{}", client.project_id, client.id);
    let url = notice["credential"]["url"].as_str().unwrap();
    assert!(url.starts_with("https://ims.example.com/console/projects/"));
    assert!(url.ends_with(&page), "{url}");
    // After a year nothing of it is kept.
    app.advance(days(400));
    round(&app).await;
    assert_eq!(app.database.count("notices").await, 0);
    assert_eq!(app.database.count("messages").await, 0);
    app.remove().await;
}

async fn what_was_missed_is_told_once(database: TestDatabase) {
    let sink = WebhookSink::start().await;
    let app = start(database, &sink, Vec::new()).await;
    let org = app.organization().await;
    jwt_until(&app, &org, START.plus(days(60))).await;
    round(&app).await;
    assert!(sink.received().is_empty());

    app.advance(days(55));
    round(&app).await;
    round(&app).await;
    app.advance(days(9));
    round(&app).await;
    app.advance(days(30));
    round(&app).await;

    let windows: Vec<_> = told(&sink.notices()).into_values().collect();
    assert_eq!(windows, [[9, 0]], "five days before, and four after it");
    app.remove().await;
}

async fn a_message_is_tried_again_under_its_id(database: TestDatabase) {
    let sink = WebhookSink::start().await;
    let app = start(database, &sink, Vec::new()).await;
    let org = app.organization().await;
    jwt_until(&app, &org, START.plus(days(20))).await;
    sink.answer(500);
    round(&app).await;
    round(&app).await;
    assert_eq!(sink.received().len(), 1, "it waits");
    let waits = list(&app, &org, Some(MessageState::Pending)).await;
    assert_eq!(waits.len(), 1);
    assert_eq!(
        waits[0].trouble.as_deref(),
        Some("the webhook answered 500")
    );

    app.advance(Duration::from_secs(60));
    sink.answer(302);
    round(&app).await;
    app.advance(Duration::from_secs(300));
    sink.answer(200);
    round(&app).await;
    round(&app).await;

    let received = sink.received();
    let answered: Vec<_> = received.iter().map(|one| one.answered).collect();
    assert_eq!(answered, [500, 302, 200]);
    assert!(
        received
            .iter()
            .all(|one| one.id == received[0].id && one.is_signed)
    );
    assert!(received[0].timestamp < received[2].timestamp);
    assert_eq!(received[0].body, received[2].body);
    let sent = list(&app, &org, Some(MessageState::Sent)).await;
    assert_eq!((sent.len(), sent[0].attempts), (1, 3));
    app.remove().await;
}

async fn list(
    app: &TestApp,
    org: &OrgId,
    state: Option<MessageState>,
) -> Vec<countersign_authority::Noted> {
    let (page, by) = (Page::first(), operator());
    let listed = app.authority.list_notices(org, state, &page, &by);
    listed.await.unwrap()
}

async fn a_message_that_never_arrives_is_given_up_and_seen(database: TestDatabase) {
    let sink = WebhookSink::start().await;
    let app = start(database, &sink, Vec::new()).await;
    let org = app.organization().await;
    jwt_until(&app, &org, START.plus(days(20))).await;
    sink.answer(503);
    for _ in 0..9 {
        round(&app).await;
        app.advance(Duration::from_secs(20 * 3600));
    }
    let first = sink.received()[0].id.clone();
    let tries = sink.received().iter().filter(|one| one.id == first).count();
    assert_eq!(tries, 8);
    let failed = list(&app, &org, Some(MessageState::Failed)).await;
    assert_eq!(failed[0].attempts, 8);

    // Who wants nothing any more is not asked again.
    sink.answer(410);
    app.advance(days(1));
    let org = app.organization().await;
    jwt_with(&app, &org, app.now().plus(days(20)), keys::second()).await;
    round(&app).await;
    let failed = list(&app, &org, Some(MessageState::Failed)).await;
    assert_eq!((failed.len(), failed[0].attempts), (1, 1));
    assert!(failed[0].trouble.as_ref().unwrap().contains("410"));
    app.remove().await;
}

async fn who_is_told_is_who_can_be_reached(database: TestDatabase) {
    let sink = WebhookSink::start().await;
    let app = start(database, &sink, Vec::new()).await;
    let org = app.organization().await;
    member(&app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let reachable = app.oauth(&org, &["DocCloudSDK"]).await;
    let grant = NewGrant::OAuth;
    let mut new = app.new_credential(&org, grant, &["DocCloudSDK"]).await;
    new.owner = Owner {
        team: "Web".to_owned(),
        contact: "#web".to_owned(),
    };
    let lost = app.create(new, None).await;

    let unreachable = app
        .authority
        .list_unreachable(&org, &Page::first(), &operator())
        .await
        .unwrap();
    let ids: Vec<_> = unreachable.iter().map(|one| &one.id).collect();
    assert_eq!(ids, [&lost.id], "{} has a mail address", reachable.id);
    app.remove().await;
}

async fn a_message_tells_of_one_organization(database: TestDatabase) {
    let sink = WebhookSink::start().await;
    let [own, other] = [1, 2].map(|n| OrgId::from_random([n; 12]));
    let app = start(database, &sink, vec![own.clone()]).await;
    for (org, key) in [(&own, keys::first()), (&other, keys::second())] {
        let new = countersign_authority::NewOrganization {
            id: Some(org.clone()),
            name: "Test".to_owned(),
            ..Default::default()
        };
        let made = app.authority.create_organization(new, &operator()).await;
        made.unwrap();
        for _ in 0..3 {
            jwt_with(&app, org, START.plus(days(20)), key).await;
        }
    }
    round(&app).await;

    let received = sink.received();
    assert_eq!(
        received.len(),
        1,
        "one message, not one for each credential"
    );
    let data = &received[0].body["data"];
    assert_eq!(data["organization"]["id"], own.as_str());
    assert_eq!(data["notices"].as_array().unwrap().len(), 3);
    assert_eq!(app.database.count("notices").await, 3);
    app.remove().await;
}

async fn dates_of_a_policy_are_told(database: TestDatabase) {
    let sink = WebhookSink::start().await;
    let app = start(database, &sink, Vec::new()).await;
    let org = app.organization().await;
    let client = jwt_until(&app, &org, START.plus(days(300))).await;
    let policy = DeprecationPolicy {
        deprecated_on: Some(START),
        final_on: Some(START.plus(days(25))),
        ..DeprecationPolicy::default()
    };
    app.set_policy(None, policy).await;
    round(&app).await;

    let told: Vec<_> = told(&sink.notices()).into_keys().collect();
    let expected = [
        ("jwt_end".to_owned(), client.id.to_string()),
        ("policy_date".to_owned(), "final_on".to_owned()),
    ];
    assert_eq!(told, expected);
    app.remove().await;
}

async fn exchange(node: &Node, client: &TestClient) -> u16 {
    let assertion = Assertion::of(client, node.authority.clock().now()).sign();
    let answer = node.anonymous().exchange(client, &assertion).await;
    node.authority.flush().await;
    answer.status
}

/// Its windows, if it was told of.
fn windows(sink: &WebhookSink, kind: &str, client: &TestClient) -> Vec<u64> {
    let mut told = told(&sink.notices());
    let told = told.remove(&(kind.to_owned(), client.id.to_string()));
    told.unwrap_or_default()
}

async fn a_disabled_half_that_is_still_tried_is_told_until_its_callers_have_moved(
    database: TestDatabase,
) {
    const KIND: &str = "attempts_refused";
    let sink = WebhookSink::start().await;
    let app = start(database, &sink, Vec::new()).await;
    let org = app.organization().await;
    let [stays, moves, quiet] = [
        app.jwt(&org, &["DocCloudSDK"], keys::first()).await,
        app.jwt(&org, &["DocCloudSDK"], keys::first()).await,
        app.jwt(&org, &["DocCloudSDK"], keys::first()).await,
    ];
    for client in [&stays, &moves, &quiet] {
        app.disable_jwt_half(client).await;
    }
    round(&app).await;
    assert!(sink.notices().is_empty(), "nobody has tried");
    app.advance(Duration::from_secs(3600));
    for client in [&stays, &moves] {
        assert_eq!(exchange(&app, client).await, 400);
    }
    round(&app).await;
    assert_eq!(windows(&sink, KIND, &stays), [9]);
    let notice = &sink.notices()[0];
    let (name, url) = (notice["name"].as_str(), &notice["credential"]["url"]);
    let tried = "once, last on 2026-02-01 13:00 UTC by ";
    assert!(name.unwrap().starts_with(tried), "{notice}");
    assert!(url.as_str().unwrap().contains("/credentials/"), "{notice}");

    app.advance(Duration::from_secs(60));
    app.anonymous().token(&moves, "openid").await.token();
    app.authority.flush().await;
    let mut other = app.second_node().await;
    for step in 0..6 * 8 {
        app.advance(DAY / 6);
        if step % 11 == 10 {
            other = app.second_node().await;
        }
        let (here, there) = tokio::join!(
            app.authority.work_as_leader(),
            other.authority.work_as_leader()
        );
        here.and(there).unwrap();
        let (here, there) =
            tokio::join!(app.authority.send_notices(), other.authority.send_notices());
        here.and(there).unwrap();
    }
    assert_eq!(windows(&sink, KIND, &stays), [9, 3, 2, 1]);
    assert_eq!(windows(&sink, KIND, &moves), [9]);
    assert!(windows(&sink, KIND, &quiet).is_empty());
    app.remove().await;
}

async fn attempts_in_a_long_quarantine_are_told_at_once(database: TestDatabase) {
    let sink = WebhookSink::start().await;
    let app = start(database, &sink, Vec::new()).await;
    let org = app.organization().await;
    let change = OrganizationChange {
        quarantine: Some(Quarantine::of_days(60)),
        ..OrganizationChange::default()
    };
    let by = operator();
    let changed = app.authority.change_organization(&org, change, &by);
    changed.await.unwrap();
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    app.disable_jwt_half(&client).await;
    assert_eq!(exchange(&app, &client).await, 400);
    for _ in 0..20 {
        round(&app).await;
        app.advance(2 * DAY);
    }
    assert_eq!(windows(&sink, "attempts_refused", &client), [60, 30, 23]);
    // Restored and disabled again, nobody has tried.
    let restored = app.authority.restore_jwt_half(&client.id, &by);
    restored.await.unwrap();
    app.disable_jwt_half(&client).await;
    let before = sink.notices().len();
    app.advance(DAY);
    round(&app).await;
    assert_eq!(sink.notices().len(), before);
    app.remove().await;
}

async fn a_migration_that_does_not_get_on_is_told_before_its_end(database: TestDatabase) {
    const KIND: &str = "migration_blocked";
    let sink = WebhookSink::start().await;
    let app = start(database, &sink, Vec::new()).await;
    let org = app.organization().await;
    // Certificates end with a second.
    let end = Timestamp::from_seconds(START.plus(days(20)).as_seconds());
    let [stays, moves, later, late, idle] = [
        jwt_until(&app, &org, end).await,
        jwt_until(&app, &org, end).await,
        jwt_until(&app, &org, START.plus(days(300))).await,
        jwt_until(&app, &org, end).await,
        jwt_until(&app, &org, end).await,
    ];
    for client in [&stays, &moves, &later] {
        assert_eq!(exchange(&app, client).await, 200);
        let by = operator();
        let started = app.authority.start_migration(&client.id, &by);
        started.await.unwrap();
    }
    app.advance(Duration::from_secs(60));
    app.anonymous().token(&moves, "openid").await.token();
    app.authority.flush().await;
    let second = app.second_node().await;
    for step in 0..30 * 2 {
        if step == 18 * 2 {
            let by = operator();
            let started = app.authority.start_migration(&late.id, &by);
            started.await.unwrap();
        }
        round(&app).await;
        round(&second).await;
        app.advance(DAY / 2);
    }
    // Nobody is told of what was begun just now, unless there are only days left.
    assert_eq!(windows(&sink, KIND, &stays), [16, 9, 3, 2, 1, 0]);
    assert_eq!(windows(&sink, KIND, &late), [2, 1, 0]);
    for client in [&moves, &later, &idle] {
        assert!(windows(&sink, KIND, client).is_empty());
    }
    let notices = sink.notices();
    let told = notices.iter().find(|one| one["kind"] == KIND).unwrap();
    let name = told["name"].as_str().unwrap();
    assert!(name.starts_with("wait until 2026-06-01: "), "{told}");
    assert_eq!(told["ends_at"], end.to_string());
    app.remove().await;
}

async fn what_is_the_matter_is_told_to_the_owner_first(database: TestDatabase) {
    let sink = MailSink::start().await;
    let app = start_with(database, &by_mail(&sink)).await;
    let org = app.organization().await;
    member(&app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    app.disable_jwt_half(&client).await;
    assert_eq!(exchange(&app, &client).await, 400);
    for _ in 0..5 {
        round(&app).await;
        app.advance(DAY);
    }
    let mails = sink.mails();
    let to: Vec<_> = mails.iter().map(|mail| mail.to.join(" ")).collect();
    assert_eq!(to[0], "data@example.com");
    assert_eq!(to.len(), 3, "{to:?}");
    assert!(to.contains(&"ada@example.com".to_owned()), "{to:?}");
    let text = mails[0].text.replace("=\n", "");
    let says = "the disabled JWT half is still tried (once, last on 2026-02-01 12:00 UTC by ";
    assert!(text.contains(says), "{text}");
    assert!(text.contains("), and deleted on 2026-02-08"), "{text}");
    app.remove().await;
}

fn by_mail(sink: &MailSink) -> Settings {
    Settings {
        from: Some("Countersign <ims@example.com>".to_owned()),
        smtp: Some(SmtpSettings {
            host: "127.0.0.1".to_owned(),
            port: Some(sink.address.port()),
            security: Security::Loopback,
            user: Some("ims".to_owned()),
            password_file: None,
            ca_file: None,
        }),
        webhooks: Vec::new(),
    }
}

async fn a_mail_tells_everything_to_one_recipient_once(database: TestDatabase) {
    let sink = MailSink::start().await;
    let app = start_with(database, &by_mail(&sink)).await;
    let org = app.organization().await;
    member(&app, &org, "ada@example.com", Role::SystemAdministrator).await;
    for _ in 0..5 {
        jwt_until(&app, &org, START.plus(days(20))).await;
    }
    let second = app.second_node().await;
    for _ in 0..19 {
        round(&app).await;
        round(&second).await;
        app.advance(DAY);
    }

    // Twenty days before it is the window of 23, then 16 and 9; then both, every day until the
    // last one.
    let mails = sink.mails();
    let to = |who: &str| mails.iter().filter(|mail| mail.to == [who]).count();
    assert_eq!((to("data@example.com"), to("ada@example.com")), (5, 2));
    assert_eq!(mails.len(), 7);
    let first = &mails[0];
    assert_eq!(first.from, "ims@example.com");
    assert_eq!(
        first.login.as_deref().map(str::len),
        Some(76),
        "its password"
    );
    assert_eq!(
        first.header("Subject"),
        Some("[Test] 5 things end, the first one on 2026-02-21")
    );
    assert_eq!(first.header("From"), Some("Countersign <ims@example.com>"));
    assert_eq!(first.header("To"), Some("data@example.com"));
    assert!(
        first
            .header("Date")
            .unwrap()
            .contains("1 Feb 2026 12:00:00")
    );
    let expires = "certificate \"test\" expires on 2026-02-21";
    // Long lines are broken (RFC 2045 section 6.7).
    let text = first.text.replace("=\n", "");
    assert_eq!(text.matches(expires).count(), 5, "{text}");
    let pages = text.matches("https://ims.example.com/console/projects/");
    assert_eq!(pages.count(), 5, "{text}");
    let mut ids: Vec<_> = mails
        .iter()
        .map(|mail| mail.header("Message-ID").unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 7);
    app.remove().await;
}

async fn what_the_mail_server_refuses_is_seen(database: TestDatabase) {
    let sink = MailSink::start().await;
    let app = start_with(database, &by_mail(&sink)).await;
    let org = app.organization().await;
    jwt_until(&app, &org, START.plus(days(20))).await;
    sink.refuse(Some("451 later"));
    round(&app).await;
    let waits = list(&app, &org, Some(MessageState::Pending)).await;
    assert!(
        waits[0].trouble.as_ref().unwrap().contains("later"),
        "{waits:?}"
    );
    app.advance(Duration::from_secs(60));
    sink.refuse(Some("550 nobody of that name"));
    round(&app).await;
    let failed = list(&app, &org, Some(MessageState::Failed)).await;
    assert_eq!((failed.len(), failed[0].attempts), (1, 2));
    let trouble = failed[0].trouble.as_ref().unwrap();
    assert!(trouble.contains("nobody of that name"), "{trouble}");

    // The next window is told again.
    sink.refuse(None);
    app.advance(days(5));
    round(&app).await;
    assert_eq!(sink.mails().len(), 1);
    app.remove().await;
}
