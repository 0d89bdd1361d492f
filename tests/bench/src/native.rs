//! The engine's ports over the host's own functions, without a sandbox between them.
//!
//! It does what a Visa card without a PIN needs. What that card never asks for is answered as by a
//! terminal that has no such device.

use emv::ports::OfflinePinMethod;
use engine::{
    iso8583::dialect::{MacAlgorithm, PinBlockFormat},
    money::Amount,
    parameters::{Acquirer, Application, CaPublicKey, MagstripeRules, TerminalData, Timeouts},
    ports::{
        Account, AcquirerLink, CardReader, CardReaderError, Counter, Crypto, CryptoError, Display,
        DisplayError, DisplayMessage, Entry, Journal, JournalError, Line, LinkError, Parameters,
        Phase, PinEntry, PinEntryError, PinRules, PointOfSale, PresentedCard, Printer,
        PrinterError, Progress, Protected, Technologies, Trace, TraceEvent,
    },
};
use terminal_host::{
    bindings::terminal::{
        acquirer_link::acquirer_link, card_reader::card_reader, crypto::crypto, display::display,
        journal::journal, parameters::parameters, point_of_sale::point_of_sale, printer::printer,
        trace::trace,
    },
    card_reader::ActiveCard,
    measure::Terminal,
};
use tokio::runtime::Runtime;
use wasmtime::component::Resource;

use crate::convert;

/// One transaction's terminal.
pub(crate) struct Native<'a> {
    runtime: &'a Runtime,
    terminal: Terminal,
}

impl<'a> Native<'a> {
    pub(crate) fn new(runtime: &'a Runtime, terminal: Terminal) -> Self {
        Self { runtime, terminal }
    }
}

/// Runs one host function to its end. `None` where a guest would have trapped. A macro, since the
/// future borrows the terminal while the runtime drives it.
macro_rules! host {
    ($native:ident, $interface:ident :: $function:ident ( $($argument:expr),* )) => {{
        let Native { runtime, terminal } = $native;
        runtime.block_on($interface::Host::$function(terminal, $($argument),*)).ok()
    }};
}

impl Parameters for Native<'_> {
    fn terminal_data(&mut self) -> TerminalData {
        convert::parameters::terminal(must(host!(self, parameters::terminal_data())))
    }

    fn time_limits(&mut self) -> Timeouts {
        convert::parameters::timeouts(must(host!(self, parameters::time_limits())))
    }

    fn applications(&mut self) -> Vec<Application> {
        let applications = host!(self, parameters::applications()).unwrap_or_default();
        applications
            .into_iter()
            .map(convert::parameters::application)
            .collect()
    }

    fn find_ca_public_key(&mut self, rid: &[u8], index: u8) -> Option<CaPublicKey> {
        host!(self, parameters::find_ca_public_key(rid.to_vec(), index))?
            .map(convert::parameters::ca_public_key)
    }

    fn acquirer_data(&mut self) -> Acquirer {
        convert::parameters::acquirer(must(host!(self, parameters::acquirer_data())))
    }

    fn magstripe_rules(&mut self) -> Option<MagstripeRules> {
        must(host!(self, parameters::magstripe())).map(convert::parameters::magstripe_rules)
    }
}

impl CardReader for Native<'_> {
    type Card = Resource<ActiveCard>;

    fn wait_for_card(
        &mut self,
        _: Technologies,
        timeout_ms: u32,
    ) -> Result<PresentedCard<Self::Card>, CardReaderError> {
        let accepted = card_reader::Technologies::all();
        match host!(self, card_reader::wait_for_card(accepted, timeout_ms)) {
            Some(Ok(card_reader::PresentedCard::Contact(card))) => Ok(PresentedCard::Contact(card)),
            _ => Err(CardReaderError::ReaderFault),
        }
    }

    fn transmit(&mut self, card: &Self::Card, command: &[u8]) -> Result<Vec<u8>, CardReaderError> {
        let Native { runtime, terminal } = self;
        let card = Resource::new_borrow(card.rep());
        runtime
            .block_on(card_reader::HostCard::transmit(
                terminal,
                card,
                command.to_vec(),
            ))
            .ok()
            .and_then(Result::ok)
            .ok_or(CardReaderError::CardUnresponsive)
    }
}

impl PinEntry for Native<'_> {
    /// No PIN is ever taken.
    type Pin = std::convert::Infallible;

    fn enter_pin(&mut self, _: PinRules) -> Result<Self::Pin, PinEntryError> {
        Err(PinEntryError::KeypadFault)
    }

    fn verify_offline(
        &mut self,
        pin: Self::Pin,
        _: &Self::Card,
        _: &OfflinePinMethod,
    ) -> Result<u16, PinEntryError> {
        match pin {}
    }
}

impl Crypto for Native<'_> {
    fn encrypt_pin(
        &mut self,
        pin: Self::Pin,
        _: &[u8],
        _: PinBlockFormat,
    ) -> Result<Protected, CryptoError> {
        match pin {}
    }

    fn next_key_serial_number(&mut self, algorithm: MacAlgorithm) -> Result<Vec<u8>, CryptoError> {
        let algorithm = convert::crypto::mac_algorithm(algorithm);
        host!(self, crypto::next_key_serial_number(algorithm))
            .and_then(Result::ok)
            .ok_or(CryptoError::VaultFault)
    }

    fn generate_mac(
        &mut self,
        message: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<Protected, CryptoError> {
        let algorithm = convert::crypto::mac_algorithm(algorithm);
        host!(self, crypto::generate_mac(message.to_vec(), algorithm))
            .and_then(Result::ok)
            .map(convert::crypto::protected)
            .ok_or(CryptoError::VaultFault)
    }

    fn verify_mac(
        &mut self,
        message: &[u8],
        mac: &[u8],
        key_serial_number: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<bool, CryptoError> {
        let algorithm = convert::crypto::mac_algorithm(algorithm);
        let (message, mac, ksn) = (message.to_vec(), mac.to_vec(), key_serial_number.to_vec());
        host!(self, crypto::verify_mac(message, mac, ksn, algorithm))
            .and_then(Result::ok)
            .ok_or(CryptoError::VaultFault)
    }

    fn rsa_recover(&mut self, modulus: &[u8], exponent: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let (modulus, exponent, data) = (modulus.to_vec(), exponent.to_vec(), data.to_vec());
        host!(self, crypto::rsa_recover(modulus, exponent, data)).and_then(Result::ok)
    }

    fn random(&mut self, length: u32) -> Vec<u8> {
        host!(self, crypto::random(length)).unwrap_or_default()
    }
}

impl Display for Native<'_> {
    fn show(&mut self, message: DisplayMessage) {
        let message = convert::people::message(message);
        let _ = host!(self, display::show(message));
    }

    fn present_card(&mut self, amount: Amount, currency: u16) {
        let _ = host!(self, display::present_card(amount.minor(), currency));
    }

    fn choose_application(&mut self, _: &[Vec<u8>], _: u32) -> Result<u32, DisplayError> {
        Err(DisplayError::Cancelled)
    }
}

impl Printer for Native<'_> {
    fn print(&mut self, lines: &[Line]) -> Result<(), PrinterError> {
        let lines = lines.iter().map(convert::people::line).collect();
        host!(self, printer::print(lines))
            .and_then(Result::ok)
            .ok_or(PrinterError::PrinterFault)
    }
}

impl PointOfSale for Native<'_> {
    fn report(&mut self, progress: Progress) {
        let progress = convert::people::progress(progress);
        let _ = host!(self, point_of_sale::report(progress));
    }

    fn proceed(&mut self) -> bool {
        host!(self, point_of_sale::proceed()).unwrap_or(false)
    }
}

impl AcquirerLink for Native<'_> {
    fn exchange(&mut self, request: &[u8], timeout_ms: u32) -> Result<Vec<u8>, LinkError> {
        host!(self, acquirer_link::exchange(request.to_vec(), timeout_ms))
            .and_then(Result::ok)
            .ok_or(LinkError::AnswerLost)
    }
}

impl Journal for Native<'_> {
    fn append(&mut self, id: &str, phase: Phase, content: &[u8]) -> Result<(), JournalError> {
        let phase = convert::journal::phase(phase);
        host!(
            self,
            journal::append(id.to_owned(), phase, content.to_vec())
        )
        .and_then(Result::ok)
        .map(|_| ())
        .ok_or(JournalError)
    }

    fn append_approval(
        &mut self,
        id: &str,
        phase: Phase,
        content: &[u8],
        account: &Account,
    ) -> Result<(), JournalError> {
        let (phase, account) = (
            convert::journal::phase(phase),
            convert::journal::account(account),
        );
        host!(
            self,
            journal::append_approval(id.to_owned(), phase, content.to_vec(), account)
        )
        .and_then(Result::ok)
        .map(|_| ())
        .ok_or(JournalError)
    }

    fn last_payment(&mut self, account: &Account) -> Result<Option<u64>, JournalError> {
        let account = convert::journal::account(account);
        host!(self, journal::last_payment(account))
            .and_then(Result::ok)
            .ok_or(JournalError)
    }

    fn unsettled(
        &mut self,
        after_sequence: u64,
        count_max: u32,
    ) -> Result<Vec<Entry>, JournalError> {
        host!(self, journal::unsettled(after_sequence, count_max))
            .and_then(Result::ok)
            .map(|entries| entries.into_iter().map(convert::journal::entry).collect())
            .ok_or(JournalError)
    }

    fn last_entry(&mut self, id: &str) -> Result<Option<Entry>, JournalError> {
        host!(self, journal::last_entry(id.to_owned()))
            .and_then(Result::ok)
            .map(|last| last.map(convert::journal::entry))
            .ok_or(JournalError)
    }

    fn next(&mut self, counter: Counter) -> Result<u32, JournalError> {
        let counter = convert::journal::counter(counter);
        host!(self, journal::next(counter))
            .and_then(Result::ok)
            .ok_or(JournalError)
    }
}

impl Trace for Native<'_> {
    fn record_event(&mut self, event: TraceEvent) {
        let event = convert::trace::event(event);
        let _ = host!(self, trace::record_event(event));
    }
}

/// Reading parameters cannot fail in a host that has them.
fn must<T>(answer: Option<T>) -> T {
    answer.unwrap_or_else(|| std::process::abort())
}
