//! A payment with a magnetic stripe. It is never approved without its issuer: nothing about a stripe can
//! be checked here.

use super::{Concluded, Running, granular, next_trace_number, online};
use crate::card::{CardFacts, PIN_DIGITS_MAX, PIN_DIGITS_MIN, Reading};
use crate::iso8583::requests::Purpose;
use crate::outcome::{CancelReason, CardholderVerification, Ending, Error, Failure};
use crate::parameters::Scheme;
use crate::ports::{DetectedCard, PinEntryError, PinRules, Progress, Terminal};
use crate::record::Record;
use crate::stripe::{Stripe, StripeMethod};
use crate::trace;

/// A stripe that the terminal takes.
pub(super) struct Swiped<'a> {
    pub(super) stripe: &'a Stripe,
    pub(super) scheme: Scheme,
    pub(super) reading: Reading,
    pub(super) method: StripeMethod,
    pub(super) purpose: Purpose,
}

/// Says that a stripe was read, and why it was.
pub(super) fn tell<T: Terminal>(terminal: &mut T, facts: &CardFacts) {
    trace::note(
        terminal,
        match facts.reading {
            Reading::Fallback => &trace::FALLBACK_READ,
            Reading::Contact | Reading::Magstripe => &trace::STRIPE_READ,
        },
    );
    if let Some(details) = &facts.details {
        terminal.report(Progress::CardDetected(DetectedCard {
            entry_mode: details.entry_mode,
            scheme: details.scheme,
            masked_pan: details.masked_pan.clone(),
        }));
    }
}

/// Verifies the cardholder and asks the issuer.
pub(super) fn pay<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    swiped: &Swiped<'_>,
) -> Result<Concluded, Error> {
    let facts = |verification| {
        CardFacts::of_stripe(swiped.stripe, swiped.scheme, swiped.reading, verification)
    };
    tell(terminal, &facts(CardholderVerification::None));
    if !running.acquirer_available {
        let unreachable = Ending::Failed(Failure::AcquirerUnreachable);
        let nobody = facts(CardholderVerification::None);
        return running.ended(terminal, closed(&nobody, unreachable), unreachable);
    }
    let (pin, verification) = match verify(terminal, running, swiped.method) {
        Ok(verified) => verified,
        Err(ending) => {
            let failed = facts(CardholderVerification::Failed);
            return running.ended(terminal, closed(&failed, ending), ending);
        }
    };
    let facts = facts(verification);
    if running.granular() {
        return granular::ask_without_card(terminal, running, &facts, pin);
    }
    let number = next_trace_number(terminal)?;
    let message = running.message(swiped.purpose, &facts, number);
    online::ask_without_card(terminal, running, &facts, (number, message), pin)
}

fn closed(facts: &CardFacts, ending: Ending) -> Record {
    Record::closed(facts.outcome(ending))
}

/// Takes a PIN where the method has one. Fails with how the transaction ends.
fn verify<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    method: StripeMethod,
) -> Result<(Option<T::Pin>, CardholderVerification), Ending> {
    let signature = (None, CardholderVerification::Signature);
    let required = match method {
        StripeMethod::Pin => true,
        StripeMethod::PinOrSignature => false,
        StripeMethod::Signature => return Ok(signature),
        StripeMethod::None => return Ok((None, CardholderVerification::None)),
    };
    terminal.report(Progress::EnteringPin);
    let entered = terminal.enter_pin(PinRules {
        prompt: emv::ports::PinPrompt::Enter,
        amount: running.payment.total,
        currency: running.payment.currency,
        digits_min: PIN_DIGITS_MIN,
        digits_max: PIN_DIGITS_MAX,
        allow_bypass: !required && running.configuration.pin_bypass_allowed,
        key_timeout_ms: running.configuration.timeouts.key_ms,
    });
    match entered {
        Ok(pin) => Ok((Some(pin), CardholderVerification::Pin)),
        Err(PinEntryError::Bypassed | PinEntryError::KeypadFault) if !required => Ok(signature),
        Err(PinEntryError::TimedOut | PinEntryError::Cancelled) => {
            Err(Ending::Cancelled(CancelReason::Cardholder))
        }
        Err(PinEntryError::Aborted) => Err(Ending::Cancelled(CancelReason::PointOfSale)),
        Err(
            PinEntryError::Bypassed
            | PinEntryError::KeypadFault
            // No card is in the slot: neither can be said of it.
            | PinEntryError::CardRemoved
            | PinEntryError::ChallengeRefused,
        ) => Err(Ending::Failed(Failure::DeviceFault)),
    }
}
