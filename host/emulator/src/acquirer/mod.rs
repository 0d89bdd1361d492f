//! An acquirer in software: ISO 8583:1987 in the built-in dialect over TCP.
//!
//! It shares no code with the terminal's engine. It checks the message format, the message
//! authentication code, the PIN and the card's cryptogram, and answers as the amount asks
//! ([`RESPONSE_CODES`], [`SPECIAL_AMOUNTS`]). What it believes is in its [`Ledger`].
//!
//! | what is wrong | answer |
//! |---|---|
//! | no message, or no key serial number to answer under | none, and the connection is closed |
//! | message authentication code | none, the connection is closed, and nothing changes |
//! | a mandatory field is missing | 30 |
//! | a card that nobody issued | 14 |
//! | field 14 is not the card's | 54 |
//! | cryptogram, or chip data of another amount or currency | 05 |
//! | PIN block, or PIN | 55 |
//! | the same names (41, 11, 7) for another card or amount | 94 |
//! | a request that was reversed before it came | 12 |
//! | a void or a completion of what is not there, or cannot be undone any more | 12 |
//! | a void of another amount, a completion of more than was kept | 13 |
//! | totals that are others than its own, until every transaction was told | 95 |
//!
//! [`Conduct`] sets how it answers, whatever the amount.
//!
//! A repeated request is answered as the first one was and charged once. A reversal of what was
//! never seen is accepted and remembered.

mod authorise;
mod batches;
mod behaviour;
mod chip;
mod codec;
mod faults;
mod fields;
mod host;
mod issuers;
mod kind;
mod ledger;
mod security;
mod server;
mod service;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::sync::watch;
use virtual_card::Card;

pub use behaviour::{
    AnswerCode, Behaviour, Conduct, RESPONSE_CODES, ResponseCode, SPECIAL_AMOUNTS, SpecialAmount,
};
use host::Host;
pub use ledger::{Entry, Ledger, State};
pub use service::Service;

/// How an acquirer is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcquirerOptions {
    /// How late a late answer is: longer than the terminal waits.
    pub late_after: Duration,
    /// How long a connection may be idle, or an exchange may take, before it is closed.
    pub idle_timeout: Duration,
    /// How many connections are served at a time. More wait.
    pub connections_max: usize,
}

impl Default for AcquirerOptions {
    /// Late after 6 s, idle after 60 s, 64 connections.
    fn default() -> Self {
        Self {
            late_after: Duration::from_secs(6),
            idle_timeout: Duration::from_mins(1),
            connections_max: 64,
        }
    }
}

/// An acquirer that does not run yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Acquirer {
    options: AcquirerOptions,
}

impl Acquirer {
    /// An acquirer with these options.
    pub fn new(options: AcquirerOptions) -> Self {
        Self { options }
    }

    /// Listens on `address` (port 0 takes a free one) and serves on a thread of its own until
    /// [`AcquirerHandle::stop`], or until the process ends: dropping the handle does not end it.
    ///
    /// Fails when the address cannot be listened on, or no thread can be started.
    pub fn start(self, address: impl ToSocketAddrs) -> io::Result<AcquirerHandle> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (conduct, _) = watch::channel(Conduct::default());
        let (stop, _) = watch::channel(false);
        let shared = Arc::new(Shared {
            host: Mutex::default(),
            conduct,
            stop,
            options: self.options,
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let served = Arc::clone(&shared);
        thread::Builder::new()
            .name("acquirer".to_owned())
            .spawn(move || runtime.block_on(server::serve(listener, address, served)))?;
        Ok(AcquirerHandle { address, shared })
    }
}

/// A running acquirer.
#[derive(Debug, Clone)]
pub struct AcquirerHandle {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl AcquirerHandle {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it believes now.
    pub fn ledger(&self) -> Ledger {
        self.shared.host().ledger.clone()
    }

    /// Makes the issuer know this card, in place of another one with its number: for cards that are in no
    /// catalogue, of which the latest 64 are known.
    pub fn issue(&self, card: &Card) {
        self.shared.host().issuers.add(card);
    }

    /// How every message is answered from now on, whatever its amount; [`Behaviour::Normal`] gives
    /// the choice back to the amount. Holds for answers not given yet.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.set_conduct(Conduct {
            behaviour,
            response_code: None,
        });
    }

    /// The same, and the response code too.
    pub fn set_conduct(&self, conduct: Conduct) {
        self.shared.conduct.send_replace(conduct);
    }

    /// What is set.
    pub fn conduct(&self) -> Conduct {
        *self.shared.conduct.borrow()
    }

    /// Stops listening. Connections that are open are closed.
    pub fn stop(&self) {
        self.shared.stop.send_replace(true);
    }
}

/// What the connections share.
#[derive(Debug)]
struct Shared {
    host: Mutex<Host>,
    conduct: watch::Sender<Conduct>,
    stop: watch::Sender<bool>,
    options: AcquirerOptions,
}

impl Shared {
    fn host(&self) -> MutexGuard<'_, Host> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
