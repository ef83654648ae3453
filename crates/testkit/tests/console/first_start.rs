//! From the link in the terminal to signing in and out, with scripts and without.

use countersign_testkit::person::PASSWORD;
use countersign_testkit::{Browser, Site};

use crate::steps::{set_up, sign_in};

#[tokio::test]
async fn the_link_from_the_terminal_makes_the_first_administrator() {
    let site = Site::start().await;
    let Some(browser) = Browser::start(&site.origin).await else {
        return;
    };
    from_the_link_to_signing_out(&browser, &site).await;
    browser.must_be_at_peace().await;
}

#[tokio::test]
async fn it_does_so_without_scripts_too() {
    let site = Site::start().await;
    let Some(browser) = Browser::without_javascript(&site.origin).await else {
        return;
    };
    from_the_link_to_signing_out(&browser, &site).await;
    browser.must_be_at_peace().await;
}

async fn from_the_link_to_signing_out(browser: &Browser, site: &Site) {
    browser.goto("/").await;
    browser.arrive("Sign in").await;
    browser.screenshot("sign-in").await;
    browser.axe().await;

    let link = site.first_link().await;
    browser.goto(&link).await;
    browser.screenshot("first-start").await;
    browser.axe().await;
    set_up(browser, site).await;

    browser.arrive("Projects").await;
    browser.see("No projects yet").await;
    browser.screenshot("projects-empty").await;
    browser.axe().await;

    browser.press("Sign out").await;
    browser.arrive("Sign in").await;
    browser.see("You are signed out.").await;
    browser.back().await;
    // What was seen before is not shown again.
    browser.arrive("Sign in").await;

    sign_in(browser, "ada@example.com", "not my password").await;
    browser.see("The name or the password is wrong").await;
    assert_eq!(browser.value("Mail address").await, "ada@example.com");
    assert_eq!(browser.value("Password").await, "");
    browser.screenshot("sign-in-refused").await;
    browser.axe().await;
    sign_in(browser, "ada@example.com", PASSWORD).await;
    browser.arrive("Projects").await;

    browser.goto(&link).await;
    browser.see("This invitation does not work").await;
    browser.screenshot("error").await;
    browser.axe().await;
}
