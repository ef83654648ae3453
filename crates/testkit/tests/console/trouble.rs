//! What goes wrong before a page is reached is told by a page, too: a sentence, and the way on.

use countersign_model::Role;
use countersign_testkit::{Call, Person, TestApp};
use http::Method;

/// What browsers say that they read.
const PAGES: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// Requests that no page of ours sends, with status and part of the sentence.
fn refused(by: &Person, projects: &str) -> Vec<(u16, &'static str, Call)> {
    let large = "x".repeat(100_000);
    let post = || by.begin(Method::POST, &format!("{projects}/new"));
    let get = |path: &str| by.begin(Method::GET, path);
    let form = [("form_token", by.token()), ("description", &large)];
    vec![
        (
            413,
            "larger than this installation takes",
            post().form(&form),
        ),
        (
            405,
            "takes a form and has no page",
            get("/console/sign-out"),
        ),
        (
            405,
            "takes a form and has no page",
            by.begin(Method::PUT, projects),
        ),
        (
            414,
            "longer than this installation reads",
            get(&format!("{projects}?q={}", &large[..9000])),
        ),
        (
            431,
            "delete the cookies of this site",
            get(projects).header("x-long", &large[..40_000]),
        ),
        (
            415,
            "is compressed",
            post().form(&form[..1]).header("content-encoding", "gzip"),
        ),
        (400, "was not read", get(projects).header("host", "")),
        (404, "nothing at this address", get("/console/nowhere")),
        (
            404,
            "nothing at this address",
            get("/console/organizations/999999999999/members"),
        ),
        (
            404,
            "nothing at this address",
            get(&format!("{projects}/1")),
        ),
        (
            403,
            "does not come from a page",
            post().form(&[("name", "x")]),
        ),
    ]
}

#[tokio::test]
async fn what_no_page_answers_is_told_by_a_page_with_navigation() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    let ada = app
        .person(&org, "ada@example.com", Role::SystemAdministrator)
        .await;
    let projects = projects(&app, &org).await;

    for (status, sentence, call) in refused(&ada, &projects) {
        let told = call.header("accept", PAGES).send().await;
        assert_eq!(told.status, status, "{sentence}: {}", told.body);
        let kind = told.header("content-type").unwrap();
        assert!(kind.starts_with("text/html"), "{sentence}: {kind}");
        for part in [
            sentence,
            "<h1>",
            "<nav aria-label=\"Main\">",
            "ada@example.com",
            "Sign out",
            "Go to your projects",
        ] {
            assert!(told.body.contains(part), "no {part}: {}", told.body);
        }
    }
    let told = ada.begin(Method::GET, "/console/sign-out");
    let told = told.header("accept", PAGES).send().await;
    assert_eq!(told.header("allow"), Some("POST"));
    assert_eq!(
        app.explain(&told.debug_id()).await,
        None,
        "no refusal of the product"
    );
}

#[tokio::test]
async fn strangers_get_the_page_without_navigation() {
    let app = TestApp::new().await;
    let large = "x".repeat(100_000);
    let call = app.anonymous().post("/console/sign-in");
    let told = call.header("accept", PAGES).form(&[("password", &large)]);
    let told = told.send().await;
    assert_eq!(told.status, 413);
    assert!(told.body.contains("larger than this installation takes"));
    assert!(told.body.contains("Go to the console"));
    assert!(!told.body.contains("<nav"), "{}", told.body);
    let why = app.explain(&told.debug_id()).await;
    assert_eq!(why.as_deref(), Some("The request body is too large"));
}

/// The callers of Adobe's API, whose paths are among those of the pages, and scripts.
#[tokio::test]
async fn programs_get_what_programs_read() {
    let app = TestApp::new().await;
    let large = "x".repeat(100_000);
    let call = || {
        let call = app.anonymous().post("/console/organizations/1/projects");
        call.form(&[("x", &large)])
    };
    for call in [
        call(),
        call().header("accept", "application/json"),
        call().header("accept", PAGES).bearer("x"),
    ] {
        call.send().await.must_fail(413, "request_too_large");
    }
    let elsewhere = app.anonymous().get("/ims/nowhere");
    let elsewhere = elsewhere.header("accept", PAGES).send().await;
    elsewhere.must_fail(404, "not_found");
}

async fn projects(app: &TestApp, org: &countersign_wire::OrgId) -> String {
    let by = countersign_testkit::app::operator();
    let found = app.authority.find_organization(org, &by).await.unwrap();
    format!("/console/projects/{}", found.numeric_id)
}
