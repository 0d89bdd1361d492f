//! The dialogue with a contact card, from SELECT to the first GENERATE AC.
//!
//! One function for each step of EMV 4.4 Book 3, chapter 10, in the order of the book. Each talks
//! to the card and hands what it heard to a pure function that decides; each takes the state the
//! step before left, so that no step can be left out. [`crate::OnlineRequest::complete`] goes on
//! when the issuer must be asked.

use zeroize::Zeroizing;

use crate::action::{self, ActionCodes};
use crate::apdu::{self, status};
use crate::application_selection::{Offer, build_candidate_list, choose, final_select};
use crate::authentication;
use crate::bits::{Auc, TerminalCapabilities, Tsi};
use crate::card_action::{self, Answered};
use crate::card_data::{CardData, CryptogramType};
use crate::cvm::{Circumstances, Service};
use crate::date::Date;
use crate::dialogue::Dialogue;
use crate::dol::Dol;
use crate::identity::Pan;
use crate::mandatory_data::{self, Gathered};
use crate::outcome::{Cause, Decision, Ended, Misbehaviour, NotAccepted};
use crate::parameters::{Application, Terminal};
use crate::ports::Ports;
use crate::records::{self, ProcessingOptions, StaticData};
use crate::restrictions;
use crate::risk::{self, Velocity};
use crate::rules;
use crate::selection::{self, Candidate, Fci};
use crate::tag::{self, Tag};
use crate::terminal_data::{self, AMOUNT_MAX};
use crate::terms::Terms;
use crate::tlv;
use crate::transaction::Transaction;
use crate::verification;

/// Runs a transaction with the card behind `ports` up to the first GENERATE AC.
///
/// `applications` are those the acquirer accepts, in the order in which the card is asked for
/// them. Fails when the card is gone, misbehaves or is not accepted, or when a person ends it;
/// nothing is approved then.
pub fn start<P: Ports>(
    ports: &mut P,
    terminal: &Terminal,
    applications: &[Application],
    transaction: &Transaction,
) -> Result<Decision, Ended> {
    let mut dialogue = Dialogue::new(ports);
    match decide(&mut dialogue, terminal, applications, transaction) {
        Ok((read, answered)) => Ok(card_action::decision(dialogue, read, answered)),
        Err(cause) => Err(dialogue.ended(cause, false)),
    }
}

/// Reads the card behind `ports` and decides nothing: selection, GET PROCESSING OPTIONS, records. In
/// the end the card is asked for an AAC (EMV 4.4 Book 3, 9.3), so that it counts nothing as open.
///
/// For a refund, where the card only says whom to pay, and to know a card. Its data is not
/// authenticated, and the TVR says so. Fails as [`start`] does.
pub fn read<P: Ports>(
    ports: &mut P,
    terminal: &Terminal,
    applications: &[Application],
    transaction: &Transaction,
) -> Result<CardData, Ended> {
    let mut dialogue = Dialogue::new(ports);
    match read_and_cancel(&mut dialogue, terminal, applications, transaction) {
        Ok(()) => Ok(dialogue.card),
        Err(cause) => Err(dialogue.ended(cause, false)),
    }
}

fn read_and_cancel<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    terminal: &Terminal,
    applications: &[Application],
    transaction: &Transaction,
) -> Result<(), Cause> {
    let read = identify(dialogue, terminal, applications, transaction)?;
    dialogue.conclude(&rules::READ_NOT_AUTHENTICATED);
    card_action::cancel(dialogue, &read)
}

/// The application was selected.
pub(crate) struct Selected {
    pub(crate) terms: Terms,
    pub(crate) fci: Fci,
}

/// The card told what it supports and where its data is.
pub(crate) struct Initiated {
    selected: Selected,
    pub(crate) options: ProcessingOptions,
    /// What the card was told.
    pub(crate) pdol_values: Zeroizing<Vec<u8>>,
}

/// The card's records were read.
pub(crate) struct Read {
    pub(crate) terms: Terms,
    /// What the card was told in GET PROCESSING OPTIONS.
    pub(crate) pdol_values: Zeroizing<Vec<u8>>,
    pub(crate) static_data: StaticData,
    pub(crate) cdol1: Dol,
    pub(crate) cdol2: Dol,
    pub(crate) today: Date,
    pub(crate) effective: Option<Date>,
    pub(crate) expiration: Date,
    pub(crate) pan: Pan,
    pub(crate) sequence_number: Option<u8>,
}

/// The steps in order.
fn decide<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    terminal: &Terminal,
    applications: &[Application],
    transaction: &Transaction,
) -> Result<(Read, Answered), Cause> {
    let read = identify(dialogue, terminal, applications, transaction)?;
    let authentication = authentication::perform(dialogue, &read)?;
    processing_restrictions(dialogue, &read);
    cardholder_verification(dialogue, &read)?;
    terminal_risk_management(dialogue, &read)?;
    let requested = terminal_action_analysis(dialogue, &read.terms);
    let answered = card_action::perform(dialogue, &read, authentication, requested)?;
    Ok((read, answered))
}

/// The steps up to the card's records.
fn identify<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    terminal: &Terminal,
    applications: &[Application],
    transaction: &Transaction,
) -> Result<Read, Cause> {
    if transaction.amount > AMOUNT_MAX || transaction.amount_other > transaction.amount {
        return Err(Cause::NotAccepted(NotAccepted::AmountOutOfRange));
    }
    let candidates = build_candidate_list(dialogue, applications)?;
    let offer = Offer {
        terminal,
        applications,
        transaction,
    };
    let initiated = select_and_initiate(dialogue, candidates, &offer)?;
    read_application_data(dialogue, initiated)
}

/// EMV 4.4 Book 1, 12.4, and EMV 4.4 Book 3, 10.1: offers what is left until an application can be
/// used. One the card refuses is taken off the list.
fn select_and_initiate<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    mut candidates: Vec<Candidate>,
    offer: &Offer<'_>,
) -> Result<Initiated, Cause> {
    let mut asked = false;
    loop {
        let offered = selection::needs_cardholder(&candidates, asked)
            && dialogue.ports.chooses_applications();
        let chosen = choose(dialogue, &candidates, offer.terminal, &mut asked)?;
        let candidate = candidates.remove(chosen);
        if let Some(selected) = final_select(dialogue, &candidate, offer)?
            && let Some(initiated) = initiate_application(dialogue, selected)?
        {
            return Ok(initiated);
        }
        dialogue.application_refused = true;
        if offered && !candidates.is_empty() {
            dialogue.ports.choice_refused();
        }
    }
}

/// EMV 4.4 Book 3, 10.1: GET PROCESSING OPTIONS. `None` when the card wants another application.
pub(crate) fn initiate_application<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    selected: Selected,
) -> Result<Option<Initiated>, Cause> {
    let pdol = mandatory_data::data_object_list(&dialogue.card, tag::PDOL)?.unwrap_or_default();
    let mut template = Vec::new();
    let pdol_values = Zeroizing::new(pdol.fill(|tag| dialogue.card.value(tag)));
    tlv::encode(tag::COMMAND_TEMPLATE, &pdol_values, &mut template);
    let command = apdu::get_processing_options(&template)
        .ok_or(Cause::CardMisbehaved(Misbehaviour::DataObjectList))?;
    let response = dialogue.transmit(&command)?;
    if response.status == status::CONDITIONS_NOT_SATISFIED {
        dialogue.conclude(&rules::APPLICATION_NOT_USABLE);
        return Ok(None);
    }
    let data = response.expect_success()?;
    let options = ProcessingOptions::parse(data).map_err(Cause::CardMisbehaved)?;
    dialogue.card.set(tag::AIP, &options.aip.to_bytes());
    dialogue.card.set(tag::AFL, &options.afl);
    dialogue.conclude(&rules::INITIATED);
    Ok(Some(Initiated {
        selected,
        options,
        pdol_values,
    }))
}

/// EMV 4.4 Book 3, 10.2.
pub(crate) fn read_application_data<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    initiated: Initiated,
) -> Result<Read, Cause> {
    let static_data = read_records(dialogue, &initiated.options)?;
    let Selected { terms, fci } = initiated.selected;
    let gathered = Gathered {
        pdol_values: initiated.pdol_values,
        static_data,
    };
    let read = mandatory_data::check(&dialogue.card, terms, gathered);
    dialogue.conclude(if read.is_ok() {
        &rules::MANDATORY_DATA_PRESENT
    } else {
        &rules::MANDATORY_DATA_MISSING
    });
    let read = read?;
    let identity = mandatory_data::identify(&dialogue.card, &read, fci)?;
    dialogue.ports.card_identified(&identity);
    dialogue.card.set_identity(identity);
    Ok(read)
}

/// Reads the records the AFL names, keeps their data objects, and gathers what is authenticated.
pub(crate) fn read_records<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    options: &ProcessingOptions,
) -> Result<StaticData, Cause> {
    let mut static_data = StaticData::default();
    for entry in &options.entries {
        for (record, authenticated) in entry.records() {
            let response = dialogue.transmit(&apdu::read_record(entry.sfi, record))?;
            let data = response.expect_success()?;
            for object in records::elements(entry.sfi, data).map_err(Cause::CardMisbehaved)? {
                dialogue.keep(object.tag, object.value)?;
            }
            if authenticated {
                static_data.add(entry.sfi, data);
            }
        }
    }
    dialogue.conclude(&rules::RECORDS_READ);
    Ok(static_data)
}

/// EMV 4.4 Book 3, 10.4.
fn processing_restrictions<P: Ports>(dialogue: &mut Dialogue<'_, P>, read: &Read) {
    let card = &dialogue.card;
    let Terms {
        terminal,
        application,
        transaction,
    } = &read.terms;
    let conclusions = restrictions::check(&restrictions::Facts {
        version_card: card.array(tag::APPLICATION_VERSION_CARD),
        version_terminal: application.version.to_be_bytes(),
        usage: card
            .array(tag::APPLICATION_USAGE_CONTROL)
            .map(Auc::from_bytes),
        issuer_country: card.array(tag::ISSUER_COUNTRY_CODE),
        terminal_country: card.array(tag::TERMINAL_COUNTRY_CODE).unwrap_or_default(),
        terminal_type: terminal.kind,
        additional_capabilities: terminal.additional_capabilities,
        kind: transaction.kind,
        cashback: Service::of(transaction, terminal.kind) == Service::Cashback,
        today: read.today,
        effective: read.effective,
        expiration: read.expiration,
    });
    dialogue.conclude_all(conclusions);
}

/// EMV 4.4 Book 3, 10.5.
fn cardholder_verification<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    read: &Read,
) -> Result<(), Cause> {
    let Some(list) = verification::applicable_list(dialogue)? else {
        return Ok(());
    };
    let Terms {
        terminal,
        transaction,
        ..
    } = &read.terms;
    let capabilities = terminal_data::capabilities(terminal);
    let card = &dialogue.card;
    let now = Circumstances {
        capabilities,
        service: Service::of(transaction, terminal.kind),
        amount: transaction.amount,
        in_application_currency: card.value(tag::APPLICATION_CURRENCY_CODE)
            == card.value(tag::TRANSACTION_CURRENCY_CODE),
    };
    let enciphered = capabilities.contains(TerminalCapabilities::ENCIPHERED_OFFLINE_PIN)
        && list.asks_for_enciphered_pin();
    let pin_key = enciphered
        .then(|| authentication::pin_key(dialogue, read))
        .flatten();
    verification::process(dialogue, &list, &now, pin_key.as_ref())
}

/// EMV 4.4 Book 3, 10.6.
///
/// Performed whatever the AIP says, since it protects the acquirer.
fn terminal_risk_management<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    read: &Read,
) -> Result<(), Cause> {
    let Terms {
        application,
        transaction,
        ..
    } = &read.terms;
    if dialogue
        .ports
        .on_exception_file(&read.pan, read.sequence_number)
    {
        dialogue.conclude(&rules::ON_EXCEPTION_FILE);
    }
    if transaction.merchant_forced_online {
        dialogue.conclude(&rules::FORCED_ONLINE);
    }
    let logged = dialogue
        .ports
        .logged_amount(&read.pan, read.sequence_number);
    let limit = application.floor_limit;
    dialogue.conclude(risk::floor_limit(transaction.amount, logged, limit));
    if risk::subject_to_random_selection(transaction.amount, limit) {
        let random = risk::random_percent(dialogue.ports.unpredictable_number());
        // A laboratory must be able to see what chance decided.
        let digits = terminal_data::bcd::<1>(random.into());
        dialogue.card.set(tag::RANDOM_SELECTION_NUMBER, &digits);
        let selection = application.random_selection;
        dialogue.conclude(risk::random_selection(
            transaction.amount,
            limit,
            selection,
            random,
        ));
    }
    velocity_checking(dialogue)?;
    dialogue.performed(Tsi::TERMINAL_RISK_MANAGEMENT_PERFORMED);
    Ok(())
}

/// EMV 4.4 Book 3, 10.6.3: only for a card that gives both limits.
fn velocity_checking<P: Ports>(dialogue: &mut Dialogue<'_, P>) -> Result<(), Cause> {
    let lower = dialogue.card.array(tag::LOWER_CONSECUTIVE_OFFLINE_LIMIT);
    let upper = dialogue.card.array(tag::UPPER_CONSECUTIVE_OFFLINE_LIMIT);
    let (Some([lower_limit]), Some([upper_limit])) = (lower, upper) else {
        dialogue.conclude(&rules::VELOCITY_NOT_CHECKED);
        return Ok(());
    };
    let atc = counter(dialogue, tag::ATC)?;
    let last_online_atc = counter(dialogue, tag::LAST_ONLINE_ATC)?;
    let facts = Velocity {
        lower_limit,
        upper_limit,
        atc,
        last_online_atc,
    };
    dialogue.conclude_all(risk::velocity(&facts));
    Ok(())
}

/// A counter of two bytes, by GET DATA.
fn counter<P: Ports>(dialogue: &mut Dialogue<'_, P>, tag: Tag) -> Result<Option<u16>, Cause> {
    let value = dialogue.get_data(tag)?;
    Ok(value
        .and_then(|value| value.try_into().ok())
        .map(u16::from_be_bytes))
}

/// EMV 4.4 Book 3, 10.7: which cryptogram to ask for.
fn terminal_action_analysis<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    terms: &Terms,
) -> CryptogramType {
    let codes = ActionCodes::of(&dialogue.card, &terms.application);
    let (requested, conclusion) = action::first(dialogue.tvr(), codes, terms.connection());
    dialogue.conclude_on_codes(conclusion, &terms.application);
    requested
}
