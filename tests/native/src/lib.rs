//! The engine linked into a program, over the host's own functions: what a sandbox is measured and
//! checked against.
//!
//! Each port is one call of the host, as in `guest/component`; only the sandbox between the two is
//! missing. Where the host would stop a guest, the call unwinds.
#![forbid(unsafe_code)]

mod bindings;
/// The component's own conversions, over the host's bindings: both sides convert the same records.
#[path = "../../../guest/component/src/convert/mod.rs"]
#[expect(dead_code, reason = "the component converts more")]
mod convert;
mod handle;

use std::rc::Rc;

use emv::ports::OfflinePinMethod;
use engine::{
    iso8583::dialect::{MacAlgorithm, PinBlockFormat},
    money::Amount,
    parameters::{
        Acquirer, Application, CaPublicKey, EllipticCaPublicKey, MagstripeRules, TerminalData,
        Timeouts,
    },
    ports::{
        Account, AcquirerLink, CardReader, CardReaderError, Counter, Crypto, CryptoError, Display,
        DisplayError, DisplayMessage, Entry, Journal, JournalError, Line, LinkError, NoDecision,
        OnlineAnswer, OnlineRequest, Parameters, Phase, PinEntry, PinEntryError, PinRules,
        PointOfSale, PresentedCard, Printer, PrinterError, Progress, Protected, Technologies,
        Trace, TraceEvent,
    },
};
use terminal_host::bindings::{
    card_reader,
    exports::terminal::engine::transactions as wit,
    terminal::{
        acquirer_link::acquirer_link, crypto::crypto, display::display, journal::journal,
        parameters::parameters, pin_entry::pin_entry, point_of_sale::point_of_sale,
        printer::printer, trace::trace,
    },
};
use tokio::runtime::Runtime;

use crate::handle::{Card, Pin, Shared};

/// Everything that the host does for a guest.
pub trait Host:
    parameters::Host
    + card_reader::Host
    + card_reader::HostCard
    + pin_entry::Host
    + pin_entry::HostEnteredPin
    + crypto::Host
    + display::Host
    + printer::Host
    + point_of_sale::Host
    + acquirer_link::Host
    + journal::Host
    + trace::Host
{
}

impl<H> Host for H where
    H: parameters::Host
        + card_reader::Host
        + card_reader::HostCard
        + pin_entry::Host
        + pin_entry::HostEnteredPin
        + crypto::Host
        + display::Host
        + printer::Host
        + point_of_sale::Host
        + acquirer_link::Host
        + journal::Host
        + trace::Host
{
}

/// Runs one transaction to its end.
pub fn run<H: Host>(
    runtime: &Runtime,
    host: H,
    request: &wit::TransactionRequest,
) -> Result<wit::Outcome, wit::ErrorCode> {
    let request = convert::transactions::request(request.clone())?;
    let mut native = Native {
        host: Rc::new(Shared::new(runtime, host)),
    };
    engine::run(&mut native, &request)
        .map(convert::transactions::outcome)
        .map_err(convert::transactions::error)
}

/// The engine's ports.
struct Native<'a, H: Host> {
    host: Rc<Shared<'a, H>>,
}

/// Runs one host function to its end. A macro, since the future borrows the host while the runtime
/// drives it.
macro_rules! host {
    ($native:ident, $interface:ident :: $function:ident ( $($argument:expr),* )) => {
        $native.host.call(async |host| $interface::Host::$function(host, $($argument),*).await)
    };
}

impl<H: Host> Parameters for Native<'_, H> {
    fn terminal_data(&mut self) -> TerminalData {
        convert::parameters::terminal(host!(self, parameters::terminal_data()))
    }

    fn time_limits(&mut self) -> Timeouts {
        convert::parameters::timeouts(host!(self, parameters::time_limits()))
    }

    fn applications(&mut self) -> Vec<Application> {
        host!(self, parameters::applications())
            .into_iter()
            .map(convert::parameters::application)
            .collect()
    }

    fn find_ca_public_key(&mut self, rid: &[u8], index: u8) -> Option<CaPublicKey> {
        host!(self, parameters::find_ca_public_key(rid.to_vec(), index))
            .map(convert::parameters::ca_public_key)
    }

    fn find_elliptic_ca_public_key(
        &mut self,
        rid: &[u8],
        index: u8,
    ) -> Option<EllipticCaPublicKey> {
        host!(
            self,
            parameters::find_elliptic_ca_public_key(rid.to_vec(), index)
        )
        .map(convert::parameters::elliptic_ca_public_key)
    }

    fn is_issuer_certificate_revoked(&mut self, rid: &[u8], index: u8, serial: &[u8]) -> bool {
        let (rid, serial) = (rid.to_vec(), serial.to_vec());
        host!(
            self,
            parameters::is_issuer_certificate_revoked(rid, index, serial)
        )
    }

    fn is_on_exception_file(&mut self, pan: &[u8], sequence_number: Option<u8>) -> bool {
        host!(
            self,
            parameters::is_on_exception_file(pan.to_vec(), sequence_number)
        )
    }

    fn acquirer_data(&mut self) -> Acquirer {
        convert::parameters::acquirer(host!(self, parameters::acquirer_data()))
    }

    fn magstripe_rules(&mut self) -> Option<MagstripeRules> {
        host!(self, parameters::magstripe()).map(convert::parameters::magstripe_rules)
    }
}

impl<'a, H: Host> CardReader for Native<'a, H> {
    type Card = Card<'a, H>;

    fn wait_for_card(
        &mut self,
        accepted: Technologies,
        timeout_ms: u32,
    ) -> Result<PresentedCard<Self::Card>, CardReaderError> {
        let accepted = convert::transactions::technologies(accepted);
        host!(self, card_reader::wait_for_card(accepted, timeout_ms))
            .map(|presented| match presented {
                card_reader::PresentedCard::Contact(card) => {
                    PresentedCard::Contact(Card::new(&self.host, &card))
                }
                card_reader::PresentedCard::Contactless(card) => {
                    PresentedCard::Contactless(Card::new(&self.host, &card))
                }
                card_reader::PresentedCard::Magstripe(tracks) => {
                    PresentedCard::Magstripe(tracks.track_2.map(Into::into))
                }
            })
            .map_err(convert::errors::card_reader)
    }

    fn transmit(&mut self, card: &Self::Card, command: &[u8]) -> Result<Vec<u8>, CardReaderError> {
        let card = card.borrowed();
        self.host
            .call(async |host| card_reader::HostCard::transmit(host, card, command.to_vec()).await)
            .map_err(convert::errors::card_reader)
    }
}

impl<'a, H: Host> PinEntry for Native<'a, H> {
    type Pin = Pin<'a, H>;

    fn enter_pin(&mut self, rules: PinRules) -> Result<Self::Pin, PinEntryError> {
        let rules = convert::pin_entry::rules(rules);
        host!(self, pin_entry::enter_pin(rules))
            .map(|pin| Pin::new(&self.host, &pin))
            .map_err(convert::errors::pin_entry)
    }

    fn verify_offline(
        &mut self,
        pin: Self::Pin,
        card: &Self::Card,
        method: &OfflinePinMethod,
    ) -> Result<u16, PinEntryError> {
        let method = convert::pin_entry::method(method);
        let (pin, card) = (pin.spend(), card.borrowed());
        host!(self, pin_entry::verify_offline(pin, card, method))
            .map_err(convert::errors::pin_entry)
    }
}

impl<H: Host> Crypto for Native<'_, H> {
    fn encrypt_pin(
        &mut self,
        pin: Self::Pin,
        pan: &[u8],
        format: PinBlockFormat,
    ) -> Result<Protected, CryptoError> {
        let format = convert::crypto::pin_block_format(format);
        let pin = pin.spend();
        host!(self, crypto::encrypt_pin(pin, pan.to_vec(), format))
            .map(convert::crypto::protected)
            .map_err(convert::errors::crypto)
    }

    fn encrypt_data(&mut self, data: &[u8]) -> Result<Protected, CryptoError> {
        host!(self, crypto::encrypt_data(data.to_vec()))
            .map(convert::crypto::protected)
            .map_err(convert::errors::crypto)
    }

    fn next_key_serial_number(&mut self, algorithm: MacAlgorithm) -> Result<Vec<u8>, CryptoError> {
        let algorithm = convert::crypto::mac_algorithm(algorithm);
        host!(self, crypto::next_key_serial_number(algorithm)).map_err(convert::errors::crypto)
    }

    fn generate_mac(
        &mut self,
        message: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<Protected, CryptoError> {
        let algorithm = convert::crypto::mac_algorithm(algorithm);
        host!(self, crypto::generate_mac(message.to_vec(), algorithm))
            .map(convert::crypto::protected)
            .map_err(convert::errors::crypto)
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
            .map_err(convert::errors::crypto)
    }

    fn rsa_recover(&mut self, modulus: &[u8], exponent: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let (modulus, exponent, data) = (modulus.to_vec(), exponent.to_vec(), data.to_vec());
        host!(self, crypto::rsa_recover(modulus, exponent, data)).ok()
    }

    fn random(&mut self, length: u32) -> Vec<u8> {
        host!(self, crypto::random(length))
    }
}

impl<H: Host> Display for Native<'_, H> {
    fn show(&mut self, message: DisplayMessage) {
        let message = convert::people::message(message);
        host!(self, display::show(message));
    }

    fn present_card(&mut self, amount: Amount, currency: u16) {
        host!(self, display::present_card(amount.minor(), currency));
    }

    fn choose_application(
        &mut self,
        labels: &[Vec<u8>],
        timeout_ms: u32,
    ) -> Result<u32, DisplayError> {
        host!(
            self,
            display::choose_application(labels.to_vec(), timeout_ms)
        )
        .map_err(convert::errors::display)
    }
}

impl<H: Host> Printer for Native<'_, H> {
    fn print(&mut self, lines: &[Line]) -> Result<(), PrinterError> {
        let lines = lines.iter().map(convert::people::line).collect();
        host!(self, printer::print(lines)).map_err(convert::errors::printer)
    }
}

impl<H: Host> PointOfSale for Native<'_, H> {
    fn report(&mut self, progress: Progress) {
        let progress = convert::people::progress(progress);
        host!(self, point_of_sale::report(progress));
    }

    fn proceed(&mut self) -> bool {
        host!(self, point_of_sale::proceed())
    }

    fn authorise_online(
        &mut self,
        request: &OnlineRequest,
        timeout_ms: u32,
    ) -> Result<OnlineAnswer, NoDecision> {
        let request = convert::people::online_request(request);
        host!(self, point_of_sale::authorise_online(request, timeout_ms))
            .map(convert::people::online_answer)
            .map_err(convert::people::no_decision)
    }
}

impl<H: Host> AcquirerLink for Native<'_, H> {
    fn exchange(&mut self, request: &[u8], timeout_ms: u32) -> Result<Vec<u8>, LinkError> {
        host!(self, acquirer_link::exchange(request.to_vec(), timeout_ms))
            .map_err(convert::errors::acquirer_link)
    }
}

impl<H: Host> Journal for Native<'_, H> {
    fn append(&mut self, id: &str, phase: Phase, content: &[u8]) -> Result<(), JournalError> {
        let phase = convert::journal::phase(phase);
        host!(
            self,
            journal::append(id.to_owned(), phase, content.to_vec())
        )
        .map(|_| ())
        .map_err(convert::errors::journal)
    }

    fn append_approval(
        &mut self,
        id: &str,
        phase: Phase,
        content: &[u8],
        account: &Account,
    ) -> Result<(), JournalError> {
        let phase = convert::journal::phase(phase);
        let (id, account) = (id.to_owned(), convert::journal::account(account));
        host!(
            self,
            journal::append_approval(id, phase, content.to_vec(), account)
        )
        .map(|_| ())
        .map_err(convert::errors::journal)
    }

    fn last_payment(&mut self, account: &Account) -> Result<Option<u64>, JournalError> {
        let account = convert::journal::account(account);
        host!(self, journal::last_payment(account)).map_err(convert::errors::journal)
    }

    fn unsettled(
        &mut self,
        after_sequence: u64,
        count_max: u32,
    ) -> Result<Vec<Entry>, JournalError> {
        host!(self, journal::unsettled(after_sequence, count_max))
            .map(|entries| entries.into_iter().map(convert::journal::entry).collect())
            .map_err(convert::errors::journal)
    }

    fn batch(&mut self, after_sequence: u64, count_max: u32) -> Result<Vec<Entry>, JournalError> {
        host!(self, journal::batch(after_sequence, count_max))
            .map(|entries| entries.into_iter().map(convert::journal::entry).collect())
            .map_err(convert::errors::journal)
    }

    fn last_entry(&mut self, id: &str) -> Result<Option<Entry>, JournalError> {
        host!(self, journal::last_entry(id.to_owned()))
            .map(|last| last.map(convert::journal::entry))
            .map_err(convert::errors::journal)
    }

    fn next(&mut self, counter: Counter) -> Result<u32, JournalError> {
        let counter = convert::journal::counter(counter);
        host!(self, journal::next(counter)).map_err(convert::errors::journal)
    }
}

impl<H: Host> Trace for Native<'_, H> {
    fn record_event(&mut self, event: TraceEvent) {
        let event = convert::trace::event(event);
        host!(self, trace::record_event(event));
    }
}
