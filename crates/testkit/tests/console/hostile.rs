//! Names that are more than names: tags, quotes, text from right to left, formulas, much of it.

use countersign_authority::{NewOrganization, OrganizationChange};
use countersign_model::Role;
use countersign_testkit::app::operator;
use countersign_testkit::person::PASSWORD;
use countersign_testkit::{Answer, Browser, Person, Site, TestApp};

use crate::every_page::first_organization;
use crate::place::Place;
use crate::steps::set_up;

/// Quotes, a tag, a template, a turn of the writing, a formula.
pub const HOSTILE: &str = "=cmd()\"><script>alert(1)</script>{{7*7}}\u{202e}'&amp;";

/// Somebody with a hostile name in an organization with one.
async fn hostile(app: &TestApp) -> (Person, String) {
    let new = NewOrganization {
        name: HOSTILE.to_owned(),
        ..NewOrganization::default()
    };
    let org = app.authority.create_organization(new, &operator()).await;
    let org = org.unwrap();
    let name = countersign_model::SignInName::parse("eve@example.com").unwrap();
    let new = countersign_authority::NewInvitation {
        sign_in_name: name,
        role: Role::SystemAdministrator,
        profiles: Vec::new(),
    };
    let invited = app.authority.invite_member(&org.id, new, &operator()).await;
    let caller = app.anonymous();
    let fields = [
        ("code", invited.as_ref().unwrap().code.expose()),
        ("name", HOSTILE),
        ("password", PASSWORD),
        ("password_again", PASSWORD),
    ];
    let answer = caller
        .post("/console/invitation")
        .form(&fields)
        .send()
        .await;
    let eve = Person::entered(caller, &answer).await;
    (eve, format!("/console/organizations/{}", org.numeric_id))
}

#[track_caller]
fn must_be_text(page: &str, answer: &Answer) {
    assert_eq!(answer.status, 200, "{page}");
    assert!(answer.body.contains("&#60;script&#62;alert(1)"), "{page}");
    assert!(answer.body.contains("{{7*7}}"), "{page}: run as a template");
    assert!(!answer.body.contains("<script>alert"), "{page}");
}

#[tokio::test]
async fn hostile_names_are_shown_as_text_on_every_page() {
    let app = TestApp::new().await;
    let (eve, path) = hostile(&app).await;

    for page in [
        "/members",
        "/activity",
        "/published-services",
        "/policy",
        "/access-tokens",
        "/keys",
    ] {
        let page = format!("{path}{page}");
        must_be_text(&page, &eve.get(&page).await);
    }
    for page in ["/console/account", "/console/account/organizations"] {
        must_be_text(page, &eve.get(page).await);
    }
    let created = eve
        .post(
            &format!("{path}/access-tokens"),
            &[("name", HOSTILE), ("role", "viewer"), ("days", "7")],
        )
        .await;
    must_be_text("the new access token", &created);
}

#[tokio::test]
async fn a_browser_shows_no_dialog_and_keeps_its_layout() {
    let site = Site::start().await;
    let Some(browser) = Browser::start(&site.origin).await else {
        return;
    };
    browser.goto(&site.first_link().await).await;
    browser.fill("Organization", HOSTILE).await;
    browser.fill("Your name", &"W\u{202e}".repeat(50)).await;
    browser.fill("Mail address", "eve@example.com").await;
    browser.fill("Password", PASSWORD).await;
    browser.fill("Password again", PASSWORD).await;
    browser.press("Create account").await;
    browser.arrive("Projects").await;

    let org = first_organization(&site).await;
    let place = Place::fill(&site, &org, HOSTILE).await;
    for path in place.pages() {
        browser.goto(&path).await;
        // A dialog would be an error of the driver.
        let heading = browser.heading().await;
        browser.must_fit(&format!("{path}, {heading}")).await;
    }
    browser.must_be_at_peace().await;
}

/// A browser sends all of it before it reads: it must not find the connection gone.
#[tokio::test]
async fn a_file_that_is_far_too_large_is_told_by_a_page() {
    let site = Site::start().await;
    let Some(browser) = Browser::start(&site.origin).await else {
        return;
    };
    set_up(&browser, &site).await;
    browser.arrive("Projects").await;
    let org = first_organization(&site).await;
    let place = Place::fill(&site, &org, "Nightly").await;
    let add = "/console/projects/{org}/{project}/credentials/{credential}/certificates";
    let folder = tempfile::tempdir().unwrap();
    for size in [100_000, 900_000] {
        let file = folder.path().join("large.pem");
        std::fs::write(&file, "x".repeat(size)).unwrap();
        browser.goto(&place.path(add)).await;
        browser.tick("Upload the certificate").await;
        browser.fill("Certificate", file.to_str().unwrap()).await;
        browser.press("Add public key").await;
        browser.arrive("This is too large").await;
        browser.see("look whether you chose the right file").await;
        browser.screenshot("too-large").await;
        browser.axe().await;
    }
    browser.follow("Projects").await;
    browser.arrive("Projects").await;
    browser.must_be_at_peace().await;
}

#[tokio::test]
async fn formulas_are_text_in_the_export() {
    let app = TestApp::new().await;
    let (eve, path) = hostile(&app).await;
    let org = eve.get("/console/account/organizations").await;
    let id = org.body.split("<code>").nth(1).unwrap();
    let id = id.split('<').next().unwrap().parse().unwrap();
    let change = OrganizationChange {
        name: Some("=HYPERLINK(\"http://evil\")".to_owned()),
        ..OrganizationChange::default()
    };
    app.authority
        .change_organization(&id, change, &operator())
        .await
        .unwrap();

    let export = eve.get(&format!("{path}/activity.csv")).await;

    assert_eq!(
        export.header("content-disposition"),
        Some("attachment; filename=\"activity.csv\"")
    );
    assert!(
        export
            .header("content-type")
            .unwrap()
            .starts_with("text/csv")
    );
    let lines: Vec<_> = export.body.split("\r\n").collect();
    assert_eq!(lines[0], r#""Time","Who","From","What","Of","Details""#);
    assert!(lines.len() > 4, "{lines:?}");
    for cell in lines.iter().flat_map(|line| line.split("\",\"")) {
        let cell = cell.trim_start_matches('"');
        assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
    }
}

#[tokio::test]
async fn ten_thousand_characters_are_refused_with_a_sentence() {
    let app = TestApp::new().await;
    let (eve, path) = hostile(&app).await;
    let long = "x".repeat(10_000);

    let refused = eve
        .post(
            &format!("{path}/access-tokens"),
            &[("name", &long), ("role", "viewer"), ("days", "7")],
        )
        .await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("A label has 1 to 100 characters"));
    assert!(refused.body.contains(&long), "what was typed is not lost");
    for field in ["actor", "action", "subject"] {
        let query = format!("{path}/activity?{field}={}", "x".repeat(5000));
        assert_eq!(eve.get(&query).await.status, 200);
    }
    let invited = eve
        .post(
            &format!("{path}/members/invite"),
            &[
                ("sign_in_name", &format!("{long}@example.com")),
                ("role", "viewer"),
            ],
        )
        .await;
    assert_eq!(invited.status, 422);
    assert!(invited.body.contains("A sign-in name is a mail address"));
}
