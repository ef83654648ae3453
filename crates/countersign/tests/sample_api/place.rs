//! The API on a clock of the test's, and somebody who calls it through a gateway.

use axum::Router;
use axum::body::{Body, to_bytes};
use countersign::sample_api::SampleApi;
use countersign_testkit::app::START;
use countersign_testkit::clock::TestClock;
use http::{HeaderMap, Method, Request};
use serde_json::Value;
use tower::ServiceExt as _;

pub const ORG: &str = "76543210FEDCBA9876543210@AdobeOrg";
pub const OTHER_ORG: &str = "0123456789ABCDEF01234567@AdobeOrg";
pub const SCOPES: &str = "openid,AdobeID,read_pc.dma_aem_ams,user_management_sdk";

/// The API, with nothing changed yet.
pub struct Place {
    pub clock: TestClock,
    router: Router,
}

/// A member of an organization.
#[derive(Clone)]
pub struct Caller {
    router: Router,
    identity: Vec<(&'static str, &'static str)>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Place {
    pub fn new() -> Self {
        let clock = TestClock::at(START);
        let router = SampleApi::new(clock.clock()).routes();
        Self { clock, router }
    }

    pub fn member(&self, org: &'static str) -> Caller {
        self.caller(&[
            (
                "x-ims-user-id",
                "0123456789ABCDEF01234567@techacct.adobe.com",
            ),
            ("x-ims-client-id", "0123456789abcdef0123456789abcdef"),
            ("x-ims-org-id", org),
            ("x-ims-scope", SCOPES),
        ])
    }

    pub fn caller(&self, identity: &[(&'static str, &'static str)]) -> Caller {
        Caller {
            router: self.router.clone(),
            identity: identity.to_vec(),
        }
    }
}

impl Caller {
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    /// What a path answers when all is well.
    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    pub async fn send(&self, method: Method, path: &str, body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.identity {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, 1 << 22).await.unwrap();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// The address of the program of that name.
    pub async fn program(&self, name: &str) -> String {
        let programs = self.json("/api/programs").await;
        named(&programs["_embedded"]["programs"], name)
    }

    /// The address of a pipeline.
    pub async fn pipeline(&self, program: &str, name: &str) -> String {
        let path = format!("{}/pipelines", self.program(program).await);
        named(&self.json(&path).await["_embedded"]["pipelines"], name)
    }
}

fn named(list: &Value, name: &str) -> String {
    let mut all = list.as_array().unwrap().iter();
    let found = all.find(|item| item["name"] == name).unwrap();
    found["_links"]["self"]["href"].as_str().unwrap().to_owned()
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}
