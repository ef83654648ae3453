//! What unmodified clients put on the wire, replayed (`fixtures/captures`). Where a capture holds a
//! signed JWT, its claims are signed again with a current `exp` by a key of the test's.

use std::path::Path;

use countersign_jose::SigningKey;
use countersign_testkit::app::operator;
use countersign_testkit::clients::{Call, multipart, urlencoded};
use countersign_testkit::{Answer, TestApp, keys};
use countersign_wire::{ClientId, ClientSecret, OrgId, TechnicalAccountId};
use http::Method;
use serde_json::{Value, json};

const CLIENT_ID: &str = "cm-p1-fixture0000000000000000000";
const SECRET: &str = "p8e-fixtureSecret_0000000000000000";
const SERVICES: [&str; 9] = [
    "CloudManagerSDK",
    "UserMgmtSDK",
    "McDataServicesSdk",
    "AdobeAnalyticsSDK",
    "CustomerJourneyAnalyticsSDK",
    "McDtmSDK",
    "AudienceManagerCustomerSDK",
    "FireflySDK",
    "DocCloudSDK",
];

#[tokio::test]
async fn every_token_request_of_every_client_is_answered_as_it_was_recorded() {
    let app = app_with_the_recorded_credential().await;
    let mut replayed = 0;
    for file in
        std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures")).unwrap()
    {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let capture: Value = serde_json::from_str(&text).unwrap();
        for request in capture["requests"].as_array().unwrap() {
            if request["path"].as_str().unwrap().starts_with("/ims/") {
                replay(&app, &capture["client"], request).await;
                replayed += 1;
            }
        }
    }
    assert_eq!(replayed, 34);
}

async fn app_with_the_recorded_credential() -> TestApp {
    let app = TestApp::new().await;
    let org = countersign_authority::NewOrganization {
        name: "Fixture".to_owned(),
        id: Some(OrgId::parse("76543210FEDCBA9876543210@AdobeOrg").unwrap()),
        numeric_id: None,
    };
    let org = app
        .authority
        .create_organization(org, &operator())
        .await
        .unwrap()
        .id;
    let mut new = app
        .new_credential(&org, app.jwt_grant(keys::first()), &SERVICES)
        .await;
    new.client_id = Some(ClientId::parse(CLIENT_ID).unwrap());
    new.technical_account_id =
        Some(TechnicalAccountId::parse("0123456789ABCDEF01234567@techacct.adobe.com").unwrap());
    let client = app.create(new, Some(keys::first())).await;
    let secret = ClientSecret::parse(SECRET).unwrap();
    app.authority
        .import_secret(&client.id, "recorded".to_owned(), &secret, &operator())
        .await
        .unwrap();
    app.authority
        .start_migration(&client.id, &operator())
        .await
        .unwrap();
    app
}

async fn replay(app: &TestApp, client: &Value, request: &Value) {
    let grant = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT_ID),
        ("client_secret", SECRET),
        ("scope", "openid,AdobeID,read_organizations"),
    ];
    let token = app
        .anonymous()
        .post("/ims/token/v3")
        .form(&grant)
        .send()
        .await
        .token();
    let assertion = sign_again(request, keys::first(), app.now().as_seconds());

    let answer = call(app, request, &token, &assertion).send().await;

    let expected = &request["answeredWith"];
    assert_eq!(
        json!(answer.status),
        expected["status"],
        "{client}: {}",
        answer.body
    );
    same_shape(client, &answer, &expected["body"]);
}

fn sign_again(request: &Value, key: &SigningKey, now: i64) -> String {
    let jwt = &request["jwt"];
    if jwt.is_null() {
        return String::new();
    }
    let mut claims = jwt["payload"].clone();
    claims["exp"] = json!(now + jwt["expiresAfterSeconds"].as_i64().unwrap());
    if !claims["iat"].is_null() {
        claims["iat"] = json!(now);
    }
    key.sign_compact(
        jwt["header"].to_string().as_bytes(),
        claims.to_string().as_bytes(),
    )
    .unwrap()
}

fn call(app: &TestApp, request: &Value, token: &str, assertion: &str) -> Call {
    let method: Method = request["method"].as_str().unwrap().parse().unwrap();
    let query = fields(&request["query"], token, assertion);
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut call = app
        .anonymous()
        .call(method, request["path"].as_str().unwrap());
    if !query.is_empty() {
        call = call.query(&query);
    }
    for header in request["headersInOrder"].as_array().unwrap() {
        let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
        // The length is that of another assertion.
        if !name.eq_ignore_ascii_case("content-length") {
            let value = value
                .replace("<access token>", token)
                .replace("<boundary>", countersign_testkit::clients::BOUNDARY);
            call = call.header(name, &value.replace("PORT", "80"));
        }
    }
    call.untyped_body(body(request, token, assertion))
}

/// As it was sent, where that is recorded; otherwise the fields in their order, in the type that
/// the header says.
fn body(request: &Value, token: &str, assertion: &str) -> String {
    if let Some(sent) = request["bodyAsSent"].as_str() {
        return sent
            .replace("<JWT>", assertion)
            .replace("<access token>", token);
    }
    let fields = fields(&request["bodyFieldsInOrder"], token, assertion);
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let is_multipart = request["headersInOrder"]
        .to_string()
        .contains("multipart/form-data");
    match (fields.is_empty(), is_multipart) {
        (true, _) => String::new(),
        (false, true) => multipart(&fields),
        (false, false) => urlencoded(&fields),
    }
}

fn fields(recorded: &Value, token: &str, assertion: &str) -> Vec<(String, String)> {
    let members = recorded.as_object().into_iter().flatten();
    let value = |value: &Value| match value.as_str().unwrap() {
        "<access token>" => token.to_owned(),
        text if text.starts_with("<signed JWT") => assertion.to_owned(),
        text => text.to_owned(),
    };
    members
        .map(|(name, text)| (name.clone(), value(text)))
        .collect()
}

/// The members that the client was given when it was recorded are there, of the same JSON types.
fn same_shape(client: &Value, answer: &Answer, recorded: &Value) {
    let given = answer.json();
    let Some(recorded) = recorded.as_object() else {
        return;
    };
    for (name, value) in recorded {
        let kind = |value: &Value| std::mem::discriminant(value);
        assert_eq!(
            kind(&given[name]),
            kind(value),
            "{client}: {name} of {given}"
        );
    }
    if let Some(life) = recorded.get("expires_in").and_then(Value::as_i64) {
        assert_eq!(
            given["expires_in"].as_i64().unwrap() > 1_000_000,
            life > 1_000_000,
            "{client}: the unit"
        );
    }
}
