//! What was delivered and what waits, for whoever looks after the terminal.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// What became of an attempt, in the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptResult {
    /// The receiver took the event.
    Delivered,
    /// It did not, and is asked again.
    Retried,
    /// It did not, and is not asked again.
    Dead,
}

impl AttemptResult {
    /// Every result.
    pub const ALL: [Self; 3] = [Self::Delivered, Self::Retried, Self::Dead];

    /// Its name in the figures.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retried => "retried",
            Self::Dead => "dead",
        }
    }
}

/// Counted since the start. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Figures(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    delivered: AtomicU64,
    retried: AtomicU64,
    dead: AtomicU64,
    queued: AtomicU64,
    dead_letters: AtomicU64,
}

impl Figures {
    /// How many attempts came to this.
    pub fn attempts(&self, result: AttemptResult) -> u64 {
        self.counter(result).load(Ordering::Relaxed)
    }

    /// How many deliveries wait for an attempt.
    pub fn queued(&self) -> u64 {
        self.0.queued.load(Ordering::Relaxed)
    }

    /// How many dead letters could be replayed.
    pub fn dead_letters(&self) -> u64 {
        self.0.dead_letters.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self, result: AttemptResult) {
        self.counter(result).fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set_waiting(&self, queued: u64, dead_letters: u64) {
        self.0.queued.store(queued, Ordering::Relaxed);
        self.0.dead_letters.store(dead_letters, Ordering::Relaxed);
    }

    fn counter(&self, result: AttemptResult) -> &AtomicU64 {
        match result {
            AttemptResult::Delivered => &self.0.delivered,
            AttemptResult::Retried => &self.0.retried,
            AttemptResult::Dead => &self.0.dead,
        }
    }
}
