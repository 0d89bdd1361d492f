//! The host's transaction service as the API's terminal.

use async_trait::async_trait;
use terminal_host::{
    TransactionService,
    service::{AbortAnswer, BeginError, Begun, Claim, Event, Health, StorageFault},
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
