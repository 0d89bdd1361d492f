//! What a card must give for a transaction to go on.
//!
//! EMV 4.4 Book 3, 7.2 and 7.5.

use zeroize::Zeroizing;

use crate::card_data::CardData;
use crate::contact::Read;
use crate::date::Date;
use crate::dol::Dol;
use crate::identity::{Identity, Pan, Track2};
use crate::outcome::{Cause, Misbehaviour, NotAccepted};
use crate::records::StaticData;
use crate::selection::Fci;
use crate::tag::{self, Tag};
use crate::terms::Terms;

/// What offline data authentication covers, as far as it is known once the records are read.
pub(crate) struct Gathered {
    pub(crate) pdol_values: Zeroizing<Vec<u8>>,
    pub(crate) static_data: StaticData,
}

/// EMV 4.4 Book 3, 7.2 and 7.5: what must be there and well formed for the transaction to go on.
pub(crate) fn check(card: &CardData, terms: Terms, gathered: Gathered) -> Result<Read, Cause> {
    let missing = Cause::CardMisbehaved(Misbehaviour::ElementMissing);
    let malformed = Cause::CardMisbehaved(Misbehaviour::ElementFormat);
    let expiration = card
        .array(tag::APPLICATION_EXPIRATION_DATE)
        .ok_or(missing)?;
    let effective = card.array(tag::APPLICATION_EFFECTIVE_DATE).map(Date::parse);
    Ok(Read {
        cdol1: data_object_list(card, tag::CDOL1)?.ok_or(missing)?,
        cdol2: data_object_list(card, tag::CDOL2)?.ok_or(missing)?,
        today: Date::parse(terms.transaction.date)
            .ok_or(Cause::NotAccepted(NotAccepted::DateInvalid))?,
        effective: effective.map(|date| date.ok_or(malformed)).transpose()?,
        expiration: Date::parse(expiration).ok_or(malformed)?,
        pan: Pan::parse(card.value(tag::PAN).ok_or(missing)?).ok_or(malformed)?,
        sequence_number: card.array(tag::PAN_SEQUENCE_NUMBER).map(|[number]| number),
        terms,
        pdol_values: gathered.pdol_values,
        static_data: gathered.static_data,
    })
}

/// Who the card belongs to.
pub(crate) fn identify(card: &CardData, read: &Read, fci: Fci) -> Result<Identity, Cause> {
    let malformed = Cause::CardMisbehaved(Misbehaviour::ElementFormat);
    let track_2 = card.value(tag::TRACK_2_EQUIVALENT_DATA);
    let shown = read.terms.terminal.additional_capabilities;
    Ok(Identity {
        pan: read.pan.clone(),
        expiry: card
            .array(tag::APPLICATION_EXPIRATION_DATE)
            .unwrap_or_default(),
        sequence_number: read.sequence_number,
        track_2: track_2
            .map(|value| Track2::parse(value).ok_or(malformed))
            .transpose()?,
        label: fci.labels.displayed(shown).to_vec(),
        aid: fci.name,
    })
}

/// A data object list of the card, when it gave one.
pub(crate) fn data_object_list(card: &CardData, tag: Tag) -> Result<Option<Dol>, Cause> {
    card.value(tag)
        .map(|value| {
            Dol::parse(value).map_err(|_| Cause::CardMisbehaved(Misbehaviour::DataObjectList))
        })
        .transpose()
}
