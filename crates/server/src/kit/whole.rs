//! A request, taken apart without being copied.

use axum::extract::FromRequest;
use axum::extract::Request;
use axum::extract::rejection::BytesRejection;
use bytes::Bytes;
use http::request::Parts;

/// Head and body of a request. An extractor of the head alone would copy every header, because
/// others may want them after it.
pub(crate) struct Whole {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = BytesRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, BytesRejection> {
        let (parts, body) = request.into_parts();
        let body = Bytes::from_request(Request::new(body), state).await?;
        Ok(Self { parts, body })
    }
}
