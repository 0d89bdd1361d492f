//! What one call of the guest may use up in all.
//!
//! The epoch ends a stretch of computing that is too long. It does not see a guest that computes a
//! little less, calls the host, and computes again; nor does a timer of the runtime, since a call
//! that the host answers at once never gives the thread back. The whole is counted here.

use std::time::{Duration, Instant};

use wasmtime::CallHook;

/// How often a guest may call the host, so that one that calls in a loop ends too.
const HOST_CALLS_MAX: u32 = 100_000;

/// How long a guest may compute in all. A sale takes a few milliseconds.
const COMPUTING_MAX: Duration = Duration::from_secs(3);

/// How long a call may take in all, the host's waiting included.
pub(crate) const CALL_MAX: Duration = Duration::from_mins(10);

/// What is left for one call of the guest.
pub(super) struct Budget {
    calls: u32,
    computing: Duration,
    began: Instant,
    /// When the guest was last let run.
    resumed: Instant,
}

/// The guest used up more than it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Overrun {
    /// It computed for too long, or its call took too long.
    #[error("the guest ran out of time")]
    Time,
    /// It called the host too often.
    #[error("the guest called the host too often")]
    Calls,
}

impl Budget {
    /// The whole budget of a call that begins now.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            calls: HOST_CALLS_MAX,
            computing: COMPUTING_MAX,
            began: now,
            resumed: now,
        }
    }

    /// Counts one crossing of the boundary.
    pub(super) fn cross(&mut self, hook: CallHook) -> Result<(), Overrun> {
        match hook {
            CallHook::CallingWasm | CallHook::ReturningFromHost => {
                self.resumed = Instant::now();
                Ok(())
            }
            CallHook::ReturningFromWasm => self.charge(),
            CallHook::CallingHost => {
                self.calls = self.calls.checked_sub(1).ok_or(Overrun::Calls)?;
                self.charge()
            }
        }
    }

    fn charge(&mut self) -> Result<(), Overrun> {
        let computing = self.computing.checked_sub(self.resumed.elapsed());
        self.computing = computing.ok_or(Overrun::Time)?;
        if self.began.elapsed() > CALL_MAX {
            Err(Overrun::Time)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::CallHook;

    use super::{Budget, COMPUTING_MAX, Duration, HOST_CALLS_MAX, Instant, Overrun};

    #[test]
    fn counts_what_the_guest_computes_and_not_what_the_host_waits() {
        let mut budget = Budget::new();
        let Some(past) = Instant::now().checked_sub(COMPUTING_MAX) else {
            panic!("the machine is up for some seconds");
        };
        // The host waited.
        budget.resumed = past;
        assert_eq!(budget.cross(CallHook::ReturningFromHost), Ok(()));
        assert_eq!(budget.cross(CallHook::CallingHost), Ok(()));
        // The guest computed, in two stretches.
        for expected in [Ok(()), Err(Overrun::Time)] {
            budget.resumed = past + Duration::from_secs(1);
            assert_eq!(budget.cross(CallHook::CallingHost), expected);
        }
    }

    #[test]
    fn counts_calls() {
        let mut budget = Budget::new();
        for _ in 0..HOST_CALLS_MAX {
            assert_eq!(budget.cross(CallHook::ReturningFromHost), Ok(()));
            assert_eq!(budget.cross(CallHook::CallingHost), Ok(()));
        }
        assert_eq!(budget.cross(CallHook::CallingHost), Err(Overrun::Calls));
    }
}
