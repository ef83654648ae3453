//! The two APIs of the original's console, call by call. The library that was written for them is
//! among the real clients; here is what it does not look at.

use std::time::Duration;

use countersign_authority::NewAccessToken;
use countersign_model::Role;
use countersign_testkit::app::{Node, operator};
use countersign_testkit::{Answer, Call, TestApp, TestClient, keys};
use countersign_wire::OrgId;
use http::Method;
use serde_json::{Value, json};

use crate::people::{actor, developer};

const IO_MANAGEMENT: &str = "AdobeIOManagementAPISDK";
const SECRET_SCOPES: &str = "read_client_secret,manage_client_secrets";
pub const CLI: &str = "aio-cli-console-auth";

on_both_engines!(
    a_credential_rotates_its_own_secret,
    a_token_without_the_scopes_changes_nothing,
    the_checks_come_in_their_order,
    a_token_of_a_credential_looks_and_makes_nothing,
    nothing_of_another_organization_is_there,
    a_viewer_changes_nothing,
    what_cannot_be_read_is_refused,
    projects_come_in_pages_and_in_order,
    services_say_what_is_in_the_way,
    certificates_are_bound_and_unbound,
    services_are_replaced_as_a_whole,
    an_operator_looks_and_it_is_written_down,
    a_credential_is_migrated,
);

/// Somebody with a token and an API key, in an organization.
pub struct Program<'n> {
    node: &'n Node,
    token: String,
    key: String,
    pub org: String,
}

impl Program<'_> {
    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn call(&self, method: Method, path: &str) -> Call {
        let target = format!("/console/organizations/{}{path}", self.org);
        let call = self.node.anonymous().call(method, &target);
        call.header("x-api-key", &self.key).bearer(&self.token)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).send().await
    }

    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        let call = self.call(method, path);
        call.body("application/json", body.to_string()).send().await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path).send().await
    }
}

/// A program with a personal access token.
pub async fn program<'n>(node: &'n Node, org: &OrgId, who: &str, role: Role) -> Program<'n> {
    let by = actor(node, org, who, role).await;
    of(node, org, &by).await
}

pub async fn of<'n>(node: &'n Node, org: &OrgId, by: &countersign_authority::Actor) -> Program<'n> {
    let now = node.authority.clock().now();
    let new = NewAccessToken {
        name: "test".to_owned(),
        role: None,
        expires_at: now.plus(Duration::from_secs(86_400)),
    };
    let (_, token) = node.authority.create_access_token(new, by).await.unwrap();
    Program {
        node,
        token: token.expose().to_owned(),
        key: CLI.to_owned(),
        org: number(node, org).await,
    }
}

async fn number(node: &Node, org: &OrgId) -> String {
    let found = node.authority.find_organization(org, &operator()).await;
    found.unwrap().numeric_id.to_string()
}

/// The program that a credential is for.
pub async fn of_credential<'n>(node: &'n Node, client: &TestClient, scope: &str) -> Program<'n> {
    let token = node.anonymous().token(client, scope).await.token();
    Program {
        node,
        token,
        key: client.client_id.to_string(),
        org: number(node, &client.org_id).await,
    }
}

#[track_caller]
pub fn gateway(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body = answer.json();
    (
        answer.status,
        body["error_code"].as_str().unwrap().to_owned(),
    )
}

/// The documented rotation: list, add, change the program, list, delete.
async fn a_credential_rotates_its_own_secret(app: &TestApp) {
    let org = app.organization().await;
    let mut client = app.oauth(&org, &[IO_MANAGEMENT]).await;
    let program = of_credential(app, &client, SECRET_SCOPES).await;
    let path = format!("/credentials/{}/secrets", client.id);
    app.authority.flush().await;

    let listed = program.get(&path).await;
    let added = program.call(Method::POST, &path).send().await;

    assert_eq!(listed.status, 200);
    let listed = listed.json();
    assert_eq!(listed["client_id"], client.client_id.as_str());
    assert_eq!(
        listed["client_secrets"],
        json!([{
            "expires_at": "PERMANENT",
            "expires_at_str": "PERMANENT",
            "created_at": "1769947200500",
            "created_at_str": "Sun, Feb 01 2026 12:00:00.500 UTC",
            "uuid": client.secret_id,
            "secret_usages": [{"last_used_at": "1769947200500", "grant_type": "client_credentials"}],
        }])
    );
    assert_eq!(
        (added.status, added.header("cache-control")),
        (201, Some("no-store"))
    );
    let added = added.json();
    assert_eq!(added["secret_usages"], Value::Null);
    let old = std::mem::replace(
        &mut client.secret,
        added["client_secret"].as_str().unwrap().to_owned(),
    );
    app.anonymous().token(&client, SECRET_SCOPES).await.token();

    let gone = program
        .delete(&format!("{path}/{}", client.secret_id))
        .await;
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    let left = program.get(&path).await.json();
    assert_eq!(left["client_secrets"].as_array().unwrap().len(), 1);
    assert_eq!(left["client_secrets"][0]["uuid"], added["uuid"]);
    let new = std::mem::replace(&mut client.secret, old);
    assert_eq!(app.anonymous().token(&client, "openid").await.status, 400);
    client.secret = new;

    let last = program
        .delete(&format!("{path}/{}", added["uuid"].as_str().unwrap()))
        .await;
    assert_eq!(gateway(&last), (409, "409000".to_owned()));
    let unknown = program.delete(&format!("{path}/{}", "0".repeat(32))).await;
    assert_eq!(gateway(&unknown), (404, "404000".to_owned()));
    for _ in 0..4 {
        assert_eq!(program.call(Method::POST, &path).send().await.status, 201);
    }
    let limit = program.call(Method::POST, &path).send().await;
    assert_eq!(gateway(&limit), (409, "409000".to_owned()));
    assert!(limit.body.contains("already has 5"), "{}", limit.body);
}

async fn a_token_without_the_scopes_changes_nothing(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &[IO_MANAGEMENT]).await;
    let neighbour = app.oauth(&org, &[IO_MANAGEMENT]).await;
    let own = format!("/credentials/{}/secrets", client.id);
    let theirs = format!("/credentials/{}/secrets", neighbour.id);
    let mismatch = (403, "403011".to_owned());

    let looking = of_credential(app, &client, "adobeio_api,read_client_secret").await;
    assert_eq!(looking.get(&own).await.status, 200);
    assert_eq!(
        gateway(&looking.call(Method::POST, &own).send().await),
        mismatch
    );
    let second = format!("{own}/{}", client.secret_id);
    assert_eq!(gateway(&looking.delete(&second).await), mismatch);

    let managing = of_credential(app, &client, SECRET_SCOPES).await;
    // Every credential of the organization could otherwise become any other.
    let managing = Program {
        token: app
            .anonymous()
            .token(
                &client,
                "adobeio_api,read_client_secret,manage_client_secrets",
            )
            .await
            .token(),
        ..managing
    };
    assert_eq!(gateway(&managing.get(&theirs).await), mismatch);
    assert_eq!(
        gateway(&managing.call(Method::POST, &theirs).send().await),
        mismatch
    );
    let plain = of_credential(app, &client, "openid").await;
    assert_eq!(gateway(&plain.get(&own).await), mismatch);
    let organizations = app.anonymous().get("/console/organizations");
    let organizations = organizations.header("x-api-key", &plain.key);
    let organizations = organizations.bearer(&plain.token).send().await;
    assert_eq!(gateway(&organizations), mismatch);
}

async fn the_checks_come_in_their_order(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &[IO_MANAGEMENT]).await;
    let other = app.oauth(&org, &[IO_MANAGEMENT]).await;
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let account = of_credential(app, &client, SECRET_SCOPES).await;
    let target = format!("/console/organizations/{}/projects", ada.org);
    let path = format!("/credentials/{}/secrets", client.id);
    let call = || app.anonymous().get(&target);
    let cases = [
        (call(), 403, "403000"),
        (
            call().header("x-api-key", "unknown").bearer("x"),
            403,
            "403003",
        ),
        (
            call().header("x-api-key", CLI).header("x-api-key", CLI),
            400,
            "400000",
        ),
        (call().header("x-api-key", CLI), 403, "403010"),
        (
            call()
                .header("x-api-key", CLI)
                .header("authorization", "Basic eDp5"),
            403,
            "403010",
        ),
        (call().header("x-api-key", CLI).bearer("x"), 401, "401013"),
        (
            call()
                .header("x-api-key", CLI)
                .bearer(&ada.token)
                .header("x-gw-ims-org-id", "x"),
            403,
            "403025",
        ),
        (
            account.call(Method::GET, &path).header("x-api-key", CLI),
            400,
            "400000",
        ),
    ];
    for (call, status, code) in cases {
        assert_eq!(gateway(&call.send().await), (status, code.to_owned()));
    }

    let borrowed = Program {
        key: other.client_id.to_string(),
        ..account
    };
    assert_eq!(
        gateway(&borrowed.get(&path).await),
        (403, "403201".to_owned())
    );
    let by_cli = Program {
        key: CLI.to_owned(),
        ..borrowed
    };
    assert_eq!(by_cli.get(&path).await.status, 200);

    app.authority
        .switch_credential(&other.id, false, &operator())
        .await
        .unwrap();
    let disabled = Program {
        key: other.client_id.to_string(),
        ..ada
    };
    assert_eq!(
        gateway(&disabled.get("/projects").await),
        (403, "403003".to_owned())
    );
    let ended = app
        .authority
        .delete_credential(&client.id, &operator())
        .await;
    ended.unwrap();
    assert_eq!(
        gateway(&by_cli.get(&path).await),
        (401, "401013".to_owned())
    );
}

async fn a_token_of_a_credential_looks_and_makes_nothing(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &[IO_MANAGEMENT]).await;
    let scope = "adobeio_api,read_client_secret,manage_client_secrets";
    let program = of_credential(app, &client, scope).await;
    let before = app.database.count("projects").await;

    let organizations = app
        .anonymous()
        .get("/console/organizations")
        .header("x-api-key", CLI)
        .bearer(&program.token)
        .send()
        .await;
    assert_eq!(organizations.json()[0]["code"], org.as_str());
    assert_eq!(organizations.json()[0]["role"], "VIEWER");
    assert_eq!(program.get("/projects").await.status, 200);
    let made = program.post("/projects", &json!({"name": "Mine"})).await;
    assert_eq!(gateway(&made), (403, "403011".to_owned()));
    let gone = program
        .delete(&format!("/integrations/{}", client.id))
        .await;
    assert_eq!(gateway(&gone), (403, "403011".to_owned()));
    let credential = program
        .post(
            "/credentials/oauth-server-to-server",
            &json!({"name": "Mine"}),
        )
        .await;
    assert_eq!(gateway(&credential), (403, "403011".to_owned()));
    assert_eq!(app.database.count("projects").await, before);
}

/// Every call with everything of another organization, once in the other's path and once in the
/// own one: the answer is that of things that are not there.
async fn nothing_of_another_organization_is_there(app: &TestApp) {
    let theirs = app.organization().await;
    let there = app.jwt(&theirs, &[IO_MANAGEMENT], keys::first()).await;
    let their_number = number(app, &theirs).await;
    let own = app.organization().await;
    let program = program(app, &own, "ada@example.com", Role::SystemAdministrator).await;
    let project = app
        .authority
        .list_workspaces(&there.project_id, &operator())
        .await
        .unwrap();
    let workspace = &project[0].id;
    let (p, c) = (&there.project_id, &there.id);
    let before = app.database.count("audit").await;

    let at = format!("/projects/{p}/workspaces/{workspace}");
    let services = json!([{"sdkCode": "AdobeAnalyticsSDK"}]);
    let one = json!({"sdkCode": "AdobeAnalyticsSDK"});
    let named = json!({"name": "Mine"});
    let calls: Vec<(Method, String, Option<&Value>)> = vec![
        (Method::GET, format!("/projects/{p}"), None),
        (Method::PATCH, format!("/projects/{p}"), Some(&named)),
        (Method::DELETE, format!("/projects/{p}"), None),
        (Method::POST, format!("/projects/{p}/can-delete"), None),
        (Method::GET, format!("/projects/{p}/workspaces"), None),
        (
            Method::POST,
            format!("/projects/{p}/workspaces"),
            Some(&named),
        ),
        (Method::GET, at.clone(), None),
        (Method::PATCH, at.clone(), Some(&named)),
        (Method::DELETE, at.clone(), None),
        (Method::GET, format!("{at}/plugins"), None),
        (Method::GET, format!("{at}/endpoints"), None),
        (
            Method::POST,
            format!("{at}/credentials/entp/{c}/certificate/generateAndAssign"),
            None,
        ),
        (
            Method::GET,
            format!("/integrations/entp/{c}/service/{IO_MANAGEMENT}/properties"),
            None,
        ),
        (Method::GET, format!("{at}/download"), None),
        (Method::GET, format!("{at}/credentials"), None),
        (
            Method::POST,
            format!("{at}/credentials/oauth-server-to-server"),
            Some(&named),
        ),
        (
            Method::PUT,
            format!("{at}/credentials/entp/{c}/services"),
            Some(&services),
        ),
        (Method::DELETE, format!("{at}/credentials/{c}"), None),
        (
            Method::GET,
            format!("/projects_workspaces/workspaces/{workspace}"),
            None,
        ),
        (
            Method::GET,
            format!("/projects_workspaces/credentials/{c}"),
            None,
        ),
        (
            Method::GET,
            format!("/clients/{}/project_workspace", there.client_id),
            None,
        ),
        (
            Method::PUT,
            format!("/credentials/oauth-server-to-server/{c}"),
            Some(&named),
        ),
        (
            Method::PUT,
            format!("/credentials/oauth-server-to-server/{c}/services"),
            Some(&services),
        ),
        (
            Method::POST,
            format!("/credentials/oauth-server-to-server/{c}/binding"),
            None,
        ),
        (
            Method::PATCH,
            format!("/credentials/oauth-server-to-server/{c}/finalize"),
            None,
        ),
        (
            Method::PATCH,
            format!("/credentials/oauth-server-to-server/{c}/service/subscribe"),
            Some(&one),
        ),
        (
            Method::PATCH,
            format!("/credentials/oauth-server-to-server/{c}/service/unsubscribe"),
            Some(&one),
        ),
        (Method::GET, format!("/credentials/{c}/secrets"), None),
        (Method::POST, format!("/credentials/{c}/secrets"), None),
        (
            Method::DELETE,
            format!("/credentials/{c}/secrets/{}", there.secret_id),
            None,
        ),
        (Method::GET, format!("/integrations/{c}"), None),
        (Method::DELETE, format!("/integrations/{c}"), None),
        (Method::GET, format!("/integrations/{c}/secrets"), None),
        (
            Method::GET,
            format!("/integrations/entp/{c}/bindings"),
            None,
        ),
        (
            Method::DELETE,
            format!(
                "/integrations/entp/{c}/bindings/{}",
                there.certificate_id.unwrap()
            ),
            None,
        ),
        (
            Method::PUT,
            format!("/integrations/entp/{c}/services"),
            Some(&services),
        ),
    ];
    for (method, path, body) in calls {
        let unknown = Program {
            org: "1".to_owned(),
            key: CLI.to_owned(),
            token: program.token.clone(),
            node: app,
        };
        let foreign = Program {
            org: their_number.clone(),
            ..unknown
        };
        let nowhere = Program {
            org: "1".to_owned(),
            key: CLI.to_owned(),
            token: program.token.clone(),
            node: app,
        };
        let mut told = Vec::new();
        for by in [&program, &foreign, &nowhere] {
            let call = by.call(method.clone(), &path);
            let call = match body {
                Some(body) => call.body("application/json", body.to_string()),
                None => call,
            };
            let answer = call.send().await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
            told.push(answer.body);
        }
        assert_eq!(
            told[1], told[2],
            "an organization that is not there, and one that is: {path}"
        );
    }
    for path in ["/projects", "/services", "/integrations"] {
        let foreign = Program {
            org: their_number.clone(),
            key: CLI.to_owned(),
            token: program.token.clone(),
            node: app,
        };
        assert_eq!(foreign.get(path).await.status, 404);
        assert!(!program.get(path).await.body.contains(p.as_str()));
    }
    let client = app
        .anonymous()
        .get(&format!("/console/clients/{}/credential", there.client_id))
        .header("x-api-key", CLI)
        .bearer(&program.token);
    assert_eq!(client.send().await.status, 404);
    let config = app
        .anonymous()
        .get(&format!("/console/data/projects/{p}/install-config"))
        .header("x-api-key", CLI)
        .bearer(&program.token);
    assert_eq!(config.send().await.status, 404);
    assert_eq!(app.database.count("audit").await, before, "nothing changed");
}

async fn a_viewer_changes_nothing(app: &TestApp) {
    let org = app.organization().await;
    let client = app.jwt(&org, &[IO_MANAGEMENT], keys::first()).await;
    let viewer = program(app, &org, "vic@example.com", Role::Viewer).await;
    let found = app
        .authority
        .list_workspaces(&client.project_id, &operator())
        .await
        .unwrap();
    let at = format!("/projects/{}/workspaces/{}", client.project_id, found[0].id);
    let secrets = format!("/credentials/{}/secrets", client.id);
    let before = app.database.count("audit").await;

    for path in [
        "/projects",
        "/services",
        "/integrations",
        &at,
        &format!("{at}/credentials"),
    ] {
        assert_eq!(viewer.get(path).await.status, 200, "{path}");
    }
    let integration = viewer
        .get(&format!("/integrations/{}", client.id))
        .await
        .json();
    assert_eq!(integration["readOnly"], true);
    let forbidden = (403, "403221".to_owned());
    for path in [&secrets, &format!("{at}/download")] {
        assert_eq!(gateway(&viewer.get(path).await), forbidden, "{path}");
    }
    let named = json!({"name": "Mine"});
    for path in [
        "/projects",
        "/credentials/oauth-server-to-server",
        &secrets,
        &format!("/projects/{}/workspaces", client.project_id),
        &format!(
            "{at}/credentials/entp/{}/certificate/generateAndAssign",
            client.id
        ),
    ] {
        assert_eq!(
            gateway(&viewer.post(path, &named).await),
            forbidden,
            "{path}"
        );
    }
    for path in [
        format!("/projects/{}", client.project_id),
        format!("/integrations/{}", client.id),
        format!("{secrets}/{}", client.secret_id),
        format!("{at}/credentials/{}", client.id),
        at.clone(),
        format!(
            "/integrations/entp/{}/bindings/{}",
            client.id,
            client.certificate_id.unwrap()
        ),
    ] {
        assert_eq!(gateway(&viewer.delete(&path).await), forbidden, "{path}");
    }
    assert_eq!(app.database.count("audit").await, before, "nothing changed");
}

async fn what_cannot_be_read_is_refused(app: &TestApp) {
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let projects = |query: &str| ada.call(Method::GET, &format!("/projects?{query}"));
    let refused = |answer: Answer| {
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &json!(400)),
            "{}",
            answer.body
        );
        answer.json()["message"].as_str().unwrap().to_owned()
    };
    for query in [
        "page=0",
        "size=x",
        "sortField=size",
        "sortOrder=up",
        "appType=UXP",
        "projectType=other",
        "projectIds=1,x",
        "page=1&page=2",
    ] {
        refused(projects(query).send().await);
    }
    let not_json = ada
        .call(Method::POST, "/projects")
        .body("application/json", r#"{"name": "p8e-pasted"#);
    let told = refused(not_json.send().await);
    assert!(!told.contains("p8e-"), "{told}");
    for body in [
        json!([]),
        json!({"title": "no name"}),
        json!({"name": "with blank"}),
        json!({"name": "x".repeat(10_000)}),
        json!({"name": "Mine", "type": "other"}),
        json!({"name": "Mine", "title": "<script>"}),
        json!({"name": "Mine", "description": "x".repeat(1001)}),
    ] {
        refused(ada.post("/projects", &body).await);
    }
    let twice =
        json!({"name": "Mine", "services": [{"sdkCode": "FireflySDK"}, {"sdkCode": "FireflySDK"}]});
    refused(
        ada.post("/credentials/oauth-server-to-server", &twice)
            .await,
    );
    let unknown = json!({"name": "Mine", "services": [{"sdkCode": "NoSuchSDK"}]});
    let before = app.database.count("projects").await;
    refused(
        ada.post("/credentials/oauth-server-to-server", &unknown)
            .await,
    );
    assert_eq!(
        app.database.count("projects").await,
        before,
        "no project without its credential"
    );
    let no_file = ada.call(Method::POST, "/integrations/entp?name=Mine&description=d");
    refused(
        no_file
            .body("text/plain;charset=UTF-8", "[object FormData]")
            .send()
            .await,
    );
    let taken = json!({"name": "Same"});
    assert_eq!(ada.post("/projects", &taken).await.status, 201);
    assert_eq!(ada.post("/projects", &taken).await.status, 409);
}

async fn projects_come_in_pages_and_in_order(app: &TestApp) {
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::Developer).await;
    for name in ["C", "A", "B"] {
        let made = ada.post("/projects", &json!({"name": name})).await;
        assert_eq!(made.status, 201, "{}", made.body);
        app.advance(Duration::from_secs(1));
    }
    for (query, names) in [
        ("", vec!["C", "A", "B"]),
        ("sortField=title", vec!["A", "B", "C"]),
        ("sortField=title&sortOrder=DESC", vec!["C", "B", "A"]),
        (
            "sortField=date_created&sortOrder=DESC&size=2",
            vec!["B", "A"],
        ),
        ("sortField=title&size=2&page=2", vec!["C"]),
        ("page=9", vec![]),
    ] {
        let answer = ada.get(&format!("/projects?{query}")).await;
        let body = answer.json();
        let found: Vec<_> = body
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        assert_eq!(found, names, "{query}");
        assert_eq!(answer.header("x-pagination-count"), Some("3"));
    }
}

async fn services_say_what_is_in_the_way(app: &TestApp) {
    let org = app.organization().await;
    let service = "CloudManagerSDK".parse().unwrap();
    let profile = app
        .authority
        .create_profile(&org, &service, "Deploy".to_owned(), &operator())
        .await
        .unwrap();
    let without = program(app, &org, "dev@example.com", Role::Developer).await;
    let with = developer(
        app,
        &org,
        "eve@example.com",
        Role::Developer,
        std::slice::from_ref(&profile.id),
    )
    .await;
    let with = of(app, &org, &with.actor(&org).unwrap()).await;
    let viewer = program(app, &org, "vic@example.com", Role::Viewer).await;

    let reasons = async |by: &Program<'_>| {
        let services = by
            .get("/services?sdkCodes=CloudManagerSDK,UserMgmtSDK")
            .await
            .json();
        let services: Vec<_> = services.as_array().unwrap().clone();
        services
            .into_iter()
            .map(|one| (one["enabled"] == true, one["disabledReasons"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        reasons(&without).await,
        [
            (false, json!(["USER_MISSING_ADMIN_ROLE"])),
            (false, json!(["USER_MISSING_PRODUCT_PROFILES"])),
        ]
    );
    assert_eq!(reasons(&with).await[1], (true, json!([])));
    assert_eq!(
        reasons(&viewer).await[0].1,
        json!(["USER_MISSING_ADMIN_OR_DEVELOPER_ROLE"])
    );

    let body = json!({"name": "Deployments", "description": "d", "services": [
        {"sdkCode": "CloudManagerSDK", "licenseConfigs": [{"id": profile.id, "productId": "p", "op": "add"}]}]});
    let path = "/credentials/oauth-server-to-server";
    assert_eq!(
        gateway(&without.post(path, &body).await),
        (403, "403221".to_owned())
    );
    let made = with.post(path, &body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let shown = with.get(&format!("/integrations/{id}")).await.json();
    assert_eq!(
        shown["serviceProperties"][0]["licenseConfigs"][0]["name"],
        "Deploy"
    );
    assert_eq!(
        (&shown["readOnly"], &shown["description"]),
        (&json!(false), &json!("d"))
    );
    let read_only = without.get(&format!("/integrations/{id}")).await.json();
    assert_eq!(read_only["readOnly"], true);
}

async fn certificates_are_bound_and_unbound(app: &TestApp) {
    let org = app.organization().await;
    let client = app.jwt(&org, &[], keys::first()).await;
    let ada = program(app, &org, "ada@example.com", Role::Developer).await;
    let path = format!("/integrations/entp/{}/bindings", client.id);
    let now = app.now();
    let day = Duration::from_secs(86_400);
    let certificate =
        String::from_utf8(keys::certificate(keys::second(), now, now.plus(day))).unwrap();
    let upload = |text: &str| {
        let body = format!(
            "--x\r\nContent-Disposition: form-data; name=\"certificate\"; filename=\"a.crt\"\r\nContent-Type: application/octet-stream\r\n\r\n{text}\r\n--x--\r\n"
        );
        ada.call(Method::POST, &path)
            .body("multipart/form-data; boundary=x", body)
    };

    let bound = upload(&certificate).send().await;

    assert_eq!(bound.status, 200, "{}", bound.body);
    let binding = &bound.json()[0];
    assert_eq!(binding["technicalAccountId"], client.account_id.as_str());
    assert_eq!(binding["notAfter"], now.plus(day).as_seconds() * 1000);
    assert_eq!(
        binding["certificateFingerprint"].as_str().unwrap().len(),
        40
    );
    assert_eq!(ada.get(&path).await.json().as_array().unwrap().len(), 2);
    assert_eq!(
        upload(&certificate).send().await.status,
        409,
        "the same again"
    );
    assert_eq!(upload("no certificate").send().await.status, 400);
    let first = client.certificate_id.unwrap();
    assert_eq!(ada.delete(&format!("{path}/{first}")).await.status, 200);
    assert_eq!(ada.delete(&format!("{path}/{first}")).await.status, 404);
    let last = ada
        .delete(&format!(
            "{path}/{}",
            binding["bindingId"].as_str().unwrap()
        ))
        .await;
    assert_eq!((last.status, &last.json()["code"]), (409, &json!(409)));

    let policy = countersign_model::DeprecationPolicy {
        no_new_on: Some(now),
        end_of_life_on: Some(now),
        ..Default::default()
    };
    app.set_policy(Some(&org), policy).await;
    let other = String::from_utf8(keys::certificate(keys::foreign(), now, now.plus(day))).unwrap();
    assert_eq!(
        upload(&other).send().await.status,
        409,
        "after the end of life"
    );
}

async fn services_are_replaced_as_a_whole(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &["FireflySDK"]).await;
    let ada = program(app, &org, "ada@example.com", Role::Developer).await;
    let base = format!("/credentials/oauth-server-to-server/{}", client.id);
    let path = format!("{base}/services");
    let listed = |answer: Answer| {
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["sdkList"].clone()
    };

    let two = json!([{"sdkCode": "AdobeAnalyticsSDK"}, {"sdkCode": IO_MANAGEMENT, "licenseConfigs": null}]);
    assert_eq!(
        listed(ada.send(Method::PUT, &path, &two).await),
        json!(["AdobeAnalyticsSDK", IO_MANAGEMENT])
    );
    let reserved = json!([{"sdkCode": "UserMgmtSDK"}]);
    assert_eq!(
        gateway(&ada.send(Method::PUT, &path, &reserved).await),
        (403, "403221".to_owned())
    );
    let third = json!({"sdkCode": "FireflySDK"});
    let all = listed(
        ada.send(Method::PATCH, &format!("{base}/service/subscribe"), &third)
            .await,
    );
    assert_eq!(
        all,
        json!(["AdobeAnalyticsSDK", IO_MANAGEMENT, "FireflySDK"])
    );
    let left = listed(
        ada.send(
            Method::PATCH,
            &format!("{base}/service/unsubscribe"),
            &third,
        )
        .await,
    );
    assert_eq!(left, json!(["AdobeAnalyticsSDK", IO_MANAGEMENT]));
    assert_eq!(
        listed(ada.send(Method::PUT, &path, &json!([])).await),
        json!([])
    );

    let found = ada
        .get(&format!("/clients/{}/project_workspace", client.client_id))
        .await
        .json();
    assert_eq!(found["integrationId"], client.id.as_str());
    let renamed = ada
        .send(
            Method::PUT,
            &base,
            &json!({"name": "Renamed", "description": "d"}),
        )
        .await
        .json();
    assert_eq!(
        (&renamed["name"], &renamed["apikey"]),
        (&json!("Renamed"), &json!(client.client_id))
    );
}

async fn an_operator_looks_and_it_is_written_down(app: &TestApp) {
    let org = app.organization().await;
    let root = of(app, &org, &operator()).await;
    app.advance(Duration::from_secs(1));

    assert_eq!(root.get("/projects").await.status, 200);

    let page = countersign_authority::Page::first();
    let events = app
        .authority
        .list_activity(&org, &Default::default(), &page, &operator())
        .await
        .unwrap();
    let event = &events[0].event;
    assert_eq!(event.action, "operator.read");
    assert!(
        event.subject.starts_with("/console/organizations/"),
        "{}",
        event.subject
    );
}

async fn a_credential_is_migrated(app: &TestApp) {
    let org = app.organization().await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let oauth = app.oauth(&org, &["DocCloudSDK"]).await;
    let ada = program(app, &org, "ada@example.com", Role::Developer).await;
    let at = |of: &TestClient, what: &str| {
        format!("/credentials/oauth-server-to-server/{}/{what}", of.id)
    };
    let [binding, finalize] = ["binding", "finalize"].map(|what| at(&client, what));
    let status = async |of: &TestClient| {
        let answer = ada.get(&at(of, "status")).await;
        answer.json()["migrationStatus"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(status(&client).await, "NOT_STARTED");
    assert_eq!(status(&oauth).await, "NONE");
    assert_eq!(ada.get(&binding).await.status, 409);

    let started = ada.post(&binding, &json!({})).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let shown = started.json();
    assert_eq!(shown["organizationId"], org.as_str());
    assert_eq!(shown["clientId"], client.client_id.as_str());
    assert_eq!(shown["servicePrincipalId"], client.account_id.as_str());
    let scopes = shown["allowedScopes"].as_str().unwrap();
    assert!(scopes.split(',').any(|scope| scope == "openid"), "{scopes}");
    assert_eq!(ada.get(&binding).await.json(), shown);
    assert_eq!(status(&client).await, "STARTED");
    assert_eq!(ada.delete(&binding).await.status, 204);
    assert_eq!(status(&client).await, "NOT_STARTED");
    ada.post(&binding, &json!({})).await;

    let early = ada.send(Method::PATCH, &finalize, &json!({})).await;
    assert_eq!(early.status, 409, "{}", early.body);
    assert!(early.body.contains("does not call it safe"));
    app.advance(Duration::from_secs(120 * 86_400));
    let ada = program(app, &org, "ada2@example.com", Role::Developer).await;
    for _ in 0..2 {
        let done = ada.send(Method::PATCH, &finalize, &json!({})).await;
        assert_eq!(done.status, 200, "{}", done.body);
    }
    let answer = ada.get(&at(&client, "status")).await.json();
    assert_eq!(answer["migrationStatus"], "COMPLETED");
    app.migrate(&client).await;
    let done = ada.send(Method::PATCH, &finalize, &json!({})).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert_eq!(ada.get(&binding).await.status, 200);
    assert_eq!(ada.delete(&binding).await.status, 409);
}
