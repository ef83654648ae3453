//! One line per request: what was asked, what was answered, and the cause that only we may know.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use axum::response::Response;
use countersign_authority::Published;
use countersign_wire::ClientId;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::Uri;
use http::header;
use http::request::Parts;
use hyper::body::Body as _;
use tracing::Level;

use super::client_ip::Source;
use super::request_id;
use super::request_id::RequestId;
use super::stack::Explain;

/// Why a request was answered as it was. A handler attaches it to its response's extensions; it
/// is logged here, once, under the request id, and never sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cause {
    /// Short, stable and searchable, like `wrong_secret`.
    pub code: &'static str,
    /// The full reason for the operator. Holds no secret, token or assertion (LOG-01).
    pub detail: String,
    /// The client concerned, where it is known (LOG-04).
    pub client: Option<String>,
}

/// Whose call of which published service an answer belongs to. The gateway says it of its answers,
/// which it counts by service itself; it is logged and never sent.
#[derive(Clone, Debug)]
pub(crate) struct Passage {
    /// The published service.
    pub(crate) service: Arc<Published>,
    /// The API key that the call shows.
    pub(crate) key: Option<HeaderValue>,
}

/// An API key that looks like one: nothing else from outside is repeated in the log.
pub(crate) fn client_id(key: &HeaderValue) -> Option<ClientId> {
    ClientId::parse(key.to_str().ok()?).ok()
}

/// A request with the cause of its answer, as it can be looked up later.
#[derive(Debug)]
pub struct Explained<'a> {
    /// The id that the caller was told.
    pub id: RequestId,
    /// Where the request came from.
    pub source: Source,
    /// Method of the request.
    pub method: &'a Method,
    /// Path without query, escaped and cut like in the log.
    pub path: String,
    /// Status of the answer.
    pub status: StatusCode,
    /// The cause.
    pub cause: &'a Cause,
}

/// A request that has begun. Logs its line when it is answered, or when it is dropped because the
/// caller went away.
pub(super) struct Line {
    id: RequestId,
    inbound_id: Option<HeaderValue>,
    source: Source,
    method: Method,
    uri: Uri,
    user_agent: Option<HeaderValue>,
    began: Instant,
    answered: bool,
}

impl Line {
    pub(super) fn begin(id: RequestId, source: Source, head: &Parts) -> Self {
        Self {
            id,
            inbound_id: request_id::inbound(&head.headers),
            source,
            method: head.method.clone(),
            uri: head.uri.clone(),
            user_agent: head.headers.get(header::USER_AGENT).cloned(),
            began: Instant::now(),
            answered: false,
        }
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    /// Seconds since the request began.
    pub(super) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Logs the answer and takes its cause away, so that nobody further out can send it.
    pub(super) fn end(
        mut self,
        response: &mut Response,
        passage: Option<&Passage>,
        explain: Option<&Explain>,
    ) {
        self.answered = true;
        let cause = response.extensions_mut().remove::<Cause>();
        self.log(Some(response), cause.as_ref(), passage);
        if let (Some(explain), Some(cause)) = (explain, &cause) {
            explain(&self.explained(response.status(), cause));
        }
    }

    fn explained<'a>(&'a self, status: StatusCode, cause: &'a Cause) -> Explained<'a> {
        Explained {
            id: self.id,
            source: self.source,
            method: &self.method,
            path: escape(self.uri.path().as_bytes(), PATH_MAX),
            status,
            cause,
        }
    }

    fn log(&self, answer: Option<&Response>, cause: Option<&Cause>, passage: Option<&Passage>) {
        if !tracing::enabled!(target: TARGET, Level::INFO) {
            return;
        }
        let method = escape(self.method.as_str().as_bytes(), METHOD_MAX);
        let path = escape(self.uri.path().as_bytes(), PATH_MAX);
        let status = answer.map(Response::status);
        let bytes = answer.and_then(|answer| answer.body().size_hint().exact());
        let answer = status.as_ref().map_or("unanswered", StatusCode::as_str);
        let agent = self.user_agent.as_ref();
        let key = passage.and_then(|passage| passage.key.as_ref());
        let shown = key.and_then(client_id);
        let client = cause.and_then(|cause| cause.client.as_deref());
        let client = client.or(shown.as_ref().map(ClientId::as_str));
        tracing::event!(
            target: TARGET,
            Level::INFO,
            request.id = %self.id,
            request.inbound_id = self.inbound_id.as_ref().and_then(|id| id.to_str().ok()),
            source.address = %self.source.0,
            http.method = method,
            http.path = path,
            http.status = status.map(|status| status.as_u16()),
            http.user_agent = agent.map(|agent| escape(agent.as_bytes(), AGENT_MAX)),
            duration_ms = self.began.elapsed().as_micros() as f64 / 1000.0,
            bytes,
            client.id = client.map(|client| escape(client.as_bytes(), CLIENT_MAX)),
            gateway.service = passage.map(|passage| passage.service.name.as_str()),
            cause.code = cause.map(|cause| cause.code),
            cause.detail = cause.map(|cause| escape(cause.detail.as_bytes(), DETAIL_MAX)),
            "{method} {path} {answer}"
        );
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.answered {
            self.log(None, None, None);
        }
    }
}

/// Printable ASCII as it is, everything else as `\u{..}`, so that no field from outside can break
/// a line, drive a terminal or pose as another letter (LOG-02). Cut after `max` characters.
fn escape(bytes: &[u8], max: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut safe = String::with_capacity(text.len().min(max));
    let mut rest = text.chars();
    for letter in rest.by_ref().take(max) {
        match letter {
            '\\' => safe.push_str("\\\\"),
            ' '..='~' => safe.push(letter),
            _ => drop(write!(safe, "{}", letter.escape_unicode())),
        }
    }
    if rest.next().is_some() {
        safe.push_str("...");
    }
    safe
}

/// Target of the line, for filters.
pub const TARGET: &str = "countersign::access";

const METHOD_MAX: usize = 32;
const PATH_MAX: usize = 256;
const AGENT_MAX: usize = 256;
const CLIENT_MAX: usize = 128;
const DETAIL_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_never_reach_the_log() {
        let hostile = "a\r\nb\u{1b}[31m\u{202e}\\\0";

        let safe = escape(hostile.as_bytes(), 100);

        assert_eq!(safe, r"a\u{d}\u{a}b\u{1b}[31m\u{202e}\\\u{0}");
    }

    #[test]
    fn long_fields_are_cut_and_say_so() {
        assert_eq!(escape(b"abcdef", 3), "abc...");
        assert_eq!(escape(b"abc", 3), "abc");
    }
}
