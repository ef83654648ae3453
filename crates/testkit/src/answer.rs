//! Answers, and what must hold for every one of them.

use http::HeaderMap;
use serde_json::Value;

/// What answers are that no handler wrote, and those of the IMS endpoints.
const JSON: &str = "application/json;charset=UTF-8";
const GATEWAY_JSON: &str = "application/json";

/// An answer of the product.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

/// Whether a request may be answered with a 5xx.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Faults {
    /// Never: no input is a reason for one (ANS-04).
    Never,
    /// Something the product depends on was taken away on purpose.
    Expected,
}

impl Answer {
    /// The value of a header, if there is exactly one.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.get_all(name).iter();
        let first = all.next()?;
        assert!(all.next().is_none(), "{name} occurs twice");
        first.to_str().ok()
    }

    /// The cookie that was set whose name ends so, as `name=value`.
    #[must_use]
    pub fn cookie(&self, suffix: &str) -> Option<String> {
        let lines = self.headers.get_all("set-cookie").iter();
        let mut pairs = lines.filter_map(|line| line.to_str().ok()?.split(';').next());
        let is_it = |pair: &&str| pair.split('=').next().unwrap().ends_with(suffix);
        pairs.find(is_it).map(str::to_owned)
    }

    /// The cookie of the session that was set, as `name=value`. Without TLS it is named after the
    /// port.
    #[must_use]
    pub fn session(&self) -> Option<String> {
        let lines = self.headers.get_all("set-cookie").iter();
        let mut pairs = lines.filter_map(|line| line.to_str().ok()?.split(';').next());
        let is_it = |pair: &&str| {
            let name = pair.split('=').next().unwrap();
            let end = name.rsplit('-').next().unwrap();
            end == "countersign" || end.bytes().all(|b| b.is_ascii_digit())
        };
        pairs.find(is_it).map(str::to_owned)
    }

    /// `x-debug-id`.
    #[must_use]
    pub fn debug_id(&self) -> String {
        self.header("x-debug-id").unwrap().to_owned()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The access token; an answer without one fails the test.
    #[track_caller]
    pub fn token(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Member `error`; empty where there is none.
    #[must_use]
    pub fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    /// Compares status and body, byte for byte.
    #[track_caller]
    pub fn must_be(&self, status: u16, body: &str) {
        assert_eq!((self.status, self.body.as_str()), (status, body));
    }

    /// Compares status and member `error`.
    #[track_caller]
    pub fn must_fail(&self, status: u16, error: &str) {
        assert_eq!(
            (self.status, self.error().as_str()),
            (status, error),
            "{}",
            self.body
        );
    }

    /// What holds for every answer, whatever was asked.
    #[track_caller]
    pub(crate) fn check(&self, target: &str, faults: Faults) {
        assert!(
            uuid::Uuid::parse_str(&self.debug_id()).is_ok(),
            "x-debug-id is a UUID"
        );
        assert!(
            faults == Faults::Expected || self.status < 500,
            "a fault: {self:?}"
        );
        let is_page = target == "/" || target.starts_with("/console");
        // Adobe's own API is at paths beside the pages; it speaks JSON, hands out a zip, or says
        // nothing.
        let kind = self.header("content-type");
        let of_api = [JSON, GATEWAY_JSON, "application/zip"];
        let is_api = kind.is_some_and(|kind| of_api.contains(&kind)) || self.status == 204;
        if is_page && !is_api {
            return self.check_page(target);
        }
        assert!(
            !(300..400).contains(&self.status) || self.status == 304,
            "a redirect: {self:?}"
        );
        for absent in ["access-control-allow-origin", "server", "set-cookie"] {
            assert!(self.header(absent).is_none(), "{absent} in {self:?}");
        }
        let is_made = self.status == 201;
        assert_eq!(self.header("location").is_some(), is_made, "{self:?}");
        match self.header("content-type") {
            Some("application/problem+json") => self.check_problem(),
            // Exactly this is what a gateway writes, and the APIs that look like one.
            Some(GATEWAY_JSON) if self.status >= 400 => self.check_gateway_error(),
            _ if self.status >= 400 => self.check_error(),
            _ => {}
        }
    }

    /// What browsers are told with every page, whatever becomes of the request (CON-01, CON-07,
    /// CON-08, CON-10, CON-14).
    #[track_caller]
    fn check_page(&self, target: &str) {
        let policy = self.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{policy}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(self.header(name), Some(value), "{name} in {self:?}");
        }
        if let Some(to) = self.header("location") {
            assert_eq!(self.status, 303);
            // Whoever signs in at a provider goes there.
            let leaves =
                target.starts_with("/console/sign-in/with/") && !target.contains("/answer");
            assert!(leaves || to.starts_with("/console"), "{to}");
        }
        for cookie in self.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(
                cookie.contains("; Path=/; HttpOnly; SameSite=Lax"),
                "{cookie}"
            );
        }
        let is_kept = self.header("cache-control").unwrap().contains("immutable");
        assert!(is_kept || self.header("cache-control") == Some("no-store"));
        for inline in [
            "<style",
            "style=\"",
            "javascript:",
            " onclick",
            "src=\"http",
            "href=\"http",
        ] {
            assert!(!self.body.contains(inline), "{inline}: {}", self.body);
        }
    }

    /// RFC 9457, as the management API writes it.
    #[track_caller]
    fn check_problem(&self) {
        let body = self.json();
        let members: Vec<_> = body.as_object().unwrap().keys().collect();
        assert_eq!(members, ["detail", "status", "title", "type"]);
        assert_eq!(body["status"], self.status);
        assert!(self.status >= 400);
    }

    /// The two forms of `spec/ims-protocol.md` 8.3 and 6.9.
    #[track_caller]
    fn check_gateway_error(&self) {
        let body = self.json();
        let members: Vec<_> = body.as_object().unwrap().keys().collect();
        match body.get("code") {
            Some(code) => assert_eq!(*code, self.status),
            None => {
                let code = body["error_code"].as_str().unwrap();
                assert!(code.bytes().all(|b| b.is_ascii_digit()), "{code}");
                assert!(self.body.ends_with('\n'), "{}", self.body);
            }
        }
        assert!(members == ["code", "message"] || members == ["error_code", "message"]);
        assert!(!body["message"].as_str().unwrap().is_empty());
    }

    /// The grammar of RFC 6749 section 5.2 (ANS-02): a flat object of `error` and
    /// `error_description`, of the characters that both may have.
    #[track_caller]
    fn check_error(&self) {
        // A HEAD request is answered without a body.
        if self.body.is_empty() {
            return;
        }
        assert_eq!(self.header("content-type"), Some(JSON));
        let body = self.json();
        let members = body.as_object().unwrap();
        assert!(members.contains_key("error"), "{}", self.body);
        for (name, value) in members {
            assert!(
                ["error", "error_description"].contains(&name.as_str()),
                "member {name}"
            );
            let text = value.as_str().unwrap();
            let allowed = |b: u8| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(!text.is_empty() && text.bytes().all(allowed), "{text:?}");
        }
    }
}
