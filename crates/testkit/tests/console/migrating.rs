//! A JWT half on its way out, by its administrator in a browser, while its program calls.

use countersign_testkit::app::operator;
use countersign_testkit::{Assertion, Browser, Site, TestClient, keys};

use crate::steps::set_up;

#[tokio::test(flavor = "multi_thread")]
async fn a_half_is_disabled_restored_and_deleted_by_clicks() {
    let site = Site::start().await;
    let Some(browser) = Browser::start(&site.origin).await else {
        return;
    };
    set_up(&browser, &site).await;
    browser.arrive("Projects").await;
    let client = jwt_credential(&site).await;
    let project = site.despite(&client).await.project;
    assert_eq!(grants(&site, &client).await, (200, 400));
    site.authority.flush().await;

    browser.goto(&page_of(&site, &client).await).await;
    browser.press("Add new credential").await;
    browser.see("both halves give tokens now").await;
    assert_eq!(grants(&site, &client).await, (200, 200));
    browser
        .goto(&format!("{}/migration", page_of(&site, &client).await))
        .await;
    browser.see("To know before the JWT half goes").await;
    picture(&browser, "blockers").await;
    browser.follow("Disable the JWT half").await;
    browser.arrive("Disable the JWT half").await;
    browser.see("Tokens of the JWT half live until").await;
    insist(&browser, "Another").await;
    picture(&browser, "disable").await;
    browser.press("Disable the JWT half").await;
    browser.see("not the name of the credential").await;
    picture(&browser, "disable-refused").await;
    insist(&browser, &project).await;
    browser.press("Disable the JWT half").await;
    browser.see("The JWT half is disabled").await;
    browser.see("Nobody has tried since").await;
    assert_eq!(grants(&site, &client).await, (400, 200));
    site.authority.flush().await;
    browser.follow("Back to the credential").await;
    browser.see("Tried once in vain").await;
    picture(&browser, "disabled").await;
    browser.follow("Migration").await;
    browser.arrive("Migration").await;
    browser.see("In quarantine: 1").await;
    browser.see("Wait until the quarantine ends").await;
    picture(&browser, "board").await;
    browser.back().await;

    browser.press("Restore").await;
    browser.see("works again").await;
    assert_eq!(grants(&site, &client).await, (200, 200));

    browser.follow("Disable the JWT half").await;
    insist(&browser, &project).await;
    browser.press("Disable the JWT half").await;
    browser.see("The JWT half is disabled").await;
    browser.follow("Delete it now").await;
    browser.arrive("Delete the JWT half").await;
    browser.see("This cannot be undone").await;
    picture(&browser, "finish").await;
    insist(&browser, &project).await;
    browser.press("Delete the JWT half").await;
    browser.see("The migration is completed").await;
    picture(&browser, "completed").await;
    assert_eq!(grants(&site, &client).await, (400, 200));
    browser.must_be_at_peace().await;
}

async fn jwt_credential(site: &Site) -> TestClient {
    let (first, by) = (countersign_authority::Page::first(), operator());
    let all = site.authority.list_organizations(&first, &by).await;
    let org = all.unwrap()[0].id.clone();
    site.jwt(&org, &["DocCloudSDK"], keys::first()).await
}

async fn page_of(site: &Site, client: &TestClient) -> String {
    let by = operator();
    let found = site.authority.find_organization(&client.org_id, &by).await;
    let number = found.unwrap().numeric_id;
    let TestClient { project_id, id, .. } = client;
    format!("/console/projects/{number}/{project_id}/credentials/{id}")
}

/// Goes on against the review.
async fn insist(browser: &Browser, project: &str) {
    browser.fill("Name of the project", project).await;
    browser.fill("Reason", "it was replaced").await;
}

/// Status of an exchange and of client credentials.
async fn grants(site: &Site, client: &TestClient) -> (u16, u16) {
    let assertion = Assertion::of(client, site.now())
        .with("aud", format!("{}/c/{}", site.origin, client.client_id))
        .without_metascopes();
    let assertion = client.metascopes.iter().fold(assertion, |assertion, name| {
        assertion.with(&format!("{}/s/{name}", site.origin), true)
    });
    let caller = site.anonymous();
    let exchanged = caller.exchange(client, &assertion.sign()).await;
    let issued = caller.token(client, "openid").await;
    (exchanged.status, issued.status)
}

/// Looks at a page: in both widths and colours, and by axe-core.
async fn picture(browser: &Browser, name: &str) {
    browser.screenshot(&format!("migration-{name}")).await;
    browser.axe().await;
}
