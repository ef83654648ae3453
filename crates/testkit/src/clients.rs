//! Those who call: they know an address and, at most, one credential.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_jose::SigningKey;
use countersign_server::kit::client_ip::Peer;
use countersign_wire::{
    CertificateId, ClientId, CredentialId, OrgId, ProjectId, SecretId, TechnicalAccountEmail,
    TechnicalAccountId,
};
use http::{HeaderName, HeaderValue, Method, Request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tower::ServiceExt as _;

use crate::answer::{Answer, Faults};

/// What the owner of a credential has.
#[derive(Clone)]
pub struct TestClient {
    /// Names the credential in management.
    pub id: CredentialId,
    /// Client id.
    pub client_id: ClientId,
    /// Owner.
    pub org_id: OrgId,
    /// Project.
    pub project_id: ProjectId,
    /// Whom it acts as.
    pub account_id: TechnicalAccountId,
    /// The technical account's mail address.
    pub account_email: TechnicalAccountEmail,
    /// Names the first secret.
    pub secret_id: SecretId,
    /// Names the first certificate.
    pub certificate_id: Option<CertificateId>,
    /// The first secret.
    pub secret: String,
    /// Every metascope it may ask for.
    pub metascopes: Vec<String>,
    /// The key of its certificate.
    pub key: Option<&'static SigningKey>,
}

impl TestClient {
    /// The four parameters of a client-credentials request.
    #[must_use]
    pub fn form<'a>(&'a self, scope: &'a str) -> [(&'a str, &'a str); 4] {
        [
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.as_str()),
            ("client_secret", &self.secret),
            ("scope", scope),
        ]
    }

    /// The three parameters of an exchange.
    #[must_use]
    pub fn exchange_form<'a>(&'a self, assertion: &'a str) -> [(&'a str, &'a str); 3] {
        [
            ("client_id", self.client_id.as_str()),
            ("client_secret", &self.secret),
            ("jwt_token", assertion),
        ]
    }
}

/// Somebody at some address.
#[derive(Clone)]
pub struct Caller {
    router: Router,
    address: SocketAddr,
}

impl Caller {
    pub(crate) fn new(router: Router) -> Self {
        Self {
            router,
            address: SocketAddr::from(([203, 0, 113, 7], 40_000)),
        }
    }

    /// The same from another address.
    #[must_use]
    pub fn from(self, ip: &str) -> Self {
        Self {
            address: SocketAddr::new(ip.parse().unwrap(), 40_000),
            ..self
        }
    }

    /// Begins a GET.
    #[must_use]
    pub fn get(&self, target: &str) -> Call {
        self.call(Method::GET, target)
    }

    /// Begins a POST.
    #[must_use]
    pub fn post(&self, target: &str) -> Call {
        self.call(Method::POST, target)
    }

    /// Begins a request of any method.
    #[must_use]
    pub fn call(&self, method: Method, target: &str) -> Call {
        Call {
            caller: self.clone(),
            method,
            target: target.to_owned(),
            headers: vec![(
                http::header::HOST,
                HeaderValue::from_static("ims-na1.adobelogin.com"),
            )],
            body: Vec::new(),
            faults: Faults::Never,
        }
    }

    /// Asks for a token with `client_credentials`.
    pub async fn token(&self, client: &TestClient, scope: &str) -> Answer {
        self.post("/ims/token/v3")
            .form(&client.form(scope))
            .send()
            .await
    }

    /// Exchanges an assertion.
    pub async fn exchange(&self, client: &TestClient, assertion: &str) -> Answer {
        self.post("/ims/exchange/jwt")
            .form(&client.exchange_form(assertion))
            .send()
            .await
    }

    /// What `validate_token` says of a token to a client.
    pub async fn validate(&self, client: &TestClient, token: &str) -> Answer {
        let form = [
            ("client_id", client.client_id.as_str()),
            ("token", token),
            ("type", "access_token"),
        ];
        self.post("/ims/validate_token/v1").form(&form).send().await
    }

    /// Whether a token holds.
    pub async fn holds(&self, client: &TestClient, token: &str) -> bool {
        self.validate(client, token).await.json()["valid"]
            .as_bool()
            .unwrap()
    }

    /// Revokes a token of the client.
    pub async fn revoke(&self, client: &TestClient, token: &str) -> Answer {
        let call = self.post("/ims/revoke").form(&[("token", token)]);
        call.basic(client.client_id.as_str(), &client.secret)
            .send()
            .await
    }
}

/// A request in the making.
#[derive(Clone)]
pub struct Call {
    caller: Caller,
    method: Method,
    target: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
    faults: Faults,
}

impl Call {
    /// Adds parameters to the query.
    #[must_use]
    pub fn query(mut self, fields: &[(&str, &str)]) -> Self {
        self.target = format!("{}?{}", self.target, urlencoded(fields));
        self
    }

    /// Sends parameters as `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        self.body("application/x-www-form-urlencoded", urlencoded(fields))
    }

    /// Sends parameters as `multipart/form-data`.
    #[must_use]
    pub fn multipart(self, fields: &[(&str, &str)]) -> Self {
        self.body(
            &format!("multipart/form-data; boundary={BOUNDARY}"),
            multipart(fields),
        )
    }

    /// Sends a body of any type.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// Sends a body and says nothing of its type.
    #[must_use]
    pub fn untyped_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Authenticates the client by HTTP Basic.
    #[must_use]
    pub fn basic(self, id: &str, secret: &str) -> Self {
        let pair = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
        self.header("authorization", &format!("Basic {pair}"))
    }

    /// Shows a token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Adds a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.raw_header(name, value.as_bytes())
    }

    /// Adds a header of any bytes that HTTP takes.
    #[must_use]
    pub fn raw_header(mut self, name: &str, value: &[u8]) -> Self {
        let name: HeaderName = name.parse().unwrap();
        if name == http::header::HOST {
            self.headers.retain(|(other, _)| *other != name);
        }
        self.headers
            .push((name, HeaderValue::from_bytes(value).unwrap()));
        self
    }

    /// Something was taken away on purpose: a 5xx may be the answer.
    #[must_use]
    pub fn faults_expected(mut self) -> Self {
        self.faults = Faults::Expected;
        self
    }

    /// Sends it, and checks what holds for every answer.
    pub async fn send(self) -> Answer {
        let mut request = Request::builder().method(self.method).uri(&self.target);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if !self.body.is_empty() {
            request = request.header("content-length", self.body.len());
        }
        let request = request.extension(Peer::new(self.caller.address));
        let request = request.body(Body::from(self.body)).unwrap();
        let response = self.caller.router.oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let kind = head.headers.get("content-type");
        let body = match kind.map(|kind| kind.as_bytes()) {
            // What is text in it can be read.
            Some(b"application/zip") => String::from_utf8_lossy(&body).into_owned(),
            _ => String::from_utf8(body.to_vec()).unwrap(),
        };
        let answer = Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        };
        answer.check(&self.target, self.faults);
        answer
    }
}

/// Joins parameters as browsers and libraries do.
#[must_use]
pub fn urlencoded(fields: &[(&str, &str)]) -> String {
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// The parts of a multipart body.
#[must_use]
pub fn multipart(fields: &[(&str, &str)]) -> String {
    let parts = fields.iter().map(|(name, value)| {
        format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        )
    });
    format!("{}--{BOUNDARY}--\r\n", parts.collect::<String>())
}

/// Between the parts of [`multipart`].
pub const BOUNDARY: &str = "------------------------d74496d66958873e";

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
