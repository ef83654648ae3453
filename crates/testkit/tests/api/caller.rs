//! Those who call the management API.

use std::time::Duration;

use countersign_authority::{Actor, NewAccessToken};
use countersign_model::Role;
use countersign_testkit::app::{Node, operator};
use countersign_testkit::{Answer, Call};
use countersign_wire::OrgId;
use http::Method;
use serde_json::Value;

use crate::people::actor;

/// Somebody with an access token.
pub struct Program<'n> {
    node: &'n Node,
    token: String,
}

/// A program of a new member.
pub async fn program<'n>(node: &'n Node, org: &OrgId, who: &str, role: Role) -> Program<'n> {
    let by = actor(node, org, who, role).await;
    of(node, &by).await
}

/// A program of the operator.
pub async fn operators(node: &Node) -> Program<'_> {
    of(node, &operator()).await
}

async fn of<'n>(node: &'n Node, by: &Actor) -> Program<'n> {
    let new = NewAccessToken {
        name: "test".to_owned(),
        role: None,
        expires_at: node
            .authority
            .clock()
            .now()
            .plus(Duration::from_secs(86_400)),
    };
    let (_, token) = node.authority.create_access_token(new, by).await.unwrap();
    Program {
        node,
        token: token.expose().to_owned(),
    }
}

impl<'n> Program<'n> {
    /// With a token of the test's, or none where it is empty.
    pub fn with_token(node: &'n Node, token: &str) -> Self {
        Self {
            node,
            token: token.to_owned(),
        }
    }

    /// Begins a call below `/api/v1`.
    pub fn call(&self, method: Method, path: &str) -> Call {
        let call = self
            .node
            .anonymous()
            .call(method, &format!("/api/v1{path}"));
        match self.token.as_str() {
            "" => call,
            token => call.bearer(token),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).send().await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        json(self.call(Method::POST, path), body).send().await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        json(self.call(Method::PATCH, path), body).send().await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path).send().await
    }
}

/// A call with a JSON body.
pub fn json(call: Call, body: &Value) -> Call {
    call.body("application/json", body.to_string())
}

/// The code of a problem; fails the test for anything else.
#[track_caller]
pub fn problem(answer: &Answer) -> (u16, String) {
    let kind = answer.header("content-type");
    assert_eq!(kind, Some("application/problem+json"), "{answer:?}");
    let body = answer.json();
    assert_eq!(body["status"], answer.status);
    assert!(!body["detail"].as_str().unwrap().is_empty());
    let code = body["type"].as_str().unwrap().rsplit(':').next();
    (answer.status, code.unwrap().to_owned())
}
