//! What answers the requests of a listener.

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tower::Service as _;

use crate::kit::access_log::Passage;
use crate::kit::client_ip::Peer;
use crate::kit::client_ip::Source;
use crate::kit::request_id::CallId;
use crate::kit::stack::AmbiguousHead;

/// What is known of a request beside what it says itself, and of its answer beside what is sent.
/// Handlers of routes find it among the request's extensions; a face that answers thousands of
/// calls a second does without a map of things on the heap for each of them.
pub struct Visit {
    pub(crate) peer: Peer,
    /// The head can be read in two ways.
    pub(crate) ambiguous: bool,
    /// Whom it is counted under, once [`crate::kit::stack`] has found out.
    pub(crate) source: Option<Source>,
    /// What it goes by, where the face takes ids of callers.
    pub(crate) call_id: Option<CallId>,
    /// Whose call of which published service it was.
    pub(crate) passage: Option<Passage>,
}

impl Visit {
    pub(crate) fn of(peer: Peer) -> Self {
        Self {
            peer,
            ambiguous: false,
            source: None,
            call_id: None,
            passage: None,
        }
    }
}

/// Answers requests, each in its own way and none with an error.
///
/// Not tower's `Service`: that wants the future of an answer named, which for an `async fn` means
/// a box around it, and readiness, which nobody here has to wait for.
pub trait Face: Send + Sync + 'static {
    /// Answers one request.
    fn answer(&self, request: Request, visit: &mut Visit) -> impl Future<Output = Response> + Send;
}

impl Face for Router {
    async fn answer(&self, mut request: Request, visit: &mut Visit) -> Response {
        request.extensions_mut().insert(visit.peer.clone());
        if visit.ambiguous {
            request.extensions_mut().insert(AmbiguousHead);
        }
        match self.clone().call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
