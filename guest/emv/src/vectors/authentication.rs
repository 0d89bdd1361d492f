//! Offline data authentication with RSA.
//!
//! The chain of a case is walked link by link, so that every value it names can be compared; a case
//! of a whole dynamic signature is then run as the step of a transaction, for TVR and TSI.

use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use super::fields::{array, bytes, hex, list, objects, optional};
use super::{Outcome, application, terminal, transaction};
use crate::authentication::{
    AUTHENTICATION_KEY, Link, Material, icc_key, issuer_key, perform, recover, verify_dynamic,
    verify_static,
};
use crate::bits::{Aip, Tsi, Tvr};
use crate::card_data::CardData;
use crate::certificate::{PublicKey, Refusal};
use crate::contact::{Read, Terms};
use crate::date::Date;
use crate::dialogue::Dialogue;
use crate::dol::Dol;
use crate::identity::Pan;
use crate::parameters::CaPublicKey;
use crate::records::StaticData;
use crate::scripted::Scripted;
use crate::tag::{self, Tag};
use crate::tlv;

/// A day on which every published test card was valid.
const ANY_DAY: [u8; 3] = [0x10, 0x01, 0x01];

/// Inputs of what the kernel does not do yet, with what that is.
const NOT_COVERED: [(&str, &str); 2] = [
    ("generate_ac_tlvs_except_9F4B", "CDA is not covered yet"),
    (
        "fdda_version",
        "fDDA belongs to a contactless kernel: not covered yet",
    ),
];

pub(super) fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    for (name, reason) in NOT_COVERED {
        if !input[name].is_null() {
            return Err(reason.to_owned());
        }
    }
    let mut ports = tools(input)?;
    let (mut actual, link) = match walk(input, &mut ports)? {
        Ok(values) => (values, None),
        Err((link, refusal)) => {
            let mut values = Map::new();
            let dynamic = !input["internal_authenticate_data"].is_null();
            let (step, reason) = named(link, refusal, dynamic);
            values.insert("step".to_owned(), json!(step));
            values.insert("reason".to_owned(), json!(reason));
            (values, Some(link))
        }
    };
    let result = if link.is_some() { "failure" } else { "success" };
    actual.insert("result".to_owned(), json!(result));
    if is_a_step(input)? {
        let (tvr, tsi) = as_a_step(input)?;
        let failed = tvr.intersects(Tvr::SDA_FAILED | Tvr::DDA_FAILED);
        if (link.is_some(), tsi) != (failed, Tsi::ODA_PERFORMED) {
            return Err(format!("{result}, but as a step: {tvr:?}, {tsi:?}"));
        }
        actual.insert("tvr_byte1_bit".to_owned(), json!(tvr_words(tvr)));
        actual.insert("tsi".to_owned(), json!("ODA was performed (byte 1 b8)"));
    }
    Ok(Value::Object(actual))
}

/// Whether a case has all that the step of a transaction takes.
fn is_a_step(input: &Value) -> Result<bool, String> {
    let aip = optional(array, input, "aip_82")?.map(Aip::from_bytes);
    let signed = !input["internal_authenticate_data"].is_null();
    let method = aip.is_some_and(|aip| {
        let dynamic = aip.contains(Aip::DDA);
        if signed {
            dynamic
        } else {
            !dynamic && aip.contains(Aip::SDA)
        }
    });
    Ok(method && !input["static_data_to_authenticate"].is_null())
}

/// What the chain of a case gives, or the link that broke and why.
type Walked = Result<Map<String, Value>, (Link, Refusal)>;

/// Walks the chain of a case. The outer error is a case that cannot be read.
fn walk(input: &Value, ports: &mut Scripted) -> Result<Walked, String> {
    let card = card(input)?;
    let ca = ports.ca_keys.first().map(|key| PublicKey {
        modulus: key.modulus.clone(),
        exponent: key.exponent.clone(),
    });
    let ca = ca.ok_or("the case has no CA key")?;
    let certificate = card.value(tag::ISSUER_PUBLIC_KEY_CERTIFICATE);
    let opened = recover(ports, &ca, certificate.unwrap_or_default()).unwrap_or_default();
    let pan = pan(&card, &opened)?;
    let static_data = optional(bytes, input, "static_data_to_authenticate")?;
    let material = Material {
        card: &card,
        pan: &pan,
        today: today(input)?,
        rid: array(&input["capk"], "rid")?,
        static_data: static_data.clone().map(Zeroizing::new),
    };
    let mut values = Map::new();
    let issuer = match issuer_key(ports, &material) {
        Ok(issuer) => issuer,
        Err(failure) => return Ok(Err(failure)),
    };
    let fields = certificate_fields(&opened, 4, "issuer_identifier", &issuer.modulus);
    values.insert("issuer_key".to_owned(), fields);
    values.insert(
        "static_hash_checked".to_owned(),
        json!(static_data.is_some()),
    );
    if let Some(signed) = card.value(tag::SIGNED_STATIC_APPLICATION_DATA) {
        let opened = recover(ports, &issuer, signed).unwrap_or_default();
        let verified = verify_static(ports, &material);
        // A card with DDA is judged by its dynamic signature.
        match verified {
            Err(failure) if static_data.is_some() && !card.aip().contains(Aip::DDA) => {
                return Ok(Err(failure));
            }
            Ok(_) | Err(_) => {}
        }
        let code = verified.ok().map_or_else(
            || opened.get(3..5).unwrap_or_default().to_vec(),
            |code| code.to_vec(),
        );
        values.insert(
            "sda".to_owned(),
            json!({ "recovered": hex(&opened), "hash_ok": verified.is_ok(),
                    "data_authentication_code_9F45": hex(&code), "hash": hash(&opened) }),
        );
    }
    Ok(walk_card(input, ports, &material, &issuer)?.map(|more| {
        values.extend(more);
        values
    }))
}

/// The card's own key and its signature, when the case has them.
fn walk_card(
    input: &Value,
    ports: &mut Scripted,
    material: &Material<'_>,
    issuer: &PublicKey,
) -> Result<Walked, String> {
    let mut values = Map::new();
    let Some(signed) = material.card.value(tag::ICC_PUBLIC_KEY_CERTIFICATE) else {
        return Ok(Ok(values));
    };
    let opened = recover(ports, issuer, signed).unwrap_or_default();
    let key = if material.static_data.is_some() {
        match icc_key(ports, material, issuer, AUTHENTICATION_KEY) {
            Ok(key) => key,
            Err(failure) => return Ok(Err(failure)),
        }
    } else {
        // What the certificate covers is not in the case, so its key is taken unchecked.
        unchecked_key(&opened, material.card)?
    };
    let fields = certificate_fields(&opened, 10, "pan", &key.modulus);
    values.insert("icc_key".to_owned(), fields);
    if let Some(data) = optional(bytes, input, "internal_authenticate_data")? {
        let signed = bytes(input, "sdad_9F4B")?;
        let number = match verify_dynamic(ports, &key, &signed, &data) {
            Ok(number) => number,
            Err(refusal) => return Ok(Err((Link::Signature, refusal))),
        };
        let opened = recover(ports, &key, &signed).unwrap_or_default();
        let length = opened.get(3).map_or(0, |length| usize::from(*length));
        let dynamic_data = opened.get(4..length.saturating_add(4));
        values.insert(
            "dda".to_owned(),
            json!({ "recovered": hex(&opened), "icc_dynamic_number_9F4C": hex(&number),
                    "icc_dynamic_data": dynamic_data.map(hex) }),
        );
    }
    Ok(Ok(values))
}

/// The fields of an opened certificate (EMV 4.4 Book 2, tables 6 and 14). Its owner's number is
/// `length` bytes long.
fn certificate_fields(opened: &[u8], length: usize, owner: &str, modulus: &[u8]) -> Value {
    let field = |skipped: usize, size: usize| -> &[u8] {
        let from = length.saturating_add(skipped).saturating_add(2);
        opened
            .get(from..from.saturating_add(size))
            .unwrap_or_default()
    };
    let number = |skipped| field(skipped, 1).first().copied();
    json!({
        owner: opened.get(2..length.saturating_add(2)).map(hex),
        "recovered": hex(opened),
        "expiry_mmyy": hex(field(0, 2)),
        "serial": hex(field(2, 3)),
        "hash_algorithm": hex(field(5, 1)),
        "pk_algorithm": hex(field(6, 1)),
        "pk_length": number(7),
        "exponent_length": number(8),
        "modulus": hex(modulus),
    })
}

/// The key in an opened certificate of a card, by its length and the remainder alone.
fn unchecked_key(opened: &[u8], card: &CardData) -> Result<PublicKey, String> {
    let length = opened.get(19).map_or(0, |length| usize::from(*length));
    let end = opened.len().saturating_sub(21);
    let digits = opened.get(21..end).unwrap_or_default();
    let remainder = card.value(tag::ICC_PUBLIC_KEY_REMAINDER);
    let mut modulus = [digits, remainder.unwrap_or_default()].concat();
    modulus.truncate(length);
    let exponent = card.value(tag::ICC_PUBLIC_KEY_EXPONENT);
    Ok(PublicKey {
        modulus,
        exponent: exponent.ok_or("9F47 is missing")?.to_vec(),
    })
}

/// The hash in something opened, before the trailer.
fn hash(opened: &[u8]) -> Option<String> {
    let (_, rest) = opened.split_last()?;
    rest.last_chunk::<20>().map(|hash| hex(hash))
}

/// The vectors' names of the link that broke and of what was wrong with it.
fn named(link: Link, refusal: Refusal, dynamic: bool) -> (&'static str, String) {
    let (step, object) = match link {
        Link::Ca => ("capk", "capk"),
        Link::Issuer => ("issuer_key", "issuer"),
        Link::Icc => ("icc_key", "icc"),
        Link::Signature if dynamic => ("dda", "sdad"),
        Link::Signature => ("sda", "ssad"),
    };
    let what = match refusal {
        Refusal::Missing => "missing",
        Refusal::CaKey => "refused",
        Refusal::Length => "cert_length",
        Refusal::Header => "header",
        Refusal::Trailer => "trailer",
        Refusal::Format => "format",
        Refusal::Hash => "hash",
        Refusal::HashAlgorithm => "hash_algorithm",
        Refusal::KeyAlgorithm => "pk_algorithm",
        Refusal::KeyLength => "pk_length",
        Refusal::Expired => "expired",
        Refusal::Revoked => "revoked",
        Refusal::IssuerIdentifier => "id",
        Refusal::Pan => "pan",
        Refusal::StaticData => "static_data",
    };
    (step, format!("{object}_{what}"))
}

/// The bit of TVR byte 1 in the vectors' words; `None` when none is set.
fn tvr_words(tvr: Tvr) -> Option<&'static str> {
    [
        (Tvr::SDA_FAILED, "SDA failed (b7)"),
        (Tvr::DDA_FAILED, "DDA failed (b4)"),
    ]
    .into_iter()
    .find(|(bit, _)| tvr.contains(*bit))
    .map(|(_, words)| words)
}

/// Runs the case as the step of a transaction, with a card that answers with its signature.
fn as_a_step(input: &Value) -> Result<(Tvr, Tsi), String> {
    let mut ports = tools(input)?;
    if let Some(signed) = optional(bytes, input, "sdad_9F4B")? {
        let mut answer = Vec::new();
        tlv::encode(tag::RESPONSE_TEMPLATE_1, &signed, &mut answer);
        answer.extend([0x90, 0x00]);
        ports.answers.push_back(answer);
    }
    let mut dialogue = Dialogue::new(&mut ports);
    let (read, card) = read(input)?;
    dialogue.card = card;
    if let Some(number) = optional(bytes, input, "internal_authenticate_data")? {
        dialogue.card.set(tag::UNPREDICTABLE_NUMBER, &number);
    }
    perform(&mut dialogue, &read).map_err(|cause| format!("{cause:?}"))?;
    Ok((dialogue.card.tvr(), dialogue.card.tsi()))
}

/// The records of a case as one record with everything that is authenticated, and its card.
fn read(input: &Value) -> Result<(Read, CardData), String> {
    let mut card = card(input)?;
    let mut content = bytes(input, "static_data_to_authenticate")?;
    if card.contains(tag::SDA_TAG_LIST) {
        match content.strip_suffix(&card.aip().to_bytes()) {
            // The AIP comes by the tag list.
            Some(records) => content = records.to_vec(),
            // The card signed another AIP than it gives: it is part of the content.
            None => card = card_without(input, Some(tag::SDA_TAG_LIST))?,
        }
    }
    let mut record = Vec::new();
    tlv::encode(tag::RECORD_TEMPLATE, &content, &mut record);
    let mut static_data = StaticData::default();
    static_data.add(1, &record);
    let mut transaction = transaction();
    transaction.date = optional(array, input, "transaction_date_9A")?.unwrap_or(ANY_DAY);
    let pan = card.value(tag::PAN).and_then(Pan::parse);
    let read = Read {
        terms: Terms {
            terminal: terminal()?,
            application: application(&array::<5>(&input["capk"], "rid")?, true)?,
            transaction,
        },
        static_data,
        cdol1: Dol::default(),
        cdol2: Dol::default(),
        today: today(input)?,
        effective: None,
        expiration: Date::parse([0x40, 0x12, 0x31]).ok_or("no date")?,
        pan: pan.ok_or("the case has no PAN")?,
        sequence_number: None,
    };
    Ok((read, card))
}

fn today(input: &Value) -> Result<Date, String> {
    let day = optional(array, input, "transaction_date_9A")?.unwrap_or(ANY_DAY);
    Date::parse(day).ok_or_else(|| "transaction_date_9A is no date".to_owned())
}

/// The PAN of a case. One without stands for any card of the issuer in its certificate.
fn pan(card: &CardData, certificate: &[u8]) -> Result<Pan, String> {
    let digits = card.value(tag::PAN).or(certificate.get(2..6));
    let pan = digits.and_then(Pan::parse);
    pan.ok_or_else(|| "the case has no PAN".to_owned())
}

fn tools(input: &Value) -> Result<Scripted, String> {
    let capk = &input["capk"];
    let rid: [u8; 5] = array(capk, "rid")?;
    let [index] = array(capk, "index")?;
    let (modulus, exponent) = (bytes(capk, "modulus")?, bytes(capk, "exponent")?);
    let hashed = [&rid[..], &[index], &modulus, &exponent].concat();
    let mut ports = Scripted::default();
    ports.ca_keys.push(CaPublicKey {
        rid,
        index,
        modulus,
        exponent,
        checksum: Sha1::digest(hashed).into(),
        expires: None,
    });
    for entry in optional(list, input, "crl")?.unwrap_or_default() {
        let [index] = array(entry, "index")?;
        let (rid, serial) = (array(entry, "rid")?, array(entry, "issuer_serial")?);
        ports.revoked.push((rid, index, serial));
    }
    Ok(ports)
}

fn card(input: &Value) -> Result<CardData, String> {
    card_without(input, None)
}

/// The card of a case, but for one element.
fn card_without(input: &Value, left_out: Option<Tag>) -> Result<CardData, String> {
    let mut card = CardData::default();
    for (tag, value) in objects(input, "tags")? {
        if !value.is_empty() && Some(tag) != left_out {
            card.set(tag, &value);
        }
    }
    let index = bytes(&input["capk"], "index")?;
    card.set(tag::CA_PUBLIC_KEY_INDEX_CARD, &index);
    if let Some(aip) = optional(bytes, input, "aip_82")? {
        card.set(tag::AIP, &aip);
    }
    Ok(card)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_the_unpredictable_number_proves_nothing() {
        let file = include_str!("../../../../tests/vectors/oda_rsa.json");
        let file: Value = serde_json::from_str(file).expect("JSON");
        let cases = file["cases"].as_array().expect("cases");
        let case = cases.iter().find(|case| case["id"] == "oda-own-dda-e3");
        let input = &case.expect("the case")["input"];
        let mut ports = tools(input).expect("tools");
        let mut dialogue = Dialogue::new(&mut ports);
        let (read, card) = read(input).expect("records");
        dialogue.card = card;
        dialogue.card.set(tag::DDOL, &[0x9F, 0x02, 0x06]);
        perform(&mut dialogue, &read).expect("a step");
        assert_eq!(dialogue.card.tvr(), Tvr::DDA_FAILED);
        assert_eq!(ports.sent.len(), 0);
    }
}
