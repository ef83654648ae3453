//! What @adobe/aio-lib-ims can do besides getting tokens.

use countersign_testkit::app::operator;
use countersign_testkit::real_clients::{Client, Grant, Outcome, installed};
use serde_json::{Value, json};

use crate::product::{Product, Scheme};

const NAME: &str = "aio-lib-ims";

#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_ims_validates_a_token_until_it_has_invalidated_it() {
    let Some(user) = User::new().await else {
        return;
    };
    let token = user.token().await;

    assert_eq!(
        user.does("validate", &token).await.validation.unwrap()["valid"],
        true
    );
    assert_eq!(
        user.does("invalidate", &token).await.invalidation,
        Some(json!({}))
    );
    let validation = user.does("validate", &token).await.validation.unwrap();
    assert_eq!(
        validation,
        json!({ "valid": false, "reason": "token_revoked" })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_ims_lists_the_organization_of_a_token() {
    let Some(user) = User::new().await else {
        return;
    };
    let token = user.token().await;

    let organizations = user
        .does("organizations", &token)
        .await
        .organizations
        .unwrap();

    let organization = &user.product.organization;
    let listed = organizations.as_array().unwrap();
    assert_eq!(listed.len(), 1, "{organizations}");
    assert_eq!(listed[0]["orgName"], organization.name);
    assert_eq!(listed[0]["orgRef"]["ident"], organization.id.ident());
}

/// The published version takes the first of several secrets and stops there; callers decide by
/// exactly these words whether to go on with the next.
#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_ims_hands_on_the_words_that_tell_to_try_the_next_secret() {
    let Some(user) = User::new().await else {
        return;
    };
    let mut job = user.job(Grant::ClientCredentials);
    let (good, bad) = (&user.product.oauth.secret, &user.product.jwt.secret);
    job["client_secrets"] = json!([bad.expose(), good.expose()]);

    let refused = user.product.run(NAME, &job).await;

    let words = r#"400 (Bad Request): {"error":"invalid_client","error_description":"invalid client_secret parameter"}"#;
    assert_eq!(refused.error_text.as_deref(), Some(words));
}

#[tokio::test(flavor = "multi_thread")]
async fn aio_lib_ims_goes_on_with_a_second_secret_while_secrets_are_replaced() {
    let Some(user) = User::new().await else {
        return;
    };
    let (authority, created) = (&user.product.authority, &user.product.oauth);
    let label = "second".to_owned();
    let added = authority
        .add_secret(&created.credential.id, label, None, &operator())
        .await
        .unwrap();
    let second = added.secret.unwrap();
    let mut job = user.job(Grant::ClientCredentials);
    job["client_secrets"] = json!([second.expose(), created.secret.expose()]);

    let outcome = user.product.run(NAME, &job).await;

    let held = user.product.held(&outcome).await;
    assert!(
        held.is_ok_and(|held| held.claims.minted_by == format!("secret:{}", added.record.id)),
        "{outcome:?}"
    );
}

/// Somebody with the library and a JWT credential.
struct User {
    product: Product,
    client: Client,
}

impl User {
    /// Nobody, where the clients are not installed.
    async fn new() -> Option<Self> {
        let client = installed().into_iter().find(|client| client.name == NAME)?;
        let product = Product::start().await;
        Some(Self { product, client })
    }

    fn job(&self, grant: Grant) -> Value {
        self.product.job(&self.client, grant, Scheme::Https)
    }

    async fn token(&self) -> String {
        let outcome = self.product.run(NAME, &self.job(Grant::Jwt)).await;
        outcome.access_token.unwrap()
    }

    async fn does(&self, operation: &str, token: &str) -> Outcome {
        let mut job = self.job(Grant::Jwt);
        job["operation"] = operation.into();
        job["access_token"] = token.into();
        let outcome = self.product.run(NAME, &job).await;
        assert!(outcome.ok, "{outcome:?}");
        outcome
    }
}
