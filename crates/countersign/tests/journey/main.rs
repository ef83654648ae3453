//! From the first start to calls through the gateway: the real binary, a real browser, and client
//! libraries as their users install them, which get exactly what the pages and the zip gave.
//!
//! Once with scripts on the database that a first start makes, and once without scripts on
//! PostgreSQL.

#![expect(clippy::unwrap_used, reason = "tests: what fails here fails the test")]

use std::path::Path;
use std::process::Command;

use countersign_testkit::person::PASSWORD;
use countersign_testkit::{Browser, ISSUER, TestDatabase, real_clients};
use serde_json::{Value, json};

use around::look_around;
use running::Running;

mod around;
mod running;

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_start_to_calls_through_the_gateway() {
    let server = Running::start(None).await;
    let Some(browser) = Browser::start(&server.origin).await else {
        return;
    };
    walk(&browser, &server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_without_scripts_and_on_postgres() {
    // Where there is none, which is said and in continuous integration is an error, without
    // scripts on SQLite at least.
    let database = TestDatabase::postgres().await;
    let server = Running::start(database.as_ref()).await;
    let Some(browser) = Browser::without_javascript(&server.origin).await else {
        return;
    };
    walk(&browser, &server).await;
    drop(server);
    if let Some(database) = database {
        database.remove().await;
    }
}

async fn walk(browser: &Browser, server: &Running) {
    if real_clients::installed().is_empty() {
        return;
    }
    set_up(browser, &server.link).await;
    with_jwt(browser, server).await;
    with_oauth(browser, server).await;
    look_around(browser).await;
    browser.must_be_at_peace().await;
}

/// Follows the link from the terminal, becomes the first administrator, signs in as that, and
/// makes the product profile without which the gateway lets nobody call the API.
async fn set_up(browser: &Browser, link: &str) {
    browser.goto(link).await;
    browser.fill("Organization", "WKND Industries").await;
    browser.fill("Your name", "Ada Example").await;
    browser.fill("Mail address", "ada@example.com").await;
    browser.fill("Password", PASSWORD).await;
    browser.fill("Password again", PASSWORD).await;
    browser.press("Create account").await;
    browser.arrive("Projects").await;
    browser.press("Sign out").await;
    browser.arrive("Sign in").await;
    browser.fill("Mail address", "ada@example.com").await;
    browser.fill("Password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.arrive("Projects").await;
    browser.follow("APIs").await;
    browser.follow("Product profiles").await;
    browser.choose("API", "Cloud Manager").await;
    browser.fill("Name", "Deployment Manager").await;
    browser.press("Create product profile").await;
    browser.see("Deployment Manager is there.").await;
    browser.follow("Projects").await;
    browser.arrive("Projects").await;
}

/// The first project: Cloud Manager with a Service Account (JWT) credential.
async fn with_jwt(browser: &Browser, server: &Running) {
    create(browser, "CloudManager1", "Nightly pipelines").await;
    browser.see("No API yet").await;
    picture(browser, "project-empty").await;
    choose_cloud_manager(browser).await;
    picture(browser, "add-api-type").await;
    browser.follow("Use Service Account (JWT)").await;
    browser.arrive("Configure Cloud Manager").await;
    browser.fill("Team", "Release engineering").await;
    browser.tick("Deployment Manager").await;
    picture(browser, "configure-jwt").await;
    browser.press("Save configured API").await;
    browser.arrive("Your new credential").await;
    picture(browser, "new-jwt-credential").await;
    let given = Given::read(browser).await;
    let key = unzip(
        &browser.download("Download config.zip").await,
        "private.key",
    );
    browser.unfold("Show the private key").await;
    let shown = browser.text_of("//pre[@id='private-key']").await;
    assert_eq!(shown.trim(), key.trim(), "the zip and the page agree");
    browser.follow("I have copied it").await;
    browser
        .see("This Service Account (JWT) credential is deprecated")
        .await;
    picture(browser, "credential-jwt").await;

    let job = json!({
        "ims": server.origin, "grant": "jwt", "client_id": given.line("Client ID"),
        "client_secret": given.line("Client secret"), "org_id": given.line("Organization ID"),
        "technical_account_id": given.line("Technical account ID"),
        "metascopes": given.list("Metascopes"), "private_key_pem": key,
    });
    let by_client = token_of("jwt-auth", &job, server).await;
    let by_command = exchanged(browser, server, &given, &key).await;
    for token in [by_client, by_command] {
        must_call(server, &given, &token).await;
    }
    public_keys(browser).await;
}

/// A JWT by the page, and a token by the command that is shown with it.
async fn exchanged(browser: &Browser, server: &Running, given: &Given, key: &str) -> String {
    browser.follow("Generate JWT").await;
    browser.arrive("Generate JWT").await;
    picture(browser, "generate-jwt").await;
    browser.fill("Private key", "no key").await;
    browser.press("Generate JWT").await;
    browser.see("The private key cannot be used").await;
    assert_eq!(browser.value("Private key").await, "");
    browser.fill("Private key", key).await;
    browser.press("Generate JWT").await;
    browser.see("Your JWT").await;
    picture(browser, "jwt-made").await;
    browser.unfold("View cURL command").await;
    let command = browser.text_of("//pre[@id='curl']").await;
    let command = command.replace("YOUR_CLIENT_SECRET", given.line("Client secret"));
    browser.follow("Back to the credential").await;
    ran(server, &command).await
}

async fn public_keys(browser: &Browser) {
    browser.follow("Add a public key").await;
    browser.arrive("Add a public key").await;
    picture(browser, "certificate-add").await;
    browser.press("Add public key").await;
    browser.arrive("Your new key pair").await;
    picture(browser, "new-key-pair").await;
    browser.follow("I have copied it").await;
    browser.follow("Delete the public key").await;
    browser.arrive("Delete public key").await;
    picture(browser, "certificate-delete").await;
    browser.press("Delete public key").await;
    browser.see("The public key is deleted.").await;
}

/// The second project: the same API with OAuth.
async fn with_oauth(browser: &Browser, server: &Running) {
    browser.follow("Projects").await;
    browser.arrive("Projects").await;
    create(browser, "CloudManager2", "Release dashboard").await;
    choose_cloud_manager(browser).await;
    browser.follow("Use OAuth Server-to-Server").await;
    browser.arrive("Configure Cloud Manager").await;
    browser.tick("Deployment Manager").await;
    picture(browser, "configure-oauth").await;
    browser.press("Save configured API").await;
    browser.arrive("Your new credential").await;
    picture(browser, "new-oauth-credential").await;
    let given = Given::read(browser).await;
    browser.unfold("View cURL command").await;
    let command = browser.text_of("//pre[@id='curl']").await;
    let by_command = ran(server, &command).await;
    browser.follow("I have copied it").await;
    browser.see("Connected products and services").await;
    picture(browser, "credential-oauth").await;
    browser.press("Generate access token").await;
    browser.arrive("Your access token").await;
    picture(browser, "token-made").await;
    let by_button = browser.text_of("//pre[@id='access-token']").await;
    browser.follow("Generate another one").await;
    browser.arrive("Generate access token").await;
    picture(browser, "generate-token").await;
    browser.follow("Back").await;
    let job = json!({
        "ims": ISSUER, "grant": "client_credentials", "client_id": given.line("Client ID"),
        "client_secret": given.line("Client secret"), "org_id": given.line("Organization ID"),
        "technical_account_id": given.line("Technical account ID"),
        "scopes": given.list("Scopes"),
    });
    let by_client = token_of("aio-lib-ims", &job, server).await;
    for token in [by_command, by_button, by_client] {
        must_call(server, &given, &token).await;
    }
}

/// The text block `API Credentials` of a page.
struct Given(String);

impl Given {
    async fn read(browser: &Browser) -> Self {
        Self(browser.text_of("//pre[@id='api-credentials']").await)
    }

    fn line(&self, name: &str) -> &str {
        let mut lines = self.0.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(found, _)| *found == name);
        found.unwrap_or_else(|| panic!("{name} in {}", self.0)).1
    }

    fn list(&self, name: &str) -> Vec<&str> {
        self.line(name).split([',', ' ']).collect()
    }
}

/// A token by a real client library.
async fn token_of(client: &str, job: &Value, server: &Running) -> String {
    let outcome = real_clients::run(client, job, &server.surroundings()).await;
    let token = outcome.access_token.clone();
    token.unwrap_or_else(|| panic!("{client}: {outcome:?}"))
}

/// A token by a command as a page shows it.
async fn ran(server: &Running, command: &str) -> String {
    let command = format!("{command} --silent --max-time 20");
    let trusted = server.trusted.clone();
    let run = move || {
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).env("CURL_CA_BUNDLE", trusted);
        shell.output()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    let reply: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let token = reply["access_token"].as_str();
    token.unwrap_or_else(|| panic!("{reply}")).to_owned()
}

/// Adobe's library for Cloud Manager lists the programs behind the gateway.
async fn must_call(server: &Running, given: &Given, token: &str) {
    let job = json!({
        "operation": "calls", "gateway": server.gateway, "org_id": given.line("Organization ID"),
        "client_id": given.line("Client ID"), "access_token": token, "calls": [["listPrograms"]],
    });
    let outcome = real_clients::run("aio-lib-cloudmanager", &job, &server.surroundings()).await;
    let results = outcome.results.as_ref();
    let programs = results.and_then(|results| results[0].as_array());
    assert!(
        programs.is_some_and(|all| !all.is_empty()),
        "{token}: {outcome:?}"
    );
}

/// A file of a zip, as the program that everybody has unpacks it.
fn unzip(bundle: &Path, name: &str) -> String {
    let folder = bundle.parent().unwrap();
    let mut unpack = Command::new("python3");
    unpack.args(["-m", "zipfile", "-e"]).arg(bundle).arg(folder);
    assert!(unpack.status().unwrap().success());
    std::fs::read_to_string(folder.join(name)).unwrap()
}

async fn create(browser: &Browser, name: &str, title: &str) {
    browser.follow("Create").await;
    browser.arrive("Create project").await;
    browser.fill("Name", "not a name").await;
    browser.fill("Title", title).await;
    browser.press("Create project").await;
    browser.see("A name has 1 to 20 letters and digits").await;
    assert_eq!(browser.value("Title").await, title);
    picture(browser, "project-new-refused").await;
    browser.fill("Name", name).await;
    browser.press("Create project").await;
    browser.arrive(title).await;
}

async fn choose_cloud_manager(browser: &Browser) {
    browser.follow("Add API").await;
    browser.arrive("Add an API").await;
    browser.fill("Search", "cloud manager").await;
    browser.press("Search").await;
    browser.see("Show all").await;
    browser.follow("Cloud Manager").await;
    browser.arrive("Add Cloud Manager").await;
}

/// Looks at a page: in both widths and colours, and by axe-core.
async fn picture(browser: &Browser, name: &str) {
    browser.screenshot(&format!("developer-{name}")).await;
    browser.axe().await;
}
