//! The metadata document. Sources: RFC 8414; security.md MET-01 to MET-03.

use countersign_testkit::{ISSUER, TestApp, keys};
use countersign_wire::oauth::JWT_BEARER;
use serde_json::{Value, json};

use crate::private_key_jwt::{ClientAssertion, register};
use crate::support::{ES256, client};

const DOCUMENT: &str = "/.well-known/oauth-authorization-server";

#[tokio::test]
async fn the_document_describes_this_face() {
    let app = TestApp::new().await;
    let usual = app.anonymous().get(DOCUMENT).send().await;
    let foreign = app.anonymous().get(DOCUMENT).header("host", "evil.example");
    let foreign = foreign.header("x-forwarded-host", "evil.example");

    let methods = json!([
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt"
    ]);
    let algorithms = json!(["RS256", "ES256", "EdDSA"]);
    let expected = json!({
        "issuer": ISSUER,
        "token_endpoint": format!("{ISSUER}/oauth2/token"),
        "introspection_endpoint": format!("{ISSUER}/oauth2/introspect"),
        "revocation_endpoint": format!("{ISSUER}/oauth2/revoke"),
        "jwks_uri": format!("{ISSUER}/oauth2/keys"),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
    });
    assert_eq!(usual.json(), expected);
    assert_eq!(foreign.send().await.body, usual.body);
}

#[tokio::test]
async fn every_advertised_method_works_at_every_advertised_endpoint() {
    let app = TestApp::new().await;
    let client = client(&app, ES256).await;
    register(&app, &client, keys::first()).await;
    let token = app.anonymous().token(&client, "openid").await.token();
    let document = app.anonymous().get(DOCUMENT).send().await.json();
    for endpoint in ["token", "introspection", "revocation"] {
        let url = &document[format!("{endpoint}_endpoint")];
        let path = url.as_str().unwrap().strip_prefix(ISSUER).unwrap();
        let methods = &document[format!("{endpoint}_endpoint_auth_methods_supported")];
        for method in methods.as_array().unwrap() {
            let assertion = ClientAssertion::of(&client, app.now()).sign(keys::first());
            let mut form = vec![
                ("grant_type", "client_credentials"),
                ("token", token.as_str()),
            ];
            let id = client.client_id.as_str();
            match method.as_str().unwrap() {
                "client_secret_basic" => {}
                "client_secret_post" => {
                    form.extend([("client_id", id), ("client_secret", client.secret.as_str())]);
                }
                "private_key_jwt" => form.extend([
                    ("client_assertion_type", JWT_BEARER),
                    ("client_assertion", assertion.as_str()),
                ]),
                other => panic!("{other} is advertised and unknown"),
            }
            let call = app.anonymous().post(path).form(&form);
            let answer = match method == &Value::from("client_secret_basic") {
                true => call.basic(id, &client.secret).send().await,
                false => call.send().await,
            };
            assert_eq!(answer.status, 200, "{method} at {path}: {}", answer.body);
        }
    }
}
