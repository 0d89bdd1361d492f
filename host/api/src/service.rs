//! The host's transaction service as the API's terminal.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use terminal_host::{
    TransactionService,
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

use crate::terminal::{Merchant, Terminal};

#[async_trait]
impl Terminal for TransactionService {
    async fn begin(&self, request: Request, claim: Option<Claim>) -> Result<Begun, BeginError> {
        Self::begin(self, request, claim).await
    }

    async fn ended(&self, id: &TransactionId) -> Option<Arc<Record>> {
        Self::ended(self, id).await
    }

    async fn asked_or_ended(&self, id: &TransactionId) -> Option<Standing> {
        Self::asked_or_ended(self, id).await
    }

    fn question(&self, id: &TransactionId) -> Option<Arc<OnlineRequest>> {
        Self::question(self, id)
    }

    fn decide(&self, id: &TransactionId, answer: OnlineAnswer) -> Decided {
        Self::decide(self, id, answer)
    }

    async fn abort(&self, id: &TransactionId) -> AbortAnswer {
        Self::abort(self, id).await
    }

    async fn transaction(&self, id: &TransactionId) -> Result<Option<Arc<Record>>, StorageFault> {
        Self::transaction(self, id).await
    }

    async fn transactions(
        &self,
        before: Option<&TransactionId>,
        from: Option<Timestamp>,
        count_max: u32,
    ) -> Result<Vec<Record>, StorageFault> {
        Self::transactions(self, before, from, count_max).await
    }

    async fn totals(&self) -> Result<Vec<CurrencyTotals>, StorageFault> {
        Self::totals(self).await
    }

    async fn reconcile(&self) -> Result<Vec<Settlement>, ReconcileError> {
        Self::reconcile(self).await
    }

    async fn settlements(&self) -> Result<Vec<Settlement>, StorageFault> {
        Self::settlements(self).await
    }

    async fn settlement(
        &self,
        id: &SettlementId,
    ) -> Result<Option<(Settlement, Vec<Record>)>, StorageFault> {
        Self::settlement(self, id).await
    }

    async fn events_after(&self, after: u64, count_max: u32) -> Result<LoggedEvents, StorageFault> {
        Self::events_after(self, after, count_max).await
    }

    fn newest_event(&self) -> watch::Receiver<u64> {
        Self::newest_event(self)
    }

    fn event_log(&self) -> Result<EventLogId, StorageFault> {
        Self::event_log(self)
    }

    async fn display(&self, text: Text) -> Result<(), InteractionError> {
        Self::display(self, text).await
    }

    async fn ask(&self, question: Question, time_max: Duration) -> Result<Reply, InteractionError> {
        Self::ask(self, question, time_max).await
    }

    async fn print(&self, lines: Vec<TextLine>, cut: bool) -> Result<(), InteractionError> {
        Self::print(self, lines, cut).await
    }

    async fn kept_answer(&self, claim: &Claim) -> Result<KeptAnswer, StorageFault> {
        Self::kept_answer(self, claim).await
    }

    async fn keep_answer(&self, claim: &Claim, answer: &[u8]) -> Result<(), StorageFault> {
        Self::keep_answer(self, claim, answer).await
    }

    fn running(&self) -> watch::Receiver<Option<TransactionId>> {
        Self::running(self)
    }

    fn merchant(&self) -> Merchant {
        let terminal = &self.parameters().terminal;
        Merchant {
            name: terminal.merchant_name.clone(),
            merchant_id: terminal.merchant_id.clone(),
            terminal_id: terminal.terminal_id.clone(),
            serial_number: terminal.interface_device_serial_number.clone(),
            currencies: terminal
                .currencies
                .iter()
                .map(|currency| currency.alphabetic.clone())
                .collect(),
        }
    }

    async fn health(&self) -> Health {
        Self::health(self).await
    }
}
