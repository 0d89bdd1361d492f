//! The host's transaction service as the API's terminal.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use terminal_host::{
    TransactionService,
    batch::{CurrencyTotals, ReconcileError, Settlement, SettlementId},
    input::Question,
    service::{
        AbortAnswer, BeginError, Begun, Claim, Event, Health, InteractionError, KeptAnswer, Reply,
        StorageFault, Text,
    },
    text::TextLine,
    transaction::{Record, Request, TransactionId},
};
use tokio::sync::{broadcast, watch};

use crate::terminal::{Merchant, Terminal};

#[async_trait]
impl Terminal for TransactionService {
    async fn begin(&self, request: Request, claim: Option<Claim>) -> Result<Begun, BeginError> {
        Self::begin(self, request, claim).await
    }

    async fn ended(&self, id: &TransactionId) -> Option<Record> {
        Self::ended(self, id).await
    }

    async fn abort(&self, id: &TransactionId) -> AbortAnswer {
        Self::abort(self, id).await
    }

    async fn transaction(&self, id: &TransactionId) -> Result<Option<Record>, StorageFault> {
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

    fn events(&self) -> broadcast::Receiver<Event> {
        Self::events(self)
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
