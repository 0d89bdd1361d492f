//! The chain of elliptic-curve keys of extended data authentication (XDA).
//!
//! EMV 4.4 Book 2, 12; EMV 4.4 Book 3, 10.3.

use zeroize::Zeroizing;

use crate::certificate::Refusal;
use crate::contact::Read;
use crate::date::{Date, Minute};
use crate::dialogue::Dialogue;
use crate::ecc_certificate;
use crate::elliptic::EllipticKey;
use crate::key_chain::{Failure, Link};
use crate::parameters::EccCaPublicKey;
use crate::ports::Ports;
use crate::tag::{self, Tag};
use crate::tlv;

/// The key the card signs with (EMV 4.4 Book 2, 12.2 to 12.4).
pub(crate) fn authentication_key<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    read: &Read,
) -> Result<EllipticKey, Failure> {
    let at = |refusal| (Link::Issuer, refusal);
    let card = &dialogue.card;
    let mandatory = |tag: Tag| card.value(tag).ok_or(Refusal::Missing);
    // EMV 4.4 Book 3, 10.3: without an index there is no authority's key.
    let index = mandatory(tag::CA_PUBLIC_KEY_INDEX_CARD).map_err(|missing| (Link::Ca, missing))?;
    let issuer_certificate = mandatory(tag::ISSUER_PUBLIC_KEY_CERTIFICATE).map_err(at)?;
    let icc_certificate = mandatory(tag::ICC_PUBLIC_KEY_CERTIFICATE).map_err(at)?;
    let card_data = certified_card_data(dialogue, read);
    let (rid, index) = (
        read.terms.application.aid.rid(),
        index.first().copied().unwrap_or(0),
    );
    let ca = dialogue
        .ports
        .ecc_ca_public_key(&rid, index)
        .filter(|key| ca_key_valid(key, rid, index, read.today))
        .ok_or((Link::Ca, Refusal::CaKey))?;
    let (issuer, serial) =
        ecc_certificate::issuer_key(&ca, issuer_certificate, &read.pan, read.today).map_err(at)?;
    if dialogue
        .ports
        .issuer_certificate_revoked(&rid, index, serial)
    {
        return Err(at(Refusal::Revoked));
    }
    let at = |refusal| (Link::Icc, refusal);
    let card_data = card_data.ok_or(at(Refusal::StaticData))?;
    let now = now(read).ok_or(at(Refusal::Expired))?;
    ecc_certificate::icc_key(&issuer, icc_certificate, &card_data, now).map_err(at)
}

/// Whether a certification authority's key is the one asked for, and may be used today.
fn ca_key_valid(key: &EccCaPublicKey, rid: [u8; 5], index: u8, today: Date) -> bool {
    let in_date = key
        .expires
        .is_none_or(|last| Date::parse(last).is_some_and(|last| today <= last));
    (key.rid, key.index) == (rid, index) && in_date
}

/// The minute of the transaction. The certificate counts in UTC and the transaction in local time;
/// the terminal knows no offset, so a certificate may end for it some hours early or late.
fn now(read: &Read) -> Option<Minute> {
    let [hour, minute, _] = read.terms.transaction.time;
    Minute::parse(read.today, [hour, minute])
}

/// What the issuer certifies of the card beside its key (EMV 4.4 Book 3, 10.3): the records; then,
/// each with tag and length, the AIP, the name of the application under the terminal's tag for it,
/// and the PDOL when there is one. Tag 9F4A has no say. `None` when the records are not coded as
/// the standard asks.
///
/// The name is the whole one the card gave: the issuer cannot know how much of it a terminal has.
fn certified_card_data<P: Ports>(
    dialogue: &Dialogue<'_, P>,
    read: &Read,
) -> Option<Zeroizing<Vec<u8>>> {
    let card = &dialogue.card;
    let mut data = read.static_data.finish(None, card.aip())?;
    for (from, encoded_as) in [
        (tag::AIP, tag::AIP),
        (tag::DF_NAME, tag::AID),
        (tag::PDOL, tag::PDOL),
    ] {
        if let Some(value) = card.value(from) {
            tlv::encode(encoded_as, value, &mut data);
        }
    }
    Some(data)
}

#[cfg(test)]
mod tests;
