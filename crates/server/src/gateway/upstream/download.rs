//! The body of an answer on its way to the caller.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use axum::body::HttpBody;
use bytes::Bytes;
use http::HeaderValue;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::body::SizeHint;

use super::pool::Place;
use super::watch::Running;
use super::watch::Watch;
use crate::gateway::hygiene;

/// The body of an answer. Whatever ends it before its end ends the caller's connection, too: what
/// was cut must not look complete.
pub(super) struct Download {
    body: Incoming,
    watch: Watch,
    /// Held until the upstream is done with the call.
    place: Place,
    call: Arc<Running>,
    call_id: HeaderValue,
}

impl Download {
    pub(super) fn new(
        body: Incoming,
        place: Place,
        call: Arc<Running>,
        call_id: HeaderValue,
    ) -> Self {
        Self {
            body,
            watch: Watch::new(Arc::clone(&call)),
            place,
            call,
            call_id,
        }
    }

    fn cut(&self, why: &dyn std::fmt::Display) -> axum::Error {
        self.place.pool().metrics().cut();
        let upstream = self.place.origin();
        tracing::warn!(
            request.id = self.call_id.to_str().ok(),
            gateway.service = self.call.permit.service().name.as_str(),
            gateway.upstream = upstream,
            "an answer of `{upstream}` was cut: {why}"
        );
        axum::Error::new(why.to_string())
    }
}

impl HttpBody for Download {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Pending => {
                let cut = ready!(this.watch.waits(context));
                Poll::Ready(Some(Err(this.cut(&cut))))
            }
            Poll::Ready(Some(Ok(frame))) => match this.watch.moved(context) {
                Ok(()) => Poll::Ready(Some(Ok(clean(frame)))),
                Err(cut) => Poll::Ready(Some(Err(this.cut(&cut)))),
            },
            Poll::Ready(Some(Err(error))) => {
                let why = super::failure::in_full(&error);
                Poll::Ready(Some(Err(this.cut(&why))))
            }
            Poll::Ready(None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Trailers pass, apart from what may not be among them.
fn clean(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Err(frame) => frame,
        Ok(mut trailers) => {
            hygiene::clean_trailers(&mut trailers);
            Frame::trailers(trailers)
        }
    }
}
