//! Clients of APIs, through the gateway, with tokens from this server.

use countersign_testkit::real_clients::{Grant, Outcome, installed};
use countersign_wire::ClientId;
use serde_json::{Value, json};

use crate::product::{Product, Scheme};

const CLOUD_MANAGER: &str = "aio-lib-cloudmanager";
const IMS: &str = "aio-lib-ims";

#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_cloudmanager_lists_and_starts_what_there_is_with_tokens_of_both_grants() {
    for grant in [Grant::Jwt, Grant::ClientCredentials] {
        let Some(user) = User::new(grant).await else {
            return;
        };

        let programs = user.calls(json!([["listPrograms"]])).await;
        let program = named(&programs[0], "Harbour Coffee");
        let listed = user
            .calls(json!([
                ["listPipelines", program],
                ["listEnvironments", program]
            ]))
            .await;
        let pipeline = named(&listed[0], "Production");
        let environment = named(&listed[1], "harbour-coffee-dev");
        let watched = user
            .calls(json!([
                ["createExecution", program, pipeline],
                ["getCurrentExecution", program, pipeline],
                ["listPipelines", program, { "busy": true }],
                ["listExecutions", program, pipeline, 22],
                ["getEnvironmentVariables", program, environment],
                ["listAvailableLogOptions", program, environment],
                ["getDeveloperConsoleUrl", program, environment],
            ]))
            .await;

        assert_eq!(programs[0].as_array().unwrap().len(), 4);
        let [started, current, busy, executions, variables, logs, console] = parts(&watched);
        assert_eq!(
            (&started["status"], &started["pipelineId"]),
            (&"RUNNING".into(), &pipeline.into())
        );
        assert_eq!(
            started["user"],
            user.product.credential(grant).account.id.as_str()
        );
        assert_eq!(current["id"], started["id"]);
        assert_eq!(current["_embedded"]["stepStates"][0]["action"], "validate");
        assert_eq!(
            (busy.as_array().unwrap().len(), &busy[0]["id"]),
            (1, &pipeline.into())
        );
        let ids: Vec<_> = executions
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["id"])
            .collect();
        assert_eq!(
            (ids.len(), ids[0]),
            (22, &started["id"]),
            "two pages, newest first"
        );
        assert_eq!(variables[0]["name"], "LOG_LEVEL");
        assert_eq!(logs[0], json!({ "service": "author", "name": "aemerror" }));
        assert!(
            console.as_str().unwrap().contains("dev-console"),
            "{console}"
        );

        let gate = user.calls(json!([
            ["getExecution", program, pipeline, ids[3]],
            [
                "getQualityGateResults",
                program,
                pipeline,
                ids[3],
                "codeQuality"
            ]
        ]));
        let gate = gate.await;
        assert_eq!(gate[0]["status"], "FAILED");
        assert_eq!(gate[1]["metrics"][0]["passed"], false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_cloudmanager_shows_why_the_gateway_refused() {
    let Some(mut user) = User::new(Grant::ClientCredentials).await else {
        return;
    };
    let refused_as = |outcome: Outcome| outcome.error_text.unwrap();
    let list = json!([["listPrograms"]]);
    let good = user.token.clone();

    user.token = format!("{}x", good.trim_end_matches(char::is_alphanumeric));
    let bad_token = refused_as(user.run(&list).await);
    user.token = good;
    user.org = "0123456789ABCDEF01234567@AdobeOrg".to_owned();
    let foreign = refused_as(user.run(&list).await);

    assert!(bad_token.contains("(401 Unauthorized)"), "{bad_token}");
    assert!(
        bad_token.contains("Detail: Oauth token is not valid (Code: 401013)"),
        "{bad_token}"
    );
    assert!(foreign.contains("(403 Forbidden)"), "{foreign}");
    assert!(
        foreign.contains("Detail: Profile is not valid (Code: 403025)"),
        "{foreign}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_cloudmanager_says_which_console_a_token_should_have_come_from() {
    let Some(mut user) = User::new(Grant::ClientCredentials).await else {
        return;
    };
    let account = user.product.aem_credential().await;
    user.take(&account.credential.client_id, account.secret.expose())
        .await;

    let refused = user
        .run(&json!([["listPrograms"]]))
        .await
        .error_text
        .unwrap();

    assert!(refused.contains("(401 Unauthorized)"), "{refused}");
    assert!(refused.contains("(Code: 401014)"), "{refused}");
    let words = "It was minted through the AEM Developer Console; this API takes tokens of a \
                 credential of the Developer Console.";
    assert!(refused.contains(words), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_cloudmanager_shows_why_the_api_behind_the_gateway_refused() {
    let Some(user) = User::new(Grant::ClientCredentials).await else {
        return;
    };
    let programs = user.calls(json!([["listPrograms"]])).await;
    let program = named(&programs[0], "Harbour Coffee");
    let listed = user.calls(json!([["listPipelines", program]])).await;
    let pipeline = named(&listed[0], "Code Quality");
    let start = json!(["createExecution", program, pipeline]);

    let invalid = user
        .run(&json!([[
            "createExecution",
            program,
            pipeline,
            "EMERGENCY"
        ]]))
        .await;
    let busy = user.run(&json!([start, start])).await;

    let invalid = invalid.error_text.unwrap();
    let words = "Validation Error(s): pipelineExecutionMode (EMERGENCY) is for programs of managed services only";
    assert!(invalid.contains(words), "{invalid}");
    let busy = busy.error_text.unwrap();
    assert!(busy.contains("Pipeline already running"), "{busy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn umapi_client_fetches_its_token_and_manages_users_by_both_grants() {
    let Some(client) = installed()
        .into_iter()
        .find(|client| client.name == "umapi-client")
    else {
        return;
    };
    let product = Product::start().await;
    for grant in [Grant::Jwt, Grant::ClientCredentials] {
        let mut job = product.job(&client, grant, Scheme::Https);
        job["operation"] = "directory".into();
        job["gateway"] = product.gateway().into();

        let outcome = product.run(&client.name, &job).await;

        assert!(outcome.ok, "{outcome:?}");
        let results = outcome.results.unwrap();
        let [users, groups, done, errors] = parts(&results);
        assert_eq!(users.as_array().unwrap().len(), 12, "two pages");
        assert_eq!(groups.as_array().unwrap().len(), 5);
        assert_eq!(*done, json!([0, 1, 0]), "queued, sent, completed");
        assert_eq!(errors[0]["errorCode"], "error.group.not_found");
    }
}

/// Somebody with the library and a token.
struct User {
    product: Product,
    org: String,
    client_id: String,
    token: String,
    /// How it gets tokens.
    job: Value,
}

impl User {
    /// Nobody, where the clients are not installed.
    async fn new(grant: Grant) -> Option<Self> {
        let client = installed().into_iter().find(|client| client.name == IMS)?;
        let product = Product::start().await;
        let mut job = product.job(&client, grant, Scheme::Https);
        job["scopes"] = json!([
            "openid",
            "AdobeID",
            "read_organizations",
            "additional_info.projectedProductContext",
            "read_pc.dma_aem_ams",
        ]);
        let credential = &product.credential(grant).credential;
        let mut user = Self {
            org: credential.org_id.to_string(),
            client_id: credential.client_id.to_string(),
            token: String::new(),
            job,
            product,
        };
        user.fetch_token().await;
        Some(user)
    }

    /// Goes on with another credential.
    async fn take(&mut self, client: &ClientId, secret: &str) {
        self.client_id = client.to_string();
        self.job["client_id"] = client.as_str().into();
        self.job["client_secret"] = secret.into();
        self.fetch_token().await;
    }

    async fn fetch_token(&mut self) {
        let outcome = self.product.run(IMS, &self.job).await;
        let token = outcome.access_token.clone();
        self.token = token.unwrap_or_else(|| panic!("{outcome:?}"));
    }

    async fn run(&self, calls: &Value) -> Outcome {
        let job = json!({
            "operation": "calls",
            "gateway": self.product.gateway(),
            "org_id": self.org,
            "client_id": self.client_id,
            "access_token": self.token,
            "calls": calls,
        });
        self.product.run(CLOUD_MANAGER, &job).await
    }

    /// What every call gave.
    async fn calls(&self, calls: Value) -> Value {
        let outcome = self.run(&calls).await;
        assert!(outcome.ok, "{outcome:?}");
        outcome.results.unwrap()
    }
}

/// The id of an item of a list.
fn named<'a>(list: &'a Value, name: &str) -> &'a str {
    let mut items = list.as_array().unwrap().iter();
    let found = items.find(|item| item["name"] == name).unwrap();
    found["id"].as_str().unwrap()
}

fn parts<const N: usize>(list: &Value) -> [&Value; N] {
    let items: Vec<&Value> = list.as_array().unwrap().iter().collect();
    items.try_into().unwrap()
}
