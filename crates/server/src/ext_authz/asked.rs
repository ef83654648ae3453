//! The request that a proxy asks about, read into a head of its own.

use http::header::HOST;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Uri};

use crate::gateway::error::Refusal;

/// Method, host and target are in `X-Forwarded-*`, everything else is as the caller sent it.
pub(super) fn in_headers(mut head: Parts) -> Result<Parts, Refusal> {
    let method = one(&head, &X_FORWARDED_METHOD)?;
    let method = Method::from_bytes(method.as_bytes()).ok();
    let host = one(&head, &X_FORWARDED_HOST)?.clone();
    let target = one(&head, &X_FORWARDED_URI)?.to_str().ok();
    let target = target.and_then(|target| target.parse::<PathAndQuery>().ok());
    head.method = method.ok_or(UNREADABLE)?;
    head.uri = Uri::from(target.ok_or(UNREADABLE)?);
    head.headers.insert(HOST, host);
    Ok(head)
}

/// The target is behind `prefix`; method and host are the request's own.
pub(super) fn below(prefix: &str, mut head: Parts) -> Result<Parts, Refusal> {
    let target = head.uri.path_and_query().map(PathAndQuery::as_str);
    let target = target.and_then(|target| target.strip_prefix(prefix));
    let target = target.and_then(|target| target.parse::<PathAndQuery>().ok());
    let authority = head.uri.authority().map(|host| host.as_str().parse());
    if let Some(Ok(host)) = authority {
        head.headers.insert(HOST, host);
    }
    head.uri = Uri::from(target.ok_or(UNREADABLE)?);
    Ok(head)
}

/// The one value of a header that the proxy sets. A second one came from the caller.
fn one<'h>(head: &'h Parts, name: &HeaderName) -> Result<&'h HeaderValue, Refusal> {
    let mut values = head.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(UNREADABLE),
    }
}

const UNREADABLE: Refusal = Refusal::NotAsked;
const X_FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(path: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    const GOOD: [(&str, &str); 3] = [
        ("x-forwarded-method", "POST"),
        ("x-forwarded-host", "api.example"),
        ("x-forwarded-uri", "/a/b?c=d"),
    ];

    #[test]
    fn the_request_is_the_one_that_the_proxy_tells_of() {
        let asked = in_headers(head("/ext_authz/forward", &GOOD)).unwrap();
        assert_eq!(asked.method, Method::POST);
        assert_eq!(asked.uri, "/a/b?c=d");
        assert_eq!(asked.headers[HOST], "api.example");

        let asked = below("/ext_authz/envoy", head("/ext_authz/envoy/a?b", &[])).unwrap();
        assert_eq!(asked.uri, "/a?b");
    }

    #[test]
    fn what_is_missing_doubled_or_unreadable_is_no_question() {
        for header @ (name, _) in GOOD {
            let missing = GOOD.into_iter().filter(|(other, _)| *other != name);
            let missing: Vec<_> = missing.collect();
            assert!(in_headers(head("/", &missing)).is_err(), "no {name}");
            let mut doubled = GOOD.to_vec();
            doubled.push(header);
            assert!(in_headers(head("/", &doubled)).is_err(), "two {name}");
        }
        let mut bad = GOOD;
        bad[2].1 = "http://elsewhere/";
        let asked = in_headers(head("/", &bad));
        assert!(asked.is_err() || asked.unwrap().uri.authority().is_none());
        assert!(below("/ext_authz/envoy", head("/ext_authz/envoy", &[])).is_err());
    }
}
