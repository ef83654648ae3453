//! The pages about people, walked by an administrator: each is looked at in both widths and both
//! colours, by axe-core, too.

use std::time::Duration;

use countersign_testkit::person::PASSWORD;
use countersign_testkit::{Browser, Site, totp};

use crate::steps::{set_up, sign_in};

#[tokio::test]
async fn an_administrator_looks_after_her_account_and_her_organization() {
    let site = Site::start().await;
    let Some(browser) = Browser::start(&site.origin).await else {
        return;
    };
    walk(&browser, &site).await;
    browser.must_be_at_peace().await;
}

#[tokio::test]
async fn she_does_so_without_scripts_too() {
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
    let link = invite(browser).await;
    site.advance(Duration::from_secs(1));
    look_around(browser).await;
    access_tokens(browser).await;
    let key = second_factor(browser, site).await;
    password(browser).await;

    // Ten minutes later the password is asked for again.
    site.advance(Duration::from_secs(11 * 60));
    browser.follow("Members").await;
    browser.arrive("Members").await;
    browser.follow("Invite somebody").await;
    browser.fill("Mail address", "carol@example.com").await;
    browser.fill("Your password", "not my password").await;
    browser.screenshot("invite-again").await;
    browser.press("Make the link").await;
    browser.see("This is not your password.").await;
    assert_eq!(browser.value("Mail address").await, "carol@example.com");
    assert_eq!(browser.value("Your password").await, "");
    browser.axe().await;
    browser.press("Sign out").await;
    browser.arrive("Sign in").await;

    join_and_leave(browser, site, &link).await;
    remove_bob(browser, site, &key).await;
}

/// Invites somebody; gives the link.
async fn invite(browser: &Browser) -> String {
    browser.follow("Members").await;
    browser.arrive("Members").await;
    browser.screenshot("members").await;
    browser.axe().await;
    browser.follow("Invite somebody").await;
    browser.arrive("Invite somebody").await;
    browser.screenshot("invite").await;
    browser.axe().await;
    browser.fill("Mail address", "bob@example.com").await;
    browser.choose("Role", "Viewer").await;
    browser.press("Make the link").await;
    browser.arrive("Send this link").await;
    browser.screenshot("invited").await;
    browser.axe().await;
    let link = browser.text_of("//code[@id='link']").await;
    browser.follow("Back to the members").await;
    browser.see("bob@example.com").await;
    link
}

async fn link_of_the_calendar(browser: &Browser) {
    browser.follow("Policy").await;
    browser.press("Make a link").await;
    browser.arrive("The link of the calendar").await;
    browser.screenshot("calendar-link").await;
    browser.axe().await;
    browser.follow("I have copied it").await;
    browser.see("There is a link, made by").await;
    browser.screenshot("calendar").await;
    browser.axe().await;
    browser.press("Withdraw the link").await;
    browser.see("The link is withdrawn").await;
}

async fn look_around(browser: &Browser) {
    for (link, heading) in [
        ("APIs", "APIs"),
        ("Activity", "Activity"),
        ("Keys", "Signing keys"),
        ("Policy", "Deprecation policy"),
        ("Organization: ", "Organizations"),
    ] {
        browser.follow(link).await;
        browser.arrive(heading).await;
        browser
            .screenshot(&heading.to_lowercase().replace(' ', "-"))
            .await;
        browser.axe().await;
    }
    link_of_the_calendar(browser).await;
    browser.follow("APIs").await;
    browser.follow("Product profiles").await;
    browser.see("No product profiles yet").await;
    browser.screenshot("product-profiles-empty").await;
    browser.choose("API", "Cloud Manager").await;
    browser.fill("Name", "Deployment <b>").await;
    browser.press("Create product profile").await;
    browser
        .see("The product profile Deployment <b> is there.")
        .await;
    browser.screenshot("product-profiles").await;
    browser.axe().await;
    browser.follow("Organization: ").await;
    browser.follow("New organization").await;
    browser.arrive("New organization").await;
    browser.screenshot("organization-new").await;
    browser.axe().await;
    browser.fill("Name", "Second").await;
    browser.press("Create organization").await;
    browser.see("Second is here, and you administer it.").await;
    browser.follow("Organization: ").await;
    browser.press("Switch to Second").await;
    browser.see("You work in Second now.").await;
    browser.follow("Organization: ").await;
    browser.screenshot("organizations-two").await;
    browser.axe().await;
    browser.press("Switch to WKND Industries").await;
    browser.see("You work in WKND Industries now.").await;
    browser.follow("Activity").await;
    browser.arrive("Activity").await;
    browser.fill("What", "member.invited").await;
    browser.press("Filter").await;
    browser.see("bob@example.com").await;
    browser.fill("What", "nothing.done").await;
    browser.press("Filter").await;
    browser.see("Nothing fits").await;
    browser.screenshot("activity-empty").await;
}

async fn access_tokens(browser: &Browser) {
    browser.follow("Account: ").await;
    browser.arrive("Your account").await;
    browser.screenshot("account").await;
    browser.axe().await;
    browser.follow("Access tokens for").await;
    browser.arrive("Access tokens for WKND Industries").await;
    browser.screenshot("access-tokens-empty").await;
    browser.fill("Name", "Nightly report").await;
    browser.choose("Role at most", "Viewer").await;
    browser.press("Create access token").await;
    browser.arrive("Your new access token").await;
    assert!(browser.text().await.contains("cspat-"));
    browser.screenshot("access-token").await;
    browser.axe().await;
    browser.follow("I have copied it").await;
    browser.see("Nightly report").await;
    assert!(!browser.text().await.contains("cspat-"), "shown once");
    browser.screenshot("access-tokens").await;
    browser.axe().await;
    browser.press("Delete Nightly report").await;
    browser.see("The access token is deleted").await;
    browser.see("No access tokens yet").await;
}

/// Adds a device; gives its key.
async fn second_factor(browser: &Browser, site: &Site) -> String {
    browser.follow("Account: ").await;
    browser.follow("Add a second factor").await;
    browser.arrive("Add a second factor").await;
    browser.screenshot("second-factor").await;
    browser.axe().await;
    let key = browser.text_of("//code[@id='key']").await;
    browser.fill("Six digits", "000000").await;
    browser.press("Add second factor").await;
    browser.see("This is not the code").await;
    assert_eq!(browser.text_of("//code[@id='key']").await, key);
    let key = key.replace(' ', "");
    browser
        .fill("Six digits", &totp::code(&key, site.now()))
        .await;
    browser.press("Add second factor").await;
    browser.see("From now on you are asked for a code").await;
    key
}

async fn password(browser: &Browser) {
    browser.follow("Change password").await;
    browser.arrive("Change password").await;
    browser.screenshot("password").await;
    browser.axe().await;
    browser.fill("Present password", PASSWORD).await;
    browser.fill("New password", "password12345").await;
    browser.fill("New password again", "password12345").await;
    browser.press("Change password").await;
    browser.see("This could not be done").await;
    browser.screenshot("password-refused").await;
    browser.fill("Present password", PASSWORD).await;
    browser.fill("New password", OTHER_PASSWORD).await;
    browser.fill("New password again", OTHER_PASSWORD).await;
    browser.press("Change password").await;
    browser.see("Your password is another one now.").await;
}

/// Bob follows his link, sees what a viewer sees, and leaves.
async fn join_and_leave(browser: &Browser, site: &Site, link: &str) {
    browser.goto(link).await;
    browser.arrive("You are invited to WKND Industries").await;
    browser.screenshot("invitation").await;
    browser.axe().await;
    browser.fill("Your name", "Bob <b>\"Example\"</b>").await;
    browser.fill("Password", PASSWORD).await;
    browser.fill("Password again", PASSWORD).await;
    browser.press("Create account").await;
    browser.arrive("Projects").await;
    assert!(!browser.has("//nav//a[text()='Members']").await);
    browser.press("Sign out").await;
    browser.arrive("Sign in").await;
    browser.goto(&link.replace(&site.origin, "")).await;
    browser.see("This invitation does not work").await;
}

/// Ada signs in with her device, and removes Bob.
async fn remove_bob(browser: &Browser, site: &Site, key: &str) {
    browser.goto("/console/sign-in").await;
    sign_in(browser, "ada@example.com", OTHER_PASSWORD).await;
    browser.arrive("Enter the code of your device").await;
    browser.screenshot("sign-in-code").await;
    browser.axe().await;
    browser
        .fill("Six digits", &totp::code(key, site.now()))
        .await;
    browser.press("Sign in").await;
    browser.arrive("Projects").await;
    browser.follow("Members").await;
    browser.follow("Bob <b>").await;
    browser.arrive("Bob <b>\"Example\"</b>").await;
    browser.screenshot("member").await;
    browser.axe().await;
    browser.press("End all sessions").await;
    browser.see("is signed out everywhere").await;
    browser.follow("Bob <b>").await;
    browser.follow("Remove from the organization").await;
    browser.arrive("Remove Bob <b>\"Example\"</b>").await;
    browser.screenshot("member-remove").await;
    browser.axe().await;
    browser.press("Remove member").await;
    browser.see("is no member any more").await;
}

const OTHER_PASSWORD: &str = "seven green bicycles";
