//! Cardholder verification: the rules of the CVM List, tried in order.
//!
//! EMV 4.4 Book 3, 10.5; EMV 4.4 Book 4, 6.3.4.

use crate::apdu::status;
use crate::bits::{Aip, TerminalCapabilities, Tsi};
use crate::card_data::{Method, Verification};
use crate::cvm::{Asked, Circumstances, CvmList, Rule, condition_met};
use crate::dialogue::Dialogue;
use crate::outcome::{Cause, Misbehaviour};
use crate::ports::{OfflinePinEntry, OfflinePinMethod, PinEntry, PinPrompt, Ports};
use crate::rules;
use crate::tag;

/// How often a cardholder is asked for an offline PIN, by all rules together. The card's own counter
/// is lower; a card that counts wrong ends here.
const PIN_TRIES_MAX: u8 = 16;

/// The code of "no CVM performed" in tag 9F34 (EMV 4.4 Book 4, Annex A4).
const NO_CVM_PERFORMED: u8 = 0x3F;

/// The third byte of tag 9F34.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CvmResult {
    Unknown = 0,
    Failed = 1,
    Successful = 2,
}

/// How the attempt at one rule ended.
enum Attempt {
    /// The rule succeeded, and verification with it.
    Succeeded(Method, CvmResult),
    /// The method was performed and failed.
    Failed,
    /// The method could not be performed.
    NotPerformed,
    /// The list says that verification ends here.
    Ends,
}

/// What stays true from one rule to the next.
struct Progress<'a> {
    /// The key for an enciphered PIN, when it could be recovered.
    pin_key: Option<&'a OfflinePinMethod>,
    /// Whether the cardholder declined to enter a PIN. It counts for every later rule
    /// (EMV 4.4 Book 4, 6.3.4.3).
    bypassed: bool,
    online_pin_entered: bool,
    /// How often an offline PIN was asked for.
    offline_pins: u8,
    /// The card said that no try is left. It does not have to say so again: the counter of a later
    /// rule may be one that it does not give.
    tries_exceeded: bool,
}

/// Tries the rules of a list that has some. Fails only when the cardholder or the card ends the
/// transaction.
pub(crate) fn process<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    list: &CvmList,
    now: &Circumstances,
    pin_key: Option<&OfflinePinMethod>,
) -> Result<(), Cause> {
    let mut progress = Progress {
        pin_key,
        bypassed: false,
        online_pin_entered: false,
        offline_pins: 0,
        tries_exceeded: false,
    };
    let mut performed = Rule {
        code: NO_CVM_PERFORMED,
        condition: 0,
    };
    for rule in list
        .rules
        .iter()
        .filter(|rule| condition_met(**rule, list, now))
    {
        match attempt(dialogue, &mut progress, rule.asked(), now.capabilities)? {
            Attempt::Succeeded(method, result) => {
                finish(dialogue, &progress, *rule, method, result);
                dialogue.conclude(&rules::VERIFICATION_DONE);
                return Ok(());
            }
            Attempt::Failed => performed = *rule,
            Attempt::NotPerformed => {}
            Attempt::Ends => {
                performed = *rule;
                break;
            }
        }
        if !rule.continues() {
            break;
        }
    }
    finish(
        dialogue,
        &progress,
        performed,
        Method::Failed,
        CvmResult::Failed,
    );
    dialogue.conclude(&rules::VERIFICATION_FAILED);
    Ok(())
}

/// The list to process, when card and list ask for verification (EMV 4.4 Book 3, 10.5). Otherwise
/// tag 9F34 says that no CVM was performed. Fails when the list cannot be read.
pub(crate) fn applicable_list<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
) -> Result<Option<CvmList>, Cause> {
    let supported = dialogue.card.aip().contains(Aip::CARDHOLDER_VERIFICATION);
    let list = dialogue.card.value(tag::CVM_LIST).map(|value| {
        CvmList::parse(value).ok_or(Cause::CardMisbehaved(Misbehaviour::ElementFormat))
    });
    let list = list.transpose()?;
    let conclusion = match list {
        _ if !supported => &rules::CVM_NOT_SUPPORTED,
        None => &rules::CVM_LIST_ABSENT,
        Some(list) if list.rules.is_empty() => &rules::CVM_LIST_EMPTY,
        Some(list) => return Ok(Some(list)),
    };
    dialogue
        .card
        .set(tag::CVM_RESULTS, &[NO_CVM_PERFORMED, 0, 0]);
    dialogue.conclude(conclusion);
    Ok(None)
}

/// Records the result (EMV 4.4 Book 4, Annex A4).
fn finish<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    progress: &Progress<'_>,
    rule: Rule,
    method: Method,
    result: CvmResult,
) {
    let result = match result {
        CvmResult::Unknown => 0,
        CvmResult::Failed => 1,
        CvmResult::Successful => 2,
    };
    dialogue
        .card
        .set(tag::CVM_RESULTS, &[rule.code, rule.condition, result]);
    dialogue.performed(Tsi::CARDHOLDER_VERIFICATION_PERFORMED);
    let online_pin_entered = progress.online_pin_entered;
    dialogue.card.set_verification(Verification {
        method,
        online_pin_entered,
    });
}

/// Performs the method of one rule whose condition is met.
fn attempt<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    progress: &mut Progress<'_>,
    asked: Asked,
    capabilities: TerminalCapabilities,
) -> Result<Attempt, Cause> {
    if asked != Asked::Unrecognised && !asked.supported(capabilities) {
        dialogue.conclude(unsupported(asked, capabilities));
        return Ok(Attempt::NotPerformed);
    }
    match asked {
        Asked::Fail => {
            dialogue.conclude(&rules::CVM_FAILED_BY_CARD);
            Ok(Attempt::Ends)
        }
        Asked::Unrecognised => {
            dialogue.conclude(&rules::CVM_UNRECOGNISED);
            Ok(Attempt::NotPerformed)
        }
        Asked::Signature => {
            dialogue.conclude(&rules::SIGNATURE_CHOSEN);
            Ok(Attempt::Succeeded(Method::Signature, CvmResult::Unknown))
        }
        Asked::NoCvm => {
            dialogue.conclude(&rules::NO_CVM_CHOSEN);
            Ok(Attempt::Succeeded(Method::NoCvm, CvmResult::Successful))
        }
        Asked::OnlinePin => online_pin(dialogue, progress),
        Asked::OfflinePin {
            enciphered,
            signature,
        } => {
            let plaintext = OfflinePinMethod::Plaintext;
            let method = if enciphered {
                progress.pin_key
            } else {
                Some(&plaintext)
            };
            let verified = offline_pin(dialogue, progress, method)?;
            Ok(match (verified, signature) {
                (false, _) => Attempt::Failed,
                (true, false) => Attempt::Succeeded(Method::OfflinePin, CvmResult::Successful),
                // The signature is still to come.
                (true, true) => {
                    Attempt::Succeeded(Method::OfflinePinAndSignature, CvmResult::Unknown)
                }
            })
        }
    }
}

/// EMV 4.4 Book 3, 10.5: a PIN that cannot be taken at all has a TVR bit of its own. The two forms
/// of an offline PIN are looked at together.
fn unsupported(asked: Asked, capabilities: TerminalCapabilities) -> &'static rules::Conclusion {
    let offline_pin =
        TerminalCapabilities::PLAINTEXT_OFFLINE_PIN | TerminalCapabilities::ENCIPHERED_OFFLINE_PIN;
    match asked {
        Asked::OnlinePin => &rules::PIN_UNSUPPORTED,
        Asked::OfflinePin { .. } if !capabilities.intersects(offline_pin) => {
            &rules::PIN_UNSUPPORTED
        }
        Asked::OfflinePin { .. }
        | Asked::Fail
        | Asked::Signature
        | Asked::NoCvm
        | Asked::Unrecognised => &rules::CVM_UNSUPPORTED,
    }
}

/// EMV 4.4 Book 3, 10.5.2.
fn online_pin<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    progress: &mut Progress<'_>,
) -> Result<Attempt, Cause> {
    if progress.bypassed {
        return Ok(Attempt::Failed);
    }
    match dialogue
        .ports
        .enter_online_pin()
        .map_err(Cause::Interrupted)?
    {
        PinEntry::Entered => {
            progress.online_pin_entered = true;
            dialogue.conclude(&rules::ONLINE_PIN_ENTERED);
            Ok(Attempt::Succeeded(Method::OnlinePin, CvmResult::Unknown))
        }
        PinEntry::Bypassed => {
            progress.bypassed = true;
            dialogue.conclude(&rules::PIN_BYPASSED);
            Ok(Attempt::Failed)
        }
        PinEntry::Unavailable => {
            dialogue.conclude(&rules::PIN_PAD_BROKEN);
            Ok(Attempt::Failed)
        }
    }
}

/// EMV 4.4 Book 3, 10.5.1: asks until the PIN is right, no try is left, or it cannot go on.
/// Returns whether the card verified the PIN.
fn offline_pin<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    progress: &mut Progress<'_>,
    method: Option<&OfflinePinMethod>,
) -> Result<bool, Cause> {
    if progress.bypassed {
        return Ok(false);
    }
    let Some(method) = method else {
        dialogue.conclude(&rules::PIN_NOT_VERIFIED);
        return Ok(false);
    };
    let Some(mut prompt) = first_prompt(dialogue, progress)? else {
        dialogue.conclude(&rules::PIN_TRIES_EXCEEDED);
        return Ok(false);
    };
    while progress.offline_pins < PIN_TRIES_MAX {
        progress.offline_pins = progress.offline_pins.saturating_add(1);
        let entry = dialogue
            .ports
            .verify_offline_pin(prompt, method)
            .map_err(Cause::Interrupted)?;
        match offline_pin_entry(entry)? {
            Verdict::Verified => {
                dialogue.conclude(&rules::PIN_VERIFIED);
                return Ok(true);
            }
            Verdict::Again(next) => {
                dialogue.conclude(&rules::PIN_WRONG);
                prompt = next;
            }
            Verdict::Over(conclusion) => {
                progress.bypassed = entry == OfflinePinEntry::Bypassed;
                progress.tries_exceeded = *conclusion == rules::PIN_TRIES_EXCEEDED;
                dialogue.conclude(conclusion);
                return Ok(false);
            }
        }
    }
    dialogue.conclude(&rules::PIN_NOT_VERIFIED);
    Ok(false)
}

/// What the cardholder is told first, by the card's own counter when it gives one. `None` when no
/// try is left.
fn first_prompt<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    progress: &mut Progress<'_>,
) -> Result<Option<PinPrompt>, Cause> {
    if progress.tries_exceeded {
        return Ok(None);
    }
    let counter = dialogue.get_data(tag::PIN_TRY_COUNTER)?;
    Ok(match counter.as_deref() {
        Some([0]) => {
            progress.tries_exceeded = true;
            None
        }
        Some([1]) => Some(PinPrompt::LastTry),
        _ => Some(PinPrompt::Enter),
    })
}

/// What one entry of an offline PIN means.
enum Verdict {
    Verified,
    Again(PinPrompt),
    Over(&'static rules::Conclusion),
}

/// The status words of VERIFY (EMV 4.4 Book 3, 6.5.12). Any that it does not have ends the
/// transaction (EMV 4.4 Book 3, 10.5.5, figure 11).
fn offline_pin_entry(entry: OfflinePinEntry) -> Result<Verdict, Cause> {
    Ok(match entry {
        OfflinePinEntry::Answered(status::SUCCESS) => Verdict::Verified,
        OfflinePinEntry::Answered(0x63C0 | status::METHOD_BLOCKED | status::DATA_INVALIDATED) => {
            Verdict::Over(&rules::PIN_TRIES_EXCEEDED)
        }
        OfflinePinEntry::Answered(0x63C1) => Verdict::Again(PinPrompt::LastTry),
        OfflinePinEntry::Answered(0x63C2..=0x63CF) => Verdict::Again(PinPrompt::Incorrect),
        OfflinePinEntry::Answered(other) => {
            return Err(Cause::CardMisbehaved(Misbehaviour::StatusWord(other)));
        }
        OfflinePinEntry::ChallengeRefused => Verdict::Over(&rules::PIN_NOT_VERIFIED),
        OfflinePinEntry::Bypassed => Verdict::Over(&rules::PIN_BYPASSED),
        OfflinePinEntry::Unavailable => Verdict::Over(&rules::PIN_PAD_BROKEN),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Tvr;

    #[test]
    fn a_card_that_gives_no_challenge_is_not_a_broken_keypad() {
        for (entry, sets) in [
            (OfflinePinEntry::ChallengeRefused, Tvr::empty()),
            (OfflinePinEntry::Unavailable, Tvr::PIN_PAD_ABSENT_OR_BROKEN),
            (
                OfflinePinEntry::Answered(0x63C0),
                Tvr::PIN_TRY_LIMIT_EXCEEDED,
            ),
        ] {
            let Ok(Verdict::Over(conclusion)) = offline_pin_entry(entry) else {
                panic!("{entry:?} ends verification by this method");
            };
            assert_eq!(conclusion.sets, sets, "{entry:?}");
        }
    }
}
