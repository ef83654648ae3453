//! Somebody who uses `@adobe/aio-lib-console`.

use std::time::Duration;

use countersign_authority::{Acceptance, Actor, NewAccessToken, NewInvitation, Visitor};
use countersign_model::{Role, SignInName};
use countersign_testkit::app::operator;
use countersign_testkit::real_clients::{Grant, installed};
use countersign_wire::{Opaque, OrgId};
use serde_json::{Value, json};

use crate::product::Product;

const CLIENT: &str = "aio-lib-console";

/// Somebody with the library and a personal access token.
pub struct User {
    pub product: Product,
    pub token: String,
    pub api_key: String,
}

impl User {
    /// Nobody, where the clients are not installed.
    pub async fn new(role: Role) -> Option<Self> {
        if installed().is_empty() {
            return None;
        }
        let product = Product::start().await;
        let member = member(&product, role).await;
        let new = NewAccessToken {
            name: "console".to_owned(),
            role: None,
            expires_at: product
                .authority
                .clock()
                .now()
                .plus(Duration::from_secs(3600)),
        };
        let (_, token) = product
            .authority
            .create_access_token(new, &member)
            .await
            .unwrap();
        let key = &product.credential(Grant::ClientCredentials).credential;
        Some(Self {
            api_key: key.client_id.to_string(),
            token: token.expose().to_owned(),
            product,
        })
    }

    /// What every call gave.
    pub async fn calls(&self, calls: Value) -> Value {
        let job = json!({
            "operation": "calls",
            "access_token": self.token,
            "api_key": self.api_key,
            "calls": calls,
        });
        let outcome = self.product.run(CLIENT, &job).await;
        assert!(outcome.ok, "{outcome:?}");
        outcome.results.unwrap()
    }

    pub async fn gets_a_token(&self, client_id: &str, secret: &str) -> bool {
        let job = json!({
            "ims": "https://ims-na1.adobelogin.com",
            "grant": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
            "scopes": ["openid", "AdobeID"],
        });
        self.product.run("curl", &job).await.ok
    }
}

async fn member(product: &Product, role: Role) -> Actor {
    let authority = &product.authority;
    let org: &OrgId = &product.organization.id;
    let new = NewInvitation {
        sign_in_name: SignInName::parse("ada@example.com").unwrap(),
        role,
        profiles: Vec::new(),
    };
    let invited = authority
        .invite_member(org, new, &operator())
        .await
        .unwrap();
    let acceptance = Acceptance {
        name: "Ada".to_owned(),
        sign_in_name: None,
        password: Opaque::new("three blue lighthouses".to_owned()),
        organization: None,
    };
    let visitor = Visitor {
        source: [127, 0, 0, 1].into(),
        agent: "test".to_owned(),
    };
    let code = invited.code.expose();
    let new = authority
        .accept_invitation(code, acceptance, &visitor)
        .await
        .unwrap();
    let session = authority
        .find_session(new.cookie.expose(), visitor.source)
        .await
        .unwrap();
    session.unwrap().actor(org).unwrap()
}

#[track_caller]
pub fn refusal(result: &Value) -> &str {
    result["error"]
        .as_str()
        .unwrap_or_else(|| panic!("not refused: {result}"))
}

#[track_caller]
pub fn parts<const N: usize>(list: &Value) -> [&Value; N] {
    let items: Vec<&Value> = list.as_array().unwrap().iter().collect();
    items.try_into().unwrap()
}
