//! What these tests ask for again and again.

use countersign_authority::ManageError;
use countersign_model::{Credential, SigningAlgorithm, TokenKind};
use countersign_testkit::app::operator;
use countersign_testkit::redact::{header_text, payload_text};
use countersign_testkit::{Answer, Call, Caller, Node, TestApp, TestClient};
use serde_json::Value;

pub const ES256: TokenKind = standard(SigningAlgorithm::Es256);

/// Standard tokens of an algorithm.
pub const fn standard(algorithm: SigningAlgorithm) -> TokenKind {
    TokenKind::Standard { algorithm }
}

/// A client of a new organization that gets tokens of `kind`.
pub async fn client(app: &TestApp, kind: TokenKind) -> TestClient {
    let client = app.oauth(&app.organization().await, &["DocCloudSDK"]).await;
    set_kind(app, &client, kind).await;
    client
}

pub async fn set_kind(node: &Node, client: &TestClient, kind: TokenKind) {
    let set = node
        .authority
        .set_token_kind(&client.id, kind, &operator())
        .await;
    assert_eq!(set.unwrap().token_kind, kind);
}

/// Registers public keys for a client.
pub async fn set_jwks(
    node: &Node,
    client: &TestClient,
    set: &str,
) -> Result<Credential, ManageError> {
    node.authority
        .set_jwks(&client.id, set.as_bytes(), &operator())
        .await
}

pub async fn disable(node: &Node, client: &TestClient) {
    node.authority
        .switch_credential(&client.id, false, &operator())
        .await
        .unwrap();
}

/// A call by a client that authenticates by Basic.
pub fn call(caller: &Caller, path: &str, client: &TestClient, form: &[(&str, &str)]) -> Call {
    let call = caller.post(path).form(form);
    call.basic(client.client_id.as_str(), &client.secret)
}

pub async fn token(caller: &Caller, client: &TestClient, form: &[(&str, &str)]) -> Answer {
    let mut all = vec![("grant_type", "client_credentials")];
    all.extend(form);
    call(caller, "/oauth2/token", client, &all).send().await
}

pub async fn introspect(caller: &Caller, client: &TestClient, token: &str) -> Answer {
    call(caller, "/oauth2/introspect", client, &[("token", token)])
        .send()
        .await
}

pub const INACTIVE: &str = r#"{"active":false}"#;

/// The header of a token.
pub fn header(token: &str) -> Value {
    serde_json::from_str(&header_text(token)).unwrap()
}

/// The claims of a token.
pub fn claims(token: &str) -> Value {
    serde_json::from_str(&payload_text(token)).unwrap()
}
