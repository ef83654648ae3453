//! The token endpoint.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::{digest, hmac};
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign_jose::{Algorithm, Header, SigningKey, access_token_hash};
use http::HeaderMap;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{CLIENT_ID, CLIENT_SECRET, Fault, Inner, Signature, json_answer, refuse};

const ACCESS_TOKEN: &str = "an-access-token-of-the-provider";

/// `POST /tenant/token`: a code for tokens, once (RFC 6749 section 4.1.3, RFC 7636 section 4.6).
pub(super) async fn answer(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match inner.fault() {
        Fault::Endpoint(answer) => answer(),
        Fault::Silence => std::future::pending().await,
        _ => give(State(inner), headers, body).await,
    }
}

/// The same, whatever the endpoint does wrong.
pub(super) async fn give(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form: HashMap<_, _> = form_urlencoded::parse(&body).into_owned().collect();
    if client(&inner, &headers, &form) != Some((CLIENT_ID.to_owned(), CLIENT_SECRET.to_owned())) {
        return refuse("invalid_client");
    }
    let asked = inner.codes.lock().unwrap().remove(&form["code"]);
    let Some(asked) = asked else {
        return refuse("invalid_grant");
    };
    let asked: HashMap<_, _> = asked.query_pairs().into_owned().collect();
    let digest = digest::digest(&digest::SHA256, form["code_verifier"].as_bytes());
    let is_whole = form["grant_type"] == "authorization_code"
        && form["redirect_uri"] == asked["redirect_uri"]
        && URL_SAFE_NO_PAD.encode(digest) == asked["code_challenge"];
    if !is_whole {
        return refuse("invalid_grant");
    }
    let mut tokens = json!({
        "token_type": "Bearer",
        "access_token": ACCESS_TOKEN,
        "id_token": inner.id_token(&asked),
    });
    if let Fault::Tokens(change) = inner.fault() {
        change(&mut tokens);
    }
    json_answer(&tokens)
}

/// Name and secret, from the one place that the metadata names.
fn client(
    inner: &Inner,
    headers: &HeaderMap,
    form: &HashMap<String, String>,
) -> Option<(String, String)> {
    let pair = headers.get("authorization").map(|value| {
        let text = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
        let text = String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
        let (name, secret) = text.split_once(':').unwrap();
        let plain = |text: &str| {
            let pair = format!("x={text}");
            let (_, value) = form_urlencoded::parse(pair.as_bytes()).next().unwrap();
            value.into_owned()
        };
        (plain(name), plain(secret))
    });
    let posted = form
        .get("client_id")
        .cloned()
        .zip(form.get("client_secret").cloned());
    let methods = &inner.metadata()["token_endpoint_auth_methods_supported"];
    match methods == &json!(["client_secret_post"]) {
        true => posted.filter(|_| pair.is_none()),
        false => pair.filter(|_| posted.is_none()),
    }
}

impl Inner {
    fn id_token(&self, asked: &HashMap<String, String>) -> String {
        let (name, key) = self.key.lock().unwrap().clone();
        let now = self.now();
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300,
            "nonce": asked["nonce"],
            "at_hash": access_token_hash(key.algorithm(), ACCESS_TOKEN),
        });
        if asked.get("max_age").map(String::as_str) == Some("0") {
            assert_eq!(asked["prompt"], "login");
            claims["auth_time"] = json!(now);
        }
        let own = self.claims.lock().unwrap().clone();
        for (name, value) in own.as_object().unwrap() {
            claims[name] = value.clone();
        }
        if let Fault::Claims(change) = self.fault() {
            change(&mut claims);
        }
        match self.fault() {
            Fault::Signature(how) => forged(how, &name, &claims),
            _ => signed(&name, &key, &claims),
        }
    }
}

fn signed(name: &str, key: &SigningKey, claims: &Value) -> String {
    let header = Header::jwt(key.algorithm()).with_kid(name).to_json();
    key.sign_compact(&header, claims.to_string().as_bytes())
        .unwrap()
}

fn forged(how: Signature, name: &str, claims: &Value) -> String {
    let other = |algorithm| SigningKey::generate(algorithm).unwrap();
    match how {
        Signature::Absent => format!("{}.", unsigned("none", name, claims)),
        Signature::ClientSecret => {
            let input = unsigned("HS256", name, claims);
            let key = hmac::Key::new(hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes());
            let tag = hmac::sign(&key, input.as_bytes());
            format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
        }
        Signature::OtherKey => signed(name, &other(Algorithm::Es256), claims),
        Signature::UnknownName => signed("key-9", &other(Algorithm::Es256), claims),
        Signature::OtherAlgorithm => signed(name, &other(Algorithm::EdDsa), claims),
    }
}

fn unsigned(algorithm: &str, name: &str, claims: &Value) -> String {
    let header = json!({"alg": algorithm, "typ": "JWT", "kid": name});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(&header), part(claims))
}
