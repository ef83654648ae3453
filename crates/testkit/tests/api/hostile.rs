//! Every text of every body of the management API, with what nobody should send: generated from
//! the description that the product serves (`spec/security.md` CON-09, ANS-04).

use countersign_testkit::TestApp;
use serde_json::{Value, json};

use crate::caller::{operators, problem};
use crate::routes::{Route, place, routes};

on_both_engines!(every_text_of_every_body_is_taken_or_refused_with_a_sentence);

const HOSTILE: [&str; 3] = [
    "=cmd()\"><script>alert(1)</script>{{7*7}}\u{202e}'&amp;",
    "\u{202e}\u{2066}\u{5d0}\u{5d1}<b>",
    "a\u{0}\u{1b}[31m\r\nSet-Cookie: x=y",
];

async fn every_text_of_every_body_is_taken_or_refused_with_a_sentence(app: &TestApp) {
    let org = app.organization().await;
    let place = place(app, &org).await;
    let by = operators(app).await;
    let document = app.anonymous().get("/api/v1/openapi.json").send().await;
    let document = document.json();
    let long = "x".repeat(10_000);
    let mut tried = 0;
    for route in routes(app).await {
        let Some(body) = &route.body else { continue };
        for name in texts(&document, &route) {
            for value in HOSTILE.into_iter().chain([long.as_str()]) {
                let mut body = body.clone();
                body[&name] = json!(value);
                let route = Route {
                    method: route.method.clone(),
                    path: route.path.clone(),
                    body: Some(body),
                };
                let answer = route.ask(&by, &place).await;
                let what = format!("{} {} {name}: {value:.40}", route.method, route.path);
                let is_refused = answer.status >= 400;
                assert!(is_refused || value != long, "{what}: {}", answer.body);
                if is_refused {
                    let (_, code) = problem(&answer);
                    assert!(!code.is_empty(), "{what}");
                }
                assert!(!answer.body.contains("\u{1b}"), "{what}: {}", answer.body);
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");
    // What was taken is JSON again.
    for route in routes(app).await {
        if route.method == http::Method::GET {
            let answer = route.ask(&by, &place).await;
            let kind = answer.header("content-type").unwrap_or_default();
            // Signed evidence is a JWS.
            if kind == "application/jose" {
                continue;
            }
            assert!(kind.contains("json"), "{}: {kind}", route.path);
            drop(answer.json());
        }
    }
}

/// The members of a body that are texts.
fn texts(document: &Value, route: &Route) -> Vec<String> {
    let method = route.method.as_str().to_lowercase();
    let operation = &document["paths"][format!("/api/v1{}", route.path)][method];
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let schema = resolved(document, schema);
    let Some(members) = schema["properties"].as_object() else {
        return Vec::new();
    };
    let is_text = |kind: &Value| kind == "string" || kind == &json!(["string", "null"]);
    let texts = members
        .iter()
        .filter(|(_, member)| is_text(&member["type"]));
    texts.map(|(name, _)| name.clone()).collect()
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(path) => document
            .pointer(path.trim_start_matches('#'))
            .expect("it is described"),
        None => schema,
    }
}
