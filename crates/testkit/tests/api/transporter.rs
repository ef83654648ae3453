//! What the Transporter API has besides projects, credentials and secrets: workspaces, filters of the
//! project list, key pairs, and what belongs to other products.

use countersign_model::Role;
use countersign_testkit::{TestApp, TestClient, keys};
use http::Method;
use serde_json::{Value, json};

use crate::console_apis::{CLI, Program, gateway, program};

on_both_engines!(
    projects_of_app_builder_have_several_workspaces,
    a_project_comes_with_its_workspaces_or_not_at_all,
    two_who_name_a_workspace_alike_are_told,
    projects_are_filtered_by_what_is_in_them,
    a_list_without_a_page_is_whole,
    a_key_pair_is_handed_out_once_and_works,
    product_profiles_of_a_service_say_which_are_used,
    a_project_says_what_its_installation_needs,
    what_belongs_to_other_products_is_said_so,
    there_are_no_terms_to_accept,
);

async fn made(ada: &Program<'_>, name: &str, kind: &str) -> (String, String) {
    let made = ada
        .post("/projects", &json!({"name": name, "type": kind}))
        .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.json();
    (text(&made["projectId"]), text(&made["workspaceId"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

async fn projects_of_app_builder_have_several_workspaces(app: &TestApp) {
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::Developer).await;
    let (project, production) = made(&ada, "App", "jaeger").await;
    let all = format!("/projects/{project}/workspaces");

    let stage = json!({"name": "Stage", "title": "For trying", "description": "<b>d</b>"});
    let stage = ada.post(&all, &stage).await;
    assert_eq!(stage.status, 201, "{}", stage.body);
    assert_eq!(stage.json()["projectId"], project.as_str());
    let id = text(&stage.json()["workspaceId"]);
    let at = format!("{all}/{id}");
    let shown = ada.get(&at).await.json();
    assert_eq!(
        (&shown["name"], &shown["title"], &shown["description"]),
        (&json!("Stage"), &json!("For trying"), &json!("<b>d</b>"))
    );
    assert!(text(&shown["who_created"]).starts_with("person:ada@example.com"));
    let changed = ada
        .send(Method::PATCH, &at, &json!({"name": "Staging", "title": ""}))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(ada.get(&at).await.json()["name"], "Staging");

    for (body, status) in [
        (json!({"name": "Staging"}), 409),
        (json!({"name": "with blank"}), 400),
        (json!({"name": ""}), 400),
        (json!({"name": "Other", "title": "<script>"}), 400),
        (
            json!({"name": "Other", "description": "x".repeat(1001)}),
            400,
        ),
        (json!({"title": "no name"}), 400),
    ] {
        let refused = ada.post(&all, &body).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.body);
        assert_eq!(refused.json()["code"], status);
    }
    let renamed = json!({"name": "Other"});
    let renamed = ada
        .send(Method::PATCH, &format!("{all}/{production}"), &renamed)
        .await;
    assert_eq!(renamed.status, 409, "{}", renamed.body);
    assert_eq!(ada.delete(&format!("{all}/{production}")).await.status, 409);

    let credential = json!({"name": "Sync", "description": "d"});
    let credentials = format!("{at}/credentials");
    let credential = ada
        .post(
            &format!("{credentials}/oauth-server-to-server"),
            &credential,
        )
        .await;
    assert_eq!(credential.status, 200, "{}", credential.body);
    let can = format!("/projects/{project}/can-delete?workspaceId=");
    let errors = async |workspace: &str| {
        let answer = ada.post(&format!("{can}{workspace}"), &json!({})).await;
        answer.json()["errors"].as_array().unwrap().len()
    };
    assert_eq!((errors(&production).await, errors(&id).await), (0, 1));
    let in_use = ada.delete(&at).await;
    assert_eq!(in_use.status, 409);
    assert!(
        in_use.body.contains("still has a credential"),
        "{}",
        in_use.body
    );
    let id = text(&credential.json()["id"]);
    assert_eq!(ada.delete(&format!("{credentials}/{id}")).await.status, 200);
    assert_eq!(ada.delete(&at).await.status, 200);
    assert_eq!(ada.get(&at).await.status, 404);
    assert_eq!(ada.delete(&at).await.status, 404);

    let (plain, _) = made(&ada, "Plain", "default").await;
    let second = ada
        .post(
            &format!("/projects/{plain}/workspaces"),
            &json!({"name": "Stage"}),
        )
        .await;
    assert_eq!(second.status, 409);
    let told = second.json();
    assert!(
        text(&told["message"]).contains("Only one workspace allowed for project type default"),
        "{told}"
    );
}

async fn a_project_comes_with_its_workspaces_or_not_at_all(app: &TestApp) {
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::Developer).await;
    let path = "/projects_workspaces";
    let body = |kind: &str, names: &[&str]| {
        let workspaces: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        json!({"project": {"name": "App", "title": "App", "type": kind}, "workspaces": workspaces})
    };

    for (kind, names, status) in [
        ("jaeger", ["Stage", "Stage"], 409),
        ("default", ["Production", "Stage"], 409),
        ("jaeger", ["Stage", "no name"], 400),
    ] {
        let refused = ada.post(path, &body(kind, &names)).await;
        assert_eq!(refused.status, status, "{names:?}: {}", refused.body);
        assert_eq!(app.database.count("projects").await, 0, "{names:?}");
    }
    let done = ada
        .post(path, &body("jaeger", &["Stage", "Production", "Dev"]))
        .await;
    assert_eq!(done.status, 201, "{}", done.body);
    let done = done.json();
    assert_eq!(done["workspaces"].as_array().unwrap().len(), 3);
    assert_eq!(done["runtime"], json!({"error": false, "details": []}));
    let shown = ada
        .get(&format!("/projects/{}", text(&done["projectId"])))
        .await
        .json();
    let names = shown["metadata"]["workspaces"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Dev", "Production", "Stage"]);
}

async fn two_who_name_a_workspace_alike_are_told(app: &TestApp) {
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::Developer).await;
    let (project, _) = made(&ada, "App", "jaeger").await;
    let path = format!("/projects/{project}/workspaces");
    let body = json!({"name": "Stage"});

    let (one, other) = tokio::join!(ada.post(&path, &body), ada.post(&path, &body));

    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(ada.get(&path).await.json().as_array().unwrap().len(), 2);
}

async fn projects_are_filtered_by_what_is_in_them(app: &TestApp) {
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::Developer).await;
    let oauth = app.oauth(&org, &[]).await;
    let jwt = app.jwt(&org, &[], keys::first()).await;
    let both = app.jwt(&org, &[], keys::second()).await;
    app.authority
        .start_migration(&both.id, &countersign_testkit::app::operator())
        .await
        .unwrap();
    let (empty, _) = made(&ada, "Empty", "jaeger").await;
    let found = async |query: &str| {
        let answer = ada.get(&format!("/projects?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let body = answer.json();
        let ids = body.as_array().unwrap().iter().map(|one| text(&one["id"]));
        let mut ids: Vec<_> = ids.collect();
        let counted = answer.header("x-pagination-count").unwrap().to_owned();
        assert_eq!(counted, ids.len().to_string(), "{query}");
        ids.sort_unstable();
        ids
    };
    let of = |clients: &[&TestClient]| {
        let mut ids: Vec<_> = clients
            .iter()
            .map(|one| one.project_id.to_string())
            .collect();
        ids.sort_unstable();
        ids
    };

    assert_eq!(found("credentialType=service").await, of(&[&jwt]));
    assert_eq!(
        found("credentialType=oauth_server_to_server").await,
        of(&[&oauth])
    );
    assert_eq!(
        found("credentialType=service,oauth_server_to_server_migrate").await,
        of(&[&jwt, &both])
    );
    assert_eq!(found("credentialType=oauthweb,apikey").await, of(&[]));
    assert_eq!(
        found("credentialFlowType=entp").await,
        of(&[&oauth, &jwt, &both])
    );
    assert_eq!(found("credentialFlowType=adobeid").await, of(&[]));
    assert_eq!(
        found("credentialFlowType=adobeid&credentialType=service").await,
        of(&[])
    );
    assert_eq!(found("projectType=jaeger").await, [empty.as_str()]);
    assert_eq!(found("title=Empty").await, [empty.as_str()]);
    assert_eq!(found("title=empt").await, of(&[]));
    let two = format!("projectIds={},{}", oauth.project_id, both.project_id);
    assert_eq!(found(&two).await, of(&[&oauth, &both]));
    assert_eq!(
        found(&format!("{two}&credentialType=service")).await,
        of(&[])
    );

    let path = format!(
        "/projects?projectIds={}&includeCredentials=true",
        both.project_id
    );
    let with = ada.get(&path).await.json();
    let credentials = &with[0]["metadata"]["workspaces"][0]["credentials"];
    assert_eq!(credentials[0]["id_integration"], both.id.as_str());
    assert_eq!(
        credentials[0]["integration_type"],
        "oauth_server_to_server_migrate"
    );
    let without = ada.get("/projects").await.json();
    assert_eq!(
        without[0]["metadata"]["workspaces"][0]["credentials"],
        Value::Null
    );
}

/// The library asks for no page and would not see that there are more.
async fn a_list_without_a_page_is_whole(app: &TestApp) {
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::Developer).await;
    for number in 0..103 {
        made(&ada, &format!("P{number}"), "default").await;
    }
    let whole = ada.get("/projects").await;
    assert_eq!(whole.json().as_array().unwrap().len(), 103);
    assert_eq!(whole.header("x-pagination-count"), Some("103"));
    let page = ada.get("/projects?page=1").await;
    assert_eq!(page.json().as_array().unwrap().len(), 100);
    let sized = ada.get("/projects?size=2").await;
    assert_eq!(sized.json().as_array().unwrap().len(), 2);
}

async fn a_key_pair_is_handed_out_once_and_works(app: &TestApp) {
    let org = app.organization().await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let ada = program(app, &org, "ada@example.com", Role::Developer).await;
    let by = countersign_testkit::app::operator();
    let place = app.authority.list_workspaces(&client.project_id, &by).await;
    let (project, workspace) = (&client.project_id, &place.unwrap()[0].id);
    let at = format!("/projects/{project}/workspaces/{workspace}/credentials/entp");

    let path = format!("{at}/{}/certificate/generateAndAssign", client.id);
    let made = ada.call(Method::POST, &path).send().await;

    assert_eq!(made.status, 200, "{}", made.body);
    assert_eq!(made.header("content-type"), Some("application/zip"));
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let saved = made.header("content-disposition");
    assert_eq!(saved, Some("attachment; filename=\"config.zip\""));
    assert!(made.body.starts_with("PK"));
    let key = pem(&made.body, "PRIVATE KEY");
    let certificate = pem(&made.body, "CERTIFICATE");
    let key = countersign_wire::Opaque::new(key);
    let caller = countersign_wire::Caller::default();
    let token = app
        .authority
        .make_token_with_key(&client.id, &key, &caller, &by)
        .await;
    token.unwrap();
    let path = format!("/integrations/entp/{}/bindings", client.id);
    let bound = ada.get(&path).await.json();
    assert_eq!(bound.as_array().unwrap().len(), 2);
    assert!(certificate.len() > 500);

    let oauth = app.oauth(&org, &[]).await;
    let place = app.authority.list_workspaces(&oauth.project_id, &by).await;
    let (project, workspace) = (&oauth.project_id, &place.unwrap()[0].id);
    let at = format!("/projects/{project}/workspaces/{workspace}/credentials/entp");
    let path = format!("{at}/{}/certificate/generateAndAssign", oauth.id);
    assert_eq!(ada.call(Method::POST, &path).send().await.status, 409);
    let path = format!("{at}/{}/certificate/generateAndAssign", client.id);
    assert_eq!(ada.call(Method::POST, &path).send().await.status, 404);
}

/// The PEM of that label in a zip that stores what it holds as it is.
fn pem(zip: &str, label: &str) -> String {
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    let from = zip.find(&begin).unwrap();
    let to = zip.find(&end).unwrap() + end.len();
    format!("{}\n", &zip[from..to])
}

async fn product_profiles_of_a_service_say_which_are_used(app: &TestApp) {
    let org = app.organization().await;
    let by = countersign_testkit::app::operator();
    let service = "CloudManagerSDK".parse().unwrap();
    let mut ids = Vec::new();
    for name in ["Deploy", "Look"] {
        let made = app
            .authority
            .create_profile(&org, &service, name.to_owned(), &by)
            .await;
        ids.push(made.unwrap().id);
    }
    let client = app.oauth(&org, &[]).await;
    let subscription = countersign_model::Subscription {
        service,
        profiles: vec![ids[1].clone()],
    };
    app.authority
        .subscribe(&client.id, subscription, &by)
        .await
        .unwrap();
    let ada = program(app, &org, "ada@example.com", Role::Developer).await;
    let of = |service: &str| {
        format!(
            "/integrations/entp/{}/service/{service}/properties",
            client.id
        )
    };

    let shown = ada.get(&of("CloudManagerSDK")).await.json();

    assert_eq!(shown["sdkCode"], "CloudManagerSDK");
    let all = shown["licenseConfigs"].as_array().unwrap();
    let selected = |id: &str| all.iter().find(|one| one["id"] == id).unwrap()["selected"].clone();
    assert_eq!(
        (selected(ids[0].as_str()), selected(ids[1].as_str())),
        (json!(false), json!(true))
    );
    assert_eq!(ada.get(&of("NoSuchSDK")).await.status, 400);
}

async fn a_project_says_what_its_installation_needs(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let vic = program(app, &org, "vic@example.com", Role::Viewer).await;
    let path = format!(
        "/console/data/projects/{}/install-config",
        client.project_id
    );
    let call = app.anonymous().get(&path).header("x-api-key", CLI);

    let shown = call.bearer(vic.token()).send().await;

    assert_eq!(
        shown.json(),
        json!({"credentials": [{
            "type": "OAUTH_SERVER_TO_SERVER", "flowType": "ENTP", "apis": [{"code": "DocCloudSDK"}],
        }]})
    );
}

async fn what_belongs_to_other_products_is_said_so(app: &TestApp) {
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let (project, workspace) = made(&ada, "App", "jaeger").await;
    let at = format!("/projects/{project}/workspaces/{workspace}");
    for path in ["plugins", "endpoints"] {
        let answer = ada.get(&format!("{at}/{path}")).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    for (method, path) in [
        (Method::GET, "/xp/firefly".to_owned()),
        (Method::GET, "/xr-api/v1/app?appId=1".to_owned()),
        (Method::GET, "/policy/1/usage".to_owned()),
        (Method::GET, "/events/providers".to_owned()),
        (Method::GET, "/namespaces/n/workspace".to_owned()),
        (Method::POST, "/integrations/adobeid".to_owned()),
        (Method::POST, "/credentials/admin_entp".to_owned()),
        (Method::POST, format!("{at}/namespace")),
        (Method::PUT, format!("{at}/endpoints")),
        (Method::POST, format!("{at}/credentials/adobeId")),
        (Method::DELETE, format!("{at}/meshes/1")),
    ] {
        let answer = ada.call(method, &path).send().await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        let told = answer.json();
        assert_eq!(told["code"], 404, "{path}");
        assert!(
            text(&told["message"]).contains("not served here"),
            "{path}: {told}"
        );
    }
    let call = app.anonymous().call(Method::POST, "/console/organizations");
    let refused = call
        .header("x-api-key", CLI)
        .bearer(ada.token())
        .send()
        .await;
    assert_eq!(gateway(&refused), (403, "403221".to_owned()));
    let nobody = app
        .anonymous()
        .get("/console/organizations/1/xp/firefly")
        .send()
        .await;
    assert_eq!(gateway(&nobody), (403, "403000".to_owned()));
}

/// Adobe's command line asks before it does anything else.
async fn there_are_no_terms_to_accept(app: &TestApp) {
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::Viewer).await;
    let path = format!("/console/services/ims/organizations/{}/terms", ada.org);
    let get = async |path: &str| {
        let call = app.anonymous().get(path).header("x-api-key", CLI);
        call.bearer(ada.token()).send().await.json()
    };
    assert_eq!(get(&path).await, json!({"accepted": true, "current": true}));
    assert_eq!(get("/console/services/ims/terms").await, json!({"tc": []}));
    let foreign = get("/console/services/ims/organizations/1/terms").await;
    assert_eq!(foreign["code"], 404);
}
