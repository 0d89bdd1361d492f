//! An engine without the service around it, for benchmarks.
//!
//! The same transaction runs in a sandbox, or by an engine that is linked into the program and calls
//! the same host functions; what differs is the sandbox alone. Nothing here watches, recovers or
//! answers for a transaction: no terminal is built on it.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crate::{
    bindings::exports::terminal::engine::transactions::{Ending, TransactionRequest},
    clock::Clock,
    config::{Devices, TerminalConfig},
    engine::Engine,
    interruption::AbortWindow,
    journal::{Beginning, Journal},
    observer::Observer,
    parameters::Parameters,
    recording::{Boundary, SharedTape},
    service::{StartError, convert},
    terminal::{Capabilities, Scope},
    transaction::{Request, TransactionId},
};

pub use crate::terminal::Terminal;

/// A terminal's parts.
pub struct Parts {
    engine: Engine,
    journal: Journal,
    vault: Arc<Mutex<vault::Vault>>,
    devices: Arc<tokio::sync::Mutex<Devices>>,
    parameters: Arc<Parameters>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
}

impl Parts {
    /// Opens the journal and loads the engine.
    pub fn open(config: TerminalConfig) -> Result<Self, StartError> {
        let vault = Arc::new(Mutex::new(config.vault));
        let journal = Journal::open(
            &config.journal,
            Arc::clone(&vault),
            Arc::clone(&config.observer),
        )
        .map_err(|refused| StartError::Journal(refused.to_string()))?;
        let engine = Engine::load(&config.engine, &config.files, &vault)
            .map_err(|refused| StartError::Engine(refused.to_string()))?;
        Ok(Self {
            engine,
            journal,
            vault,
            devices: Arc::new(tokio::sync::Mutex::new(config.devices)),
            parameters: Arc::new(config.parameters),
            clock: config.clock,
            observer: config.observer,
        })
    }

    /// Runs a transaction in a fresh sandbox. Returns whether it was approved.
    pub async fn sandboxed(&self, request: &Request) -> bool {
        let Some((id, request)) = self.begin(request) else {
            return false;
        };
        let capabilities = self.capabilities(transaction(&id));
        let boundary = Boundary::to_terminal(capabilities, SharedTape::default());
        let call = self.engine.run(boundary, &request).await;
        self.journal.release();
        matches!(call, Ok(Ok(outcome)) if matches!(outcome.ending, Ending::Approved))
    }

    /// What an engine linked into the program is asked, and what it calls.
    pub fn native(&self, request: &Request) -> Option<(TransactionRequest, Terminal)> {
        let (id, request) = self.begin(request)?;
        let terminal = Terminal::new(self.capabilities(transaction(&id)));
        Some((request, terminal))
    }

    /// Gives up a transaction that `native` began.
    pub fn release(&self) {
        self.journal.release();
    }

    /// How long a fresh sandbox takes.
    pub async fn instantiation(&self) -> Option<Duration> {
        let capabilities = self.capabilities(Scope::Description);
        let start = Instant::now();
        let boundary = Boundary::to_terminal(capabilities, SharedTape::default());
        let fresh = self.engine.instantiate(boundary).await.ok()?;
        let took = start.elapsed();
        drop(fresh);
        Some(took)
    }

    fn begin(&self, request: &Request) -> Option<(TransactionId, TransactionRequest)> {
        let id = TransactionId::new();
        let began = self.clock.now();
        let beginning = Beginning {
            id: &id,
            request,
            began: &began,
            claim: None,
            claimed: began.timestamp(),
        };
        self.journal.begin(&beginning).ok()?;
        let currency = self.parameters.currency(&request.currency);
        let currency = currency.map_or(0, |currency| currency.numeric);
        let record = self.journal.record(&id).ok()??;
        let asked = convert::request(&record, None, currency);
        Some((id, asked))
    }

    fn capabilities(&self, scope: Scope) -> Capabilities {
        Capabilities {
            scope,
            parameters: Arc::clone(&self.parameters),
            devices: Arc::clone(&self.devices),
            vault: Arc::clone(&self.vault),
            journal: self.journal.clone(),
            abort: AbortWindow::default(),
            desk: None,
            progress: Arc::new(|_| {}),
            observer: Arc::clone(&self.observer),
        }
    }
}

fn transaction(id: &TransactionId) -> Scope {
    Scope::Transaction {
        id: id.clone(),
        original: None,
    }
}
