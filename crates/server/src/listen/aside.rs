//! Waiting for what hardly ever comes, beside what comes all the time.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::AcqRel;
use std::sync::atomic::Ordering::Acquire;
use std::sync::atomic::Ordering::Release;
use std::task::Context;
use std::task::Poll;
use std::task::Wake;
use std::task::Waker;

/// A future that is polled when it was woken itself, not whenever its task was. With `select!`, each
/// piece of a conversation would also look at timers and at who wants it to end.
pub(super) struct Aside<F> {
    future: Pin<Box<F>>,
    bell: Arc<Bell>,
    /// Rings it.
    waker: Waker,
    /// Whom the bell wakes, as far as is known here.
    task: Option<Waker>,
}

impl<F: Future> Aside<F> {
    pub(super) fn new(future: F) -> Self {
        let bell = Arc::new(Bell {
            rung: AtomicBool::new(true),
            task: Mutex::new(None),
        });
        Self {
            future: Box::pin(future),
            waker: Waker::from(Arc::clone(&bell)),
            bell,
            task: None,
        }
    }

    /// Looks at it with the next poll in any case.
    pub(super) fn look(&self) {
        self.bell.rung.store(true, Release);
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<F::Output> {
        let waker = context.waker();
        let is_known = |task: &Waker| task.will_wake(waker);
        if !self.task.as_ref().is_some_and(is_known) {
            self.task = Some(waker.clone());
            *self.bell.task() = Some(waker.clone());
        }
        // A plain read first: nearly always there is nothing to take back.
        if !self.bell.rung.load(Acquire) || !self.bell.rung.swap(false, AcqRel) {
            return Poll::Pending;
        }
        let mut context = Context::from_waker(&self.waker);
        self.future.as_mut().poll(&mut context)
    }
}

struct Bell {
    rung: AtomicBool,
    /// Stays when it was woken: who polls sets it only once.
    task: Mutex<Option<Waker>>,
}

impl Bell {
    fn task(&self) -> MutexGuard<'_, Option<Waker>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Release);
        if let Some(task) = &*self.task() {
            task.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    /// It is polled once to begin with, and after each of three pauses, however often its task is.
    #[tokio::test(start_paused = true)]
    async fn it_is_polled_when_it_was_woken_and_only_then() {
        let (mut polls, mut ticks) = (0, 0);
        let mut pauses = Box::pin(async {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let mut aside = Aside::new(poll_fn(|context| {
            polls += 1;
            pauses.as_mut().poll(context)
        }));
        let mut tick = tokio::time::interval(Duration::from_millis(100));

        poll_fn(|context| {
            while tick.poll_tick(context).is_ready() {
                ticks += 1;
            }
            aside.poll(context)
        })
        .await;

        drop(aside);
        assert!(ticks >= 30, "{ticks}");
        assert_eq!(polls, 4);
    }

    #[tokio::test]
    async fn it_is_polled_when_somebody_wants_to_look() {
        let mut polls = 0;
        let mut aside = Aside::new(poll_fn(|_| {
            polls += 1;
            match polls {
                3 => Poll::Ready(()),
                _ => Poll::Pending,
            }
        }));
        let mut context = Context::from_waker(Waker::noop());

        assert!(aside.poll(&mut context).is_pending());
        assert!(aside.poll(&mut context).is_pending());
        aside.look();
        assert!(aside.poll(&mut context).is_pending());
        aside.look();
        assert!(aside.poll(&mut context).is_ready());
    }
}
