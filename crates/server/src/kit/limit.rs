//! How large and how slow one request may be. Source: HTP-01, HTP-02, HTP-06, HTP-12.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use axum::body::Body;
use axum::body::HttpBody;
use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::Version;
use http::header;
use http::request::Parts;
use http_body_util::BodyExt as _;
use http_body_util::LengthLimitError;
use http_body_util::Limited;
use hyper::body::Frame;
use hyper::body::SizeHint;
use serde::Deserialize;
use serde::Serialize;
use tokio::time::Sleep;

use super::host;
use super::problem::Problem;

/// Limits of one request, whatever connection it came on.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestLimits {
    /// From the end of the head to the head of the answer. Default 30.
    pub request_timeout_seconds: u64,
    /// From the end of the head to the end of the body. Default 15.
    pub body_timeout_seconds: u64,
    /// Bytes of a body. Default 65 536: a token request is a few KiB.
    pub max_body_bytes: usize,
    /// Bytes of the request line. Default 8192.
    pub max_request_line_bytes: usize,
    /// Bytes of all header fields together. Default 32 768.
    pub max_header_bytes: usize,
    /// Number of header fields. Default 100.
    pub max_header_fields: usize,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            request_timeout_seconds: 30,
            body_timeout_seconds: 15,
            max_body_bytes: 64 * 1024,
            max_request_line_bytes: 8 * 1024,
            max_header_bytes: 32 * 1024,
            max_header_fields: 100,
        }
    }
}

impl RequestLimits {
    /// What a whole request may take.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_seconds)
    }

    /// Everything about a request that can be refused before its body is read. The cheap and the
    /// fundamental come first.
    pub(super) fn check(&self, head: &Parts) -> Result<(), Problem> {
        self.check_head(head)?;
        // A small body can unpack to a large one; our own endpoints need no compression.
        if head.headers.contains_key(header::CONTENT_ENCODING) {
            return Err(Problem::ENCODED_BODY);
        }
        // Answering before the body is polled also keeps hyper from sending `100 Continue`.
        match declared_length(&head.headers) {
            Some(length) if length > self.max_body_bytes as u64 => Err(Problem::BODY_TOO_LARGE),
            _ => Ok(()),
        }
    }

    /// What holds for every head, whatever its body may be.
    pub(super) fn check_head(&self, head: &Parts) -> Result<(), Problem> {
        self.check_size(head)?;
        host::check(head)?;
        match head.method {
            Method::TRACE | Method::CONNECT => Err(Problem::METHOD_NOT_ALLOWED),
            _ => Ok(()),
        }
    }

    fn check_size(&self, head: &Parts) -> Result<(), Problem> {
        if request_line_bytes(head) > self.max_request_line_bytes {
            return Err(Problem::URI_TOO_LONG);
        }
        let too_many = head.headers.len() > self.max_header_fields;
        if too_many || header_bytes(&head.headers) > self.max_header_bytes {
            return Err(Problem::HEADERS_TOO_LARGE);
        }
        Ok(())
    }

    /// Puts length and time limit on a body, and gives the place where a breach is noted.
    ///
    /// The handler sees an error while reading; whatever it makes of it, [`super::stack`] answers
    /// with the noted problem. So no extractor has to know about limits.
    pub(super) fn guard(&self, body: Body) -> (Body, Option<Breach>) {
        if body.is_end_stream() {
            return (body, None);
        }
        let breach = Breach::default();
        let guarded = GuardedBody {
            body: Limited::new(body, self.max_body_bytes),
            time_left: Duration::from_secs(self.body_timeout_seconds),
            deadline: None,
            breach: breach.clone(),
        };
        (Body::new(guarded), Some(breach))
    }
}

/// The limit that a body broke, if it did.
#[derive(Clone, Debug, Default)]
pub(super) struct Breach(Arc<OnceLock<Problem>>);

impl Breach {
    pub(super) fn problem(&self) -> Option<Problem> {
        self.0.get().copied()
    }

    fn note(&self, problem: Problem) -> axum::Error {
        let problem = self.0.get_or_init(|| problem);
        axum::Error::new(problem.description)
    }
}

struct GuardedBody {
    body: Limited<Body>,
    time_left: Duration,
    /// Made when the body first has to be waited for: most arrive together with their head.
    deadline: Option<Pin<Box<Sleep>>>,
    breach: Breach,
}

impl HttpBody for GuardedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(Some(Err(error))) if error.is::<LengthLimitError>() => {
                Poll::Ready(Some(Err(this.breach.note(Problem::BODY_TOO_LARGE))))
            }
            Poll::Ready(frame) => Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new))),
            Poll::Pending => {
                let sleep = || Box::pin(tokio::time::sleep(this.time_left));
                ready!(
                    this.deadline
                        .get_or_insert_with(sleep)
                        .as_mut()
                        .poll(context)
                );
                Poll::Ready(Some(Err(this.breach.note(Problem::BODY_TIMEOUT))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Reads on for a moment after a body was refused for its length, so that an HTTP/1 caller who
/// writes all before he reads gets the answer and not a reset connection. Runs beside the answer.
///
/// A caller who waits for `100 Continue` has sent nothing; reading would tell him to go on.
pub(crate) fn linger(head: &Parts, body: Body) {
    if head.version > Version::HTTP_11 || head.headers.contains_key(header::EXPECT) {
        return;
    }
    let read = async move { drop(Limited::new(body, LINGER_BYTES).collect().await) };
    tokio::spawn(tokio::time::timeout(LINGER_TIME, read));
}

pub(crate) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn request_line_bytes(head: &Parts) -> usize {
    let uri = &head.uri;
    let scheme = uri
        .scheme_str()
        .map_or(0, |scheme| scheme.len() + "://".len());
    let authority = uri
        .authority()
        .map_or(0, |authority| authority.as_str().len());
    let target = uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    head.method.as_str().len() + scheme + authority + target + "  HTTP/1.1".len()
}

fn header_bytes(headers: &HeaderMap) -> usize {
    let line = |name: &str, value: usize| name.len() + ": ".len() + value + "\r\n".len();
    headers
        .iter()
        .map(|(name, value)| line(name.as_str(), value.len()))
        .sum()
}

const LINGER_BYTES: usize = 1024 * 1024;
const LINGER_TIME: Duration = Duration::from_secs(2);
