//! Envoy's gRPC, byte for byte: what a message of Envoy's holds, and what it gets back.

use axum::body::{Body, to_bytes};
use countersign_testkit::gateway::Member;
use http::Request;
use tower::ServiceExt as _;

use crate::setting::Setting;

const LENGTH_DELIMITED: u8 = 2;

/// A field of a message, of any length.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | LENGTH_DELIMITED];
    let mut length = content.len();
    while length >= 0x80 {
        field.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    field.push(u8::try_from(length).unwrap());
    field.extend(content);
    field
}

fn header(name: &str, value: &str) -> Vec<u8> {
    let entry = [field(1, name.as_bytes()), field(2, value.as_bytes())];
    field(3, &entry.concat())
}

/// `CheckRequest` about a GET.
fn check_request(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut http = field(2, b"GET");
    for (name, value) in headers {
        http.extend(header(name, value));
    }
    http.extend(field(4, path.as_bytes()));
    http.extend(field(5, b"api.example.com"));
    let context = field(4, &field(2, &http));
    field(1, &context)
}

async fn check(setting: &Setting, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let frame = [&[0], length.as_slice(), message].concat();
    let request = Request::post("/envoy.service.auth.v3.Authorization/Check")
        .version(http::Version::HTTP_2)
        .header("host", "countersign.example")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::from(frame))
        .unwrap();
    let answer = setting.app.router().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/grpc");
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    body[5..].to_vec()
}

fn holds(message: &[u8], part: &[u8]) -> bool {
    message.windows(part.len()).any(|window| window == part)
}

fn three(member: &Member) -> [(&'static str, String); 3] {
    [
        ("authorization", format!("Bearer {}", member.token)),
        ("x-api-key", member.client.client_id.to_string()),
        ("x-gw-ims-org-id", member.client.org_id.to_string()),
    ]
}

#[tokio::test]
async fn envoy_is_told_who_calls() {
    let setting = Setting::publishing("").await;
    let member = setting.member().await;
    let three = three(&member);
    let headers = three
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));

    let answer = check(&setting, &check_request("/api/programs?x=y", &headers)).await;

    // Status code 0 is not on the wire: an empty message.
    assert!(answer.starts_with(b"\x0a\x00\x1a"), "{answer:x?}");
    let client = [
        field(1, b"x-ims-client-id"),
        field(2, member.client.client_id.as_str().as_bytes()),
    ];
    assert!(holds(&answer, &client.concat()));
}

#[tokio::test]
async fn envoy_is_given_the_refusal_to_pass_on() {
    let setting = Setting::publishing("").await;
    let member = setting.member().await;
    let [token, key, org] = &three(&member);
    let doubled = format!("{},{}", key.1, key.1);
    let rows: [(&[(&str, &str)], &str); 3] = [
        (
            &[("x-api-key", &key.1), ("x-gw-ims-org-id", &org.1)],
            "403010",
        ),
        (
            &[("authorization", &token.1), ("x-api-key", &key.1)],
            "400003",
        ),
        // Envoy joins what came twice.
        (
            &[("authorization", &token.1), ("x-api-key", &doubled)],
            "403003",
        ),
    ];
    for (headers, code) in rows {
        let answer = check(&setting, &check_request("/api/programs", headers)).await;
        assert!(answer.starts_with(b"\x0a\x02\x08\x07\x12"), "{answer:x?}");
        assert!(
            holds(&answer, format!("\"error_code\":\"{code}\"").as_bytes()),
            "{code}"
        );
        assert!(holds(&answer, b"application/json"), "{code}");
    }
    let answer = check(&setting, b"").await;
    assert!(holds(&answer, b"400000"), "{answer:x?}");
}
