//! The host, shared by the ports and by the handles that it gave out.

use std::{cell::RefCell, rc::Rc};

use terminal_host::{
    bindings::{card_reader, terminal::pin_entry::pin_entry},
    card_reader::ActiveCard,
    pin_entry::EnteredPin,
};
use tokio::runtime::Runtime;
use wasmtime::component::Resource;

use crate::Host;

/// The host, and what drives its functions.
pub(crate) struct Shared<'a, H> {
    runtime: &'a Runtime,
    host: RefCell<H>,
}

impl<'a, H: Host> Shared<'a, H> {
    pub(crate) fn new(runtime: &'a Runtime, host: H) -> Self {
        Self {
            runtime,
            host: RefCell::new(host),
        }
    }

    /// Runs one function of the host to its end. Where it would stop a guest, this unwinds.
    pub(crate) fn call<T>(&self, function: impl AsyncFnOnce(&mut H) -> wasmtime::Result<T>) -> T {
        let mut host = self.host.borrow_mut();
        let answer = self.runtime.block_on(function(&mut host));
        drop(host);
        answer.unwrap_or_else(|error| std::panic::resume_unwind(Box::new(error.to_string())))
    }
}

/// A card that the host gave out: dropping it tells the host, as a sandbox does.
pub(crate) struct Card<'a, H: Host> {
    host: Rc<Shared<'a, H>>,
    number: u32,
}

impl<'a, H: Host> Card<'a, H> {
    pub(crate) fn new(host: &Rc<Shared<'a, H>>, card: &Resource<ActiveCard>) -> Self {
        Self {
            host: Rc::clone(host),
            number: card.rep(),
        }
    }

    pub(crate) fn borrowed(&self) -> Resource<ActiveCard> {
        Resource::new_borrow(self.number)
    }
}

impl<H: Host> Drop for Card<'_, H> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let card = Resource::new_own(self.number);
            self.host
                .call(async |host| card_reader::HostCard::drop(host, card).await);
        }
    }
}

/// A PIN in the secure area: spent, or dropped.
pub(crate) struct Pin<'a, H: Host> {
    host: Rc<Shared<'a, H>>,
    number: Option<u32>,
}

impl<'a, H: Host> Pin<'a, H> {
    pub(crate) fn new(host: &Rc<Shared<'a, H>>, pin: &Resource<EnteredPin>) -> Self {
        Self {
            host: Rc::clone(host),
            number: Some(pin.rep()),
        }
    }

    /// Hands it back to the host, which spends it.
    pub(crate) fn spend(mut self) -> Resource<EnteredPin> {
        Resource::new_own(self.number.take().unwrap_or_default())
    }
}

impl<H: Host> Drop for Pin<'_, H> {
    fn drop(&mut self) {
        if let (Some(number), false) = (self.number.take(), std::thread::panicking()) {
            let pin = Resource::new_own(number);
            self.host
                .call(async |host| pin_entry::HostEnteredPin::drop(host, pin).await);
        }
    }
}
