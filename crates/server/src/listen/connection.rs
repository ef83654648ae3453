//! One connection, from the TLS handshake to its end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use axum::body::Body;
use axum::body::HttpBody;
use bytes::Bytes;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::header;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::body::SizeHint;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::Certificates;
use super::Face;
use super::Listener;
use super::Visit;
use super::aside::Aside;
use super::head::Doubt;
use super::head::HeadWatch;
use super::pulse::Patience;
use super::pulse::Pulse;
use super::pulse::Stopped;
use super::tls::H2;
use crate::kit::client_ip::Peer;
use crate::metrics::CONNECTIONS_ENDED;

/// What all connections of a listener share.
pub(super) struct Host<F> {
    face: Arc<F>,
    certificates: Option<Arc<Certificates>>,
    patience: Patience,
    http1: Builder<TokioExecutor>,
    http2: Builder<TokioExecutor>,
    either: Builder<TokioExecutor>,
    /// Finish what is in flight, take nothing new.
    pub(super) closing: CancellationToken,
}

impl<F: Face> Host<F> {
    pub(super) fn new(
        listener: &Listener,
        face: F,
        certificates: Option<Arc<Certificates>>,
    ) -> Self {
        let either = builder(listener);
        Self {
            face: Arc::new(face),
            certificates,
            patience: Patience::of(listener),
            http1: either.clone().http1_only(),
            http2: either.clone().http2_only(),
            either,
            closing: CancellationToken::new(),
        }
    }

    /// Serves the connection until it ends. Errors are the peer's doing or the network's, so
    /// they are worth a debug line only.
    pub(super) async fn serve(&self, stream: TcpStream, peer: SocketAddr) {
        let pulse = Arc::new(Pulse::new(self.patience));
        let outcome = match &self.certificates {
            None => self.converse(stream, &self.either, peer, &pulse).await,
            Some(certificates) => self.serve_tls(certificates, stream, peer, &pulse).await,
        };
        if let Err(error) = outcome {
            tracing::debug!(source.address = %peer.ip(), %error, "connection ended with an error");
        }
    }

    async fn serve_tls(
        &self,
        certificates: &Certificates,
        stream: TcpStream,
        peer: SocketAddr,
        pulse: &Arc<Pulse>,
    ) -> Result<(), Error> {
        let handshake = certificates.acceptor().accept(stream);
        let stream = tokio::select! {
            stream = handshake => stream?,
            why = pulse.stopped() => {
                note(why.word());
                return Ok(());
            }
            () = self.closing.cancelled() => return Ok(()),
        };
        let builder = match stream.get_ref().1.alpn_protocol() {
            Some(H2) => &self.http2,
            _ => &self.http1,
        };
        self.converse(stream, builder, peer, pulse).await
    }

    async fn converse<S>(
        &self,
        stream: S,
        builder: &Builder<TokioExecutor>,
        peer: SocketAddr,
        pulse: &Arc<Pulse>,
    ) -> Result<(), Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let io = TokioIo::new(Felt {
            stream,
            pulse: Arc::clone(pulse),
            heads: HeadWatch::default(),
        });
        let peer = Peer::new(peer);
        let service =
            service_fn(|request| answer(Arc::clone(&self.face), request, peer.clone(), pulse));
        let mut connection = pin!(builder.serve_connection(io, service));
        let mut end = Aside::new(async {
            tokio::select! {
                why = pulse.stopped() => End::Patience(why),
                () = self.closing.cancelled() => End::Closing,
            }
        });
        let end = poll_fn(|context| match connection.as_mut().poll(context) {
            Poll::Ready(ended) => Poll::Ready(Err(ended)),
            Poll::Pending => {
                // The one patience that may end before the watchdog would look again.
                if pulse.is_head_open() {
                    end.look();
                }
                end.poll(context).map(Ok)
            }
        });
        match end.await {
            Err(ended) => return ended,
            Ok(End::Patience(why)) => {
                note(why.word());
                connection.as_mut().graceful_shutdown();
                // Idle peers are told (HTTP/2), the others have had their time.
                return tokio::time::timeout(FAREWELL, connection)
                    .await
                    .unwrap_or(Ok(()));
            }
            Ok(End::Closing) => connection.as_mut().graceful_shutdown(),
        }
        tokio::select! {
            ended = connection => ended,
            _ = pulse.stopped() => Ok(()),
        }
    }
}

/// Why a conversation ends that could go on.
enum End {
    Patience(Stopped),
    Closing,
}

fn builder(listener: &Listener) -> Builder<TokioExecutor> {
    let limits = &listener.requests;
    // Beyond these hyper answers with a bare status. Ours, which have a body and a request id,
    // come first for anything that is not wildly over.
    let head_bytes = 2 * (limits.max_request_line_bytes + limits.max_header_bytes);
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(limits.max_header_fields + SPARE_HEADERS)
        .max_buf_size(head_bytes.max(HYPER_MIN_BUFFER));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(listener.h2_max_concurrent_streams)
        .max_pending_accept_reset_streams(listener.h2_max_pending_resets)
        .max_local_error_reset_streams(listener.h2_max_error_resets)
        .max_header_list_size(u32::try_from(head_bytes).unwrap_or(u32::MAX));
    builder
}

fn answer<F: Face>(
    face: Arc<F>,
    request: Request<Incoming>,
    peer: Peer,
    pulse: &Arc<Pulse>,
) -> impl Future<Output = Result<Response<Sent>, Infallible>> + Send + 'static {
    let mut beat = Beat::new(pulse, request.version());
    let doubt = match pulse.is_multiplexed() {
        true => Doubt::default(),
        false => pulse.doubt(),
    };
    let mut visit = Visit::of(peer);
    visit.ambiguous = doubt.ambiguous;
    // In a box, because hyper moves it three times, with all the room that it needs later.
    Box::pin(async move {
        // No box for the body that most requests have.
        let request = request.map(|body| match body.is_end_stream() {
            true => Body::empty(),
            false => Body::new(body),
        });
        let mut response = face.answer(request, &mut visit).await;
        beat.goes_on();
        if doubt.ambiguous || doubt.unbounded {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        Ok(response.map(|body| Sent { body, beat }))
    })
}

fn note(reason: &'static str) {
    metrics::counter!(CONNECTIONS_ENDED, "reason" => reason).increment(1);
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A request in flight, until its answer has gone out or was dropped.
struct Beat {
    pulse: Arc<Pulse>,
    /// It is our turn: the head or the next part of the answer is not there yet.
    waits: bool,
}

impl Beat {
    /// A request whose answer is awaited.
    fn new(pulse: &Arc<Pulse>, version: http::Version) -> Self {
        pulse.request_began(version);
        pulse.wait_began();
        Self {
            pulse: Arc::clone(pulse),
            waits: true,
        }
    }

    /// The next part of the answer is there.
    fn goes_on(&mut self) {
        self.pulse.progress();
        if std::mem::take(&mut self.waits) {
            self.pulse.wait_ended();
        }
    }

    /// The caller would read on, but the next part of the answer is not there.
    fn waits(&mut self) {
        if !std::mem::replace(&mut self.waits, true) {
            self.pulse.wait_began();
        }
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        if self.waits {
            self.pulse.wait_ended();
        }
        self.pulse.request_ended();
    }
}

/// The body of an answer, whose every part is a sign of life.
struct Sent {
    body: Body,
    beat: Beat,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match frame {
            Poll::Ready(_) => self.beat.goes_on(),
            Poll::Pending => self.beat.waits(),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream whose arriving bytes the watchdog feels.
struct Felt<S> {
    stream: S,
    pulse: Arc<Pulse>,
    heads: HeadWatch,
}

impl<S: AsyncRead + Unpin> AsyncRead for Felt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let arrived = &buffer.filled()[before..];
        if !arrived.is_empty() && !self.pulse.is_multiplexed() {
            self.pulse.bytes_arrived();
            let doubt = self.heads.see(arrived);
            self.pulse.set_doubt(doubt);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Felt<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

const FAREWELL: Duration = Duration::from_millis(500);
const HYPER_MIN_BUFFER: usize = 8192;
/// Not many: hyper clears room for every header that may come, with every request.
const SPARE_HEADERS: usize = 28;
