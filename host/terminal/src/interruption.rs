//! Waiting that ends with time or with an abort.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

const OPEN: u8 = 0;
const REQUESTED: u8 = 1;
const CLOSED: u8 = 2;

/// The window in which a transaction can be aborted. Clones share one window.
///
/// Invariant: of an accepted abort and a permission to proceed only one is ever given, since both
/// leave the open state by one compare-and-exchange.
#[derive(Clone, Default)]
pub(crate) struct AbortWindow {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: AtomicU8,
    requested: Notify,
}

impl AbortWindow {
    /// Asks for an abort. `true` when the transaction will end as cancelled.
    pub(crate) fn request(&self) -> bool {
        let accepted = self.leave_open(REQUESTED);
        if accepted {
            self.shared.requested.notify_waiters();
        }
        accepted
    }

    /// Closes the window. `false` when an abort was accepted before.
    pub(crate) fn proceed(&self) -> bool {
        self.leave_open(CLOSED)
    }

    /// Leaves the open state; asking again for the state that was reached succeeds.
    fn leave_open(&self, next: u8) -> bool {
        self.shared
            .state
            .compare_exchange(OPEN, next, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
            || self.shared.state.load(Ordering::Acquire) == next
    }

    /// Waits until an abort was accepted.
    pub(crate) async fn requested(&self) {
        let notified = self.shared.requested.notified();
        tokio::pin!(notified);
        // Registered before the state is read, so that no request falls between the two.
        notified.as_mut().enable();
        if self.shared.state.load(Ordering::Acquire) != REQUESTED {
            notified.await;
        }
    }

    /// Runs `wait` until it ends, an abort is accepted or `timeout` has passed.
    pub(crate) async fn bound<T>(
        &self,
        timeout: Duration,
        wait: impl Future<Output = T>,
    ) -> Result<T, Interruption> {
        tokio::select! {
            biased;
            () = self.requested() => Err(Interruption::Aborted),
            result = wait => Ok(result),
            () = tokio::time::sleep(timeout) => Err(Interruption::TimedOut),
        }
    }
}

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// Time ran out.
    TimedOut,
    /// The point of sale asked for an abort.
    Aborted,
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use super::{AbortWindow, Interruption};

    #[test]
    fn gives_either_the_abort_or_the_permission() {
        let window = AbortWindow::default();
        assert!(window.request());
        assert!(window.request(), "asking twice is accepted twice");
        assert!(!window.proceed());
        let window = AbortWindow::default();
        assert!(window.proceed());
        assert!(!window.request());
    }

    #[tokio::test]
    async fn ends_a_wait_with_time_or_with_an_abort() {
        let window = AbortWindow::default();
        let short = Duration::from_millis(1);
        assert_eq!(
            window.bound(short, pending::<()>()).await,
            Err(Interruption::TimedOut)
        );
        let other = window.clone();
        let waiting =
            tokio::spawn(async move { other.bound(Duration::from_mins(1), pending::<()>()).await });
        tokio::task::yield_now().await;
        assert!(window.request());
        assert_eq!(waiting.await.expect("no panic"), Err(Interruption::Aborted));
        assert_eq!(
            window.bound(short, async {}).await,
            Err(Interruption::Aborted)
        );
    }
}
