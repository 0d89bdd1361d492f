//! What a transaction is run under.

use crate::parameters::{Application, Connection, Terminal};
use crate::transaction::Transaction;

/// What a transaction is run under, once its application is known.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) terminal: Terminal,
    pub(crate) application: Application,
    pub(crate) transaction: Transaction,
}

impl Terms {
    /// Who may be asked in this transaction.
    pub(crate) fn connection(&self) -> Connection {
        let able = self.terminal.kind.connection;
        if able == Connection::OfflineWithOnline && self.transaction.only_issuer_approves {
            Connection::OnlineOnly
        } else {
            able
        }
    }
}
