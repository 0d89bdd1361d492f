//! The transaction that runs: it has an owner, and is nobody else's to settle.

use std::sync::{MutexGuard, PoisonError};

use super::store::Journal;

impl Journal {
    /// Gives the running transaction up: from now on it is recovery's to settle.
    pub(crate) fn release(&self) {
        let _connection = self.connection();
        self.set_running(None);
    }

    pub(super) fn running(&self) -> Option<String> {
        self.lock_running().clone()
    }

    pub(super) fn set_running(&self, transaction: Option<&str>) {
        *self.lock_running() = transaction.map(str::to_owned);
    }

    fn lock_running(&self) -> MutexGuard<'_, Option<String>> {
        let running = self.shared.running.lock();
        running.unwrap_or_else(PoisonError::into_inner)
    }
}
