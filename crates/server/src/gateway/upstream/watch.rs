//! What a body that streams through is held to: that it moves, and that its caller may still call.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use countersign_authority::Authority;
use countersign_authority::Permit;
use countersign_wire::GatewayError;
use tokio::time::Instant;
use tokio::time::Sleep;

/// A call that was permitted and now runs.
pub(super) struct Running {
    pub(super) authority: Arc<Authority>,
    pub(super) permit: Permit,
    /// Longest time between two pieces of a body.
    pub(super) idle: Duration,
}

/// Why a body does not go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Cut {
    #[error("no piece of the body came in time")]
    Idle,
    #[error("what permits the call was taken away while it ran")]
    Revoked,
    #[error("the body is longer than the service takes")]
    TooLarge,
    #[error("the caller ended the body before its end")]
    Broken,
}

impl Cut {
    /// What the caller is told, where there is anybody left to be told.
    pub(in crate::gateway) fn row(self) -> GatewayError {
        match self {
            Self::Idle | Self::Broken => GatewayError::BODY_TIMEOUT,
            Self::Revoked => GatewayError::TOKEN_INVALID,
            Self::TooLarge => GatewayError::BODY_TOO_LARGE,
        }
    }
}

/// Watches one body.
pub(super) struct Watch {
    call: Arc<Running>,
    moved: Instant,
    asked: Instant,
    /// Made when the body first has to be waited for.
    tick: Option<Pin<Box<Sleep>>>,
    answer: Option<Pin<Box<dyn Future<Output = bool> + Send>>>,
}

impl Watch {
    pub(super) fn new(call: Arc<Running>) -> Self {
        let now = Instant::now();
        Self {
            call,
            moved: now,
            asked: now,
            tick: None,
            answer: None,
        }
    }

    /// A piece of the body is there.
    pub(super) fn moved(&mut self, context: &mut Context<'_>) -> Result<(), Cut> {
        self.moved = Instant::now();
        self.ask_now_and_then(self.moved);
        self.listen(context)
    }

    /// No piece of the body is there. Ready when it shall not be waited for any longer.
    pub(super) fn waits(&mut self, context: &mut Context<'_>) -> Poll<Cut> {
        loop {
            if let Err(cut) = self.listen(context) {
                return Poll::Ready(cut);
            }
            let now = Instant::now();
            let Some(left) = self
                .call
                .idle
                .checked_sub(now - self.moved)
                .filter(|left| !left.is_zero())
            else {
                return Poll::Ready(Cut::Idle);
            };
            let pause = left.min(ASK_EVERY);
            let tick = self
                .tick
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            if tick.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            tick.as_mut().reset(now + pause);
            self.ask_now_and_then(now);
        }
    }

    fn ask_now_and_then(&mut self, now: Instant) {
        if now - self.asked < ASK_EVERY || self.answer.is_some() {
            return;
        }
        self.asked = now;
        let call = Arc::clone(&self.call);
        self.answer = Some(Box::pin(async move {
            call.authority.still_holds(&call.permit).await
        }));
    }

    /// What came of the last question, without waiting for it.
    fn listen(&mut self, context: &mut Context<'_>) -> Result<(), Cut> {
        let Some(answer) = &mut self.answer else {
            return Ok(());
        };
        match answer.as_mut().poll(context) {
            Poll::Pending => Ok(()),
            Poll::Ready(holds) => {
                self.answer = None;
                holds.then_some(()).ok_or(Cut::Revoked)
            }
        }
    }
}

/// A revoked token ends what streams within this and the time that the revocation takes to get
/// here.
const ASK_EVERY: Duration = Duration::from_secs(1);
