//! Every page that can be opened, one by one, in a real browser: axe-core looks at it in both
//! colours and both widths, it fits into its window, the browser asks nobody else for anything and
//! has nothing to complain about.

use countersign_model::Role;
use countersign_testkit::app::operator;
use countersign_testkit::person::PASSWORD;
use countersign_testkit::{Browser, Site};
use countersign_wire::OrgId;

use crate::place::Place;
use crate::steps::{set_up, sign_in};

#[tokio::test]
async fn every_page_is_for_everybody() {
    let site = Site::start().await;
    let Some(browser) = Browser::start(&site.origin).await else {
        return;
    };
    set_up(&browser, &site).await;
    browser.arrive("Projects").await;
    let org = first_organization(&site).await;
    let place = Place::fill(&site, &org, "Nightly sync of the archive").await;
    // So that charts and tables have something to show.
    let client = site.oauth(&org, &["DocCloudSDK"]).await;
    site.anonymous().token(&client, "openid").await.token();
    site.authority.flush().await;

    for path in place.pages() {
        browser.goto(&path).await;
        must_be_a_page(&browser, &path).await;
        browser.screenshot(&name(&place, &path)).await;
        browser.axe().await;
        browser.must_be_at_peace().await;
    }
    // A reader sees the same pages with less on them, and reads why.
    site.person(&org, "vera@example.com", Role::Viewer).await;
    browser.press("Sign out").await;
    browser.arrive("Sign in").await;
    sign_in(&browser, "vera@example.com", PASSWORD).await;
    browser.arrive("Projects").await;
    for path in place.pages() {
        browser.goto(&path).await;
        must_be_a_page(&browser, &path).await;
        browser.axe().await;
        browser.must_be_at_peace().await;
    }
}

/// One heading, and the same in the title of the window.
async fn must_be_a_page(browser: &Browser, path: &str) {
    let heading = browser.heading().await;
    let found = browser
        .run("return [document.querySelectorAll('h1').length, document.title]")
        .await;
    assert_eq!(found[0], 1, "{path}");
    let title = found[1].as_str().unwrap();
    assert!(title.starts_with(&heading), "{path}: {heading} in {title}");
}

/// The path without what is different each time.
fn name(place: &Place, path: &str) -> String {
    let mut name = path.replace(&place.number, "");
    for (what, id) in &place.ids {
        name = name.replace(id, what);
    }
    let words: Vec<_> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty() && !word.starts_with("0123") && *word != "console")
        .map(|word| match word.parse::<u64>() {
            Err(_) if word.len() < 24 => word,
            _ => "id",
        })
        .collect();
    format!("page-{}", words.join("-"))
}

pub async fn first_organization(site: &Site) -> OrgId {
    let page = countersign_authority::Page::first();
    let all = site.authority.list_organizations(&page, &operator()).await;
    all.unwrap()[0].id.clone()
}
