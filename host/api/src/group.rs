//! The operations whose requests count together.

/// The groups of the reference's rate limits, and one of our own: an abort is never refused
/// because of the transactions it is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Sale, refund, void, pre-auth, granular; looking up.
    Transaction,
    /// Health, display, input, print.
    Device,
    /// Totals, reconciliation, settlements.
    Settlement,
    /// Abort.
    Abort,
}
