//! `@adobe/aio-lib-console`, the library behind Adobe's own command line, at the Console's APIs.

use countersign_authority::{Despite, Disabling};
use countersign_model::Role;
use countersign_testkit::app::{YEAR, operator};
use countersign_testkit::keys;
use countersign_testkit::real_clients::Grant;
use serde_json::json;

use super::console_user::{User, parts, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_console_lists_creates_downloads_and_deletes() {
    let Some(user) = User::new(Role::Developer).await else {
        return;
    };
    let org = user.product.organization.numeric_id.to_string();

    let done = user
        .calls(json!([
            ["getOrganizations"],
            ["getProjectsForOrg", org],
            ["createProject", org, {"name": "Nightly", "title": "Nightly sync", "description": "d", "type": "default"}],
            ["getProject", org, "$2.body.projectId"],
            ["editProject", org, "$2.body.projectId", {"name": "Nightly", "title": "Weekly sync", "description": "changed", "type": "default"}],
            ["getWorkspacesForProject", org, "$2.body.projectId"],
            ["getWorkspace", org, "$2.body.projectId", "$2.body.workspaceId"],
            ["getProjectForWorkspace", org, "$2.body.workspaceId"],
            ["getServicesForOrg", org],
            ["getServicesForOrgV2", user.product.organization.id, "AdobeIOManagementAPISDK"],
            ["createOAuthServerToServerCredential", org, "$2.body.projectId", "$2.body.workspaceId", "Sync", "just a description"],
            ["getCredentials", org, "$2.body.projectId", "$2.body.workspaceId"],
            ["subscribeCredentialToServices", org, "$2.body.projectId", "$2.body.workspaceId", "oauth_server_to_server", "$10.body.id",
                [{"sdkCode": "AdobeIOManagementAPISDK", "licenseConfigs": null, "roles": null}]],
            ["downloadWorkspaceJson", org, "$2.body.projectId", "$2.body.workspaceId"],
            ["getWorkspaceForCredential", org, "$10.body.id"],
            ["getIntegration", org, "$10.body.id"],
            ["getIntegrationsForOrg", org],
        ]))
        .await;

    let [
        organizations,
        before,
        created,
        project,
        edited,
        workspaces,
        workspace,
        place,
        services,
        v2,
        credential,
        credentials,
        subscribed,
        document,
        found,
        integration,
        integrations,
    ] = parts(&done);
    assert_eq!(organizations["body"][0]["id"], org);
    assert_eq!(
        organizations["body"][0]["code"],
        user.product.organization.id.as_str()
    );
    assert_eq!(organizations["body"][0]["role"], "DEVELOPER");
    assert_eq!(before["body"].as_array().unwrap().len(), 2, "{before}");
    assert_eq!(before["headers"]["x-pagination-count"], "2");
    assert_eq!(
        (&created["status"], &created["body"]["projectType"]),
        (&json!(201), &json!("default"))
    );
    assert_eq!(project["body"]["title"], "Nightly sync");
    assert_eq!(project["body"]["org_id"], org);
    let who = project["body"]["who_created"].as_str().unwrap();
    assert!(who.starts_with("person:ada@example.com"), "{who}");
    assert_eq!(edited["body"]["title"], "Weekly sync");
    assert_eq!(edited["body"]["description"], "changed");
    assert_eq!(workspaces["body"][0]["name"], "Production");
    assert_eq!(workspace["body"]["id"], created["body"]["workspaceId"]);
    assert_eq!(place["body"]["projectId"], created["body"]["projectId"]);
    let codes = services["body"].as_array().unwrap().iter();
    assert!(codes.clone().any(|one| one["code"] == "CloudManagerSDK"));
    let reserved = codes
        .into_iter()
        .find(|one| one["code"] == "UserMgmtSDK")
        .unwrap();
    assert_eq!(reserved["enabled"], false);
    assert_eq!(
        reserved["disabledReasons"],
        json!(["USER_MISSING_ADMIN_ROLE"])
    );
    assert_eq!(v2["body"]["services"][0]["name"], "I/O Management API");
    assert_eq!(credential["body"]["orgId"], org);
    assert_eq!(credentials["body"][0]["flow_type"], "entp");
    assert_eq!(
        credentials["body"][0]["integration_type"],
        "oauth_server_to_server"
    );
    assert_eq!(
        subscribed["body"],
        json!({"sdkList": ["AdobeIOManagementAPISDK"]})
    );
    let details = &document["body"]["project"]["workspace"]["details"];
    assert_eq!(
        details["credentials"][0]["oauth_server_to_server"]["client_id"],
        credential["body"]["apiKey"]
    );
    assert_eq!(
        details["credentials"][0]["oauth_server_to_server"]["client_secrets"],
        json!([])
    );
    assert_eq!(
        details["services"],
        json!([{"code": "AdobeIOManagementAPISDK", "name": "I/O Management API"}])
    );
    assert_eq!(details["runtime"], json!({"namespaces": []}));
    assert_eq!(found["body"]["workspaceId"], created["body"]["workspaceId"]);
    assert_eq!(integration["body"]["name"], "Sync");
    assert_eq!(
        (&integration["body"]["type"], &integration["body"]["orgId"]),
        (&json!("entp"), &json!(org))
    );
    assert_eq!(integrations["body"]["total"], 3);

    let (project, workspace) = (
        &created["body"]["projectId"],
        &created["body"]["workspaceId"],
    );
    let gone = user
        .calls(json!([
            ["deleteProject", org, project],
            [
                "deleteCredential",
                org,
                project,
                workspace,
                "oauth_server_to_server",
                credential["body"]["id"]
            ],
            ["deleteProject", org, project],
            ["getProject", org, project],
        ]))
        .await;
    let [in_use, _, deleted, missing] = parts(&gone);
    assert!(refusal(in_use).contains("409"), "{in_use}");
    assert_eq!(deleted["status"], 200);
    assert!(refusal(missing).contains("404 - Not Found"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_console_adds_and_deletes_secrets_that_work_and_stop_working() {
    let Some(user) = User::new(Role::Developer).await else {
        return;
    };
    let org = user.product.organization.numeric_id.to_string();
    let post =
        "Organizations post_console_organizations__orgId__credentials__credentialId__secrets";
    let get = "Organizations get_console_organizations__orgId__credentials__credentialId__secrets";
    let delete = "Organizations delete_console_organizations__orgId__credentials__credentialId__secrets__secretId_";

    let done = user
        .calls(json!([
            ["createOauthS2SCredentialIntegration", org, {"name": "Rotated", "description": "d", "services": [{"sdkCode": "AdobeAnalyticsSDK"}]}],
            [post, {"orgId": org, "credentialId": "$0.body.id"}],
            [get, {"orgId": org, "credentialId": "$0.body.id"}],
            ["getIntegrationSecrets", org, "$0.body.id"],
        ]))
        .await;

    let [made, added, listed, seen] = parts(&done);
    assert_eq!(made["status"], 201);
    assert_eq!(
        made["body"]["subscriptionResult"],
        json!({"sdkList": ["AdobeAnalyticsSDK"], "errorList": []})
    );
    assert_eq!(added["status"], 201);
    let secret = added["body"]["client_secret"].as_str().unwrap();
    assert!(secret.starts_with("p8e-"));
    assert_eq!(
        listed["body"]["client_secrets"].as_array().unwrap().len(),
        2
    );
    assert_eq!(listed["body"], seen["body"]);
    assert!(!listed.to_string().contains("p8e-"), "shown once");
    let client_id = made["body"]["apiKey"].as_str().unwrap();
    assert!(user.gets_a_token(client_id, secret).await);

    let secrets = &listed["body"]["client_secrets"];
    let newest = &added["body"]["uuid"];
    let first = secrets
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["uuid"] != *newest);
    let first = &first.unwrap()["uuid"];
    let credential = &made["body"]["id"];
    let gone = user
        .calls(json!([
            [delete, {"orgId": org, "credentialId": credential, "secretId": first}],
            [delete, {"orgId": org, "credentialId": credential, "secretId": newest}],
            [delete, {"orgId": org, "credentialId": credential, "secretId": "0".repeat(32)}],
        ]))
        .await;
    let [deleted, last, unknown] = parts(&gone);
    assert_eq!(deleted["status"], 204);
    assert!(
        last["error"].as_str().unwrap().contains("Conflict"),
        "{last}"
    );
    assert!(
        unknown["error"].as_str().unwrap().contains("Not Found"),
        "{unknown}"
    );
    assert!(user.gets_a_token(client_id, secret).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_console_creates_a_jwt_credential_and_sees_and_deletes_certificates() {
    let Some(user) = User::new(Role::Developer).await else {
        return;
    };
    let org = user.product.organization.numeric_id.to_string();
    let now = user.product.authority.clock().now();
    let certificate = keys::certificate(keys::second(), now, now.plus(YEAR));
    let certificate = String::from_utf8(certificate).unwrap();

    let done = user
        .calls(json!([
            ["createProject", org, {"name": "Old", "title": "Old", "type": "default"}],
            ["createEnterpriseCredential", org, "$0.body.projectId", "$0.body.workspaceId", {"file": certificate}, "Old", "a description"],
            ["getCredentials", org, "$0.body.projectId", "$0.body.workspaceId"],
            ["getBindingsForIntegration", org, "$1.body.0.id"],
            ["subscribeEnterpriseIntegrationToServices", org, "$1.body.0.id", [{"sdkCode": "AdobeAnalyticsSDK"}]],
            ["downloadWorkspaceJson", org, "$0.body.projectId", "$0.body.workspaceId"],
            ["uploadAndBindCertificate", org, "$1.body.0.id", {"file": certificate}],
        ]))
        .await;

    let [
        _,
        made,
        credentials,
        bindings,
        subscribed,
        document,
        uploaded,
    ] = parts(&done);
    assert_eq!(credentials["body"][0]["integration_type"], "service");
    assert_eq!(bindings["body"].as_array().unwrap().len(), 1, "{bindings}");
    assert_eq!(
        bindings["body"][0]["notAfter"],
        now.plus(YEAR).as_seconds() * 1000
    );
    assert_eq!(subscribed["body"]["sdkList"], json!(["AdobeAnalyticsSDK"]));
    let credential = &document["body"]["project"]["workspace"]["details"]["credentials"][0];
    assert_eq!(credential["integration_type"], "service");
    assert_eq!(
        credential["jwt"]["meta_scopes"],
        json!(["ent_analytics_bulk_ingest_sdk"])
    );
    // This release of the library sends the text `[object FormData]` instead of the file, whoever
    // listens: it hands a form to a fetch that knows none.
    assert!(
        refusal(uploaded).contains("400 - Bad Request"),
        "{uploaded}"
    );

    // The second certificate comes as a program sends it that can; the library sees and deletes it.
    let id = made["body"][0]["id"].as_str().unwrap().parse().unwrap();
    let upload = keys::certificate(keys::foreign(), now, now.plus(YEAR));
    let upload = countersign_authority::NewCertificate::Upload(upload);
    let second = user
        .product
        .authority
        .add_certificate(&id, &upload, &operator())
        .await
        .unwrap();
    let gone = user
        .calls(json!([
            ["getBindingsForIntegration", org, id],
            ["deleteBinding", org, id, bindings["body"][0]["bindingId"]],
            ["deleteBinding", org, id, second.certificate.id],
            ["getBindingsForIntegration", org, id],
            ["deleteIntegration", org, id],
        ]))
        .await;
    let [both, deleted, last, left, integration] = parts(&gone);
    assert_eq!(both["body"].as_array().unwrap().len(), 2);
    assert_eq!(deleted["status"], 200);
    assert!(refusal(last).contains("409 - Conflict"), "{last}");
    assert_eq!(left["body"][0]["bindingId"], second.certificate.id.as_str());
    assert_eq!(integration["status"], 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_console_shows_why_it_was_refused() {
    let Some(mut user) = User::new(Role::Viewer).await else {
        return;
    };
    let org = user.product.organization.numeric_id.to_string();
    let good = user.token.clone();

    let viewer = user
        .calls(json!([
            ["createProject", org, {"name": "Mine", "title": "Mine", "type": "default"}],
            ["getProjectsForOrg", "1"],
            ["getProjectsForOrg", org],
        ]))
        .await;
    user.token = "bad_access_token".to_owned();
    let token = user.calls(json!([["getOrganizations"]])).await;
    user.token = good;
    user.api_key = "bad_api_key".to_owned();
    let key = user.calls(json!([["getOrganizations"]])).await;

    let [forbidden, foreign, looks] = parts(&viewer);
    assert!(
        refusal(forbidden).contains("403 - Forbidden"),
        "{forbidden}"
    );
    assert!(
        refusal(forbidden).contains("takes the role Developer"),
        "{forbidden}"
    );
    assert!(refusal(foreign).contains("404 - Not Found"), "{foreign}");
    assert_eq!(looks["status"], 200);
    assert!(refusal(&token[0]).contains("401 - Unauthorized"), "{token}");
    assert!(
        refusal(&token[0]).contains("Oauth token is not valid"),
        "{token}"
    );
    assert!(refusal(&key[0]).contains("403 - Forbidden"), "{key}");
    assert!(refusal(&key[0]).contains("Api Key is invalid"), "{key}");
}

/// The library has no methods of its own for a migration, but the description that it comes with
/// has the operations.
#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_console_migrates_a_credential() {
    let Some(user) = User::new(Role::SystemAdministrator).await else {
        return;
    };
    let product = &user.product;
    let org = product.organization.numeric_id.to_string();
    let jwt = &product.credential(Grant::Jwt).credential;
    let by = operator();
    let authority = &product.authority;
    let at = json!({"orgId": org, "credentialId": jwt.id});
    let operation = |verb: &str, what: &str| {
        format!(
            "OAuth server to server {verb}_console_organizations__orgId__credentials_oauth_server_to_server__credentialId__{what}"
        )
    };
    let [start, show, cancel, status, end] = [
        operation("post", "binding"),
        operation("get", "binding"),
        operation("delete", "binding"),
        operation("get", "status"),
        operation("patch", "finalize"),
    ];
    let done = user
        .calls(json!([
            [status, at],
            [start, at],
            [status, at],
            [cancel, at],
            [status, at],
            [start, at],
            [show, at],
            [end, at],
        ]))
        .await;
    let [
        before,
        started,
        while_both,
        cancelled,
        back,
        _,
        shown,
        refused,
    ] = parts(&done);
    assert_eq!(before["body"]["migrationStatus"], "NOT_STARTED", "{before}");
    assert_eq!(started["status"], 201, "{started}");
    assert_eq!(started["body"]["clientId"], jwt.client_id.as_str());
    assert_eq!(while_both["body"]["migrationStatus"], "STARTED");
    assert_eq!(cancelled["status"], 204, "{cancelled}");
    assert_eq!(back["body"]["migrationStatus"], "NOT_STARTED");
    assert_eq!(shown["body"]["organizationId"], jwt.org_id.as_str());
    assert!(refusal(refused).contains("Conflict"), "{refused}");

    // Somebody insists, for whom the library has no words; then it sees the end.
    let project = authority.find_project(&jwt.org_id, jwt.project_id.as_str(), &by);
    let disabling = Disabling {
        despite: Some(Despite {
            project: project.await.unwrap().name,
            reason: "a test wants it".to_owned(),
        }),
        ..Disabling::default()
    };
    authority
        .disable_jwt_half(&jwt.id, &disabling, &by)
        .await
        .unwrap();
    let done = user.calls(json!([[end, at], [status, at]])).await;
    let [ended, after] = parts(&done);
    assert_eq!(ended["status"], 200, "{ended}");
    assert_eq!(after["body"]["migrationStatus"], "COMPLETED");
}
