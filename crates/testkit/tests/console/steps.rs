//! What people do in a browser, again and again.

use countersign_testkit::person::PASSWORD;
use countersign_testkit::{Browser, Site};

/// Follows the link from the terminal, and becomes the first administrator.
pub async fn set_up(browser: &Browser, site: &Site) {
    browser.goto(&site.first_link().await).await;
    browser.fill("Organization", "WKND Industries").await;
    browser.fill("Your name", "Ada Example").await;
    browser.fill("Mail address", "ada@example.com").await;
    browser.fill("Password", PASSWORD).await;
    browser.fill("Password again", PASSWORD).await;
    browser.press("Create account").await;
}

/// Signs in by the page that is open.
pub async fn sign_in(browser: &Browser, name: &str, password: &str) {
    browser.fill("Mail address", name).await;
    browser.fill("Password", password).await;
    browser.press("Sign in").await;
}
