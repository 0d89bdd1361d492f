//! What the points of sale and the one who kills know of each other.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

/// Where the terminal is now, and how much was broken off.
pub(crate) struct Shared {
    url: Mutex<String>,
    wanted: usize,
    disrupted: AtomicUsize,
    kills: AtomicU64,
    /// Sales whose end is waited for.
    waited: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(url: &str, wanted: usize) -> Self {
        Self {
            url: Mutex::new(url.to_owned()),
            wanted,
            disrupted: AtomicUsize::new(0),
            kills: AtomicU64::new(0),
            waited: AtomicUsize::new(0),
        }
    }

    /// Where the terminal serves.
    pub(crate) fn url(&self) -> String {
        let url = self.url.lock();
        url.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The terminal was killed and serves again.
    pub(crate) fn restarted(&self, url: &str) {
        url.clone_into(&mut self.url.lock().unwrap_or_else(PoisonError::into_inner));
        self.kills.fetch_add(1, Ordering::Relaxed);
        self.disrupt();
    }

    /// Something was broken off.
    pub(crate) fn disrupt(&self) {
        self.disrupted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn disrupted(&self) -> usize {
        self.disrupted.load(Ordering::Relaxed)
    }

    pub(crate) fn kills(&self) -> u64 {
        self.kills.load(Ordering::Relaxed)
    }

    /// A sale is asked for, for the first time.
    pub(crate) fn asked(&self) {
        self.waited.fetch_add(1, Ordering::Relaxed);
    }

    /// A sale that was asked for has its end.
    pub(crate) fn ended(&self) {
        self.waited.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether somebody waits for the end of a sale.
    pub(crate) fn is_waited(&self) -> bool {
        self.waited.load(Ordering::Relaxed) > 0
    }

    /// Whether more is to be broken off.
    pub(crate) fn goes_on(&self) -> bool {
        self.disrupted() < self.wanted
    }

    /// Whether one of so many disruptions is to be a kill now.
    pub(crate) fn kill_is_due(&self, every: u64) -> bool {
        let disrupted = u64::try_from(self.disrupted()).unwrap_or(u64::MAX);
        disrupted / every > self.kills()
    }
}
