//! Connections of HTTP/1.1 to an upstream, each moved by the call that has it.
//!
//! Usually a connection has a task of its own, and each call makes two tasks wake each other across
//! threads, several times. Here who waits for the answer moves the connection, too.

use std::future::poll_fn;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::task::ready;
use std::time::Duration;

use http::Request;
use http::Response;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1;
use tokio::time::Instant;
use tokio::time::Sleep;
use tower::Service as _;

use super::connect::Connector;
use super::connect::Stream;
use super::failure::Failure;
use super::pool::Target;
use super::upload::Upload;

/// Sends a request to `target` and waits for the head of its answer, over a connection that is free
/// or a new one.
pub(super) async fn ask(
    connector: &Connector,
    target: &Target,
    mut request: Request<Upload>,
    due: Option<Instant>,
) -> Result<(Response<Incoming>, Box<Lane>), Failure> {
    let broken = |error: &hyper::Error| Failure::broken(target.origin(), error);
    let too_slow = || Failure::TooSlow(target.origin().to_owned());
    while let Some(mut lane) = target.free.take() {
        match lane.ask(request, due).await.ok_or_else(too_slow)? {
            Ok(answer) => return Ok((answer, lane)),
            // The upstream closed it just now and has seen nothing of the request.
            Err(mut error) => match error.take_message() {
                Some(unsent) => request = unsent,
                None => return Err(broken(error.error())),
            },
        }
    }
    let stream = connector.clone().call(target.uri.clone()).await;
    let stream = stream.map_err(|error| Failure::unreachable(target.origin(), &*error))?;
    let lane = Lane::new(stream).await;
    let mut lane = lane.map_err(|error| broken(&error))?;
    let answer = lane.ask(request, due).await.ok_or_else(too_slow)?;
    Ok((answer.map_err(|error| broken(error.error()))?, lane))
}

/// One connection, with one call at a time.
pub(super) struct Lane {
    sender: http1::SendRequest<Upload>,
    /// `None` once it has ended.
    connection: Option<http1::Connection<Stream, Upload>>,
    alarm: Alarm,
}

impl Lane {
    async fn new(stream: Stream) -> hyper::Result<Box<Self>> {
        let (sender, connection) = http1::handshake(stream).await?;
        Ok(Box::new(Self {
            sender,
            connection: Some(connection),
            alarm: Alarm::default(),
        }))
    }

    /// Sends a request and waits for the head of its answer, no longer than until it is `due`. A
    /// request of which nothing was sent comes back with the error.
    async fn ask(
        &mut self,
        request: Request<Upload>,
        due: Option<Instant>,
    ) -> Option<Result<Response<Incoming>, TrySendError<Request<Upload>>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        poll_fn(|context| {
            advance(&mut self.connection, context);
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(Some(answer));
            }
            match due {
                Some(due) => self.alarm.poll(due, context).map(|()| None),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Does what can be done now. Whoever waits for a part of an answer calls this first.
    pub(super) fn advance(&mut self, context: &mut Context<'_>) {
        advance(&mut self.connection, context);
    }

    /// Goes on by itself until what was begun is done, and is not used again.
    pub(super) fn leave(self: Box<Self>) {
        if let Some(connection) = self.connection {
            tokio::spawn(connection);
        }
    }

    /// Whether it could take a call, as far as is known here.
    fn is_free(&mut self) -> bool {
        // Nobody waits for it: its next user polls it again before he does.
        self.advance(&mut Context::from_waker(Waker::noop()));
        self.connection.is_some() && self.sender.is_ready()
    }
}

fn advance(connection: &mut Option<http1::Connection<Stream, Upload>>, context: &mut Context<'_>) {
    if let Some(open) = connection
        && Pin::new(open).poll(context).is_ready()
    {
        // Its end also tells whoever waits for something from it.
        *connection = None;
    }
}

/// A timer that stays set from call to call: a later time waits until the earlier one has come, and
/// most calls are answered long before.
#[derive(Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    fn poll(&mut self, due: Instant, context: &mut Context<'_>) -> Poll<()> {
        let new = || Box::pin(tokio::time::sleep_until(due));
        let sleep = self.0.get_or_insert_with(new);
        if due < sleep.deadline() {
            sleep.as_mut().reset(due);
        }
        ready!(sleep.as_mut().poll(context));
        if sleep.deadline() < due {
            sleep.as_mut().reset(due);
            ready!(sleep.as_mut().poll(context));
        }
        Poll::Ready(())
    }
}

/// Connections to one upstream that no call has now. The lock is held to put one in or take one
/// out.
#[derive(Default)]
pub(super) struct FreeLanes(Mutex<Vec<Free>>);

struct Free {
    lane: Box<Lane>,
    since: Instant,
}

impl FreeLanes {
    /// The one that was used last: the upstream has it in its caches, and the others may be closed
    /// if they are not needed.
    ///
    /// The upstream may have closed it by now. Who sends something over it is told, and gets it back.
    pub(super) fn take(&self) -> Option<Box<Lane>> {
        self.lock().pop().map(|free| free.lane)
    }

    /// Takes back a connection whose call is done.
    pub(super) fn put(&self, mut lane: Box<Lane>) {
        if lane.is_free() {
            let since = Instant::now();
            self.lock().push(Free { lane, since });
        }
    }

    /// Closes those that nobody has used for `longest`, or that the upstream has closed.
    pub(super) fn sweep(&self, longest: Duration) {
        let goes = |free: &mut Free| free.since.elapsed() >= longest || !free.lane.is_free();
        let gone: Vec<_> = self.lock().extract_if(.., goes).collect();
        drop(gone);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Free>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
