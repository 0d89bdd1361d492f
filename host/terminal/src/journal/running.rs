//! The transaction that runs: it has an owner, and is nobody else's to settle.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::store::Journal;

/// Which one it is. Changed and read while the connection is locked, so that recovery never sees an
/// entry without its owner.
#[derive(Debug, Default)]
pub(super) struct Running(Mutex<Option<String>>);

impl Running {
    /// Its name.
    pub(super) fn get(&self) -> Option<String> {
        self.lock().clone()
    }

    fn set(&self, transaction: Option<&str>) {
        *self.lock() = transaction.map(str::to_owned);
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal {
    /// Gives the running transaction up: from now on it is recovery's to settle.
    pub(crate) fn release(&self) {
        let _connection = self.connection();
        self.set_running(None);
    }

    /// The caller has locked the connection.
    pub(super) fn set_running(&self, transaction: Option<&str>) {
        // What waits is counted without the one that runs.
        self.recent().changed();
        self.running().set(transaction);
    }
}
