//! Signing in and out by the pages, as programs see it: cookies, tokens of forms, ways back.

use std::time::Duration;

use countersign_model::Role;
use countersign_testkit::person::PASSWORD;
use countersign_testkit::{Person, TestApp};

#[tokio::test]
async fn whoever_is_not_signed_in_comes_back_to_where_she_wanted() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    app.person(&org, "ada@example.com", Role::Viewer).await;

    let sent = app.anonymous().get("/console/account?a=b").send().await;
    assert_eq!(
        sent.header("location"),
        Some("/console/sign-in?next=%2Fconsole%2Faccount%3Fa%3Db")
    );
    for (next, leads) in [
        ("/console/account", "/console/account"),
        ("//evil.example", "/console"),
        ("/\\evil.example", "/console"),
        ("https://evil.example/console/", "/console"),
        ("", "/console"),
    ] {
        let fields = [
            ("sign_in_name", "ada@example.com"),
            ("password", PASSWORD),
            ("next", next),
        ];
        let call = app.anonymous().post("/console/sign-in").form(&fields);
        assert_eq!(call.send().await.header("location"), Some(leads), "{next}");
    }
}

#[tokio::test]
async fn the_cookie_is_for_this_host_and_tls_alone() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    app.person(&org, "ada@example.com", Role::Viewer).await;

    let fields = [("sign_in_name", "ada@example.com"), ("password", PASSWORD)];
    let call = app.anonymous().post("/console/sign-in").form(&fields);
    let set = call.send().await;

    let set = set.header("set-cookie").unwrap();
    let (value, attributes) = set.split_once(';').unwrap();
    assert_eq!(attributes, " Path=/; HttpOnly; SameSite=Lax; Secure");
    let value = value.strip_prefix("__Host-countersign=").unwrap();
    assert_eq!(value.len(), 43, "256 bits");
}

#[tokio::test]
async fn a_cookie_that_somebody_planted_is_not_taken_over() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    let victim = app.person(&org, "ada@example.com", Role::Viewer).await;
    let planted = "__Host-countersign=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    let fields = [("sign_in_name", "ada@example.com"), ("password", PASSWORD)];
    let call = app.anonymous().post("/console/sign-in").form(&fields);
    let answer = call.header("cookie", planted).send().await;

    let fresh = answer.cookie("__Host-countersign").unwrap();
    assert!(fresh != planted && fresh != victim.cookie());
    let call = app.anonymous().get("/console/account");
    assert_eq!(call.header("cookie", planted).send().await.status, 303);
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    let ada = app.person(&org, "ada@example.com", Role::Viewer).await;

    let out = ada.post("/console/sign-out", &[]).await;

    assert_eq!(out.header("location"), Some("/console/sign-in"));
    assert_eq!(
        out.cookie("__Host-countersign").unwrap(),
        "__Host-countersign="
    );
    let after = ada.get("/console/account").await;
    assert_eq!(after.status, 303, "the old cookie opens nothing");
}

#[tokio::test]
async fn forms_without_the_token_of_the_session_change_nothing() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    let ada = app.person(&org, "ada@example.com", Role::Viewer).await;
    let again = app.sign_in("ada@example.com").await;
    let bob = app.person(&org, "bob@example.com", Role::Viewer).await;

    for token in ["", "nonsense", again.token(), bob.token()] {
        let answer = ada
            .bare_post("/console/sign-out", &[("form_token", token)])
            .await;
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains("This form does not come from"));
    }
    assert_eq!(ada.bare_post("/console/sign-out", &[]).await.status, 403);
    assert_eq!(ada.get("/console/account").await.status, 200);
}

#[tokio::test]
async fn forms_of_other_sites_are_refused_even_with_the_token() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    let ada = app.person(&org, "ada@example.com", Role::Viewer).await;

    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let call = app.anonymous().post("/console/sign-out");
        let call = call.header("cookie", ada.cookie()).header(name, value);
        let answer = call.form(&[("form_token", ada.token())]).send().await;
        assert_eq!(answer.status, 403, "{name}: {value}");
        let fields = [("sign_in_name", "ada@example.com"), ("password", PASSWORD)];
        let call = app.anonymous().post("/console/sign-in").header(name, value);
        let answer = call.form(&fields).send().await;
        assert!(answer.status == 403 && answer.cookie("countersign").is_none());
    }
}

#[tokio::test]
async fn failures_look_alike_and_are_slowed_down() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    app.person(&org, "ada@example.com", Role::Viewer).await;
    let attempt = async |name: &str| {
        let fields = [("sign_in_name", name), ("password", "not my password")];
        let call = app.anonymous().post("/console/sign-in").form(&fields);
        call.send().await
    };

    let known = attempt("ada@example.com").await;
    let unknown = attempt("eve@example.com").await;

    assert_eq!((known.status, unknown.status), (422, 422));
    assert_eq!(known.body.replace("ada@", "eve@"), unknown.body);
    assert!(!known.body.contains("not my password"));
    for _ in 0..9 {
        attempt("ada@example.com").await;
    }
    let late = attempt("ada@example.com").await;
    assert_eq!(late.status, 429);
    assert!(late.body.contains("wait five minutes"));
}

#[tokio::test]
async fn a_session_ends_after_half_an_hour_without_use() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    let ada = app.person(&org, "ada@example.com", Role::Viewer).await;

    app.advance(Duration::from_secs(29 * 60));
    assert_eq!(ada.get("/console/account").await.status, 200);
    app.advance(Duration::from_secs(31 * 60));
    assert_eq!(ada.get("/console/account").await.status, 303);
}

#[tokio::test]
async fn looking_at_pages_changes_nothing() {
    let app = TestApp::new().await;
    let ada = app.first_person("ada@example.com").await;
    let before = events(&ada).await;

    let mut seen = Vec::from(["/console".to_owned()]);
    let mut at = 0;
    while let Some(path) = seen.get(at).cloned() {
        at += 1;
        let page = ada.get(&path).await;
        let target = page.header("location").map(str::to_owned);
        let links = page.body.split(" href=\"").skip(1);
        let links = links
            .filter_map(|rest| rest.split('"').next())
            .map(str::to_owned);
        for link in links.chain(target) {
            let link = link.replace("&amp;", "&").replace("&#38;", "&");
            if link.starts_with("/console") && !seen.contains(&link) {
                seen.push(link);
            }
        }
        assert!(
            page.status < 400 || path.contains("/new"),
            "{path}: {}",
            page.status
        );
    }

    assert!(seen.len() > 15, "{seen:?}");
    assert_eq!(events(&ada).await, before);
}

/// What the activity log shows of the organization that the person works in.
async fn events(ada: &Person) -> String {
    let home = ada.get("/console").await;
    let org = home.header("location").unwrap().rsplit('/').next().unwrap();
    let path = format!("/console/organizations/{org}/activity.csv");
    ada.get(&path).await.body
}

#[tokio::test]
async fn an_administrator_ends_the_sessions_of_a_member() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    let by = countersign_testkit::app::operator();
    let number = app.authority.find_organization(&org, &by).await.unwrap();
    let number = number.numeric_id;
    let ada = app
        .person(&org, "ada@example.com", Role::SystemAdministrator)
        .await;
    let bob = app.person(&org, "bob@example.com", Role::Viewer).await;
    let members = format!("/console/organizations/{number}/members");
    let page = ada.get(&members).await.body;
    let row = page
        .split("<tr>")
        .find(|row| row.contains("bob@example.com"));
    let link = row.unwrap().split("href=\"").nth(1).unwrap();
    let link = link.split('"').next().unwrap();

    let ended = ada.post(&format!("{link}/end-sessions"), &[]).await;

    assert_eq!(ended.header("location"), Some(members.as_str()));
    assert_eq!(bob.get("/console/account").await.status, 303);
    assert_eq!(ada.get("/console/account").await.status, 200);
    app.sign_in("bob@example.com").await;
}

/// CON-05: without the password, after ten minutes, none of these does anything.
#[tokio::test]
async fn what_deserves_it_asks_for_the_password_again() {
    let app = TestApp::new().await;
    let ada = app.first_person("ada@example.com").await;
    let home = ada.get("/console").await;
    let number = home.header("location").unwrap().rsplit('/').next().unwrap();
    let org = format!("/console/organizations/{number}");
    let members = ada.get(&format!("{org}/members")).await.body;
    let below = format!("{org}/members/");
    let own = members.split(below.as_str()).skip(1);
    let own: Vec<_> = own.filter_map(|rest| rest.split('"').next()).collect();
    let own = own.iter().find(|id| id.contains('@')).unwrap();
    let before = events(&ada).await;
    app.advance(Duration::from_secs(11 * 60));

    let forms: [(String, &[(&str, &str)]); 6] = [
        (
            format!("{org}/members/invite"),
            &[("sign_in_name", "bob@example.com"), ("role", "viewer")],
        ),
        (
            format!("{org}/members/{own}"),
            &[("role", "viewer"), ("revision", "0")],
        ),
        (format!("{org}/members/{own}/remove"), &[]),
        (
            format!("{org}/access-tokens"),
            &[("name", "x"), ("role", "viewer"), ("days", "7")],
        ),
        (format!("{org}/keys/rotate"), &[]),
        ("/console/account/device".to_owned(), &[("code", "000000")]),
    ];
    for (path, fields) in &forms {
        let answer = ada.post(path, fields).await;
        assert_eq!(answer.status, 422, "{path}");
        assert!(answer.body.contains("Type your password"), "{path}");
        assert!(answer.body.contains("id=\"password\""), "{path}");
    }
    assert_eq!(events(&ada).await, before);

    let (path, fields) = &forms[3];
    let mut fields = fields.to_vec();
    fields.push(("password", PASSWORD));
    let made = ada.post(path, &fields).await;
    assert!(made.status == 200 && made.body.contains("cspat-"));
    let more = ada.post(path, forms[3].1).await;
    assert_eq!(
        more.status, 200,
        "for ten minutes it is not asked for again"
    );
}
