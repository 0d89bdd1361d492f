//! Asks for a card until one is read that decides, or none will.

use emv::{Decision, HostAnswer, contact};

use super::attempts::{Attempts, Next, Policy, Unread, unread};
use super::offline::{self, Unanswered};
use super::{Concluded, Running, Service, granular, online, reading, swiped};
use crate::card::{CardFacts, Dialogue, Reading};
use crate::outcome::{CancelReason, CardholderVerification, Ending, Error, Failure, Outcome};
use crate::parameters::MagstripeRules;
use crate::ports::{CardReaderError, Counter, PresentedCard, Progress, Terminal};
use crate::record::Record;
use crate::stripe::Stripe;
use crate::trace;

/// How a transaction ended, and where its card is.
pub(super) struct Served {
    pub(super) concluded: Result<Concluded, Error>,
    pub(super) card: Whereabouts,
}

/// Where the card is when a transaction has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// In the slot.
    InTheSlot,
    /// In the cardholder's hand, where it should be.
    InTheHand,
    /// In the cardholder's hand, too early.
    TakenOut,
}

/// What one card came to.
enum Came {
    /// The transaction has ended.
    Concluded(Box<Result<Concluded, Error>>),
    /// The card gave no decision, and may be presented again.
    Unread(Unread),
    /// No card came, or the reader failed.
    Nothing(Ending),
}

/// Asks for a card, hands it to the kernel or reads its stripe, and asks again as long as
/// [`Attempts`] says so.
pub(super) fn serve<T: Terminal>(terminal: &mut T, running: &Running<'_>) -> Served {
    let rules = running.configuration.magstripe.as_ref();
    let mut attempts = Attempts::new(Policy::of(rules, running.request.accepted));
    let mut sequence = None;
    terminal.present_card(running.payment.total, running.payment.currency);
    loop {
        terminal.report(Progress::WaitingForCard);
        let timeout_ms = running.configuration.timeouts.card_ms;
        let presented = terminal.wait_for_card(attempts.accepted(), timeout_ms);
        let (came, card) = match presented {
            Ok(PresentedCard::Contact(card)) => with_chip(terminal, running, card, &mut sequence),
            Ok(PresentedCard::Magstripe(track)) => {
                let came = with_stripe(terminal, running, track.as_deref(), &attempts);
                (came, Whereabouts::InTheHand)
            }
            Ok(PresentedCard::Contactless(_)) => (
                Came::Nothing(Ending::Failed(Failure::CardNotAccepted)),
                Whereabouts::InTheHand,
            ),
            Err(error) => (without_card(error), Whereabouts::InTheHand),
        };
        let ending = match came {
            Came::Concluded(concluded) => {
                let concluded = *concluded;
                return Served { concluded, card };
            }
            Came::Nothing(ending) => ending,
            Came::Unread(unread) => match attempts.after(unread) {
                Next::Ask(message, rule) => {
                    trace::note(terminal, rule);
                    terminal.show(message);
                    continue;
                }
                Next::End(ending, rule) => {
                    trace::note(terminal, rule);
                    ending
                }
            },
        };
        let record = Record::closed(Outcome::without_card(ending));
        let concluded = running.ended(terminal, record, ending);
        return Served { concluded, card };
    }
}

/// What it means that the reader gave no card.
const fn without_card(error: CardReaderError) -> Came {
    Came::Nothing(match error {
        CardReaderError::TimedOut => Ending::Cancelled(CancelReason::NoCard),
        CardReaderError::Cancelled => Ending::Cancelled(CancelReason::Cardholder),
        CardReaderError::Aborted => Ending::Cancelled(CancelReason::PointOfSale),
        CardReaderError::CardRemoved => return Came::Unread(Unread::ChipRemoved),
        CardReaderError::CardUnresponsive => return Came::Unread(Unread::ChipFaulty),
        CardReaderError::CardCollision => Ending::Failed(Failure::CardUnreadable),
        CardReaderError::ReaderFault => Ending::Failed(Failure::DeviceFault),
    })
}

/// The kernel's part and what follows from its decision. The card is powered down at the end.
fn with_chip<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    card: T::Card,
    sequence: &mut Option<u32>,
) -> (Came, Whereabouts) {
    // A card that is inserted again is still of the same transaction.
    let number = match *sequence {
        Some(number) => Ok(number),
        None => terminal.next(Counter::TransactionSequence),
    };
    let Ok(number) = number else {
        let failed = Came::Concluded(Box::new(Err(Error::JournalFault)));
        return (failed, Whereabouts::InTheSlot);
    };
    *sequence = Some(number);
    let mut dialogue = Dialogue {
        terminal,
        configuration: running.configuration,
        card,
        amount: running.payment.total,
        currency: running.payment.currency,
        pin: None,
        removed: false,
    };
    let came = converse(&mut dialogue, running, number);
    let whereabouts = if dialogue.removed {
        Whereabouts::TakenOut
    } else {
        Whereabouts::InTheSlot
    };
    (came, whereabouts)
}

fn converse<T: Terminal>(
    dialogue: &mut Dialogue<'_, T>,
    running: &Running<'_>,
    sequence: u32,
) -> Came {
    let terminal = &running.configuration.terminal;
    let applications = &running.configuration.applications;
    let transaction = running.kernel_transaction(sequence);
    let alone = Unanswered::DecidedAlone;
    let Service::Authorise(purpose) = running.service else {
        let concluded = match contact::read(dialogue, terminal, applications, &transaction) {
            Ok(card) => {
                let facts = CardFacts::of_contact(&card, running.configuration);
                reading::conclude(dialogue.terminal, running, &facts)
            }
            Err(ended) => match unread(&ended) {
                Some(unread) => return Came::Unread(unread),
                None => offline::conclude(dialogue, running, &Err(ended), alone),
            },
        };
        return Came::Concluded(Box::new(concluded));
    };
    let started = contact::start(dialogue, terminal, applications, &transaction);
    Came::Concluded(Box::new(match started {
        Ok(Decision::Online(request)) if running.granular() => {
            granular::ask(dialogue, running, request)
        }
        Ok(Decision::Online(request)) if running.acquirer_available => {
            online::ask(dialogue, running, purpose, request)
        }
        Ok(Decision::Online(request)) => {
            let completed = request.complete(dialogue, &HostAnswer::UnableToGoOnline);
            offline::conclude(dialogue, running, &completed, Unanswered::Blocked)
        }
        Ok(Decision::Approved(completed) | Decision::Declined(completed)) => {
            offline::conclude(dialogue, running, &Ok(completed), alone)
        }
        Err(ended) => match unread(&ended) {
            Some(unread) => return Came::Unread(unread),
            None => offline::conclude(dialogue, running, &Err(ended), alone),
        },
    }))
}

/// A stripe: the terminal takes it, or says why not.
fn with_stripe<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    track: Option<&Vec<u8>>,
    attempts: &Attempts,
) -> Came {
    let not_accepted = Came::Nothing(Ending::Failed(Failure::CardNotAccepted));
    let Some(rules) = running.configuration.magstripe.as_ref() else {
        return not_accepted;
    };
    let Some(stripe) = track.and_then(|track| Stripe::parse(track)) else {
        return Came::Unread(Unread::StripeMisread);
    };
    let code = stripe.service_code();
    if code.has_chip() && !attempts.fallback() {
        return Came::Unread(Unread::ChipBesideStripe);
    }
    let reading = if code.has_chip() {
        Reading::Fallback
    } else {
        Reading::Magstripe
    };
    taken(terminal, running, rules, &stripe, reading).unwrap_or(not_accepted)
}

/// Does what is asked with a stripe. `None` when its account or its service code is not taken here.
fn taken<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    rules: &MagstripeRules,
    stripe: &Stripe,
    reading: Reading,
) -> Option<Came> {
    let Some(scheme) = stripe.scheme(rules) else {
        trace::note(terminal, &trace::STRIPE_OUT_OF_RANGE);
        return None;
    };
    let Service::Authorise(purpose) = running.service else {
        let facts = CardFacts::of_stripe(stripe, scheme, reading, CardholderVerification::None);
        swiped::tell(terminal, &facts);
        let concluded = reading::conclude(terminal, running, &facts);
        return Some(Came::Concluded(Box::new(concluded)));
    };
    if !stripe.service_code().sells() {
        trace::note(terminal, &trace::STRIPE_SELLS_NOTHING);
        return None;
    }
    let pin_possible = running.configuration.online_pin_possible();
    let Some(method) =
        crate::stripe::method(stripe.service_code(), rules.verification, pin_possible)
    else {
        trace::note(terminal, &trace::STRIPE_NEEDS_PIN);
        return None;
    };
    let swiped = swiped::Swiped {
        stripe,
        scheme,
        reading,
        method,
        purpose,
    };
    Some(Came::Concluded(Box::new(swiped::pay(
        terminal, running, &swiped,
    ))))
}
