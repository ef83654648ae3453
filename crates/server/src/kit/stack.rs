//! Everything that surrounds the handlers, in one place and in order.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::extract::Request;
use axum::response::IntoResponse as _;
use axum::response::Response;
use futures_util::FutureExt as _;
use http::HeaderMap;
use http::HeaderValue;
use http::StatusCode;
use http::Version;
use http::header;
use http::request::Parts;
use tower::Layer;
use tower::Service;

use super::access_log::Cause;
use super::access_log::Explained;
use super::access_log::Line;
use super::client_ip::Peer;
use super::client_ip::TrustedProxies;
use super::limit;
use super::limit::RequestLimits;
use super::problem::Problem;
use super::request_id::CallId;
use super::request_id::RequestId;
use crate::listen::Face;
use crate::listen::Visit;
use crate::metrics::HttpMetrics;

/// Puts everything around `router` that is not the business of a single handler, and gives it
/// the answers for unknown paths and wrong methods (it replaces a fallback set before).
///
/// Call it last, on the router that holds all routes. Start the [metrics](crate::metrics) before.
///
/// From the outside in:
///
/// 1. request id: everything below, down to a panic, must be findable by it;
/// 2. source address: the log line needs it even for requests that are refused;
/// 3. access log and metrics: they see the final answer, and notice a caller who went away (between
///    them and the limits, what no handler wrote becomes a page for those who read pages);
/// 4. limits on the head: refused before a handler, or anything it allocates, is reached;
/// 5. whole-request time limit: outside of the handler, inside of the log;
/// 6. panics: closest to the handler, so that all of the above still runs;
/// 7. limits on the body: the handler reads through them.
///
/// Routing has happened before all that, so the route's pattern is known for the metrics.
pub fn surround(router: Router, surroundings: Surroundings) -> Router {
    let router = router
        .fallback(async || Problem::NOT_FOUND)
        .method_not_allowed_fallback(async || Problem::METHOD_NOT_ALLOWED);
    router.layer(Stack(Arc::new(Shared::new(surroundings))))
}

/// As [`surround`], for a face that answers every path and method itself.
pub(crate) fn enclose<F: Face>(face: F, surroundings: Surroundings) -> Enclosed<F> {
    Enclosed {
        shared: Shared::new(surroundings),
        face,
    }
}

/// What an operator decides about the stack, and what the routes in it want.
#[derive(Default)]
pub struct Surroundings {
    /// What kind of routes these are.
    pub manners: Manners,
    /// How large and how slow a request may be.
    pub limits: RequestLimits,
    /// Whose `X-Forwarded-For` is believed.
    pub proxies: TrustedProxies,
    /// Told of every answer that has a [`Cause`], so that it can be looked up by its request id
    /// later. Runs on the request's path: it must not wait.
    pub explain: Option<Explain>,
    /// Who answers people where the stack would answer programs; `None` has everybody answered
    /// alike.
    pub pages: Option<Pages>,
}

/// What people are answered with who read pages, where no handler wrote the answer.
pub struct Pages {
    /// Whether a request is one for a page.
    pub are_wanted: fn(&Parts) -> bool,
    /// The page that says what is wrong, for whoever sent that head.
    pub print: PrintPage,
}

/// See [`Pages::print`].
pub type PrintPage =
    Box<dyn Fn(Problem, Parts) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync>;

/// What a face wants of its surroundings. The default is that of our own endpoints.
#[derive(Clone, Copy)]
pub struct Manners {
    /// Who bounds bodies and the time that they take.
    pub bodies: Bodies,
    /// Whose ids requests go by.
    pub ids: Ids,
    /// How an answer looks that no handler wrote.
    pub print: fn(Problem) -> Response,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            bodies: Bodies::Bounded,
            ids: Ids::Ours,
            print: Problem::into_response,
        }
    }
}

/// Who bounds bodies and the time that they take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bodies {
    /// The stack, by [`RequestLimits`].
    Bounded,
    /// The handler: bodies stream through it for as long as they please it, compressed or not.
    Streamed,
}

/// Whose ids requests go by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ids {
    /// Ours only.
    Ours,
    /// The caller's where it does no harm, else ours: see [`CallId`].
    Callers,
}

/// See [`Surroundings::explain`].
pub type Explain = Box<dyn Fn(&Explained<'_>) + Send + Sync>;

struct Shared {
    surroundings: Surroundings,
    metrics: HttpMetrics,
}

impl Shared {
    fn new(surroundings: Surroundings) -> Self {
        Self {
            surroundings,
            metrics: HttpMetrics::new(),
        }
    }

    async fn answer(&self, request: Request, visit: &mut Visit, inner: impl Inner) -> Response {
        let (head, body) = request.into_parts();
        let id = RequestId::generate();
        let proxies = &self.surroundings.proxies;
        let source = proxies.source(visit.peer.address, &head.headers);
        let line = Line::begin(id, source, &head);
        let route = head.extensions.get::<MatchedPath>().cloned();
        let version = head.version;
        let _counted = self.metrics.begin();

        visit.source = Some(source);
        visit.call_id = self.call_id(id, &head.headers);
        let reader = self.reader(&head);
        let mut response = self.admit(head, body, visit, inner).await;
        if let Some(reader) = reader {
            response = self.as_page(response, reader).await;
        }

        match visit.call_id.take() {
            Some(call_id) => call_id.mark(id, response.headers_mut()),
            None => id.mark(response.headers_mut()),
        }
        close_after(&mut response, version);
        let passage = visit.passage.take();
        if passage.is_none() {
            let route = route.as_ref().map(MatchedPath::as_str);
            self.metrics
                .count(line.method(), route, response.status(), line.seconds());
        }
        line.end(
            &mut response,
            passage.as_ref(),
            self.surroundings.explain.as_ref(),
        );
        response
    }

    fn call_id(&self, id: RequestId, headers: &HeaderMap) -> Option<CallId> {
        match self.surroundings.manners.ids {
            Ids::Ours => None,
            Ids::Callers => Some(CallId::of(id, headers)),
        }
    }

    /// The head of a request for a page, in case no handler answers it.
    fn reader(&self, head: &Parts) -> Option<Parts> {
        let pages = self.surroundings.pages.as_ref()?;
        (pages.are_wanted)(head).then(|| head.clone())
    }

    /// The page instead of a problem; what a handler wrote stays.
    async fn as_page(&self, mut response: Response, reader: Parts) -> Response {
        let problem = response.extensions().get::<Problem>().copied();
        let (Some(problem), Some(pages)) = (problem, &self.surroundings.pages) else {
            return response;
        };
        let mut page = (pages.print)(problem, reader).await;
        for name in [header::ALLOW, header::RETRY_AFTER] {
            if let Some(value) = response.headers_mut().remove(&name) {
                page.headers_mut().insert(name, value);
            }
        }
        // The cause, for the log.
        let noted = std::mem::take(response.extensions_mut());
        page.extensions_mut().extend(noted);
        page
    }

    async fn admit(
        &self,
        head: Parts,
        body: Body,
        visit: &mut Visit,
        inner: impl Inner,
    ) -> Response {
        let refused = match visit.ambiguous {
            true => Err(Problem::AMBIGUOUS_HEAD),
            false => match self.surroundings.manners.bodies {
                Bodies::Bounded => self.surroundings.limits.check(&head),
                Bodies::Streamed => self.surroundings.limits.check_head(&head),
            },
        };
        match refused {
            Ok(()) => match self.surroundings.manners.bodies {
                Bodies::Bounded => self.within_time(head, body, visit, inner).await,
                Bodies::Streamed => self.unless_it_panics(head, body, visit, inner).await,
            },
            Err(problem) => {
                if problem == Problem::BODY_TOO_LARGE {
                    limit::linger(&head, body);
                }
                self.refuse(problem)
            }
        }
    }

    /// For handlers that bound time and length of what streams through them themselves.
    async fn unless_it_panics(
        &self,
        head: Parts,
        body: Body,
        visit: &mut Visit,
        inner: impl Inner,
    ) -> Response {
        let request = Request::from_parts(head, body);
        let handled = AssertUnwindSafe(inner.handle(request, visit));
        let handled = handled.catch_unwind().await;
        handled.unwrap_or_else(|_panic| self.blame("panic", Problem::INTERNAL))
    }

    fn refuse(&self, problem: Problem) -> Response {
        self.blame("refused_by_limits", problem)
    }

    fn blame(&self, code: &'static str, problem: Problem) -> Response {
        let cause = Cause {
            code,
            detail: problem.description.to_owned(),
            client: None,
        };
        let mut response = (self.surroundings.manners.print)(problem);
        response.extensions_mut().insert(cause);
        response
    }

    async fn within_time(
        &self,
        head: Parts,
        body: Body,
        visit: &mut Visit,
        inner: impl Inner,
    ) -> Response {
        let limits = &self.surroundings.limits;
        let (body, breach) = limits.guard(body);
        let request = Request::from_parts(head, body);
        let handled = AssertUnwindSafe(inner.handle(request, visit)).catch_unwind();

        let response = match tokio::time::timeout(limits.request_timeout(), handled).await {
            Ok(Ok(response)) => response,
            Ok(Err(_panic)) => self.blame("panic", Problem::INTERNAL),
            Err(_elapsed) => self.blame("request_timeout", Problem::TOO_SLOW),
        };
        match breach.and_then(|breach| breach.problem()) {
            Some(problem) => self.refuse(problem),
            None => response,
        }
    }
}

/// Put among a request's extensions by a listener that saw a head which can be read in two ways.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AmbiguousHead;

/// Says so where the connection ends with this answer: what is left of the request has not been
/// read. HTTP/2 ends the stream only and knows no such header.
fn close_after(response: &mut Response, version: Version) {
    let ends = matches!(
        response.status(),
        StatusCode::REQUEST_TIMEOUT
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::URI_TOO_LONG
            | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
    );
    if ends && version <= Version::HTTP_11 {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
}

/// What a listener put among the extensions. Without one, as in a test that calls the router, there
/// is no peer.
fn arrived(request: &Request) -> Visit {
    let extensions = request.extensions();
    let peer = extensions.get::<Peer>().cloned();
    let mut visit = Visit::of(peer.unwrap_or_else(Peer::nobody));
    visit.ambiguous = extensions.get::<AmbiguousHead>().is_some();
    visit
}

#[derive(Clone)]
struct Stack(Arc<Shared>);

impl<S> Layer<S> for Stack {
    type Service = Surrounded<S>;

    fn layer(&self, inner: S) -> Surrounded<S> {
        Surrounded {
            shared: Arc::clone(&self.0),
            inner,
        }
    }
}

#[derive(Clone)]
struct Surrounded<S> {
    shared: Arc<Shared>,
    inner: S,
}

/// A face with all that surrounds it.
pub(crate) struct Enclosed<F> {
    shared: Shared,
    face: F,
}

impl<F: Face> Face for Enclosed<F> {
    async fn answer(&self, request: Request, visit: &mut Visit) -> Response {
        self.shared.answer(request, visit, &self.face).await
    }
}

/// What the stack surrounds.
trait Inner: Send {
    fn handle(self, request: Request, visit: &mut Visit) -> impl Future<Output = Response> + Send;
}

impl<F: Face> Inner for &F {
    fn handle(self, request: Request, visit: &mut Visit) -> impl Future<Output = Response> + Send {
        self.answer(request, visit)
    }
}

/// One of axum's routes, once it is ready.
struct Route<S>(S);

impl<S: Routed> Inner for Route<S> {
    async fn handle(mut self, mut request: Request, visit: &mut Visit) -> Response {
        let extensions = request.extensions_mut();
        if let Some(source) = visit.source {
            extensions.insert(source);
        }
        if let Some(call_id) = &visit.call_id {
            extensions.insert(call_id.clone());
        }
        match self.0.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

trait Routed:
    Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<S> Routed for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

impl<S: Routed> Service<Request> for Surrounded<S> {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let fresh = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, fresh);
        let mut visit = arrived(&request);
        Box::pin(async move { Ok(shared.answer(request, &mut visit, Route(ready)).await) })
    }
}
