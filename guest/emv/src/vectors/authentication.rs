//! Offline data authentication with RSA.
//!
//! The chain of a case is walked link by link, so that every value it names can be compared; a case
//! with all that it takes is then run as the step of a transaction too, for TVR and TSI.

use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use super::chain::walk;
use super::fields::{array, bytes, list, objects, optional};
use super::{Outcome, application, specimen, transaction};
use crate::authentication::perform;
use crate::bits::{Aip, Tsi, Tvr};
use crate::card_data::{CardData, CryptogramType};
use crate::certificate::Refusal;
use crate::contact::Read;
use crate::date::Date;
use crate::dialogue::Dialogue;
use crate::dol::Dol;
use crate::identity::Pan;
use crate::key_chain::Link;
use crate::parameters::CaPublicKey;
use crate::records::StaticData;
use crate::scripted::Scripted;
use crate::signed_answer::{Answer, Moment, Request};
use crate::tag::{self, Tag};
use crate::terms::Terms;
use crate::tlv;

/// A day on which every published test card was valid.
const ANY_DAY: [u8; 3] = [0x10, 0x01, 0x01];

pub(super) fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    if !input["fdda_version"].is_null() {
        return Err("fDDA belongs to a contactless kernel: not covered yet".to_owned());
    }
    let method = method(input)?;
    let mut ports = tools(input)?;
    let (mut actual, link) = match walk(input, &mut ports)? {
        Ok(values) => (values, None),
        Err((link, refusal)) => {
            let mut values = Map::new();
            let (step, reason) = named(link, refusal, signature(input));
            values.insert("step".to_owned(), json!(step));
            values.insert("reason".to_owned(), json!(reason));
            (values, Some(link))
        }
    };
    let result = if link.is_some() { "failure" } else { "success" };
    actual.insert("result".to_owned(), json!(result));
    if let Some(method) = method {
        let mut ports = tools(input)?;
        let (card, _) = as_a_step(input, method, &mut ports)?;
        let (tvr, tsi) = (card.tvr(), card.tsi());
        let failed = tvr.intersects(Tvr::SDA_FAILED | Tvr::DDA_FAILED | Tvr::CDA_FAILED);
        if (link.is_some(), tsi) != (failed, Tsi::ODA_PERFORMED) {
            return Err(format!("{result}, but as a step: {tvr:?}, {tsi:?}"));
        }
        actual.insert("tvr_byte1_bit".to_owned(), json!(tvr_words(tvr)));
        actual.insert("tsi".to_owned(), json!("ODA was performed (byte 1 b8)"));
    }
    Ok(Value::Object(actual))
}

/// How a card is authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Sda,
    Dda,
    Cda,
}

/// The method whose signature a case has.
fn signature(input: &Value) -> Method {
    if !input["internal_authenticate_data"].is_null() {
        Method::Dda
    } else if !input["cdol1_values"].is_null() {
        Method::Cda
    } else {
        Method::Sda
    }
}

/// The method of a case that has all that the step of a transaction takes.
fn method(input: &Value) -> Result<Option<Method>, String> {
    let aip = optional(array, input, "aip_82")?.map_or(Aip::empty(), Aip::from_bytes);
    let signature = signature(input);
    let offered = match signature {
        Method::Sda => aip.contains(Aip::SDA) && !aip.contains(Aip::DDA),
        Method::Dda => aip.contains(Aip::DDA),
        Method::Cda => aip.contains(Aip::CDA),
    };
    let complete = offered && !input["static_data_to_authenticate"].is_null();
    Ok(complete.then_some(signature))
}

/// The vectors' names of the link that broke and of what was wrong with it.
fn named(link: Link, refusal: Refusal, signature: Method) -> (&'static str, String) {
    let (step, object) = match link {
        Link::Ca => ("capk", "capk"),
        Link::Issuer => ("issuer_key", "issuer"),
        Link::Icc => ("icc_key", "icc"),
        Link::Signature => match (signature, refusal) {
            (Method::Sda, _) => ("sda", "ssad"),
            (Method::Dda, _) => ("dda", "sdad"),
            (Method::Cda, Refusal::Information | Refusal::TransactionData) => ("cda", "cda"),
            (Method::Cda, _) => ("cda", "sdad"),
        },
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
        Refusal::Information => "cid_mismatch",
        Refusal::TransactionData => "transaction_data_hash_mismatch",
        Refusal::Signature => "signature",
    };
    (step, format!("{object}_{what}"))
}

/// The bit of TVR byte 1 in the vectors' words; `None` when none is set.
fn tvr_words(tvr: Tvr) -> Option<&'static str> {
    [
        (Tvr::SDA_FAILED, "SDA failed (b7)"),
        (Tvr::DDA_FAILED, "DDA failed (b4)"),
        (Tvr::CDA_FAILED, "CDA failed (b3)"),
    ]
    .into_iter()
    .find(|(bit, _)| tvr.contains(*bit))
    .map(|(_, words)| words)
}

/// Runs the case as the step of a transaction, with a card that answers with its signature. Returns
/// what is known of the card then, and what came of GENERATE AC.
fn as_a_step(
    input: &Value,
    method: Method,
    ports: &mut Scripted,
) -> Result<(CardData, Option<Answer>), String> {
    let number = match method {
        Method::Sda => None,
        Method::Dda => {
            if let Some(signed) = optional(bytes, input, "sdad_9F4B")? {
                let mut answer = Vec::new();
                tlv::encode(tag::RESPONSE_TEMPLATE_1, &signed, &mut answer);
                answer.extend([0x90, 0x00]);
                ports.answers.push_back(answer);
            }
            Some(bytes(input, "internal_authenticate_data")?)
        }
        Method::Cda => {
            ports.answers.push_back(signed_answer(input)?);
            Some(bytes(input, "unpredictable_number_9F37")?)
        }
    };
    let mut dialogue = Dialogue::new(ports);
    let (read, card) = read(input, method)?;
    dialogue.card = card;
    if let Some(number) = number {
        dialogue.card.set(tag::UNPREDICTABLE_NUMBER, &number);
    }
    let failed = |cause| format!("{cause:?}");
    let mut authentication = perform(&mut dialogue, &read).map_err(failed)?;
    let mut answer = None;
    // Without the card's key no signature is asked for, and no case has an answer without one.
    if method == Method::Cda && !dialogue.tvr().contains(Tvr::CDA_FAILED) {
        // One element in the place of all those whose values the card was given.
        let values = bytes(input, "cdol1_values")?;
        dialogue.card.set(Tag::new(0x9F7C), &values);
        let length = u8::try_from(values.len()).map_err(|_| "cdol1_values is too long")?;
        let list = Dol::parse(&[0x9F, 0x7C, length]).map_err(|error| format!("{error:?}"))?;
        let request = Request {
            kind: CryptogramType::Tc,
            moment: Moment::First,
        };
        let application = &read.terms.application;
        let generated = authentication.generate(&mut dialogue, application, &list, request);
        answer = Some(generated.map_err(failed)?);
    }
    Ok((dialogue.card, answer))
}

/// The answer to GENERATE AC of a case: as it was recorded, or put together.
pub(super) fn signed_answer(input: &Value) -> Result<Vec<u8>, String> {
    let recorded = optional(bytes, input, "generate_ac_response")?;
    let mut answer = recorded.unwrap_or_default();
    if answer.is_empty() {
        let mut objects = bytes(input, "generate_ac_tlvs_except_9F4B")?;
        let signed = bytes(input, "sdad_9F4B")?;
        tlv::encode(tag::SIGNED_DYNAMIC_APPLICATION_DATA, &signed, &mut objects);
        tlv::encode(tag::RESPONSE_TEMPLATE_2, &objects, &mut answer);
    }
    if !answer.ends_with(&[0x90, 0x00]) {
        answer.extend([0x90, 0x00]);
    }
    Ok(answer)
}

/// The records of a case as one record with everything that is authenticated, and its card.
fn read(input: &Value, method: Method) -> Result<(Read, CardData), String> {
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
    // Byte 3 of tag 9F33: SDA and DDA, and the same with CDA.
    let (security, pdol_values) = match method {
        Method::Sda | Method::Dda => (0xC0, Vec::new()),
        Method::Cda => (0xC8, bytes(input, "pdol_values")?),
    };
    let read = Read {
        terms: Terms {
            terminal: specimen::terminal([0xE0, 0xF8, security])?,
            application: application(&array::<5>(&input["capk"], "rid")?, true)?,
            transaction,
        },
        pdol_values: Zeroizing::new(pdol_values),
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

pub(super) fn today(input: &Value) -> Result<Date, String> {
    let day = optional(array, input, "transaction_date_9A")?.unwrap_or(ANY_DAY);
    Date::parse(day).ok_or_else(|| "transaction_date_9A is no date".to_owned())
}

/// The PAN of a case. One without stands for any card of the issuer in its certificate.
pub(super) fn pan(card: &CardData, certificate: &[u8]) -> Result<Pan, String> {
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

pub(super) fn card(input: &Value) -> Result<CardData, String> {
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
    use super::super::fields::hex;
    use super::*;
    use crate::signed_answer::Authenticity;

    fn cases() -> Vec<Value> {
        let file = include_str!("../../../../tests/vectors/oda_rsa.json");
        let file: Value = serde_json::from_str(file).expect("JSON");
        file["cases"].as_array().expect("cases").clone()
    }

    #[test]
    fn a_list_without_the_unpredictable_number_proves_nothing() {
        let cases = cases();
        let case = cases.iter().find(|case| case["id"] == "oda-own-dda-e3");
        let input = &case.expect("the case")["input"];
        let mut ports = tools(input).expect("tools");
        let mut dialogue = Dialogue::new(&mut ports);
        let (read, card) = read(input, Method::Dda).expect("records");
        dialogue.card = card;
        dialogue.card.set(tag::DDOL, &[0x9F, 0x02, 0x06]);
        perform(&mut dialogue, &read).expect("a step");
        assert_eq!(dialogue.card.tvr(), Tvr::DDA_FAILED);
        assert_eq!(ports.sent.len(), 0);
    }

    #[test]
    fn what_is_inside_a_combined_signature_counts() {
        let mut run_count = 0;
        for case in cases() {
            let (id, input) = (&case["id"], &case["input"]);
            if method(input) != Ok(Some(Method::Cda)) {
                continue;
            }
            run_count += 1;
            let mut ports = tools(input).expect("tools");
            let (card, answer) = as_a_step(input, Method::Cda, &mut ports).expect("a step");
            let answer = answer.expect("an answer");
            let valid = case["expect"]["result"] == "success";
            let (authenticity, tvr) = if valid {
                (Authenticity::NotInDoubt, Tvr::empty())
            } else {
                (Authenticity::CdaFailed, Tvr::CDA_FAILED)
            };
            assert_eq!(
                (answer.authenticity, card.tvr()),
                (authenticity, tvr),
                "{id}"
            );
            assert_eq!(card.tsi(), Tsi::ODA_PERFORMED, "{id}");
            let wanted = &case["expect"]["cda"];
            let inside = wanted["cid_9F27"].as_str().unwrap_or("80");
            assert_eq!(hex(&[answer.information.0]), inside, "{id}");
            for (tag, name) in [
                (tag::APPLICATION_CRYPTOGRAM, "ac_9F26"),
                (tag::ICC_DYNAMIC_NUMBER, "icc_dynamic_number_9F4C"),
            ] {
                let value = card.value(tag).map(hex);
                assert_eq!(value.as_deref(), wanted[name].as_str(), "{id} {name}");
            }
            assert_eq!(ports.sent[0][2], 0x50, "{id}");
        }
        assert_eq!(run_count, 5);
    }
}
