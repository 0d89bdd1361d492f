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
    bindings::exports::terminal::engine::transactions::Ending,
    clock::Clock,
    config::{Devices, TerminalConfig},
    engine::Engine,
    interruption::AbortWindow,
    journal::{Beginning, Journal},
    observer::Observer,
    parameters::Parameters,
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
        let Some(id) = self.begin(request) else {
            return false;
        };
        let currency = self.parameters.currency(&request.currency);
        let currency = currency.map_or(0, |currency| currency.numeric);
        let request = convert::request(&id, request, currency, &self.clock.now());
        let capabilities = self.capabilities(transaction(&id));
        let call = self.engine.run(capabilities, &request).await;
        self.journal.release();
        matches!(call, Ok(Ok(outcome)) if matches!(outcome.ending, Ending::Approved))
    }

    /// What an engine linked into the program calls to run a transaction under this name.
    pub fn native(&self, request: &Request) -> Option<(String, Terminal)> {
        let id = self.begin(request)?;
        let terminal = Terminal::new(self.capabilities(transaction(&id)));
        Some((id.as_str().to_owned(), terminal))
    }

    /// Gives up a transaction that `native` began.
    pub fn release(&self) {
        self.journal.release();
    }

    /// How long a fresh sandbox takes.
    pub async fn instantiation(&self) -> Option<Duration> {
        let capabilities = self.capabilities(Scope::Description);
        let start = Instant::now();
        let fresh = self.engine.instantiate(capabilities).await.ok()?;
        let took = start.elapsed();
        drop(fresh);
        Some(took)
    }

    fn begin(&self, request: &Request) -> Option<TransactionId> {
        let id = TransactionId::new();
        let began = self.clock.now();
        let beginning = Beginning {
            id: &id,
            request,
            began: &began,
            claim: None,
            claimed: began.timestamp(),
        };
        self.journal.begin(&beginning).ok().map(|()| id)
    }

    fn capabilities(&self, scope: Scope) -> Capabilities {
        Capabilities {
            scope,
            parameters: Arc::clone(&self.parameters),
            devices: Arc::clone(&self.devices),
            vault: Arc::clone(&self.vault),
            journal: self.journal.clone(),
            abort: AbortWindow::default(),
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
