//! Signing in at an OpenID provider in a real browser, with scripts and without.

use countersign_jose::Algorithm;
use countersign_testkit::person::PASSWORD;
use countersign_testkit::{Browser, Site, TestProvider};

use crate::at_provider::configured;
use crate::steps::{set_up, sign_in};

#[tokio::test]
async fn people_sign_in_at_a_provider() {
    let (site, provider) = start().await;
    let Some(browser) = Browser::start(&site.origin).await else {
        return;
    };
    there_and_back(&browser, &site, &provider).await;
}

#[tokio::test]
async fn they_do_so_without_scripts_too() {
    let (site, provider) = start().await;
    let Some(browser) = Browser::without_javascript(&site.origin).await else {
        return;
    };
    there_and_back(&browser, &site, &provider).await;
}

async fn start() -> (Site, TestProvider) {
    let provider = TestProvider::start(Algorithm::Es256).await;
    let configured = configured("example", &provider, "");
    let site = Site::with(|setup| setup.providers = vec![configured]).await;
    provider.follow(&site.clock);
    (site, provider)
}

async fn there_and_back(browser: &Browser, site: &Site, provider: &TestProvider) {
    browser.goto("/").await;
    browser.arrive("Sign in").await;
    browser.screenshot("sign-in-with-provider").await;
    browser.axe().await;
    browser.follow("Sign in with Example ID").await;
    browser.arrive("Sign in at the provider").await;
    browser.follow("Continue as Ada").await;
    browser
        .see("Nobody here signs in as ada@example.com at Example ID.")
        .await;
    browser.screenshot("provider-unknown").await;
    browser.axe().await;

    browser.goto(&site.first_link().await).await;
    browser.see("Create account with Example ID").await;
    browser.screenshot("first-start-with-provider").await;
    set_up(browser, site).await;
    browser.arrive("Projects").await;
    browser.goto("/console/account").await;
    browser.screenshot("account-with-provider").await;
    browser.follow("Link Example ID").await;
    browser.arrive("Sign in at the provider").await;
    browser.follow("Continue as Ada").await;
    browser.arrive("Link a sign-in").await;
    browser
        .see("signs in as ada@example.com at Example ID")
        .await;
    browser.screenshot("identity-link").await;
    browser.axe().await;
    browser.press("Link").await;
    browser.arrive("Your account").await;
    browser.see("you can sign in with it from now on").await;
    browser.screenshot("account-linked").await;
    browser.axe().await;

    browser.press("Sign out").await;
    browser.arrive("Sign in").await;
    browser.follow("Sign in with Example ID").await;
    browser.arrive("Sign in at the provider").await;
    browser.follow("Continue as Ada").await;
    browser.arrive("Projects").await;

    browser.goto("/console/account").await;
    browser.follow("Unlink").await;
    browser.arrive("Unlink a sign-in").await;
    browser.screenshot("identity-unlink").await;
    browser.axe().await;
    browser.press("Unlink").await;
    browser.arrive("Your account").await;
    browser.press("Sign out").await;
    sign_in(browser, "ada@example.com", PASSWORD).await;
    browser.arrive("Projects").await;

    // Elsewhere was nothing asked but the provider's own page; the rest is as on every page.
    let foreign = browser.requests().await.into_iter();
    let foreign = foreign.filter(|url| url.starts_with("http") && !url.starts_with(&site.origin));
    for url in foreign {
        let icon = provider.issuer.replace("/tenant/", "/favicon.ico");
        let is_page = url.starts_with(&format!("{}authorize?", provider.issuer));
        assert!(is_page || url == icon, "{url}");
    }
    browser.must_be_at_peace().await;
}
