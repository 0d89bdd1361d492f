//! What the API needs of a terminal.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use terminal_host::{
    batch::{CurrencyTotals, ReconcileError, Settlement, SettlementId},
    input::Question,
    point_of_sale::{Decided, OnlineAnswer, OnlineRequest},
    service::{
        AbortAnswer, BeginError, Begun, Claim, EventLogId, Health, InteractionError, KeptAnswer,
        LoggedEvents, Reply, Standing, StorageFault, Text,
    },
    text::TextLine,
    transaction::{Record, Request, TransactionId},
};
use tokio::sync::watch;

/// A terminal: the transaction service of the host, or a double of it in tests.
///
/// The methods are those of [`terminal_host::TransactionService`] that the API calls, with the
/// same promises.
#[async_trait]
pub trait Terminal: Send + Sync {
    /// Accepts a transaction and starts it. See [`terminal_host::TransactionService::begin`].
    async fn begin(&self, request: Request, claim: Option<Claim>) -> Result<Begun, BeginError>;

    /// Waits until a transaction has an end. `None` when there is no such transaction.
    async fn ended(&self, id: &TransactionId) -> Option<Arc<Record>>;

    /// Waits until the point of sale is asked for its decision, or the transaction has an end. `None`
    /// when there is no such transaction.
    async fn asked_or_ended(&self, id: &TransactionId) -> Option<Standing>;

    /// What the point of sale is asked about a transaction, while it waits for the decision.
    fn question(&self, id: &TransactionId) -> Option<Arc<OnlineRequest>>;

    /// Takes the decision of the point of sale.
    fn decide(&self, id: &TransactionId, answer: OnlineAnswer) -> Decided;

    /// Asks the running transaction to stop.
    async fn abort(&self, id: &TransactionId) -> AbortAnswer;

    /// One transaction of the records.
    async fn transaction(&self, id: &TransactionId) -> Result<Option<Arc<Record>>, StorageFault>;

    /// Records, the newest first. See [`terminal_host::TransactionService::transactions`].
    async fn transactions(
        &self,
        before: Option<&TransactionId>,
        from: Option<Timestamp>,
        count_max: u32,
    ) -> Result<Vec<Record>, StorageFault>;

    /// What was approved in the batch that is open, by currency.
    async fn totals(&self) -> Result<Vec<CurrencyTotals>, StorageFault>;

    /// Closes batches. See [`terminal_host::TransactionService::reconcile`].
    async fn reconcile(&self) -> Result<Vec<Settlement>, ReconcileError>;

    /// Every settlement, the newest first.
    async fn settlements(&self) -> Result<Vec<Settlement>, StorageFault>;

    /// One settlement and its transactions, the oldest first.
    async fn settlement(
        &self,
        id: &SettlementId,
    ) -> Result<Option<(Settlement, Vec<Record>)>, StorageFault>;

    /// The event log's events numbered above `after`, at most `count_max`, in their order.
    async fn events_after(&self, after: u64, count_max: u32) -> Result<LoggedEvents, StorageFault>;

    /// The number of the newest event.
    fn newest_event(&self) -> watch::Receiver<u64>;

    /// The name of the event log.
    fn event_log(&self) -> Result<EventLogId, StorageFault>;
    /// Shows a text. See [`terminal_host::TransactionService::display`].
    async fn display(&self, text: Text) -> Result<(), InteractionError>;

    /// Asks the cardholder. See [`terminal_host::TransactionService::ask`].
    async fn ask(&self, question: Question, time_max: Duration) -> Result<Reply, InteractionError>;

    /// Prints lines. See [`terminal_host::TransactionService::print`].
    async fn print(&self, lines: Vec<TextLine>, cut: bool) -> Result<(), InteractionError>;

    /// What is kept under a claim that is no transaction's.
    async fn kept_answer(&self, claim: &Claim) -> Result<KeptAnswer, StorageFault>;

    /// Keeps an answer. See [`terminal_host::TransactionService::keep_answer`].
    async fn keep_answer(&self, claim: &Claim, answer: &[u8]) -> Result<(), StorageFault>;

    /// The transaction that runs now, if any.
    fn running(&self) -> watch::Receiver<Option<TransactionId>>;

    /// Who sells with this terminal, and in which currencies.
    fn merchant(&self) -> Merchant;

    /// How the terminal is, read now.
    async fn health(&self) -> Health;
}

/// The part of the terminal's parameters that a point of sale sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// The name on the receipt.
    pub name: String,
    /// ISO 8583 field 42.
    pub merchant_id: String,
    /// ISO 8583 field 41.
    pub terminal_id: String,
    /// Tag 9F1E, the serial number of the device.
    pub serial_number: String,
    /// ISO 4217 alphabetic codes of the currencies the terminal takes, the usual one first.
    pub currencies: Vec<String>,
}
