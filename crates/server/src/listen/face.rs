//! What answers the requests of a listener.

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tower::Service as _;

/// Answers requests, each in its own way and none with an error.
///
/// Not tower's `Service`: that wants the future of an answer named, which for an `async fn` means
/// a box around it, and readiness, which nobody here has to wait for.
pub trait Face: Send + Sync + 'static {
    /// Answers one request.
    fn answer(&self, request: Request) -> impl Future<Output = Response> + Send;
}

impl Face for Router {
    async fn answer(&self, request: Request) -> Response {
        match self.clone().call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
