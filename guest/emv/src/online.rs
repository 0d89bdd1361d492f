//! A transaction that waits for the issuer, from the answer to the last cryptogram.
//!
//! EMV 4.4 Book 3, 10.9 to 10.11.

use crate::action::{self, ActionCodes};
use crate::apdu;
use crate::bits::{Aip, Tsi};
use crate::card_data::{CardData, CryptogramType};
use crate::cryptogram;
use crate::dialogue::Dialogue;
use crate::dol::Dol;
use crate::outcome::{Cause, Completed, Decliner, Ended, HostAnswer};
use crate::ports::Ports;
use crate::rules;
use crate::script::{self, Moment, Progress, Script};
use crate::signed_answer::{self, AnswerAuthentication, Authenticity, Request};
use crate::tag;
use crate::terms::Terms;

/// A transaction that waits for the issuer. Spent by [`OnlineRequest::complete`], so that it is
/// completed at most once.
#[derive(Debug)]
pub struct OnlineRequest {
    card: CardData,
    commands: usize,
    pending: Pending,
}

/// What the second GENERATE AC needs.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) terms: Box<Terms>,
    pub(crate) cdol2: Dol,
    pub(crate) authentication: AnswerAuthentication,
    /// Whether the card waits for it. It does not after a TC that the issuer must confirm, since
    /// the card could not be authenticated (EMV 4.4 Book 4, 6.3.2.2.4).
    pub(crate) second_due: bool,
}

impl OnlineRequest {
    pub(crate) const fn new(card: CardData, commands: usize, pending: Pending) -> Self {
        Self {
            card,
            commands,
            pending,
        }
    }

    /// What the message to the acquirer is made of.
    pub const fn card(&self) -> &CardData {
        &self.card
    }

    /// Brings the transaction to its end with the card that made the request.
    ///
    /// Fails when the card is gone or misbehaves before its last cryptogram. The transaction is
    /// not approved then, and [`Ended::reversal_required`] says whether the acquirer must hear.
    pub fn complete<P: Ports>(
        self,
        ports: &mut P,
        answer: &HostAnswer,
    ) -> Result<Completed, Ended> {
        let Self {
            card,
            commands,
            pending,
        } = self;
        let mut dialogue = Dialogue {
            ports,
            card,
            commands,
            application_blocked: false,
            application_refused: false,
        };
        let issuer_approved = matches!(answer, HostAnswer::Answered { approved: true, .. });
        match finish(&mut dialogue, pending, answer) {
            Ok(last) => Ok(completed(dialogue, answer, &last)),
            Err(cause) => {
                if issuer_approved {
                    dialogue.conclude(&rules::REVERSAL_REQUIRED);
                }
                Err(dialogue.ended(cause, issuer_approved))
            }
        }
    }
}

/// What the second GENERATE AC came to.
struct Last {
    requested: CryptogramType,
    approved: bool,
    /// The card's signature was due and not valid.
    unauthenticated: bool,
    advice_required: bool,
}

/// The steps in order.
fn finish<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    pending: Pending,
    answer: &HostAnswer,
) -> Result<Last, Cause> {
    let (request, card) = online_processing(dialogue, &pending, answer)?;
    let scripts = match answer {
        HostAnswer::Answered { scripts, .. } if card == Presence::There => script::parse(scripts),
        HostAnswer::Answered { .. } | HostAnswer::UnableToGoOnline => Vec::new(),
    };
    let before = issuer_scripts(dialogue, &scripts, Moment::BeforeFinal);
    let left = before.is_err();
    if pending.second_due {
        before?;
    } else if left {
        dialogue.conclude(&rules::SCRIPT_FAILED_BEFORE);
    }
    let last = completion(dialogue, pending, request)?;
    // The last cryptogram stands: a card that leaves now has failed its script, no more.
    if !left && issuer_scripts(dialogue, &scripts, Moment::AfterFinal).is_err() {
        dialogue.conclude(&rules::SCRIPT_FAILED_AFTER);
    }
    Ok(last)
}

/// Whether the card can still be talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    There,
    Gone,
}

/// EMV 4.4 Book 3, 10.9: takes in the answer and decides which cryptogram to ask for. The issuer is
/// authenticated to a card that gave a TC, too, though that one waits for no second GENERATE AC.
fn online_processing<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    pending: &Pending,
    answer: &HostAnswer,
) -> Result<(Request, Presence), Cause> {
    let HostAnswer::Answered {
        approved,
        response_code,
        issuer_authentication_data,
        ..
    } = answer
    else {
        let request = Request {
            kind: unable_to_go_online(dialogue, &pending.terms),
            moment: signed_answer::Moment::WithoutIssuer,
        };
        return Ok((request, Presence::There));
    };
    dialogue
        .card
        .set(tag::AUTHORISATION_RESPONSE_CODE, response_code);
    if let Some(data) = issuer_authentication_data {
        dialogue.card.set(tag::ISSUER_AUTHENTICATION_DATA, data);
    }
    let data = issuer_authentication_data.as_deref();
    let authenticated = issuer_authentication(dialogue, data);
    let mut card = Presence::There;
    if pending.second_due {
        authenticated?;
    } else if authenticated.is_err() {
        // The issuer alone decides: that the card left is nothing against its answer.
        dialogue.conclude(&rules::ISSUER_NOT_AUTHENTICATED);
        card = Presence::Gone;
    }
    let (kind, conclusion) = if *approved {
        (CryptogramType::Tc, &rules::ISSUER_APPROVED)
    } else {
        (CryptogramType::Aac, &rules::ISSUER_DECLINED)
    };
    dialogue.conclude(conclusion);
    let request = Request {
        kind,
        moment: signed_answer::Moment::AfterIssuer,
    };
    Ok((request, card))
}

/// EMV 4.4 Book 3, 10.7: the default action codes decide.
fn unable_to_go_online<P: Ports>(dialogue: &mut Dialogue<'_, P>, terms: &Terms) -> CryptogramType {
    dialogue.conclude(&rules::UNABLE_TO_GO_ONLINE);
    let codes = ActionCodes::of(&dialogue.card, &terms.application);
    let (requested, conclusion) =
        action::unable_to_go_online(dialogue.tvr(), codes, terms.connection());
    dialogue.conclude_on_codes(conclusion, &terms.application);
    dialogue.card.set(
        tag::AUTHORISATION_RESPONSE_CODE,
        unable_code(requested == CryptogramType::Tc),
    );
    requested
}

/// EMV 4.4 Book 4, Annex A6: the response codes of a terminal that could not go online.
const fn unable_code(approved: bool) -> &'static [u8; 2] {
    if approved { b"Y3" } else { b"Z3" }
}

/// EMV 4.4 Book 3, 10.9: at most one EXTERNAL AUTHENTICATE. A card that does not support it gets
/// tag 91 through CDOL2.
pub(crate) fn issuer_authentication<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    data: Option<&[u8]>,
) -> Result<(), Cause> {
    let supported = dialogue.card.aip().contains(Aip::ISSUER_AUTHENTICATION);
    let (true, Some(data)) = (supported, data) else {
        dialogue.conclude(&rules::ISSUER_AUTHENTICATION_ABSENT);
        return Ok(());
    };
    let allowed = (8..=16).contains(&data.len());
    let command = if allowed {
        apdu::external_authenticate(data)
    } else {
        None
    };
    let authenticated = match command {
        Some(command) => dialogue.transmit(&command)?.success().is_some(),
        // What the card cannot be given it cannot recognise.
        None => false,
    };
    dialogue.performed(Tsi::ISSUER_AUTHENTICATION_PERFORMED);
    dialogue.conclude(if authenticated {
        &rules::ISSUER_AUTHENTICATED
    } else {
        &rules::ISSUER_NOT_AUTHENTICATED
    });
    Ok(())
}

/// EMV 4.4 Book 3, 10.10: the scripts that are due now, each to its end or its first failure.
pub(crate) fn issuer_scripts<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    scripts: &[Script],
    moment: Moment,
) -> Result<(), Cause> {
    for script in scripts.iter().filter(|script| script.moment == moment) {
        dialogue.performed(Tsi::SCRIPT_PROCESSING_PERFORMED);
        let (progress, fault) = match &script.commands {
            None => (Progress::NotPerformed, None),
            Some(commands) => run_script(dialogue, commands),
        };
        let mut results = dialogue
            .card
            .value(tag::ISSUER_SCRIPT_RESULTS)
            .unwrap_or_default()
            .to_vec();
        results.extend(script::result(script.identifier, progress));
        dialogue.card.set(tag::ISSUER_SCRIPT_RESULTS, &results);
        dialogue.conclude(script_conclusion(moment, progress));
        if let Some(cause) = fault {
            return Err(cause);
        }
    }
    Ok(())
}

/// Sends the commands of one script until one fails. A card that is gone fails the command that
/// was under way.
fn run_script<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    commands: &[Vec<u8>],
) -> (Progress, Option<Cause>) {
    for (position, command) in commands.iter().enumerate() {
        let failed = Progress::FailedAt(position.saturating_add(1));
        match dialogue.transmit(command) {
            Ok(response) if script::carried_out(response.status) => {}
            Ok(_) => return (failed, None),
            Err(cause) => return (failed, Some(cause)),
        }
    }
    (Progress::Succeeded, None)
}

/// The line of the table for how a script ended.
const fn script_conclusion(moment: Moment, progress: Progress) -> &'static rules::Conclusion {
    match (moment, progress) {
        (_, Progress::Succeeded) => &rules::SCRIPT_PASSED,
        (Moment::BeforeFinal, Progress::FailedAt(_)) => &rules::SCRIPT_FAILED_BEFORE,
        (Moment::AfterFinal, Progress::FailedAt(_)) => &rules::SCRIPT_FAILED_AFTER,
        (Moment::BeforeFinal, Progress::NotPerformed) => &rules::SCRIPT_MALFORMED_BEFORE,
        (Moment::AfterFinal, Progress::NotPerformed) => &rules::SCRIPT_MALFORMED_AFTER,
    }
}

/// EMV 4.4 Book 3, 10.11: the second GENERATE AC. EMV 4.4 Book 4, 6.3.2.1: one that should be
/// signed and is not, or not validly, declines.
fn completion<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    pending: Pending,
    request: Request,
) -> Result<Last, Cause> {
    let Pending {
        terms,
        cdol2,
        mut authentication,
        second_due,
    } = pending;
    if !second_due {
        return Ok(Last {
            requested: request.kind,
            approved: request.kind == CryptogramType::Tc,
            unauthenticated: false,
            advice_required: false,
        });
    }
    let answer = authentication.generate(dialogue, &terms.application, &cdol2, request)?;
    let unauthenticated = answer.authenticity != Authenticity::NotInDoubt;
    let card_approves = cryptogram::second_approves(request.kind, answer.information);
    Ok(Last {
        requested: request.kind,
        approved: card_approves && !unauthenticated,
        unauthenticated,
        advice_required: answer.information.advice_required(),
    })
}

/// The end of the transaction.
fn completed<P: Ports>(
    mut dialogue: Dialogue<'_, P>,
    answer: &HostAnswer,
    last: &Last,
) -> Completed {
    let online = matches!(answer, HostAnswer::Answered { .. });
    if !online {
        dialogue
            .card
            .set(tag::AUTHORISATION_RESPONSE_CODE, unable_code(last.approved));
    }
    dialogue.conclude(if last.approved {
        &rules::COMPLETED_APPROVED
    } else {
        &rules::COMPLETED_DECLINED
    });
    let declined_by = match (last.approved, last.requested) {
        (true, _) => None,
        (false, CryptogramType::Tc) if last.unauthenticated => Some(Decliner::Terminal),
        (false, CryptogramType::Tc) => Some(Decliner::Card),
        (false, _) if online => Some(Decliner::Issuer),
        (false, _) => Some(Decliner::Terminal),
    };
    // EMV 4.4 Book 4, 12.2.1: the acquirer believes it approved.
    let issuer_approved = matches!(answer, HostAnswer::Answered { approved: true, .. });
    let reversal_required = issuer_approved && !last.approved;
    if reversal_required {
        dialogue.conclude(&rules::REVERSAL_REQUIRED);
    }
    Completed {
        card: dialogue.card,
        approved: last.approved,
        declined_by,
        reversal_required,
        advice_required: last.advice_required,
    }
}
