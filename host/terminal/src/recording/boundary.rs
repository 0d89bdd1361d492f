//! What a guest calls: the terminal, with a tape beside it, or a tape alone.
//!
//! Each function of the world stands here once. Handles are kept as numbers; the host gives a number
//! to a card and to a PIN in the order in which they come, so they are the same in a replay.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wasmtime::{
    Result, StoreLimits,
    component::{HasSelf, Linker, Resource},
};

use super::{SharedTape, replay::Playback};
use crate::{
    bindings::{
        card_reader,
        terminal::{
            acquirer_link::acquirer_link, crypto::crypto, display::display, journal::journal,
            parameters::parameters, pin_entry::pin_entry, point_of_sale::point_of_sale,
            printer::printer, trace::trace,
        },
    },
    card_reader::ActiveCard,
    observer::Point,
    pin_entry::EnteredPin,
    terminal::{self, Capabilities, Terminal},
};

/// The call that records a decision.
pub(super) const RECORD_EVENT: &str = "trace.record-event";

/// The data of one store: made for one call of the guest and dropped after it.
pub struct Boundary {
    side: Side,
    /// The limits the guest lives in.
    pub(crate) limits: StoreLimits,
}

/// Who answers the guest.
enum Side {
    /// The terminal. What crosses is taken down.
    Terminal(Box<Terminal>, SharedTape),
    /// A recording.
    Recording(Playback),
}

impl Boundary {
    /// The terminal behind the boundary.
    pub(crate) fn to_terminal(capabilities: Capabilities, tape: SharedTape) -> Self {
        Self {
            side: Side::Terminal(Box::new(Terminal::new(capabilities)), tape),
            limits: terminal::limits(),
        }
    }

    /// A recording behind the boundary.
    pub(super) fn to_recording(playback: Playback) -> Self {
        Self {
            side: Side::Recording(playback),
            limits: terminal::limits(),
        }
    }

    /// Tells whoever watches the terminal.
    pub(crate) fn at(&self, point: Point) {
        if let Side::Terminal(terminal, _) = &self.side {
            terminal.observer.at(point);
        }
    }

    /// Links every capability, in the order of `wit/world.wit`.
    pub(crate) fn link(linker: &mut Linker<Self>) -> Result<()> {
        parameters::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        card_reader::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        pin_entry::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        crypto::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        display::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        printer::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        point_of_sale::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        acquirer_link::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        journal::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        trace::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)
    }

    /// The guest asks. The answer is there when a recording gives it; else the terminal must.
    fn ask<A, R>(&mut self, function: &'static str, arguments: &A) -> Result<Asked<'_, R>>
    where
        A: Serialize + DeserializeOwned + std::fmt::Debug,
        R: DeserializeOwned,
    {
        match &mut self.side {
            Side::Terminal(terminal, tape) => {
                tape.asked(function, arguments);
                Ok(Asked::Terminal(terminal, tape))
            }
            Side::Recording(playback) => playback.answer(function, arguments).map(Asked::Answered),
        }
    }
}

/// What comes of asking.
enum Asked<'a, R> {
    Terminal(&'a mut Terminal, &'a SharedTape),
    Answered(R),
}

/// Passes one call on: its name, its arguments as they are kept, the terminal's function and its
/// arguments.
macro_rules! cross {
    ($self:ident, $name:expr, ($($kept:expr),*), $function:path, $($argument:ident),*) => {
        match $self.ask($name, &($(kept(&$kept),)*))? {
            Asked::Answered(answer) => Ok(answer),
            Asked::Terminal(terminal, tape) => {
                let answer = $function(terminal, $($argument),*).await?;
                tape.answered(&answer);
                Ok(answer)
            }
        }
    };
}

/// An argument as it is kept: the call itself uses it up.
fn kept<T: Clone>(argument: &T) -> T {
    argument.clone()
}

type Answer<T, E> = Result<std::result::Result<T, E>>;

impl parameters::Host for Boundary {
    async fn terminal_data(&mut self) -> Result<parameters::Terminal> {
        cross!(
            self,
            "parameters.terminal-data",
            (),
            parameters::Host::terminal_data,
        )
    }

    async fn time_limits(&mut self) -> Result<parameters::Timeouts> {
        cross!(
            self,
            "parameters.time-limits",
            (),
            parameters::Host::time_limits,
        )
    }

    async fn applications(&mut self) -> Result<Vec<parameters::Application>> {
        cross!(
            self,
            "parameters.applications",
            (),
            parameters::Host::applications,
        )
    }

    async fn find_ca_public_key(
        &mut self,
        rid: Vec<u8>,
        index: u8,
    ) -> Result<Option<parameters::CaPublicKey>> {
        cross!(
            self,
            "parameters.find-ca-public-key",
            (rid, index),
            parameters::Host::find_ca_public_key,
            rid,
            index
        )
    }

    async fn acquirer_data(&mut self) -> Result<parameters::Acquirer> {
        cross!(
            self,
            "parameters.acquirer-data",
            (),
            parameters::Host::acquirer_data,
        )
    }
}

/// A presented card as it is kept: a chip is the number of its handle.
#[derive(Serialize, Deserialize)]
enum Presented {
    Contact(u32),
    Contactless(u32),
    Magstripe(Option<Vec<u8>>, Option<Vec<u8>>),
}

impl From<&card_reader::PresentedCard> for Presented {
    fn from(card: &card_reader::PresentedCard) -> Self {
        match card {
            card_reader::PresentedCard::Contact(card) => Self::Contact(card.rep()),
            card_reader::PresentedCard::Contactless(card) => Self::Contactless(card.rep()),
            card_reader::PresentedCard::Magstripe(tracks) => {
                Self::Magstripe(tracks.track_1.clone(), tracks.track_2.clone())
            }
        }
    }
}

impl From<Presented> for card_reader::PresentedCard {
    fn from(card: Presented) -> Self {
        match card {
            Presented::Contact(handle) => Self::Contact(Resource::new_own(handle)),
            Presented::Contactless(handle) => Self::Contactless(Resource::new_own(handle)),
            Presented::Magstripe(track_1, track_2) => {
                Self::Magstripe(card_reader::MagstripeTracks { track_1, track_2 })
            }
        }
    }
}

impl card_reader::Host for Boundary {
    async fn wait_for_card(
        &mut self,
        accepted: card_reader::Technologies,
        timeout_ms: u32,
    ) -> Answer<card_reader::PresentedCard, card_reader::ErrorCode> {
        type Kept = std::result::Result<Presented, card_reader::ErrorCode>;
        match self.ask::<_, Kept>("card-reader.wait-for-card", &(accepted, timeout_ms))? {
            Asked::Answered(answer) => Ok(answer.map(Into::into)),
            Asked::Terminal(terminal, tape) => {
                let answer =
                    card_reader::Host::wait_for_card(terminal, accepted, timeout_ms).await?;
                tape.answered(&answer.as_ref().map(Presented::from));
                Ok(answer)
            }
        }
    }
}

impl card_reader::HostCard for Boundary {
    async fn transmit(
        &mut self,
        card: Resource<ActiveCard>,
        command: Vec<u8>,
    ) -> Answer<Vec<u8>, card_reader::ErrorCode> {
        cross!(
            self,
            "card-reader.transmit",
            (card.rep(), command),
            card_reader::HostCard::transmit,
            card,
            command
        )
    }

    async fn drop(&mut self, card: Resource<ActiveCard>) -> Result<()> {
        cross!(
            self,
            "card-reader.drop-card",
            (card.rep()),
            card_reader::HostCard::drop,
            card
        )
    }
}

impl pin_entry::Host for Boundary {
    async fn enter_pin(
        &mut self,
        rules: pin_entry::PinRules,
    ) -> Answer<Resource<EnteredPin>, pin_entry::ErrorCode> {
        type Kept = std::result::Result<u32, pin_entry::ErrorCode>;
        match self.ask::<_, Kept>("pin-entry.enter-pin", &(rules,))? {
            Asked::Answered(answer) => Ok(answer.map(Resource::new_own)),
            Asked::Terminal(terminal, tape) => {
                let answer = pin_entry::Host::enter_pin(terminal, rules).await?;
                tape.answered(&answer.as_ref().map(Resource::rep));
                Ok(answer)
            }
        }
    }

    async fn verify_offline(
        &mut self,
        pin: Resource<EnteredPin>,
        card: Resource<ActiveCard>,
        method: pin_entry::OfflineMethod,
    ) -> Answer<u16, pin_entry::ErrorCode> {
        cross!(
            self,
            "pin-entry.verify-offline",
            (pin.rep(), card.rep(), method),
            pin_entry::Host::verify_offline,
            pin,
            card,
            method
        )
    }
}

impl pin_entry::HostEnteredPin for Boundary {
    async fn drop(&mut self, pin: Resource<EnteredPin>) -> Result<()> {
        cross!(
            self,
            "pin-entry.drop-pin",
            (pin.rep()),
            pin_entry::HostEnteredPin::drop,
            pin
        )
    }
}

impl crypto::Host for Boundary {
    async fn encrypt_pin(
        &mut self,
        pin: Resource<EnteredPin>,
        pan: Vec<u8>,
        format: crypto::PinBlockFormat,
    ) -> Answer<crypto::Protected, crypto::ErrorCode> {
        cross!(
            self,
            "crypto.encrypt-pin",
            (pin.rep(), pan, format),
            crypto::Host::encrypt_pin,
            pin,
            pan,
            format
        )
    }

    async fn next_key_serial_number(
        &mut self,
        algorithm: crypto::MacAlgorithm,
    ) -> Answer<Vec<u8>, crypto::ErrorCode> {
        cross!(
            self,
            "crypto.next-key-serial-number",
            (algorithm),
            crypto::Host::next_key_serial_number,
            algorithm
        )
    }

    async fn generate_mac(
        &mut self,
        message: Vec<u8>,
        algorithm: crypto::MacAlgorithm,
    ) -> Answer<crypto::Protected, crypto::ErrorCode> {
        cross!(
            self,
            "crypto.generate-mac",
            (message, algorithm),
            crypto::Host::generate_mac,
            message,
            algorithm
        )
    }

    async fn verify_mac(
        &mut self,
        message: Vec<u8>,
        mac: Vec<u8>,
        key_serial_number: Vec<u8>,
        algorithm: crypto::MacAlgorithm,
    ) -> Answer<bool, crypto::ErrorCode> {
        cross!(
            self,
            "crypto.verify-mac",
            (message, mac, key_serial_number, algorithm),
            crypto::Host::verify_mac,
            message,
            mac,
            key_serial_number,
            algorithm
        )
    }

    async fn encrypt_data(
        &mut self,
        data: Vec<u8>,
    ) -> Answer<crypto::Protected, crypto::ErrorCode> {
        cross!(
            self,
            "crypto.encrypt-data",
            (data),
            crypto::Host::encrypt_data,
            data
        )
    }

    async fn rsa_recover(
        &mut self,
        modulus: Vec<u8>,
        exponent: Vec<u8>,
        data: Vec<u8>,
    ) -> Answer<Vec<u8>, crypto::ErrorCode> {
        cross!(
            self,
            "crypto.rsa-recover",
            (modulus, exponent, data),
            crypto::Host::rsa_recover,
            modulus,
            exponent,
            data
        )
    }

    async fn random(&mut self, length: u32) -> Result<Vec<u8>> {
        cross!(
            self,
            "crypto.random",
            (length),
            crypto::Host::random,
            length
        )
    }
}

impl display::Host for Boundary {
    async fn show(&mut self, message: display::Message) -> Result<()> {
        cross!(
            self,
            "display.show",
            (message),
            display::Host::show,
            message
        )
    }

    async fn present_card(&mut self, amount_minor: u64, currency: u16) -> Result<()> {
        cross!(
            self,
            "display.present-card",
            (amount_minor, currency),
            display::Host::present_card,
            amount_minor,
            currency
        )
    }

    async fn choose_application(
        &mut self,
        labels: Vec<Vec<u8>>,
        timeout_ms: u32,
    ) -> Answer<u32, display::ErrorCode> {
        cross!(
            self,
            "display.choose-application",
            (labels, timeout_ms),
            display::Host::choose_application,
            labels,
            timeout_ms
        )
    }
}

impl printer::Host for Boundary {
    async fn print(&mut self, lines: Vec<printer::Line>) -> Answer<(), printer::ErrorCode> {
        cross!(self, "printer.print", (lines), printer::Host::print, lines)
    }
}

impl point_of_sale::Host for Boundary {
    async fn report(&mut self, progress: point_of_sale::Progress) -> Result<()> {
        cross!(
            self,
            "point-of-sale.report",
            (progress),
            point_of_sale::Host::report,
            progress
        )
    }

    async fn proceed(&mut self) -> Result<bool> {
        cross!(
            self,
            "point-of-sale.proceed",
            (),
            point_of_sale::Host::proceed,
        )
    }

    async fn authorise_online(
        &mut self,
        request: point_of_sale::OnlineRequest,
        timeout_ms: u32,
    ) -> Answer<point_of_sale::OnlineAnswer, point_of_sale::ErrorCode> {
        cross!(
            self,
            "point-of-sale.authorise-online",
            (request, timeout_ms),
            point_of_sale::Host::authorise_online,
            request,
            timeout_ms
        )
    }

    async fn accept_signature(
        &mut self,
        timeout_ms: u32,
    ) -> Answer<bool, point_of_sale::ErrorCode> {
        cross!(
            self,
            "point-of-sale.accept-signature",
            (timeout_ms),
            point_of_sale::Host::accept_signature,
            timeout_ms
        )
    }

    async fn confirm_partial_approval(
        &mut self,
        amount_minor: u64,
        timeout_ms: u32,
    ) -> Answer<bool, point_of_sale::ErrorCode> {
        cross!(
            self,
            "point-of-sale.confirm-partial-approval",
            (amount_minor, timeout_ms),
            point_of_sale::Host::confirm_partial_approval,
            amount_minor,
            timeout_ms
        )
    }
}

impl acquirer_link::Host for Boundary {
    async fn exchange(
        &mut self,
        request: Vec<u8>,
        timeout_ms: u32,
    ) -> Answer<Vec<u8>, acquirer_link::ErrorCode> {
        cross!(
            self,
            "acquirer-link.exchange",
            (request, timeout_ms),
            acquirer_link::Host::exchange,
            request,
            timeout_ms
        )
    }
}

impl journal::Host for Boundary {
    async fn append(
        &mut self,
        transaction_id: String,
        phase: journal::Phase,
        content: Vec<u8>,
    ) -> Answer<u64, journal::ErrorCode> {
        cross!(
            self,
            "journal.append",
            (transaction_id, phase, content),
            journal::Host::append,
            transaction_id,
            phase,
            content
        )
    }

    async fn unsettled(
        &mut self,
        after_sequence: u64,
        count_max: u32,
    ) -> Answer<Vec<journal::Entry>, journal::ErrorCode> {
        cross!(
            self,
            "journal.unsettled",
            (after_sequence, count_max),
            journal::Host::unsettled,
            after_sequence,
            count_max
        )
    }

    async fn last_entry(
        &mut self,
        transaction_id: String,
    ) -> Answer<Option<journal::Entry>, journal::ErrorCode> {
        cross!(
            self,
            "journal.last-entry",
            (transaction_id),
            journal::Host::last_entry,
            transaction_id
        )
    }

    async fn next(&mut self, counter: journal::Counter) -> Answer<u32, journal::ErrorCode> {
        cross!(
            self,
            "journal.next",
            (counter),
            journal::Host::next,
            counter
        )
    }
}

impl trace::Host for Boundary {
    async fn record_event(&mut self, event: trace::Event) -> Result<()> {
        cross!(
            self,
            RECORD_EVENT,
            (event),
            trace::Host::record_event,
            event
        )
    }
}
