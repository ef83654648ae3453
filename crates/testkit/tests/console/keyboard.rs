//! By the keyboard alone: what cannot be reached by Tab cannot be used by many.

use countersign_testkit::app::YEAR;
use countersign_testkit::browser::keys;
use countersign_testkit::person::PASSWORD;
use countersign_testkit::{Browser, Site, keys as signing_keys};

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

#[tokio::test]
async fn credentials_are_made_used_and_deleted_by_the_keyboard_alone() {
    let site = Site::start().await;
    let Some(browser) = Browser::start(&site.origin).await else {
        return;
    };
    set_up(&browser, &site).await;
    browser.arrive("Projects").await;
    enter(&browser, "Create your first project", "Create project").await;
    project(&browser, "Keys1", "First by keys").await;
    with_oauth(&browser, &site).await;
    remove(&browser, "Keys1").await;
    enter(&browser, "Create", "Create project").await;
    project(&browser, "Keys2", "Second by keys").await;
    with_jwt(&browser, &site).await;
    remove(&browser, "Keys2").await;
    browser.see("No projects yet").await;
    browser.must_be_at_peace().await;
}

/// Goes to a link and follows it.
async fn enter(browser: &Browser, link: &str, heading: &str) {
    browser.tab_to(link).await;
    browser.key(keys::ENTER).await;
    browser.arrive(heading).await;
}

/// Goes to a field and types.
async fn write(browser: &Browser, label: &str, text: &str) {
    browser.tab_to(label).await;
    browser.type_keys(text).await;
}

/// Goes to a button and presses it.
async fn press(browser: &Browser, button: &str) {
    browser.tab_to(button).await;
    browser.key(keys::SPACE).await;
}

async fn project(browser: &Browser, name: &str, title: &str) {
    write(browser, "Name", name).await;
    write(browser, "Title", title).await;
    write(browser, "Description", "No mouse\nwas here").await;
    press(browser, "Create project").await;
    browser.arrive(title).await;
    enter(browser, "Add your first API", "Add an API").await;
    write(browser, "Search", "cloud manager").await;
    browser.key(keys::ENTER).await;
    browser.see("Show all").await;
    enter(browser, "Cloud Manager", "Add Cloud Manager").await;
}

async fn configure(browser: &Browser, kind: &str) {
    enter(browser, kind, "Configure Cloud Manager").await;
    write(browser, "Team", "Keyboards").await;
    press(browser, "Save configured API").await;
    browser.arrive("Your new credential").await;
}

/// A token by the button, a second secret, and the first one deleted.
async fn with_oauth(browser: &Browser, site: &Site) {
    configure(browser, "Use OAuth Server-to-Server").await;
    browser.tab_to("I have copied it").await;
    browser.key(keys::ENTER).await;
    browser.see("Connected products and services").await;
    press(browser, "Generate access token").await;
    browser.arrive("Your access token").await;
    let token = browser.text_of("//pre[@id='access-token']").await;
    assert!(site.authority.validate(&token).await.is_ok(), "{token}");
    browser.tab_to("Back to the credential").await;
    browser.key(keys::ENTER).await;
    browser.see("Client secrets").await;
    // Of several that were made at one moment, this is the one that minted the token.
    let delete = "return document.querySelector(\"a[href*='/secrets/']\").textContent";
    let delete = browser.run(delete).await.as_str().unwrap().to_owned();
    assert!(
        delete.starts_with("Delete the secret ending in "),
        "{delete}"
    );
    enter(browser, "Add new client secret", "Add a client secret").await;
    write(browser, "Label", "second").await;
    press(browser, "Add client secret").await;
    browser.arrive("Your new client secret").await;
    browser.tab_to("I have copied it").await;
    browser.key(keys::ENTER).await;
    browser.see("Client secrets").await;
    browser.tab_to(&delete).await;
    browser.key(keys::ENTER).await;
    browser.see("It cannot be restored").await;
    press(browser, "Also end every token").await;
    press(browser, "Delete client secret").await;
    browser.see("The client secret is deleted.").await;
    assert!(site.authority.validate(&token).await.is_err(), "{token}");
}

/// A key pair, an uploaded certificate, and a JWT of the pasted key.
async fn with_jwt(browser: &Browser, site: &Site) {
    configure(browser, "Use Service Account (JWT)").await;
    browser.tab_to("Show the private key").await;
    browser.key(keys::ENTER).await;
    let key = browser.text_of("//pre[@id='private-key']").await;
    browser.tab_to("I have copied it").await;
    browser.key(keys::ENTER).await;
    browser.see("Public keys").await;
    enter(browser, "Add a public key", "Add a public key").await;
    browser.tab_to("Generate a key pair").await;
    browser.key(keys::DOWN).await;
    assert!(
        browser
            .focused()
            .await
            .starts_with("Upload the certificate")
    );
    browser.tab_to("Certificate").await;
    let (folder, now) = (tempfile::tempdir().unwrap(), site.now());
    let file = folder.path().join("certificate_pub.crt");
    let pem = signing_keys::certificate(signing_keys::second(), now, now.plus(YEAR));
    std::fs::write(&file, pem).unwrap();
    // The window in which a file is chosen belongs to the system, which the driver stands for.
    browser.fill("Certificate", file.to_str().unwrap()).await;
    press(browser, "Add public key").await;
    browser.see("The public key is added.").await;
    enter(browser, "Generate JWT", "Generate JWT").await;
    write(browser, "Private key", key.trim()).await;
    press(browser, "Generate JWT").await;
    browser.see("Your JWT").await;
    browser.tab_to("Back to the credential").await;
    browser.key(keys::ENTER).await;
    browser.see("Public keys").await;
    browser.tab_to("Delete the public key").await;
    browser.key(keys::ENTER).await;
    browser.arrive("Delete public key").await;
    press(browser, "Delete public key").await;
    browser.see("The public key is deleted.").await;
}

/// Deletes the credential of the page that is open, and its project.
async fn remove(browser: &Browser, name: &str) {
    enter(browser, "Delete credential", "Delete credential").await;
    write(browser, "Name of the project", name).await;
    press(browser, "Delete credential").await;
    browser.see("is deleted.").await;
    enter(browser, "Delete project", "Delete project").await;
    write(browser, "Name of the project", name).await;
    press(browser, "Delete project").await;
    browser.arrive("Projects").await;
}
