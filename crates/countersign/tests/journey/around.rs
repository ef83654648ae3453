//! The rest of the pages, on the project that was used, until nothing is left of it.

use std::time::Duration;

use countersign_testkit::Browser;

use crate::picture;

pub async fn look_around(browser: &Browser) {
    usage(browser).await;
    secrets(browser).await;
    credential_and_project(browser).await;
    list(browser).await;
    remove(browser).await;
}

/// What was used is counted within seconds.
async fn usage(browser: &Browser) {
    browser.follow("Usage").await;
    browser.arrive("Usage").await;
    let path = browser.path().await;
    for _ in 0..60 {
        if browser.text().await.contains("Show the numbers") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        browser.goto(&path).await;
    }
    browser.see("Show the numbers").await;
    picture(browser, "usage").await;
    browser.unfold("Show the numbers").await;
    browser.follow("Credential in Release dashboard").await;
}

async fn secrets(browser: &Browser) {
    browser.follow("Add new client secret").await;
    browser.arrive("Add a client secret").await;
    picture(browser, "secret-add").await;
    browser.fill("Label", "Second \"secret\" <b>").await;
    browser.press("Add client secret").await;
    browser.arrive("Your new client secret").await;
    picture(browser, "new-secret").await;
    browser.follow("I have copied it").await;
    browser.see("Second \"secret\" <b>").await;
    browser.follow("Delete the secret").await;
    browser.see("It cannot be restored").await;
    picture(browser, "secret-delete").await;
    browser.follow("Keep").await;
}

async fn credential_and_project(browser: &Browser) {
    browser.follow("Edit credential").await;
    browser.arrive("Edit credential").await;
    picture(browser, "credential-edit").await;
    browser.follow("Cancel").await;
    browser.follow("Remove").await;
    browser.arrive("Remove Cloud Manager").await;
    picture(browser, "service-remove").await;
    browser.follow("Keep").await;
    browser.follow("Connect another service").await;
    browser.arrive("Add an API").await;
    browser.see("Added to this project already").await;
    picture(browser, "add-api").await;
    browser.follow("Release dashboard").await;
    browser.arrive("Release dashboard").await;
    picture(browser, "project").await;
    browser.follow("Edit project").await;
    browser.arrive("Edit project").await;
    picture(browser, "project-edit").await;
    browser.follow("Cancel").await;
}

async fn list(browser: &Browser) {
    browser.follow("Projects").await;
    browser.arrive("Projects").await;
    picture(browser, "projects").await;
    browser
        .choose("Attention required", "Has Service Account")
        .await;
    browser.press("Show").await;
    browser.see("Show all").await;
    let shown = browser.text().await;
    assert!(shown.contains("Nightly pipelines") && !shown.contains("Release dashboard"));
    browser.fill("Search", "nothing has that name").await;
    browser.press("Show").await;
    browser.see("No project fits").await;
    picture(browser, "projects-none").await;
    browser.follow("Show all").await;
}

async fn remove(browser: &Browser) {
    browser.follow("Release dashboard").await;
    browser.follow("Credential details").await;
    browser.follow("Delete credential").await;
    browser.arrive("Delete credential").await;
    picture(browser, "credential-delete").await;
    browser.fill("Name of the project", "CloudManager2").await;
    browser.press("Delete credential").await;
    browser.see("is deleted.").await;
    browser.follow("Delete project").await;
    browser.fill("Name of the project", "CloudManager2").await;
    browser.press("Delete project").await;
    browser
        .see("The project Release dashboard is deleted.")
        .await;
}
