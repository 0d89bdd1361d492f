//! The card in the reader: what it gave, and the kernel's way to it.

use emv::ports as kernel;
use emv::{CardData, Identity, Method, Pan, Tag};

use crate::configuration::{Configuration, ca_public_key, elliptic_ca_public_key};
use crate::money::Amount;
use crate::outcome::{CardDetails, CardholderVerification, CryptogramType, Ending, Outcome};
use crate::parameters::Scheme;
use crate::payer::{Payer, account};
use crate::ports::{
    CardReaderError, DetectedCard, DisplayError, DisplayMessage, EntryMode, PinEntryError,
    PinRules, Progress, Terminal, TraceEvent,
};
use crate::stripe::Stripe;
use crate::trace;

/// How a card was read, as messages tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Its chip, in the contact slot.
    Contact,
    /// Its stripe, and it has no chip.
    Magstripe,
    /// Its stripe, since its chip could not be used.
    Fallback,
}

/// Lengths of a PIN (ISO 9564-1).
pub(crate) const PIN_DIGITS_MIN: u8 = 4;
pub(crate) const PIN_DIGITS_MAX: u8 = 12;

/// What a card gave, as far as messages, receipts and the record need it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CardFacts {
    /// How it was read.
    pub(crate) reading: Reading,
    /// Who pays, once it was read.
    pub(crate) payer: Option<Payer>,
    /// Field 55; empty for a stripe.
    pub(crate) chip_data: Vec<u8>,
    /// What is reported. `None` before the card has said who it belongs to.
    pub(crate) details: Option<CardDetails>,
}

impl CardFacts {
    /// Takes them out of what the kernel holds.
    pub(crate) fn of_contact(card: &CardData, configuration: &Configuration) -> Self {
        let tags: Vec<Tag> = configuration
            .codec
            .dialect()
            .chip_data_tags
            .iter()
            .map(|tag| Tag::new(*tag))
            .collect();
        let details = card.identity().map(|identity| CardDetails {
            entry_mode: EntryMode::Contact,
            scheme: configuration.scheme_of(identity.aid.as_bytes()),
            masked_pan: identity.pan.masked(),
            aid: identity.aid.as_bytes().to_vec(),
            application_label: identity.label.clone(),
            tvr: card.tvr().to_bytes(),
            tsi: card.tsi().to_bytes(),
            cryptogram: card.cryptogram_type().map(cryptogram),
            verification: card
                .verification()
                .map(|verification| method(verification.method)),
        });
        Self {
            reading: Reading::Contact,
            payer: card.identity().map(Payer::of_chip),
            chip_data: card.encode(&tags),
            details,
        }
    }

    /// Takes them out of what a stripe said.
    pub(crate) fn of_stripe(
        stripe: &Stripe,
        scheme: Scheme,
        reading: Reading,
        verification: CardholderVerification,
    ) -> Self {
        Self {
            reading,
            payer: Some(stripe.payer()),
            chip_data: Vec::new(),
            details: Some(CardDetails {
                entry_mode: EntryMode::Magstripe,
                scheme,
                masked_pan: stripe.pan().masked(),
                aid: Vec::new(),
                application_label: Vec::new(),
                tvr: [0; 5],
                tsi: [0; 2],
                cryptogram: None,
                verification: Some(verification),
            }),
        }
    }

    /// What the original's card gave; there is none to be read again.
    pub(crate) const fn of_original(details: Option<CardDetails>) -> Self {
        Self {
            reading: Reading::Contact,
            payer: None,
            chip_data: Vec::new(),
            details,
        }
    }

    /// An end with nothing but the card known.
    pub(crate) fn outcome(&self, ending: Ending) -> Outcome {
        Outcome {
            card: self.details.clone(),
            ..Outcome::without_card(ending)
        }
    }
}

fn cryptogram(kind: emv::CryptogramType) -> CryptogramType {
    match kind {
        emv::CryptogramType::Tc => CryptogramType::Tc,
        emv::CryptogramType::Arqc => CryptogramType::Arqc,
        emv::CryptogramType::Aac => CryptogramType::Aac,
    }
}

fn method(method: Method) -> CardholderVerification {
    match method {
        Method::Failed => CardholderVerification::Failed,
        Method::NoCvm => CardholderVerification::None,
        Method::OnlinePin | Method::OfflinePin => CardholderVerification::Pin,
        Method::OfflinePinAndSignature | Method::Signature => CardholderVerification::Signature,
    }
}

/// The card and everything around it, as the kernel sees them. Dropping it powers the card down
/// and wipes a PIN that was not spent.
pub(crate) struct Dialogue<'a, T: Terminal> {
    pub(crate) terminal: &'a mut T,
    pub(crate) configuration: &'a Configuration,
    pub(crate) card: T::Card,
    pub(crate) amount: Amount,
    pub(crate) currency: u16,
    /// A PIN taken for the issuer and not spent yet.
    pub(crate) pin: Option<T::Pin>,
    /// Whether the card was taken out.
    pub(crate) removed: bool,
}

impl<T: Terminal> Dialogue<'_, T> {
    fn enter_pin(&mut self, prompt: kernel::PinPrompt) -> Result<T::Pin, PinEntryError> {
        self.terminal.report(Progress::EnteringPin);
        let entered = self.terminal.enter_pin(PinRules {
            prompt,
            amount: self.amount,
            currency: self.currency,
            digits_min: PIN_DIGITS_MIN,
            digits_max: PIN_DIGITS_MAX,
            allow_bypass: self.configuration.pin_bypass_allowed,
            key_timeout_ms: self.configuration.timeouts.key_ms,
        });
        self.note_removal(&entered);
        entered
    }

    fn note_removal<R>(&mut self, result: &Result<R, PinEntryError>) {
        self.removed |= matches!(result, Err(PinEntryError::CardRemoved));
    }
}

/// How a PIN dialogue ended, when no PIN came of it.
enum NoPin {
    Bypassed,
    Unavailable,
    ChallengeRefused,
    Interrupted(kernel::Interruption),
}

fn no_pin(error: PinEntryError) -> NoPin {
    match error {
        PinEntryError::Bypassed => NoPin::Bypassed,
        PinEntryError::KeypadFault => NoPin::Unavailable,
        PinEntryError::ChallengeRefused => NoPin::ChallengeRefused,
        PinEntryError::TimedOut => NoPin::Interrupted(kernel::Interruption::TimedOut),
        PinEntryError::Cancelled => NoPin::Interrupted(kernel::Interruption::Cancelled),
        PinEntryError::Aborted => NoPin::Interrupted(kernel::Interruption::Aborted),
        PinEntryError::CardRemoved => {
            NoPin::Interrupted(kernel::Interruption::Card(kernel::CardFault::Removed))
        }
    }
}

impl<T: Terminal> kernel::Card for Dialogue<'_, T> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, kernel::CardFault> {
        let answer = self.terminal.transmit(&self.card, command);
        self.removed |= matches!(answer, Err(CardReaderError::CardRemoved));
        answer.map_err(|error| match error {
            CardReaderError::CardRemoved => kernel::CardFault::Removed,
            CardReaderError::ReaderFault => kernel::CardFault::Reader,
            CardReaderError::TimedOut
            | CardReaderError::Cancelled
            | CardReaderError::Aborted
            | CardReaderError::CardCollision
            | CardReaderError::CardUnresponsive => kernel::CardFault::Unresponsive,
        })
    }
}

impl<T: Terminal> kernel::Cardholder for Dialogue<'_, T> {
    fn choose_application(&mut self, labels: &[Vec<u8>]) -> Result<usize, kernel::Interruption> {
        let offered = labels.get(..labels.len().min(16)).unwrap_or_default();
        let key_ms = self.configuration.timeouts.key_ms;
        match self.terminal.choose_application(offered, key_ms) {
            Ok(index) => Ok(usize::try_from(index).unwrap_or(usize::MAX)),
            Err(DisplayError::TimedOut) => Err(kernel::Interruption::TimedOut),
            Err(DisplayError::Cancelled) => Err(kernel::Interruption::Cancelled),
            Err(DisplayError::Aborted) => Err(kernel::Interruption::Aborted),
        }
    }

    fn choice_refused(&mut self) {
        self.terminal.show(DisplayMessage::TryAgain);
    }

    fn enter_online_pin(&mut self) -> Result<kernel::PinEntry, kernel::Interruption> {
        match self.enter_pin(kernel::PinPrompt::Enter) {
            Ok(pin) => {
                self.pin = Some(pin);
                Ok(kernel::PinEntry::Entered)
            }
            Err(error) => match no_pin(error) {
                NoPin::Bypassed => Ok(kernel::PinEntry::Bypassed),
                // No challenge is asked for where no card verifies the PIN.
                NoPin::Unavailable | NoPin::ChallengeRefused => Ok(kernel::PinEntry::Unavailable),
                NoPin::Interrupted(interruption) => Err(interruption),
            },
        }
    }

    fn verify_offline_pin(
        &mut self,
        prompt: kernel::PinPrompt,
        method: &kernel::OfflinePinMethod,
    ) -> Result<kernel::OfflinePinEntry, kernel::Interruption> {
        let entered = self.enter_pin(prompt);
        let answered =
            entered.and_then(|pin| self.terminal.verify_offline(pin, &self.card, method));
        self.note_removal(&answered);
        match answered {
            Ok(status) => Ok(kernel::OfflinePinEntry::Answered(status)),
            Err(error) => match no_pin(error) {
                NoPin::Bypassed => Ok(kernel::OfflinePinEntry::Bypassed),
                NoPin::Unavailable => Ok(kernel::OfflinePinEntry::Unavailable),
                NoPin::ChallengeRefused => Ok(kernel::OfflinePinEntry::ChallengeRefused),
                NoPin::Interrupted(interruption) => Err(interruption),
            },
        }
    }
}

impl<T: Terminal> kernel::Tools for Dialogue<'_, T> {
    fn rsa_recover(&mut self, modulus: &[u8], exponent: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        self.terminal.rsa_recover(modulus, exponent, data)
    }

    fn unpredictable_number(&mut self) -> [u8; 4] {
        self.terminal.random(4).try_into().unwrap_or_default()
    }

    fn ca_public_key(&mut self, rid: &[u8; 5], index: u8) -> Option<emv::parameters::CaPublicKey> {
        self.terminal
            .find_ca_public_key(rid, index)
            .and_then(ca_public_key)
    }

    fn ecc_ca_public_key(
        &mut self,
        rid: &[u8; 5],
        index: u8,
    ) -> Option<emv::parameters::EccCaPublicKey> {
        self.terminal
            .find_elliptic_ca_public_key(rid, index)
            .and_then(elliptic_ca_public_key)
    }

    fn issuer_certificate_revoked(&mut self, rid: &[u8; 5], index: u8, serial: [u8; 3]) -> bool {
        self.terminal
            .is_issuer_certificate_revoked(rid, index, &serial)
    }

    fn on_exception_file(&mut self, pan: &Pan, sequence_number: Option<u8>) -> bool {
        self.terminal
            .is_on_exception_file(&pan.compressed(), sequence_number)
    }

    /// A log that cannot be read proves nothing: the card may have paid any amount.
    fn logged_amount(&mut self, pan: &Pan, sequence_number: Option<u8>) -> u64 {
        let paid = self.terminal.last_payment(&account(pan, sequence_number));
        let Ok(paid) = paid else {
            trace::note(self.terminal, &trace::CARD_LOG_UNREADABLE);
            return u64::MAX;
        };
        paid.unwrap_or(0)
    }

    fn card_identified(&mut self, identity: &Identity) {
        let scheme = self.configuration.scheme_of(identity.aid.as_bytes());
        self.terminal.report(Progress::CardDetected(DetectedCard {
            entry_mode: EntryMode::Contact,
            scheme,
            masked_pan: identity.pan.masked(),
        }));
    }

    fn record(&mut self, event: emv::trace::Event) {
        self.terminal.record_event(TraceEvent::Kernel(event));
    }
}
