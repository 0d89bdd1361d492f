//! The first GENERATE AC, and what follows from its answer.
//!
//! EMV 4.4 Book 3, 10.8; EMV 4.4 Book 4, 6.3.2.1.

use crate::bits::Tsi;
use crate::card_data::CryptogramType;
use crate::contact::Read;
use crate::cryptogram::{self, First};
use crate::dialogue::Dialogue;
use crate::online::{OnlineRequest, Pending};
use crate::outcome::{Cause, Completed, Decision, Decliner, Misbehaviour, NotAccepted};
use crate::ports::Ports;
use crate::rules::{self, Conclusion};
use crate::signed_answer::{AnswerAuthentication, Moment, Request};
use crate::tag;

/// What the first GENERATE AC came to.
pub(crate) struct Answered {
    requested: CryptogramType,
    next: Next,
    advice_required: bool,
    authentication: AnswerAuthentication,
}

/// How the transaction goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Approve,
    AskIssuer,
    Decline,
    /// The card said more than an AAC, but not provably: the terminal declines.
    DeclineUnauthenticated,
    /// The same, and the card still waits for its second GENERATE AC.
    CancelUnauthenticated,
}

/// Sends the first GENERATE AC, and the second one at once where the first cannot be trusted.
pub(crate) fn perform<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    read: &Read,
    mut authentication: AnswerAuthentication,
    requested: CryptogramType,
) -> Result<Answered, Cause> {
    let request = Request {
        kind: requested,
        moment: Moment::First,
    };
    let application = &read.terms.application;
    let mut answer = authentication.generate(dialogue, application, &read.cdol1, request)?;
    dialogue.performed(Tsi::CARD_RISK_MANAGEMENT_PERFORMED);
    let (meaning, conclusion) = cryptogram::judge_first(requested, answer.information);
    dialogue.conclude(conclusion);
    let (next, conclusion) = follow(meaning, answer.unauthenticated)?;
    dialogue.conclude_all(conclusion);
    if next == Next::CancelUnauthenticated {
        let request = Request {
            kind: CryptogramType::Aac,
            moment: Moment::WithoutIssuer,
        };
        dialogue
            .card
            .set(tag::AUTHORISATION_RESPONSE_CODE, DECLINED_OFFLINE);
        answer = authentication.generate(dialogue, application, &read.cdol2, request)?;
    }
    Ok(Answered {
        requested,
        next,
        advice_required: answer.information.advice_required(),
        authentication,
    })
}

/// What follows from the answer, and why when that is not plain from the answer itself.
///
/// EMV 4.4 Book 4, 6.3.2.1: without a valid signature a TC is declined without a second
/// GENERATE AC, and an ARQC is cancelled by one for an AAC, without asking the issuer.
fn follow(
    meaning: First,
    unauthenticated: bool,
) -> Result<(Next, Option<&'static Conclusion>), Cause> {
    match (meaning, unauthenticated) {
        (First::TooHigh, _) => Err(Cause::CardMisbehaved(Misbehaviour::CryptogramTooHigh)),
        (First::ServiceNotAllowed, _) => Err(Cause::NotAccepted(NotAccepted::ServiceNotAllowed)),
        (First::Declined, _) => Ok((Next::Decline, None)),
        (First::Approved, false) => Ok((Next::Approve, None)),
        (First::Online, false) => Ok((Next::AskIssuer, None)),
        (First::Approved, true) => Ok((
            Next::DeclineUnauthenticated,
            Some(&rules::UNAUTHENTICATED_APPROVAL_DECLINED),
        )),
        (First::Online, true) => Ok((
            Next::CancelUnauthenticated,
            Some(&rules::UNAUTHENTICATED_REQUEST_CANCELLED),
        )),
    }
}

/// EMV 4.4 Book 4, Annex A6: the terminal's own response codes for offline decisions.
const APPROVED_OFFLINE: &[u8; 2] = b"Y1";
const DECLINED_OFFLINE: &[u8; 2] = b"Z1";

/// What the first cryptogram means to the caller.
pub(crate) fn decision<P: Ports>(
    dialogue: Dialogue<'_, P>,
    read: Read,
    answered: Answered,
) -> Decision {
    let Dialogue {
        mut card, commands, ..
    } = dialogue;
    let declined_by = match (answered.next, answered.requested) {
        (Next::AskIssuer, _) => {
            let pending = Pending {
                terms: Box::new(read.terms),
                cdol2: read.cdol2,
                authentication: answered.authentication,
            };
            return Decision::Online(OnlineRequest::new(card, commands, pending));
        }
        (Next::Approve, _) => None,
        (Next::DeclineUnauthenticated | Next::CancelUnauthenticated, _)
        | (Next::Decline, CryptogramType::Aac) => Some(Decliner::Terminal),
        (Next::Decline, CryptogramType::Arqc | CryptogramType::Tc) => Some(Decliner::Card),
    };
    let approved = declined_by.is_none();
    let response_code = if approved {
        APPROVED_OFFLINE
    } else {
        DECLINED_OFFLINE
    };
    card.set(tag::AUTHORISATION_RESPONSE_CODE, response_code);
    let completed = Completed {
        card,
        approved,
        declined_by,
        reversal_required: false,
        advice_required: answered.advice_required,
    };
    if approved {
        Decision::Approved(completed)
    } else {
        Decision::Declined(completed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_approved_or_asked_without_its_signature() {
        for (meaning, unauthenticated, next) in [
            (First::Approved, false, Next::Approve),
            (First::Approved, true, Next::DeclineUnauthenticated),
            (First::Online, false, Next::AskIssuer),
            (First::Online, true, Next::CancelUnauthenticated),
            (First::Declined, false, Next::Decline),
            (First::Declined, true, Next::Decline),
        ] {
            let followed = follow(meaning, unauthenticated).map(|(next, _)| next);
            assert_eq!(followed, Ok(next), "{meaning:?} {unauthenticated}");
        }
        for unauthenticated in [false, true] {
            assert!(follow(First::TooHigh, unauthenticated).is_err());
            assert!(follow(First::ServiceNotAllowed, unauthenticated).is_err());
        }
    }
}
