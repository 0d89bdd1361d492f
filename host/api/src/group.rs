//! The operations whose requests count together.

/// The groups of the reference's rate limits, and two of our own: an abort is never refused because of
/// the transactions it is to stop, nor a decision because somebody looks how it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Sale, refund, void, pre-auth, granular.
    Transaction,
    /// Health, display, input, print.
    Device,
    /// Totals, reconciliation, settlements.
    Settlement,
    /// Abort.
    Abort,
    /// Looking up transactions.
    LookUp,
}
