//! The body of a request on its way to the upstream.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use axum::body::Body;
use axum::body::HttpBody;
use bytes::Bytes;
use hyper::body::Frame;
use hyper::body::SizeHint;
use tokio::time::Instant;

use super::watch::Cut;
use super::watch::Running;
use super::watch::Watch;

/// The body of a request, which the attempts at sending it share: until one of them has begun to
/// read it, the next one can.
pub(super) struct Source {
    body: Mutex<Option<Body>>,
    size: SizeHint,
    /// Bytes it may have; 0 is any number.
    most: u64,
    began: Instant,
    /// Milliseconds since `began`.
    moved: AtomicU64,
    ended: AtomicBool,
    cut: OnceLock<Cut>,
}

impl Source {
    pub(super) fn new(body: Body, most: u64) -> Self {
        Self {
            size: body.size_hint(),
            body: Mutex::new(Some(body)),
            most,
            began: Instant::now(),
            moved: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            cut: OnceLock::new(),
        }
    }

    /// Whether no attempt has read any of it.
    pub(super) fn is_untouched(&self) -> bool {
        self.body
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    /// Whether all of it has been read.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Relaxed)
    }

    /// When the last piece of it was read.
    pub(super) fn moved(&self) -> Instant {
        self.began + Duration::from_millis(self.moved.load(Relaxed))
    }

    /// Why it was not read to its end.
    pub(super) fn cut(&self) -> Option<Cut> {
        self.cut.get().copied()
    }

    fn take(&self) -> Option<Body> {
        self.body
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn note_movement(&self) {
        let now = self.began.elapsed().as_millis();
        self.moved
            .store(u64::try_from(now).unwrap_or(u64::MAX), Relaxed);
    }
}

/// One attempt at sending a body.
pub(super) enum Upload {
    /// There is none.
    Nothing,
    /// There is one.
    Something(Box<Stream>),
}

pub(super) struct Stream {
    source: Arc<Source>,
    body: Option<Body>,
    sent: u64,
    watch: Watch,
}

impl Upload {
    pub(super) fn of(source: &Arc<Source>, call: &Arc<Running>) -> Self {
        Self::Something(Box::new(Stream {
            source: Arc::clone(source),
            body: None,
            sent: 0,
            watch: Watch::new(Arc::clone(call)),
        }))
    }
}

impl Stream {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let Some(body) = self.body.as_mut() else {
            self.body = self.source.take();
            return match self.body {
                Some(_) => self.poll(context),
                None => Poll::Ready(None),
            };
        };
        let frame = Pin::new(body).poll_frame(context);
        match frame {
            Poll::Pending => Poll::Ready(Some(Err(ready!(self.watch.waits(context))))),
            Poll::Ready(Some(Ok(frame))) => {
                self.watch.moved(context)?;
                self.source.note_movement();
                self.pass(frame)
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(Cut::Broken))),
            Poll::Ready(None) => Poll::Ready(None),
        }
    }

    /// A piece that may pass. Trailers end here: applications mix them up with headers, and those
    /// were checked (RFC 9110 6.5.1 lets whoever forwards a message drop them).
    fn pass(&mut self, frame: Frame<Bytes>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let Ok(data) = frame.into_data() else {
            return Poll::Ready(None);
        };
        self.sent = self.sent.saturating_add(data.len() as u64);
        if self.source.most > 0 && self.sent > self.source.most {
            return Poll::Ready(Some(Err(Cut::TooLarge)));
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let stream = match self.get_mut() {
            Self::Nothing => return Poll::Ready(None),
            Self::Something(stream) => stream,
        };
        let frame = ready!(stream.poll(context));
        match &frame {
            Some(Ok(_)) => {}
            Some(Err(cut)) => _ = stream.source.cut.set(*cut),
            None => {
                stream.source.note_movement();
                stream.source.ended.store(true, Relaxed);
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Something(stream) => stream.body.as_ref().is_some_and(HttpBody::is_end_stream),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Nothing => SizeHint::with_exact(0),
            Self::Something(stream) => match &stream.body {
                Some(body) => body.size_hint(),
                None => stream.source.size,
            },
        }
    }
}
