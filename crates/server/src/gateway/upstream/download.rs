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

use super::lane::Lane;
use super::pool::Place;
use super::watch::Running;
use super::watch::Watch;
use crate::gateway::hygiene;

/// The body of an answer. Whatever ends it before its end ends the caller's connection, too: what
/// was cut must not look complete.
pub(super) struct Download {
    body: Incoming,
    /// What it comes from, if that has no task of its own.
    lane: Option<Box<Lane>>,
    ended: bool,
    broken: Option<axum::Error>,
    watch: Watch,
    /// Held until the upstream is done with the call.
    place: Place,
    call: Arc<Running>,
    call_id: HeaderValue,
}

impl Download {
    pub(super) fn new(
        body: Incoming,
        lane: Option<Box<Lane>>,
        place: Place,
        call: Arc<Running>,
        call_id: HeaderValue,
    ) -> Self {
        Self {
            body,
            lane,
            ended: false,
            broken: None,
            watch: Watch::new(Arc::clone(&call)),
            place,
            call,
            call_id,
        }
    }

    fn next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &mut self.lane {
            // Asking for a frame was what the connection waited for.
            Some(lane) if frame.is_pending() => {
                lane.advance(context);
                Pin::new(&mut self.body).poll_frame(context)
            }
            _ => frame,
        }
    }

    /// Ends the answer with the next poll: what came until now, its head above all, goes out first.
    fn cut(
        &mut self,
        why: &dyn std::fmt::Display,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.place.pool().metrics().cut();
        let upstream = self.place.origin();
        tracing::warn!(
            request.id = self.call_id.to_str().ok(),
            gateway.service = self.call.permit.service().name.as_str(),
            gateway.upstream = upstream,
            "an answer of `{upstream}` was cut: {why}"
        );
        self.broken = Some(axum::Error::new(why.to_string()));
        context.waker().wake_by_ref();
        Poll::Pending
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
        if let Some(error) = this.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match this.next(context) {
            Poll::Pending => {
                let cut = ready!(this.watch.waits(context));
                this.cut(&cut, context)
            }
            Poll::Ready(Some(Ok(frame))) => match this.watch.moved(context) {
                Ok(()) => Poll::Ready(Some(Ok(clean(frame)))),
                Err(cut) => this.cut(&cut, context),
            },
            Poll::Ready(Some(Err(error))) => {
                let why = super::failure::in_full(&error);
                this.cut(&why, context)
            }
            Poll::Ready(None) => {
                this.ended = true;
                Poll::Ready(None)
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

/// A connection whose answer was read to its end can serve the next call; any other one closes.
impl Drop for Download {
    fn drop(&mut self) {
        let ended = self.ended || self.body.is_end_stream();
        if let (true, Some(lane)) = (ended, self.lane.take()) {
            self.place.target().free.put(lane);
        }
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
