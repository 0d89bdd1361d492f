//! The dialogue of application selection: which application of the card is used.
//!
//! What is decided is in [`crate::selection`]; here the card and the cardholder are asked.
//!
//! EMV 4.4 Book 1, 12.

use crate::apdu::{self, Occurrence, status};
use crate::card_data::CardData;
use crate::contact::Selected;
use crate::dialogue::Dialogue;
use crate::outcome::{Cause, NotAccepted};
use crate::parameters::{Application, Terminal};
use crate::ports::{Interruption, Ports};
use crate::rules;
use crate::selection::{self, CANDIDATES_MAX, Candidate, Fci};
use crate::tag;
use crate::terminal_data;
use crate::terms::Terms;
use crate::transaction::Transaction;

/// What the terminal brings to application selection.
pub(crate) struct Offer<'a> {
    pub(crate) terminal: &'a Terminal,
    pub(crate) applications: &'a [Application],
    pub(crate) transaction: &'a Transaction,
}

/// EMV 4.4 Book 1, 12.3: the applications that card and terminal both support, best first.
pub(crate) fn build_candidate_list<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    applications: &[Application],
) -> Result<Vec<Candidate>, Cause> {
    let mut candidates = read_directory(dialogue, applications)?;
    if candidates.is_empty() {
        candidates = try_aid_list(dialogue, applications)?;
    }
    selection::order(&mut candidates);
    Ok(candidates)
}

/// EMV 4.4 Book 1, 12.3.2: the payment system environment. Empty when the card has none, when it
/// cannot be read, or when it names nothing the terminal supports.
fn read_directory<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    applications: &[Application],
) -> Result<Vec<Candidate>, Cause> {
    let response = select(
        dialogue,
        apdu::PAYMENT_SYSTEM_ENVIRONMENT,
        Occurrence::First,
    )?;
    if response.status == status::NOT_SUPPORTED {
        dialogue.conclude(&rules::CARD_BLOCKED);
        return Err(Cause::NotAccepted(NotAccepted::CardBlocked));
    }
    let Some(sfi) = response.success().and_then(selection::directory_sfi) else {
        dialogue.conclude(&rules::DIRECTORY_ABSENT);
        return Ok(Vec::new());
    };
    let mut candidates = Vec::new();
    for record in 1..=u8::MAX {
        let response = dialogue.transmit(&apdu::read_record(sfi, record))?;
        if response.status == status::RECORD_NOT_FOUND {
            break;
        }
        let Some(entries) = response.success().and_then(selection::directory_entries) else {
            dialogue.conclude(&rules::DIRECTORY_BROKEN);
            return Ok(Vec::new());
        };
        let supported =
            |entry: &Candidate| selection::find_application(&entry.name, applications).is_some();
        for entry in entries.into_iter().filter(supported) {
            selection::add(&mut candidates, entry);
        }
    }
    dialogue.conclude(if candidates.is_empty() {
        &rules::DIRECTORY_WITHOUT_MATCH
    } else {
        &rules::DIRECTORY_READ
    });
    Ok(candidates)
}

/// EMV 4.4 Book 1, 12.3.3: asks the card for each application of the terminal.
fn try_aid_list<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    applications: &[Application],
) -> Result<Vec<Candidate>, Cause> {
    let mut candidates = Vec::new();
    for application in applications {
        let aid = application.aid.as_bytes();
        let mut occurrence = Occurrence::First;
        for _ in 0..CANDIDATES_MAX {
            let response = select(dialogue, aid, occurrence)?;
            if response.status == status::NOT_SUPPORTED && occurrence == Occurrence::First {
                dialogue.conclude(&rules::CARD_BLOCKED_FOR_AID);
                return Err(Cause::NotAccepted(NotAccepted::CardBlocked));
            }
            // A blocked application (6283) is left out, but others may follow it.
            let usable = response.status == status::SUCCESS;
            if !usable && response.status != status::INVALIDATED {
                break;
            }
            let Some(fci) = Fci::parse(&response.data) else {
                dialogue.application_blocked |= !usable;
                break;
            };
            let exact = fci.name.as_bytes() == aid;
            let partial = application.partial_selection && fci.name.as_bytes().starts_with(aid);
            dialogue.application_blocked |= !usable && (exact || partial);
            if usable && (exact || partial) {
                selection::add(&mut candidates, fci.into());
            }
            if exact || !partial {
                break;
            }
            occurrence = Occurrence::Next;
        }
    }
    dialogue.conclude(&rules::AID_LIST_TRIED);
    Ok(candidates)
}

/// EMV 4.4 Book 1, 12.4: the index of the application to use. The cardholder is asked when there
/// is a choice, when the card wants its only application confirmed, and when one was chosen before
/// that could not be used; `asked` tells that, and is set. Where nobody can be asked, the best one
/// that needs no confirmation is used.
pub(crate) fn choose<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    candidates: &[Candidate],
    terminal: &Terminal,
    asked: &mut bool,
) -> Result<usize, Cause> {
    let alone = !dialogue.ports.chooses_applications();
    let usable = !alone || selection::best_unconfirmed(candidates).is_some();
    if candidates.is_empty() || !usable {
        let (conclusion, reason) = if dialogue.application_blocked {
            (&rules::APPLICATION_BLOCKED, NotAccepted::ApplicationBlocked)
        } else if dialogue.application_refused {
            (&rules::NO_APPLICATION, NotAccepted::ApplicationRefused)
        } else {
            (&rules::NO_APPLICATION, NotAccepted::NoApplication)
        };
        dialogue.conclude(conclusion);
        return Err(Cause::NotAccepted(reason));
    }
    if !selection::needs_cardholder(candidates, *asked) {
        return Ok(0);
    }
    if alone {
        dialogue.conclude(&rules::NOBODY_TO_ASK);
        return Ok(selection::best_unconfirmed(candidates).unwrap_or(0));
    }
    *asked = true;
    let shown = terminal.additional_capabilities;
    let labels: Vec<Vec<u8>> = candidates
        .iter()
        .map(|candidate| candidate.labels.displayed(shown).to_vec())
        .collect();
    let chosen = dialogue
        .ports
        .choose_application(&labels)
        .map_err(Cause::Interrupted)?;
    dialogue.conclude(&rules::CARDHOLDER_CHOOSES);
    // A choice that was not offered is no choice.
    (chosen < candidates.len())
        .then_some(chosen)
        .ok_or(Cause::Interrupted(Interruption::Cancelled))
}

/// EMV 4.4 Book 1, 12.4: selects the application. `None` when the card does not let it be used.
pub(crate) fn final_select<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    candidate: &Candidate,
    offer: &Offer<'_>,
) -> Result<Option<Selected>, Cause> {
    let response = select(dialogue, candidate.name.as_bytes(), Occurrence::First)?;
    dialogue.application_blocked |= response.status == status::INVALIDATED;
    let fci = response
        .success()
        .and_then(Fci::parse)
        .filter(|fci| fci.name == candidate.name);
    let application = selection::find_application(&candidate.name, offer.applications);
    let (Some(fci), Some(application)) = (fci, application) else {
        dialogue.conclude(&rules::APPLICATION_REFUSED);
        return Ok(None);
    };
    let terms = Terms {
        terminal: offer.terminal.clone(),
        application: application.clone(),
        transaction: *offer.transaction,
    };
    dialogue.card = CardData::default();
    let number = dialogue.ports.unpredictable_number();
    let Terms {
        terminal,
        application,
        transaction,
    } = &terms;
    terminal_data::fill(
        &mut dialogue.card,
        terminal,
        application,
        transaction,
        number,
    );
    dialogue.card.set(tag::DF_NAME, fci.name.as_bytes());
    for (tag, value) in &fci.elements {
        dialogue.card.set(*tag, value);
    }
    let preference = dialogue
        .card
        .value(tag::LANGUAGE_PREFERENCE)
        .unwrap_or_default();
    let language = selection::choose_language(preference, &terminal.languages);
    dialogue.card.set_language(language);
    dialogue.conclude(&rules::APPLICATION_SELECTED);
    Ok(Some(Selected { terms, fci }))
}

/// SELECT by name.
fn select<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    name: &[u8],
    occurrence: Occurrence,
) -> Result<apdu::Response, Cause> {
    dialogue.transmit(&apdu::select(name, occurrence).unwrap_or_default())
}
