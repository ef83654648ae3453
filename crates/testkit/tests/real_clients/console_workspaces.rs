//! `@adobe/aio-lib-console` with workspaces, key pairs, and what belongs to other products.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_model::Role;
use countersign_testkit::app::operator;
use countersign_testkit::real_clients::Grant;
use countersign_wire::{Caller, Opaque};
use serde_json::json;

use super::console_user::{User, parts, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_console_makes_changes_and_deletes_workspaces() {
    let Some(user) = User::new(Role::Developer).await else {
        return;
    };
    let org = user.product.organization.numeric_id.to_string();
    let list = "projects get_console_organizations__orgId__projects";

    let done = user
        .calls(json!([
            ["createFireflyProject", org, {"name": "App", "title": "App", "description": "d"}],
            ["createWorkspace", org, "$0.body.projectId", {"name": "Stage", "title": "For trying", "description": "d"}],
            ["createWorkspace", org, "$0.body.projectId", {"name": "Stage"}],
            ["editWorkspace", org, "$0.body.projectId", "$1.body.workspaceId", {"name": "Staging", "title": "Later", "description": "changed"}],
            ["getWorkspacesForProject", org, "$0.body.projectId"],
            ["createOAuthServerToServerCredential", org, "$0.body.projectId", "$1.body.workspaceId", "Sync", "d"],
            ["deleteWorkspace", org, "$0.body.projectId", "$1.body.workspaceId"],
            [list, {"orgId": org, "projectType": "jaeger", "includeCredentials": true}],
            [list, {"orgId": org, "credentialType": "service"}],
            ["deleteCredentialById", org, "$0.body.projectId", "$1.body.workspaceId", "$5.body.id"],
            ["deleteWorkspace", org, "$0.body.projectId", "$1.body.workspaceId"],
            ["getWorkspace", org, "$0.body.projectId", "$1.body.workspaceId"],
            ["createProject", org, {"name": "Plain", "title": "Plain", "type": "default"}],
            ["createWorkspace", org, "$12.body.projectId", {"name": "Stage"}],
            ["getProjectInstallConfig", "$0.body.projectId"],
            ["getPluginsForWorkspace", org, "$0.body.projectId", "$0.body.workspaceId"],
            ["getEndPointsInWorkspace", org, "$0.body.projectId", "$0.body.workspaceId"],
        ]))
        .await;

    let [
        made,
        stage,
        twice,
        edited,
        workspaces,
        credential,
        in_use,
        filtered,
        with_jwt,
        _,
        deleted,
        gone,
        _,
        second,
        config,
        plugins,
        endpoints,
    ] = parts(&done);
    assert_eq!(made["body"]["projectType"], "jaeger", "{made}");
    assert_eq!(stage["status"], 201, "{stage}");
    assert!(refusal(twice).contains("409 - Conflict"), "{twice}");
    assert_eq!(edited["status"], 200, "{edited}");
    let names = workspaces["body"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Production", "Staging"]);
    assert_eq!(workspaces["body"][1]["title"], "Later");
    assert!(
        refusal(in_use).contains("still has a credential"),
        "{in_use}"
    );
    let found = &filtered["body"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{filtered}");
    let workspaces = &found[0]["metadata"]["workspaces"];
    let held = &workspaces[1]["credentials"][0]["id_integration"];
    assert_eq!(*held, credential["body"]["id"]);
    assert_eq!(with_jwt["body"].as_array().unwrap().len(), 1);
    assert_eq!(deleted["status"], 200, "{deleted}");
    assert!(refusal(gone).contains("404 - Not Found"), "{gone}");
    let only_one = "Only one workspace allowed for project type default";
    assert!(refusal(second).contains(only_one), "{second}");
    assert_eq!(config["body"], json!({"credentials": []}));
    assert_eq!(plugins["body"], json!([]));
    assert_eq!(endpoints["body"], json!({"endpoints": {}}));
}

#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_console_downloads_a_key_pair_that_works() {
    let Some(user) = User::new(Role::SystemAdministrator).await else {
        return;
    };
    let product = &user.product;
    let org = product.organization.numeric_id.to_string();
    let jwt = &product.credential(Grant::Jwt).credential;
    let generate = "workspaces post_console_organizations__orgId__projects__projectId__workspaces__workspaceId__credentials_entp__credId__certificate_generateAndAssign";

    let done = user
        .calls(json!([
            [generate, {"orgId": org, "projectId": jwt.project_id, "workspaceId": jwt.workspace_id, "credId": jwt.id}],
            ["getBindingsForIntegration", org, jwt.id],
        ]))
        .await;

    let [zip, bindings] = parts(&done);
    assert_eq!(zip["status"], 200, "{zip}");
    let zip = STANDARD
        .decode(zip["body"]["base64"].as_str().unwrap())
        .unwrap();
    let zip = String::from_utf8_lossy(&zip);
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    let key = &zip[zip.find(begin).unwrap()..zip.find(end).unwrap() + end.len()];
    let key = Opaque::new(format!("{key}\n"));
    let by = operator();
    let authority = &product.authority;
    let caller = Caller::default();
    let token = authority.make_token_with_key(&jwt.id, &key, &caller, &by);
    token.await.unwrap();
    assert_eq!(
        bindings["body"].as_array().unwrap().len(),
        jwt.certificates.len() + 1
    );
}

/// The library's methods for other products fail with a sentence that says so.
#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_console_is_told_what_is_not_served() {
    let Some(user) = User::new(Role::SystemAdministrator).await else {
        return;
    };
    let product = &user.product;
    let org = product.organization.numeric_id.to_string();
    let jwt = &product.credential(Grant::Jwt).credential;
    let (id, project, workspace) = (&jwt.id, &jwt.project_id, &jwt.workspace_id);
    let details = json!({"name": "n", "description": "d", "platform": "Web"});

    let done = user
        .calls(json!([
            ["createAdobeIdCredential", org, project, workspace, details],
            ["createAnalyticsCredential", org, project, workspace, details],
            ["createRuntimeNamespace", org, project, workspace],
            ["createAdobeIdIntegration", org, details],
            ["updateAdobeIdIntegration", org, id, details],
            ["subscribeAdobeIdIntegrationToServices", org, id, []],
            ["getAtlasApplicationPolicy", org, id],
            ["getAllExtensionPoints", org],
            ["getApplicationExtensions", org, "1"],
            ["updateEndPointsInWorkspace", org, project, workspace, {"endpoints": {}}],
            ["getWorkspaceInfoForRuntimeNamespace", org, "n"],
        ]))
        .await;
    for result in done.as_array().unwrap() {
        let told = refusal(result);
        assert!(told.contains("404 - Not Found"), "{told}");
        assert!(told.contains("not served here"), "{told}");
    }

    let done = user
        .calls(json!([
            ["checkOrgDevTerms", org],
            ["acceptOrgDevTerms", org],
            ["getDevTerms"],
            ["getSDKProperties", org, id, "AdobeAnalyticsSDK"],
        ]))
        .await;
    let [checked, accepted, terms, properties] = parts(&done);
    assert_eq!(checked["body"], json!({"accepted": true, "current": true}));
    assert_eq!(accepted["body"], json!({"accepted": true}));
    assert_eq!(terms["body"], json!({"tc": []}));
    assert_eq!(
        properties["body"]["sdkCode"], "AdobeAnalyticsSDK",
        "{properties}"
    );
}
