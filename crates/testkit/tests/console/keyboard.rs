//! By the keyboard alone: what cannot be reached by Tab cannot be used by many.

use countersign_testkit::browser::keys;
use countersign_testkit::person::PASSWORD;
use countersign_testkit::{Browser, Site};

use crate::steps::set_up;

#[tokio::test]
async fn people_sign_in_and_invite_by_the_keyboard_alone() {
    let site = Site::start().await;
    let Some(browser) = Browser::start(&site.origin).await else {
        return;
    };
    set_up(&browser, &site).await;
    browser.arrive("Projects").await;
    browser.tab_to("Sign out").await;
    browser.key(keys::ENTER).await;
    browser.arrive("Sign in").await;

    browser.goto("/console/sign-in").await;
    browser.tab_to("Skip to content").await;
    browser.key(keys::ENTER).await;
    browser.tab_to("Mail address").await;
    browser.type_keys("ada@example.com").await;
    browser.tab_to("Password").await;
    browser.type_keys("wrong").await;
    browser.key(keys::ENTER).await;
    browser.see("The name or the password is wrong").await;
    assert!(
        browser
            .focused()
            .await
            .starts_with("This could not be done"),
        "what is wrong is read out first"
    );
    browser.tab_to("The name or the password is wrong").await;
    browser.key(keys::ENTER).await;
    browser.tab_to("Password").await;
    browser.type_keys(PASSWORD).await;
    browser.key(keys::ENTER).await;
    browser.arrive("Projects").await;

    browser.tab_to("Members").await;
    browser.key(keys::ENTER).await;
    browser.arrive("Members").await;
    browser.tab_to("Invite somebody").await;
    browser.key(keys::ENTER).await;
    browser.arrive("Invite somebody").await;
    browser.tab_to("Mail address").await;
    browser.type_keys("bob@example.com").await;
    browser.tab_to("Role").await;
    browser.key(keys::DOWN).await;
    browser.tab_to("Make the link").await;
    browser.key(keys::ENTER).await;
    browser.arrive("Send this link").await;
    browser.see("System Administrator").await;
}
