//! From a project to a call through the gateway: by an administrator in a browser, with scripts and
//! without. The commands that the pages show are run as they stand there.

use std::process::Command;
use std::sync::Arc;

use countersign::sample_api::SampleApi;
use countersign_server::gateway;
use countersign_server::listen::Listener;
use countersign_testkit::{Browser, Site};
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::steps::set_up;

#[tokio::test(flavor = "multi_thread")]
async fn projects_lead_to_tokens_of_both_kinds() {
    let site = Site::start().await;
    let Some(browser) = Browser::start(&site.origin).await else {
        return;
    };
    walk(&browser, &site).await;
    browser.must_be_at_peace().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn they_do_so_without_scripts_too() {
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
    give_profile(site).await;
    with_jwt(browser, site).await;
    with_oauth(browser, site).await;
    look_around(browser).await;
}

/// What the organization bought: without a product profile the gateway lets nobody call the API.
async fn give_profile(site: &Site) {
    let by = countersign_testkit::app::operator();
    let page = countersign_authority::Page::first();
    let all = site.authority.list_organizations(&page, &by).await.unwrap();
    let service = countersign_wire::ServiceCode::parse("CloudManagerSDK").unwrap();
    let name = "Deployment Manager".to_owned();
    site.authority
        .create_profile(&all[0].id, &service, name, &by)
        .await
        .unwrap();
}

/// The first project: Cloud Manager with a Service Account (JWT) credential.
async fn with_jwt(browser: &Browser, site: &Site) {
    create(browser, "CloudManager1", "Nightly pipelines").await;
    browser.see("No API yet").await;
    picture(browser, "project-empty").await;
    choose_cloud_manager(browser).await;
    picture(browser, "add-api-type").await;
    browser.follow("Use Service Account (JWT)").await;
    browser.arrive("Configure Cloud Manager").await;
    browser.fill("Team", "Release engineering").await;
    picture(browser, "configure-jwt").await;
    browser.press("Save configured API").await;
    browser.arrive("Your new credential").await;
    picture(browser, "new-jwt-credential").await;
    let bundle = "//a[@download='config.zip']";
    let bundle = browser.attribute(bundle, "href").await;
    assert!(
        bundle.starts_with("data:application/zip;base64,UEsDB"),
        "{bundle}"
    );
    browser.unfold("Show the private key").await;
    let key = browser.text_of("//pre[@id='private-key']").await;
    let secret = browser.text_of("//code[@id='client-secret']").await;
    browser.follow("I have copied it").await;
    browser
        .see("This Service Account (JWT) credential is deprecated")
        .await;
    picture(browser, "credential-jwt").await;

    browser.follow("Generate JWT").await;
    browser.arrive("Generate JWT").await;
    picture(browser, "generate-jwt").await;
    browser.fill("Private key", "no key").await;
    browser.press("Generate JWT").await;
    browser.see("The private key cannot be used").await;
    assert_eq!(browser.value("Private key").await, "");
    browser.fill("Private key", &key).await;
    browser.press("Generate JWT").await;
    browser.see("Your JWT").await;
    picture(browser, "jwt-made").await;
    browser.unfold("View cURL command").await;
    let command = browser.text_of("//pre[@id='curl']").await;
    let token = run(&command, &secret).await;
    must_hold(site, &token).await;
    browser.follow("Back to the credential").await;
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

/// The second project: the same API with OAuth, and a call of it.
async fn with_oauth(browser: &Browser, site: &Site) {
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
    let block = browser.text_of("//pre[@id='api-credentials']").await;
    browser.unfold("View cURL command").await;
    let command = browser.text_of("//pre[@id='curl']").await;
    let by_command = run(&command, "").await;
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

    let value = |name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} in {block}"))
            .to_owned()
    };
    let gate = Gate::open(site).await;
    for token in [by_command, by_button] {
        must_hold(site, &token).await;
        let programs = gate
            .programs(&token, &value("Client ID: "), &value("Organization ID: "))
            .await;
        let listed = programs["_embedded"]["programs"].as_array();
        assert!(listed.is_some_and(|all| !all.is_empty()), "{programs}");
    }
    site.authority.flush().await;
}

/// The rest of the pages, on the project that was used.
async fn look_around(browser: &Browser) {
    browser.follow("Usage").await;
    browser.arrive("Usage").await;
    browser.see("Access tokens per day").await;
    picture(browser, "usage").await;
    browser.unfold("Show the numbers").await;
    browser.follow("Credential in Release dashboard").await;
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

/// Runs a command that a page shows; gives the token.
async fn run(command: &str, secret: &str) -> String {
    let command = command.replace("YOUR_CLIENT_SECRET", secret);
    let ran = tokio::task::spawn_blocking(move || {
        Command::new("sh")
            .args(["-c", &format!("{command} --silent --max-time 20")])
            .output()
    });
    let output = ran.await.unwrap().unwrap();
    let reply: Value = serde_json::from_slice(&output.stdout).unwrap();
    let token = reply["access_token"].as_str();
    token.unwrap_or_else(|| panic!("{reply}")).to_owned()
}

async fn must_hold(site: &Site, token: &str) {
    assert!(site.authority.validate(token).await.is_ok(), "{token}");
}

/// The gateway with the sample API behind it, for the clients of a site.
struct Gate {
    origin: String,
    _stop: DropGuard,
}

impl Gate {
    async fn open(site: &Site) -> Self {
        let stop = CancellationToken::new();
        let sample = listen().await;
        let catalogue = site.authority.catalogue();
        let services = countersign::sample_api::published(sample.address(), catalogue);
        for service in services.unwrap() {
            let by = countersign_testkit::app::operator();
            site.authority.publish_service(service, &by).await.unwrap();
        }
        let clock = site.authority.clock().clone();
        tokio::spawn(sample.serve(SampleApi::new(clock).routes(), stop.clone()));
        let bound = listen().await;
        let origin = format!("http://{}", bound.address());
        let face = gateway::face(Arc::clone(&site.authority), &Listener::default(), None);
        tokio::spawn(bound.serve(face, stop.clone()));
        Self {
            origin,
            _stop: stop.drop_guard(),
        }
    }

    async fn programs(&self, token: &str, client_id: &str, org: &str) -> Value {
        let call = format!(
            "curl --silent --max-time 20 '{}/api/programs' -H 'Authorization: Bearer {token}' -H 'x-api-key: {client_id}' -H 'x-gw-ims-org-id: {org}'",
            self.origin
        );
        let ran =
            tokio::task::spawn_blocking(move || Command::new("sh").args(["-c", &call]).output());
        let output = ran.await.unwrap().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stdout)))
    }
}

async fn listen() -> countersign_server::listen::Bound {
    let listener = Listener {
        address: ([127, 0, 0, 1], 0).into(),
        ..Listener::default()
    };
    listener.bind().await.unwrap()
}
