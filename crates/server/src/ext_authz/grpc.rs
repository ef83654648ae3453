//! Envoy's external authorization over gRPC: the same question in protocol buffers.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use countersign_authority::{Authority, Permit};
use countersign_model::published::ErrorStyle;
use countersign_wire::ClientId;
use countersign_wire::gateway::IDENTITY;
use http::header::HOST;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use tonic::Status;
use tonic_prost::ProstCodec;
use tower::service_fn;

use super::envoy::{
    Allowed, CheckRequest, CheckResponse, Denied, Header, HeaderValueOption, HttpRequest,
    HttpResponse, HttpStatus, RpcStatus,
};
use super::{Wording, answer, decide};
use crate::gateway::checks;
use crate::gateway::error::Refusal;
use crate::gateway::hygiene;
use crate::kit::access_log::Cause;

/// Where Envoy calls.
pub(super) const PATH: &str = "/envoy.service.auth.v3.Authorization/Check";

/// `Check`.
pub(super) async fn check(State(authority): State<Arc<Authority>>, request: Request) -> Response {
    let extensions = request.extensions().clone();
    let cause = Arc::new(Mutex::new(None));
    let noted = Arc::clone(&cause);
    let check = service_fn(move |request: tonic::Request<CheckRequest>| {
        let (authority, noted) = (Arc::clone(&authority), Arc::clone(&noted));
        let extensions = extensions.clone();
        async move {
            let (answer, cause) = answer_to(&authority, request.into_inner(), extensions).await;
            *noted.lock().unwrap_or_else(PoisonError::into_inner) = cause;
            Ok::<_, Status>(tonic::Response::new(answer))
        }
    });
    let codec = ProstCodec::<CheckResponse, CheckRequest>::default();
    let response = tonic::server::Grpc::new(codec).unary(check, request).await;
    let mut response = response.map(Body::new);
    // For the log: the message has no place for it.
    let mut cause = cause.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(cause) = cause.take() {
        response.extensions_mut().insert(cause);
    }
    response
}

async fn answer_to(
    authority: &Authority,
    request: CheckRequest,
    extensions: Extensions,
) -> (CheckResponse, Option<Cause>) {
    let http = request.attributes.and_then(|it| it.request?.http);
    let asked = http.and_then(|http| head(http, extensions));
    let Some(head) = asked else {
        return denied(&Refusal::NotAsked, ErrorStyle::default(), None);
    };
    match decide(authority, &head).await {
        Ok(permit) => (allowed(&permit), None),
        Err((refusal, style)) => denied(&refusal, style, checks::client_id(&head).as_ref()),
    }
}

fn head(http: HttpRequest, extensions: Extensions) -> Option<Parts> {
    let mut request = http::Request::builder()
        .method(http.method.as_str())
        .uri(http.path.as_str())
        .body(())
        .ok()?;
    let fields = http.headers.into_iter().filter_map(|(name, value)| {
        // Envoy's own names for what is not a header: `:method`, `:path`.
        let name = name.parse::<HeaderName>().ok()?;
        Some((name, HeaderValue::try_from(value).ok()?))
    });
    *request.headers_mut() = fields.collect();
    request
        .headers_mut()
        .insert(HOST, HeaderValue::try_from(http.host).ok()?);
    *request.extensions_mut() = extensions;
    Some(request.into_parts().0)
}

fn allowed(permit: &Permit) -> CheckResponse {
    let mut headers = HeaderMap::new();
    hygiene::identify(&mut headers, permit);
    let absent = |name: &&str| !headers.contains_key(*name);
    let allowed = Allowed {
        headers_to_remove: IDENTITY
            .iter()
            .copied()
            .filter(absent)
            .map(str::to_owned)
            .collect(),
        headers: options(&headers),
    };
    CheckResponse {
        status: Some(RpcStatus { code: OK }),
        http_response: Some(HttpResponse::Ok(allowed)),
    }
}

fn denied(
    refusal: &Refusal,
    style: ErrorStyle,
    client: Option<&ClientId>,
) -> (CheckResponse, Option<Cause>) {
    let mut answer = answer::denied(refusal, style, client, Wording::AsItIs);
    let denied = Denied {
        status: Some(HttpStatus {
            code: answer.status().as_u16().into(),
        }),
        headers: options(answer.headers()),
        body: refusal.body(style),
    };
    let denied = CheckResponse {
        status: Some(RpcStatus {
            code: PERMISSION_DENIED,
        }),
        http_response: Some(HttpResponse::Denied(denied)),
    };
    (denied, answer.extensions_mut().remove())
}

fn options(headers: &HeaderMap) -> Vec<HeaderValueOption> {
    let option = |(name, value): (&HeaderName, &HeaderValue)| {
        Some(HeaderValueOption {
            header: Some(Header {
                key: name.as_str().to_owned(),
                value: value.to_str().ok()?.to_owned(),
            }),
            append_action: OVERWRITE_IF_EXISTS_OR_ADD,
        })
    };
    headers.iter().filter_map(option).collect()
}

/// Of `google.rpc.Code`.
const OK: i32 = 0;
const PERMISSION_DENIED: i32 = 7;
/// Of `HeaderValueOption.HeaderAppendAction`.
const OVERWRITE_IF_EXISTS_OR_ADD: i32 = 2;

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    /// Bytes as Envoy puts them on the wire, with fields that are unknown here (`source`, tag 1;
    /// `http.protocol`, tag 10).
    #[test]
    fn a_request_of_envoys_is_read() {
        let http: &[u8] = b"\x12\x03GET\
            \x1a\x10\x0a\x09x-api-key\x12\x03abc\
            \x22\x05/a?b=\
            \x2a\x0bapi.example\
            \x52\x08HTTP/1.1";
        let request = nested(0x22, &nested(0x12, http));
        let mut context = nested(0x0a, b"\x0a\x04\x0a\x02\x10\x01");
        context.extend(request);
        let message = nested(0x0a, &context);

        let read = CheckRequest::decode(message.as_slice()).unwrap();

        let http = read.attributes.unwrap().request.unwrap().http.unwrap();
        let head = head(http, Extensions::new()).unwrap();
        assert_eq!(head.method, "GET");
        assert_eq!(head.uri, "/a?b=");
        assert_eq!(head.headers[HOST], "api.example");
        assert_eq!(head.headers["x-api-key"], "abc");
    }

    #[test]
    fn a_refusal_has_envoys_bytes() {
        let denied = Denied {
            status: Some(HttpStatus { code: 403 }),
            headers: Vec::new(),
            body: "no".to_owned(),
        };
        let answer = CheckResponse {
            status: Some(RpcStatus { code: 7 }),
            http_response: Some(HttpResponse::Denied(denied)),
        };
        let expected = b"\x0a\x02\x08\x07\x12\x09\x0a\x03\x08\x93\x03\x1a\x02no";
        assert_eq!(answer.encode_to_vec(), expected);
    }

    fn nested(tag: u8, inside: &[u8]) -> Vec<u8> {
        let length = u8::try_from(inside.len()).unwrap();
        assert!(length < 128, "one byte of length");
        [&[tag, length], inside].concat()
    }
}
