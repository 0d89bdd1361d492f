//! The first GENERATE AC, and what follows from its answer.
//!
//! EMV 4.4 Book 3, 10.8; EMV 4.4 Book 4, 6.3.2.1 and 6.3.2.2.4.

use crate::action::{self, ActionCodes};
use crate::bits::Tsi;
use crate::card_data::CryptogramType;
use crate::contact::Read;
use crate::cryptogram::{self, First};
use crate::dialogue::Dialogue;
use crate::online::{OnlineRequest, Pending};
use crate::outcome::{Cause, Completed, Decision, Decliner, Misbehaviour, NotAccepted};
use crate::ports::Ports;
use crate::rules::{self, Conclusion};
use crate::signed_answer::{AnswerAuthentication, Authenticity, Moment, Request, Scheme};
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
    /// The issuer decides alone: the card gave its last cryptogram already.
    AskIssuerOnly,
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
    let doubt = doubt(dialogue, read, answer.authenticity);
    let (next, conclusion) = follow(meaning, doubt)?;
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

/// Asks for an AAC, whatever the card would have said: nothing is to be paid with it.
pub(crate) fn cancel<P: Ports>(dialogue: &mut Dialogue<'_, P>, read: &Read) -> Result<(), Cause> {
    let request = Request {
        kind: CryptogramType::Aac,
        moment: Moment::First,
    };
    dialogue
        .card
        .set(tag::AUTHORISATION_RESPONSE_CODE, DECLINED_OFFLINE);
    let answer = AnswerAuthentication::new(Scheme::None, &read.pdol_values).generate(
        dialogue,
        &read.terms.application,
        &read.cdol1,
        request,
    )?;
    dialogue.performed(Tsi::CARD_RISK_MANAGEMENT_PERFORMED);
    let (meaning, conclusion) = cryptogram::judge_first(request.kind, answer.information);
    let (conclusion, cancelled) = match meaning {
        First::TooHigh => (
            conclusion,
            Err(Cause::CardMisbehaved(Misbehaviour::CryptogramTooHigh)),
        ),
        First::ServiceNotAllowed => (
            conclusion,
            Err(Cause::NotAccepted(NotAccepted::ServiceNotAllowed)),
        ),
        First::Approved | First::Online | First::Declined => (&rules::READ_CANCELLED, Ok(())),
    };
    dialogue.conclude(conclusion);
    cancelled
}

/// What is done about an answer that is not authentic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// Nothing has to be done.
    None,
    /// The issuer may still decide.
    IssuerDecides(&'static Conclusion),
    /// The terminal declines.
    Decline(Option<&'static Conclusion>),
}

/// EMV 4.4 Book 4, 6.3.2.1 and 6.3.2.2.4: a failure of CDA is final; what a failure of XDA leads
/// to is in the action codes.
fn doubt<P: Ports>(dialogue: &Dialogue<'_, P>, read: &Read, authenticity: Authenticity) -> Doubt {
    match authenticity {
        Authenticity::NotInDoubt => Doubt::None,
        Authenticity::CdaFailed => Doubt::Decline(None),
        Authenticity::XdaFailed => {
            let codes = ActionCodes::of(&dialogue.card, &read.terms.application);
            let connection = read.terms.connection();
            match action::after_xda_failure(dialogue.tvr(), codes, connection) {
                (true, conclusion) => Doubt::IssuerDecides(conclusion),
                (false, conclusion) => Doubt::Decline(Some(conclusion)),
            }
        }
    }
}

/// What follows from the answer, and why when that is not plain from the answer itself.
///
/// A TC that is not authentic is declined without a second GENERATE AC, and an ARQC is cancelled
/// by one for an AAC, without asking the issuer (EMV 4.4 Book 4, 6.3.2.1 and 6.3.2.2.4).
fn follow(meaning: First, doubt: Doubt) -> Result<(Next, Vec<&'static Conclusion>), Cause> {
    let declined = |next, why: Option<&'static Conclusion>, conclusion| {
        Ok((next, why.into_iter().chain([conclusion]).collect()))
    };
    match (meaning, doubt) {
        (First::TooHigh, _) => Err(Cause::CardMisbehaved(Misbehaviour::CryptogramTooHigh)),
        (First::ServiceNotAllowed, _) => Err(Cause::NotAccepted(NotAccepted::ServiceNotAllowed)),
        (First::Declined, _) => Ok((Next::Decline, Vec::new())),
        (First::Approved, Doubt::None) => Ok((Next::Approve, Vec::new())),
        (First::Online, Doubt::None) => Ok((Next::AskIssuer, Vec::new())),
        (First::Approved, Doubt::IssuerDecides(conclusion)) => {
            Ok((Next::AskIssuerOnly, vec![conclusion]))
        }
        (First::Online, Doubt::IssuerDecides(conclusion)) => {
            Ok((Next::AskIssuer, vec![conclusion]))
        }
        (First::Approved, Doubt::Decline(why)) => declined(
            Next::DeclineUnauthenticated,
            why,
            &rules::UNAUTHENTICATED_APPROVAL_DECLINED,
        ),
        (First::Online, Doubt::Decline(why)) => declined(
            Next::CancelUnauthenticated,
            why,
            &rules::UNAUTHENTICATED_REQUEST_CANCELLED,
        ),
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
        (Next::AskIssuer | Next::AskIssuerOnly, _) => {
            let pending = Pending {
                terms: Box::new(read.terms),
                cdol2: read.cdol2,
                authentication: answered.authentication,
                second_due: answered.next == Next::AskIssuer,
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
        let asked = Doubt::IssuerDecides(&rules::XDA_FAILURE_ASKS_ISSUER);
        let denied = Doubt::Decline(Some(&rules::XDA_FAILURE_DENIED));
        let failed = Doubt::Decline(None);
        for (meaning, doubt, next, conclusions) in [
            (First::Approved, Doubt::None, Next::Approve, 0),
            (First::Approved, failed, Next::DeclineUnauthenticated, 1),
            (First::Approved, denied, Next::DeclineUnauthenticated, 2),
            (First::Approved, asked, Next::AskIssuerOnly, 1),
            (First::Online, Doubt::None, Next::AskIssuer, 0),
            (First::Online, failed, Next::CancelUnauthenticated, 1),
            (First::Online, denied, Next::CancelUnauthenticated, 2),
            (First::Online, asked, Next::AskIssuer, 1),
            (First::Declined, Doubt::None, Next::Decline, 0),
            (First::Declined, failed, Next::Decline, 0),
            (First::Declined, asked, Next::Decline, 0),
        ] {
            let followed = follow(meaning, doubt).map(|(next, lines)| (next, lines.len()));
            assert_eq!(followed, Ok((next, conclusions)), "{meaning:?} {doubt:?}");
        }
        for doubt in [Doubt::None, asked, failed] {
            assert!(follow(First::TooHigh, doubt).is_err());
            assert!(follow(First::ServiceNotAllowed, doubt).is_err());
        }
    }
}
