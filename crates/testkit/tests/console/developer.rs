//! The pages of projects and credentials, asked for one by one.

use std::time::Duration;

use countersign_authority::{NewGrant, NewProject};
use countersign_model::deprecation::Preset;
use countersign_model::{Origin, ProjectKind, Role};
use countersign_testkit::app::operator;
use countersign_testkit::{TestApp, TestClient, keys};

use crate::pages::{must_not_say, must_say, page_of, project_of, send, setup, text_of};

#[tokio::test]
async fn a_project_is_made_changed_and_deleted() {
    let app = TestApp::new().await;
    let (_, ada, projects) = setup(&app).await;
    must_say(&ada.get(&projects).await, &["No projects yet"]);

    let fields = [("name", "Demo1"), ("title", ""), ("description", "a\r\nb")];
    let made = ada.post(&format!("{projects}/new"), &fields).await;
    assert_eq!(made.status, 303, "{}", made.body);
    let path = made.header("location").unwrap().to_owned();
    let again = ada.post(&format!("{projects}/new"), &fields).await;
    assert_eq!(again.status, 422);
    must_say(&again, &["This name or id is taken", "value=\"Demo1\""]);
    must_say(&ada.get(&path).await, &["No API yet", "ada@example.com"]);

    let change = [
        ("title", "New title"),
        ("revision", "0"),
        ("enabled", "yes"),
    ];
    assert_eq!(ada.post(&format!("{path}/edit"), &change).await.status, 303);
    let stale = ada.post(&format!("{path}/edit"), &change).await;
    assert_eq!(stale.status, 422);
    must_say(&stale, &["Somebody else changed this in the meantime"]);

    let delete = format!("{path}/delete");
    let wrong = send(&ada, &delete, &[("project", "x")]).await;
    assert_eq!(wrong.status, 422);
    must_say(&wrong, &["Type the name of the project, Demo1"]);
    let named = [("project", "Demo1"), ("revision", "0")];
    let stale = ada.post(&delete, &named).await;
    assert_eq!(stale.status, 422);
    must_say(&stale, &["Somebody else changed this in the meantime"]);
    let deleted = send(&ada, &delete, &[("project", "Demo1")]).await;
    assert_eq!(deleted.status, 303);
    assert_eq!(ada.get(&path).await.status, 404);
}

#[tokio::test]
async fn projects_are_filtered_sorted_and_exported() {
    let app = TestApp::new().await;
    let (org, ada, projects) = setup(&app).await;
    let oauth = app.oauth(&org, &["DocCloudSDK"]).await;
    let jwt = app.jwt(&org, &["CloudManagerSDK"], keys::first()).await;
    let shown = async |query: &str| {
        let list = ada.get(&format!("{projects}?{query}")).await;
        assert_eq!(list.status, 200);
        [&oauth, &jwt].map(|one| list.body.contains(one.project_id.as_str()))
    };

    assert_eq!(shown("").await, [true, true]);
    assert_eq!(shown("attention=jwt").await, [false, true]);
    assert_eq!(shown("attention=certificates").await, [false, false]);
    app.advance(Duration::from_secs(340 * 86_400));
    let ada = app.sign_in("ada@example.com").await;
    let list = ada.get(&format!("{projects}?attention=certificates")).await;
    must_say(&list, &[jwt.project_id.as_str()]);
    must_not_say(&list, &[oauth.project_id.as_str()]);
    let shown = async |query: &str| {
        let list = ada.get(&format!("{projects}?{query}")).await;
        [&oauth, &jwt].map(|one| list.body.contains(one.project_id.as_str()))
    };
    assert_eq!(shown("service=DocCloudSDK").await, [true, false]);
    let by_id = format!("q={}", jwt.client_id);
    assert_eq!(shown(&by_id).await, [false, true]);
    assert_eq!(shown("created_by=operator").await, [true, true]);
    assert_eq!(shown("created_by=nobody").await, [false, false]);
    let edit = format!("{}/edit", page_of(&projects, &jwt));
    let fields = [
        ("name", "n"),
        ("team", "t"),
        ("contact", "c"),
        ("enabled", "yes"),
    ];
    assert_eq!(send(&ada, &edit, &fields).await.status, 303);
    assert_eq!(shown("changed_by=ada@").await, [false, true]);
    assert_eq!(shown("changed_by=nobody").await, [false, false]);
    for sort in [
        "changed", "created", "oldest", "active", "idle", "title", "x",
    ] {
        assert_eq!(shown(&format!("sort={sort}")).await, [true, true]);
    }
    let csv = ada
        .get(&format!("{projects}/projects.csv?attention=jwt"))
        .await;
    assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
    let lines: Vec<_> = csv.body.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    must_say(&csv, &[jwt.client_id.as_str(), "Service Account (JWT)"]);
}

#[tokio::test]
async fn an_api_is_added_and_its_secret_is_shown_once() {
    let app = TestApp::new().await;
    let (_, ada, projects) = setup(&app).await;
    let made = ada
        .post(&format!("{projects}/new"), &[("name", "Demo")])
        .await;
    let path = made.header("location").unwrap().to_owned();

    must_say(
        &ada.get(&format!("{path}/add-api?q=cloud%20manager")).await,
        &["CloudManagerSDK"],
    );
    let kinds = ada
        .get(&format!("{path}/add-api/type?service=CloudManagerSDK"))
        .await;
    must_say(
        &kinds,
        &[
            "Use OAuth",
            "Use Service Account (JWT)",
            "no end date is set",
        ],
    );
    let configure = format!("{path}/add-api/configure");
    let form = ada
        .get(&format!("{configure}?service=CloudManagerSDK&type=oauth"))
        .await;
    must_say(&form, &["Credential in Demo", "ada@example.com"]);
    let fields = [
        ("service", "CloudManagerSDK"),
        ("type", "oauth"),
        ("revision", "none"),
        ("name", "Nightly"),
        ("team", "Data"),
        ("contact", "data@example.com"),
    ];
    let created = ada.post(&configure, &fields).await;
    assert_eq!(created.status, 200, "{}", created.body);
    assert_eq!(created.header("cache-control"), Some("no-store"));
    let secret = text_of(&created, "client-secret");
    let client_id = text_of(&created, "client-id");
    must_say(
        &created,
        &["API Credentials", &format!("Client secret: {secret}")],
    );
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &client_id),
        ("client_secret", &secret),
        ("scope", "openid"),
    ];
    app.anonymous()
        .post("/ims/token/v3")
        .form(&form)
        .send()
        .await
        .token();

    let another = ada.get(&format!("{configure}?service=DocCloudSDK")).await;
    let (_, revision) = another
        .body
        .split_once("name=\"revision\" value=\"")
        .unwrap();
    let revision = revision.split('"').next().unwrap();
    let more = [("service", "DocCloudSDK"), ("revision", revision)];
    let added = ada.post(&configure, &more).await;
    assert_eq!(added.status, 303, "{}", added.body);
    let credential = added.header("location").unwrap().to_owned();
    let lead = ada.get(&credential).await;
    let details = ada.get(lead.header("location").unwrap()).await;
    must_say(
        &details,
        &[
            "DCAPI",
            "CloudManagerSDK",
            "No access tokens generated",
            "Nightly",
        ],
    );
    must_not_say(&details, &[&secret]);
    let document = ada.get(&format!("{path}/download.json")).await;
    assert_eq!(document.json()["project"]["name"], "Demo");
    must_not_say(&document, &[&secret]);
    let removal = [("service", "DocCloudSDK")];
    let remove = format!("{credential}/services/remove?service=DocCloudSDK");
    let removed = send(&ada, &remove, &removal).await;
    assert_eq!(removed.status, 303);
}

#[tokio::test]
async fn secrets_are_replaced() {
    let app = TestApp::new().await;
    let (org, ada, projects) = setup(&app).await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let page = page_of(&projects, &client);

    let past = [("label", "new"), ("expires", "2020-01-01")];
    let refused = ada.post(&format!("{page}/secrets"), &past).await;
    must_say(&refused, &["is not in the future", "value=\"2020-01-01\""]);
    let fields = [("label", "new"), ("expires", "2027-01-01")];
    let added = ada.post(&format!("{page}/secrets"), &fields).await;
    let secret = text_of(&added, "client-secret");
    must_say(&added, &["grant_type=client_credentials", "View cURL"]);
    let token = app.anonymous().token(&client, "openid").await.token();

    let delete = format!("{page}/secrets/{}/delete", client.secret_id);
    must_not_say(&ada.get(&delete).await, &["It is the last one"]);
    assert_eq!(send(&ada, &delete, &[("tokens", "yes")]).await.status, 303);
    let with_new = TestClient {
        secret: secret.clone(),
        ..client.clone()
    };
    app.anonymous().token(&with_new, "openid").await.token();
    assert!(!app.anonymous().holds(&with_new, &token).await);

    app.authority.flush().await;
    let details = ada
        .get(&format!("{page}/details/oauthservertoserver"))
        .await;
    must_say(&details, &["2027-01-01", &secret[secret.len() - 4..]]);
    must_not_say(&details, &[&secret]);
    let left = details
        .body
        .split("/secrets/")
        .nth(2)
        .unwrap_or_else(|| details.body.split("/secrets/").nth(1).unwrap());
    let id = left.split('/').next().unwrap();
    let delete = format!("{page}/secrets/{id}/delete");
    must_say(&ada.get(&delete).await, &["It is the last one"]);
    let refused = send(&ada, &delete, &[]).await;
    assert_eq!(refused.status, 422);
    must_say(&refused, &["last live secret"]);
    assert_eq!(send(&ada, &delete, &[("force", "yes")]).await.status, 303);
}

#[tokio::test]
async fn certificates_are_generated_uploaded_and_deleted() {
    let app = TestApp::new().await;
    let (org, ada, projects) = setup(&app).await;
    let client = app.jwt(&org, &["CloudManagerSDK"], keys::first()).await;
    let page = page_of(&projects, &client);
    let certificates = format!("{page}/certificates");

    let made = ada.post(&certificates, &[("how", "generate")]).await;
    assert_eq!(made.status, 200, "{}", made.body);
    must_say(
        &made,
        &[
            "href=\"data:application/zip;base64,",
            "download=\"config.zip\"",
        ],
    );
    let key = text_of(&made, "private-key");
    assert!(key.starts_with("-----BEGIN"), "{key}");
    let jwt = ada
        .post(&format!("{page}/generate-jwt"), &[("private_key", &key)])
        .await;
    let assertion = text_of(&jwt, "jwt");
    must_not_say(&jwt, &["BEGIN PRIVATE"]);
    app.anonymous().exchange(&client, &assertion).await.token();
    let token = ada
        .post(&format!("{page}/generate-token"), &[("private_key", &key)])
        .await;
    let token = text_of(&token, "access-token");
    assert!(app.anonymous().holds(&client, &token).await);

    for (what, file) in [
        (
            "svg",
            "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>",
        ),
        ("html", "<!doctype html><h1>x</h1>"),
        ("nothing", ""),
    ] {
        let fields = [("how", "upload"), ("certificate", file)];
        let refused = ada.post(&certificates, &fields).await;
        assert_eq!(refused.status, 422, "{what}");
        must_say(&refused, &["id=\"certificate-help\"", "aria-invalid"]);
        must_not_say(&refused, &["<svg xmlns", "<h1>x"]);
    }
    let now = app.now();
    let pem = keys::certificate(keys::second(), now, now.plus(Duration::from_secs(86_400)));
    let pem = String::from_utf8(pem).unwrap();
    let fields = [("how", "upload"), ("certificate", pem.as_str())];
    assert_eq!(ada.post(&certificates, &fields).await.status, 303);
    let details = ada.get(&format!("{page}/details/serviceaccount")).await;
    must_say(&details, &["expires soon", "ent_cloudmgr_sdk"]);
    let first = client.certificate_id.as_ref().unwrap();
    let deleted = send(&ada, &format!("{certificates}/{first}/delete"), &[]).await;
    assert_eq!(deleted.status, 303, "{}", deleted.body);
}

#[tokio::test]
async fn a_wrong_private_key_is_refused_and_never_shown_again() {
    let app = TestApp::new().await;
    let (org, ada, projects) = setup(&app).await;
    let client = app.jwt(&org, &["CloudManagerSDK"], keys::first()).await;
    let page = page_of(&projects, &client);
    let foreign = keys::foreign().to_pem().unwrap().to_string();

    for (key, sentence) in [
        (foreign.as_str(), "belongs to none of the credential"),
        ("secret nonsense", "The private key cannot be used"),
    ] {
        for action in ["generate-jwt", "generate-token"] {
            let refused = ada
                .post(&format!("{page}/{action}"), &[("private_key", key)])
                .await;
            assert_eq!(refused.status, 422);
            must_say(&refused, &[sentence]);
            must_not_say(&refused, &[key]);
        }
    }
    let activity = format!("{}/activity", projects.replace("projects", "organizations"));
    must_not_say(
        &ada.get(&activity).await,
        &["assertion.generated", "nonsense"],
    );
}

#[tokio::test]
async fn a_token_is_made_by_button_and_the_usage_shows_it() {
    let app = TestApp::new().await;
    let (org, ada, projects) = setup(&app).await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let page = page_of(&projects, &client);
    must_say(
        &ada.get(&format!("{page}/usage")).await,
        &["Nobody has called yet"],
    );

    let made = ada.post(&format!("{page}/generate-token"), &[]).await;
    let token = text_of(&made, "access-token");
    assert!(app.anonymous().holds(&client, &token).await);
    let some = ada
        .post(&format!("{page}/generate-token"), &[("scopes", "openid")])
        .await;
    must_say(&some, &["<dd>openid</dd>"]);
    let none = [("scopes", "target_sdk")];
    let refused = ada.post(&format!("{page}/generate-token"), &none).await;
    assert_eq!(refused.status, 422);
    must_say(&refused, &["Not granted: target_sdk"]);

    app.authority.flush().await;
    let usage = ada.get(&format!("{page}/usage")).await;
    must_say(
        &usage,
        &[
            "2 in the last 92 days",
            "<rect class=\"bar\"",
            "countersign-console",
            "2026-02-01",
        ],
    );
    let details = ada
        .get(&format!("{page}/details/oauthservertoserver"))
        .await;
    must_say(&details, &["2026-02-01 12:00 UTC"]);
    assert!(
        details.body.contains("data-label=\"Last used\">never"),
        "no secret was used"
    );
}

#[tokio::test]
async fn a_jwt_credential_says_everywhere_how_long_it_has() {
    let app = TestApp::new().await;
    let (org, ada, projects) = setup(&app).await;
    let client = app.jwt(&org, &["CloudManagerSDK"], keys::first()).await;
    app.set_policy(None, Preset::AsItWent.policy()).await;
    let page = page_of(&projects, &client);
    let details = format!("{page}/details/serviceaccount");

    // 2026-02-01, half a second past noon: February has 27 days and a half left.
    for place in [&details, &project_of(&projects, &client)] {
        must_say(
            &ada.get(place).await,
            &["deprecated: 28 days left", "It stops working on 2026-03-01"],
        );
    }
    must_say(
        &ada.get(&projects).await,
        &[
            "credentials are deprecated: 28 days left",
            "28 days left, until 2026-03-01",
        ],
    );
    let csv = ada.get(&format!("{projects}/projects.csv")).await;
    must_say(&csv, &["\"28 days left, until 2026-03-01\""]);
    must_say(
        &ada.get(&format!("{page}/certificates")).await,
        &["Not possible any more", "2025-07-01"],
    );
    let kinds = format!(
        "{projects}/{}/add-api/type?service=CloudManagerSDK",
        client.project_id
    );
    assert_eq!(
        ada.get(&kinds).await.status,
        303,
        "the project has its kind"
    );
    let made = ada
        .post(&format!("{projects}/new"), &[("name", "Other")])
        .await;
    let other = made.header("location").unwrap();
    let kinds = ada
        .get(&format!("{other}/add-api/type?service=CloudManagerSDK"))
        .await;
    must_say(&kinds, &["Not available any more", "2024-06-04"]);
    must_not_say(&kinds, &["Use Service Account (JWT)"]);
    let fields = [
        ("service", "CloudManagerSDK"),
        ("type", "jwt"),
        ("revision", "none"),
        ("name", "n"),
        ("team", "t"),
        ("contact", "c"),
        ("how", "generate"),
    ];
    let refused = ada
        .post(&format!("{other}/add-api/configure"), &fields)
        .await;
    assert_eq!(refused.status, 422);
    must_say(&refused, &["can not be created since 2024-06-04"]);
    app.set_date("2026-03-03");
    let ada = app.sign_in("ada@example.com").await;
    must_say(&ada.get(&details).await, &["has ended", "2 days ago"]);
}

#[tokio::test]
async fn what_a_product_generated_is_read_only_for_everybody() {
    let app = TestApp::new().await;
    let (org, ada, projects) = setup(&app).await;
    let mut new = app
        .new_credential(&org, NewGrant::OAuth, &["DocCloudSDK"])
        .await;
    new.origin = Origin::AutoGenerated;
    let client = app.create(new, None).await;
    let page = page_of(&projects, &client);
    let project = project_of(&projects, &client);

    must_say(&ada.get(&projects).await, &["Auto-generated", "Read Only"]);
    let details = ada
        .get(&format!("{page}/details/oauthservertoserver"))
        .await;
    must_say(&details, &["Read Only", "read-only for everybody"]);
    must_not_say(
        &details,
        &[
            "Generate access token",
            "Delete",
            "Edit credential",
            "Add new",
        ],
    );
    for action in ["edit", "delete", "secrets", "generate-token"] {
        assert_eq!(
            ada.get(&format!("{page}/{action}")).await.status,
            403,
            "{action}"
        );
    }
    assert_eq!(
        ada.get(&format!("{project}/download.json")).await.status,
        403
    );
    assert_eq!(ada.get(&format!("{project}/add-api")).await.status, 403);
    for (action, fields) in [
        ("secrets", &[("label", "x")][..]),
        ("generate-token", &[]),
        ("delete", &[("project", "x")]),
        ("services/remove", &[("service", "DocCloudSDK")]),
    ] {
        let answer = ada.post(&format!("{page}/{action}"), fields).await;
        assert_eq!(answer.status, 422, "{action}");
    }
}

#[tokio::test]
async fn a_viewer_sees_no_secrets_and_changes_nothing() {
    let app = TestApp::new().await;
    let (org, _, projects) = setup(&app).await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let viewer = app.person(&org, "v@example.com", Role::Viewer).await;
    let page = page_of(&projects, &client);

    let details = viewer
        .get(&format!("{page}/details/oauthservertoserver"))
        .await;
    must_say(
        &details,
        &[client.client_id.as_str(), "that takes the role Developer"],
    );
    must_not_say(&details, &["Client secrets", "Generate access token"]);
    assert_eq!(viewer.get(&format!("{projects}/new")).await.status, 403);
    for (action, fields) in [
        ("secrets", [("label", "x")]),
        ("generate-token", [("x", "x")]),
    ] {
        let answer = viewer.post(&format!("{page}/{action}"), &fields).await;
        assert_eq!(answer.status, 422, "{action}");
        must_say(&answer, &["takes the role Developer"]);
    }
}

/// CON-05: what shows a secret or deletes a credential asks again after ten minutes.
#[tokio::test]
async fn secrets_are_shown_to_those_who_typed_their_password_lately() {
    let app = TestApp::new().await;
    let (org, ada, projects) = setup(&app).await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let page = page_of(&projects, &client);
    app.advance(Duration::from_secs(601));

    for (action, fields) in [
        ("secrets", &[("label", "x")][..]),
        ("certificates", &[("how", "generate")]),
        ("delete", &[("project", "x")]),
        (
            &format!("secrets/{}/delete", client.secret_id),
            &[("force", "yes")],
        ),
    ] {
        let asked = ada.post(&format!("{page}/{action}"), fields).await;
        assert_eq!(asked.status, 422, "{action}");
        must_say(&asked, &["Type your password"]);
        must_not_say(&asked, &["p8e-", "BEGIN PRIVATE"]);
    }
    let password = countersign_testkit::person::PASSWORD;
    let fields = [("label", "x"), ("password", password)];
    assert_eq!(
        ada.post(&format!("{page}/secrets"), &fields).await.status,
        200
    );
}

/// Every form that changes something refuses what is not of the session (CON-06).
#[tokio::test]
async fn forms_without_the_token_of_the_session_do_nothing() {
    let app = TestApp::new().await;
    let (org, ada, projects) = setup(&app).await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let page = page_of(&projects, &client);
    let before = app.database.count("audit").await;
    for path in [
        format!("{projects}/new"),
        format!("{page}/secrets"),
        format!("{page}/generate-token"),
        format!("{page}/delete"),
        format!("{}/add-api/configure", project_of(&projects, &client)),
    ] {
        let refused = ada.bare_post(&path, &[("label", "x"), ("name", "x")]).await;
        assert_eq!(refused.status, 403, "{path}");
    }
    assert_eq!(app.database.count("audit").await, before);
}

#[tokio::test]
async fn hostile_names_are_shown_as_text() {
    const HOSTILE: &str = "=cmd()\"><script>alert(1)</script>{{7*7}}\u{202e}'&amp;";
    let app = TestApp::new().await;
    let (org, ada, projects) = setup(&app).await;
    let project = NewProject {
        org_id: org.clone(),
        name: "Hostile".to_owned(),
        title: String::new(),
        description: HOSTILE.to_owned(),
        kind: ProjectKind::Default,
    };
    let (project, _) = app
        .authority
        .create_project(project, &operator())
        .await
        .unwrap();
    let mut new = app
        .new_credential(&org, app.jwt_grant(keys::first()), &["DocCloudSDK"])
        .await;
    new.project_id = project.id;
    new.name = HOSTILE.to_owned();
    new.owner.team = HOSTILE.to_owned();
    let client = app.create(new, Some(keys::first())).await;
    let page = page_of(&projects, &client);
    let added = ada
        .post(&format!("{page}/secrets"), &[("label", HOSTILE)])
        .await;
    assert_eq!(added.status, 200);

    for path in [
        project_of(&projects, &client),
        format!("{}/edit", project_of(&projects, &client)),
        format!("{page}/details/serviceaccount"),
        format!("{page}/edit"),
        format!("{page}/secrets"),
        format!("{page}/secrets/{}/delete", client.secret_id),
        format!("{page}/certificates"),
        format!("{page}/usage"),
        format!("{page}/generate-jwt"),
        format!("{page}/generate-token"),
        format!("{page}/delete"),
        format!("{page}/activity"),
        format!("{page}/migration"),
        format!("{page}/keys"),
        format!("{page}/token-kind"),
        format!("{}/activity", project_of(&projects, &client)),
        format!(
            "{projects}?q={}&created_by=%22%3E%3Cscript%3E",
            "%22%3E%3Cscript%3E"
        ),
    ] {
        let shown = ada.get(&path).await;
        assert_eq!(shown.status, 200, "{path}");
        must_not_say(&shown, &["<script>alert", "\"><script>"]);
        must_say(&shown, &["&#60;script&#62;"]);
    }
    let csv = ada.get(&format!("{projects}/projects.csv")).await;
    must_say(&csv, &["\"'=cmd()\"\">"]);
    let long = "x".repeat(10_000);
    for (path, field, sentence) in [
        (format!("{projects}/new"), "name", "1 to 20 letters"),
        (format!("{page}/secrets"), "label", "1 to 100 characters"),
        (format!("{page}/edit"), "name", "1 to 100 characters"),
    ] {
        let refused = ada
            .post(&path, &[(field, &long), ("team", "t"), ("contact", "c")])
            .await;
        assert_eq!(refused.status, 422, "{path}");
        must_say(&refused, &[sentence, &long]);
    }
    for query in ["q", "created_by", "service", "sort", "after"] {
        let path = format!("{projects}?{query}={}", &long[..5000]);
        assert_eq!(ada.get(&path).await.status, 200, "{query}");
    }
}
