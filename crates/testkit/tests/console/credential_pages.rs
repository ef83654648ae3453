//! The pages around a credential in a browser: its migration, its tokens and keys, its log, and the
//! reference of the API. Each is looked at in both widths and both colours, by axe-core, too.

use countersign_authority::Page;
use countersign_model::deprecation::Preset;
use countersign_testkit::app::operator;
use countersign_testkit::{Browser, Site, TestClient, keys};
use countersign_wire::{Agent, Caller, Consumer, Network, Opaque};

use crate::steps::set_up;

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_looked_after() {
    let site = Site::start().await;
    let Some(browser) = Browser::start(&site.origin).await else {
        return;
    };
    walk(&browser, &site).await;
    browser.must_be_at_peace().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_so_without_scripts_too() {
    let site = Site::start().await;
    let Some(browser) = Browser::without_javascript(&site.origin).await else {
        return;
    };
    walk(&browser, &site).await;
    browser.must_be_at_peace().await;
}

async fn walk(browser: &Browser, site: &Site) {
    set_up(browser, site).await;
    browser.arrive("Projects").await;
    let client = jwt_credential(site).await;
    site.set_policy(None, Preset::AsItWent.policy()).await;
    browser.goto("/console").await;
    browser.see("28 days left, until 2026-03-01").await;
    picture(browser, "projects-with-jwt").await;
    browser.fill("Modified by", "operator").await;
    browser.press("Show").await;
    browser.see("Show all").await;
    browser.follow(&project_title(site, &client).await).await;
    browser.follow("Credential details").await;
    migrate(browser, site, &client).await;
    tokens_and_keys(browser).await;
    logs(browser).await;
    browser.follow("Management API").await;
    browser.arrive("Management API").await;
    picture(browser, "reference").await;
}

async fn jwt_credential(site: &Site) -> TestClient {
    let (first, by) = (Page::first(), operator());
    let all = site.authority.list_organizations(&first, &by).await;
    let org = all.unwrap()[0].id.clone();
    site.jwt(&org, &["CloudManagerSDK"], keys::first()).await
}

async fn project_title(site: &Site, client: &TestClient) -> String {
    let by = operator();
    let id = client.project_id.as_str();
    let found = site.authority.find_project(&client.org_id, id, &by).await;
    found.unwrap().title
}

async fn migrate(browser: &Browser, site: &Site, client: &TestClient) {
    browser.see("Not started").await;
    picture(browser, "migration-not-started").await;
    called(
        site,
        client,
        b"aio-cli/10.1.0 node/20.11.1",
        Some(b"release-dashboard"),
    )
    .await;
    called(site, client, b"Java/17", None).await;
    browser.press("Add new credential").await;
    browser.see("The OAuth half is there").await;
    browser.see("Still used: programs would fail").await;
    picture(browser, "migration-started").await;
    browser.follow("Review").await;
    browser.arrive("Migration to OAuth").await;
    browser.see("release-dashboard").await;
    picture(browser, "migration-review").await;
    browser.follow("Cancel migration").await;
    browser.arrive("Cancel migration").await;
    picture(browser, "migration-cancel").await;
    browser.press("Cancel migration").await;
    browser.see("The migration is cancelled").await;
    browser.see("Cancelled").await;
}

/// A token of the JWT half, asked for by a program.
async fn called(site: &Site, client: &TestClient, agent: &[u8], consumer: Option<&[u8]>) {
    let caller = Caller {
        network: Network::of([203, 0, 113, 7].into()),
        agent: Agent::of(agent),
        consumer: consumer.and_then(Consumer::of),
    };
    let key = Opaque::new(keys::first().to_pem().unwrap().to_string());
    let made = site
        .authority
        .make_token_with_key(&client.id, &key, &caller, &operator())
        .await;
    made.unwrap();
    site.authority.flush().await;
}

async fn tokens_and_keys(browser: &Browser) {
    browser.follow("Change the kind of tokens").await;
    browser.arrive("Kind of access tokens").await;
    picture(browser, "token-kind").await;
    browser.tick("Standard JWT (RFC 9068), EdDSA").await;
    browser.press("Save").await;
    browser.see("The kind of tokens is changed").await;
    browser.follow("Replace keys").await;
    browser.arrive("Registered keys").await;
    browser.fill("JWK set", "no set").await;
    browser.press("Replace keys").await;
    browser.see("this is not a JSON Web Key Set").await;
    picture(browser, "keys-refused").await;
    let mut set = countersign_jose::JwkSet::new();
    let key = keys::second().verifying_key();
    set.insert("laptop of the team", key.clone()).unwrap();
    browser.fill("JWK set", &set.to_json()).await;
    browser.press("Replace keys").await;
    browser.see("laptop of the team").await;
    picture(browser, "credential-with-key").await;
}

/// The links are called as the one of the navigation, which comes first.
async fn logs(browser: &Browser) {
    let here = browser.path().await;
    let credential = here.split("/details").next().unwrap();
    let project = here.split("/credentials").next().unwrap();
    for (path, name) in [(credential, "activity"), (project, "project-activity")] {
        let link = format!("//a[@href='{path}/activity']");
        browser.goto(path).await;
        assert!(browser.has(&link).await, "{path}");
        browser.goto(&format!("{path}/activity")).await;
        browser.arrive("Activity").await;
        browser.see("migration.cancelled").await;
        browser.fill("What", "credential.created").await;
        browser.press("Filter").await;
        browser.see("Show all").await;
        browser.see("credential.created").await;
        let shown = browser.text().await;
        assert!(!shown.contains("migration.cancelled"), "{shown}");
        browser.follow("Show all").await;
        browser.see("migration.cancelled").await;
        picture(browser, name).await;
    }
}

/// Looks at a page: in both widths and colours, and by axe-core.
async fn picture(browser: &Browser, name: &str) {
    browser.screenshot(&format!("credential-{name}")).await;
    browser.axe().await;
}
