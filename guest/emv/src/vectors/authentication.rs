//! Offline data authentication with RSA.

use serde_json::Value;
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use super::{
    application, array_of, bytes_of, expect_equal, out_of_scope, run, terminal, text_of,
    transaction,
};
use crate::authentication::{perform, verify_dynamic, verify_static};
use crate::bits::{Tsi, Tvr};
use crate::card_data::CardData;
use crate::card_data::CryptogramType;
use crate::certificate::{Combined, Exchanged, PublicKey, Refusal};
use crate::contact::{Read, Terms};
use crate::date::Date;
use crate::dialogue::Dialogue;
use crate::dol::Dol;
use crate::identity::Pan;
use crate::key_chain::{AUTHENTICATION_KEY, Link, Material, icc_key, issuer_key};
use crate::parameters::CaPublicKey;
use crate::records::StaticData;
use crate::scripted::{Scripted, hex, unhex};
use crate::signed_answer::{Authenticity, Moment, Request, verify_combined};
use crate::tag::{self, Tag};
use crate::tlv;

/// A day on which every published test card was valid.
const ANY_DAY: [u8; 3] = [0x10, 0x01, 0x01];

#[test]
fn oda_rsa() {
    run(
        include_str!("../../../../tests/vectors/oda_rsa.json"),
        |case| {
            let expected = &case["expect"];
            if expected["result"] == "success" {
                success(case)
            } else {
                failure(case)
            }
        },
    );
}

/// Walks the chain of a case as far as this kernel does.
fn walk(case: &Value) -> Result<Outcome, (Link, Refusal)> {
    let input = &case["input"];
    let (mut tools, card) = (tools(input), card(input));
    // A case without a PAN stands for any card of the issuer.
    let pan = bytes_of(&input["tags"], "5A");
    let pan = Pan::parse(&pan)
        .or_else(|| {
            Pan::parse(&bytes_of(
                &case["expect"]["issuer_key"],
                "issuer_identifier",
            ))
        })
        .expect("a PAN");
    let today = array_of(input, "transaction_date_9A").unwrap_or(ANY_DAY);
    let material = Material {
        card: &card,
        pan: &pan,
        today: Date::parse(today).expect("a date"),
        rid: array_of(&input["capk"], "rid").expect("a RID"),
        static_data: Some(Zeroizing::new(bytes_of(
            input,
            "static_data_to_authenticate",
        ))),
    };
    let issuer = issuer_key(&mut tools, &material)?;
    let mut outcome = Outcome {
        issuer,
        ..Outcome::default()
    };
    // Without the static data of the card, only the issuer's key can be checked.
    if input["static_data_to_authenticate"].is_null() {
        return Ok(outcome);
    }
    if case["expect"]["sda"].is_object() {
        outcome.code = Some(verify_static(&mut tools, &material)?);
    }
    let key = icc_key(&mut tools, &material, &outcome.issuer, AUTHENTICATION_KEY)?;
    if input["internal_authenticate_data"].is_string() {
        let signed = bytes_of(input, "sdad_9F4B");
        let data = bytes_of(input, "internal_authenticate_data");
        let number = verify_dynamic(&mut tools, &key, &signed, &data)
            .map_err(|refusal| (Link::Signature, refusal))?;
        outcome.number = Some(number);
    }
    if input["cdol1_values"].is_string() {
        let signed = bytes_of(input, "sdad_9F4B");
        let objects = bytes_of(input, "generate_ac_tlvs_except_9F4B");
        let information = tlv::find(&objects, tag::CRYPTOGRAM_INFORMATION_DATA).expect("9F27");
        let lists = [
            bytes_of(input, "pdol_values"),
            bytes_of(input, "cdol1_values"),
        ]
        .concat();
        let exchanged = Exchanged {
            unpredictable_number: array_of(input, "unpredictable_number_9F37").expect("9F37"),
            information: information[0],
            transaction_data: &[lists, objects].concat(),
        };
        let combined = verify_combined(&mut tools, &key, Some(&signed), &exchanged)
            .map_err(|failure| (Link::Signature, failure.refusal))?;
        outcome.combined = Some(combined);
    }
    outcome.icc = Some(key);
    Ok(outcome)
}

struct Outcome {
    issuer: PublicKey,
    icc: Option<PublicKey>,
    code: Option<[u8; 2]>,
    number: Option<Vec<u8>>,
    combined: Option<Combined>,
}

impl Default for Outcome {
    fn default() -> Self {
        let issuer = PublicKey {
            modulus: Vec::new(),
            exponent: Vec::new(),
        };
        Self {
            issuer,
            icc: None,
            code: None,
            number: None,
            combined: None,
        }
    }
}

fn success(case: &Value) -> Result<(), String> {
    let expected = &case["expect"];
    let outcome = walk(case).map_err(|failure| format!("{failure:?}"))?;
    expect_equal(
        hex(&outcome.issuer.modulus).as_str(),
        text_of(&expected["issuer_key"], "modulus"),
    )?;
    if let Some(key) = &outcome.icc {
        expect_equal(
            hex(&key.modulus).as_str(),
            text_of(&expected["icc_key"], "modulus"),
        )?;
    }
    if let Some(code) = outcome.code
        && let Some(wanted) = expected["sda"]["data_authentication_code_9F45"].as_str()
    {
        expect_equal(hex(&code).as_str(), wanted)?;
    }
    if let Some(number) = &outcome.number
        && let Some(wanted) = expected["dda"]["icc_dynamic_number_9F4C"].as_str()
    {
        expect_equal(hex(number).as_str(), wanted)?;
    }
    if let Some(combined) = &outcome.combined {
        let wanted = &expected["cda"];
        for (actual, field) in [
            (&combined.dynamic_number[..], "icc_dynamic_number_9F4C"),
            (&[combined.information], "cid_9F27"),
            (&combined.cryptogram, "ac_9F26"),
            (&combined.transaction_hash, "transaction_data_hash"),
        ] {
            expect_equal(hex(actual).as_str(), text_of(wanted, field))?;
        }
    }
    expect_equal(outcome.combined.is_some(), expected["cda"].is_object())
}

fn failure(case: &Value) -> Result<(), String> {
    if out_of_scope(case) {
        return Ok(());
    }
    let failure = walk(case).map(|_| ()).expect_err("a failure");
    let reason = match failure {
        (Link::Issuer, Refusal::Header) => "issuer_header",
        (Link::Issuer, Refusal::Trailer) => "issuer_trailer",
        (Link::Issuer, Refusal::IssuerIdentifier) => "issuer_id",
        (Link::Issuer, Refusal::KeyAlgorithm) => "issuer_pk_algorithm",
        (Link::Issuer, Refusal::Revoked) => "issuer_revoked",
        (Link::Issuer, Refusal::Length) => "issuer_cert_length",
        (Link::Issuer, Refusal::Expired) => "issuer_expired",
        (Link::Icc, Refusal::Pan) => "icc_pan",
        (Link::Icc, Refusal::Hash) => "icc_hash",
        (Link::Icc, Refusal::Format) => "icc_format",
        (Link::Signature, Refusal::Hash) => "sdad_hash",
        (Link::Signature, Refusal::Information) => "cda_cid_mismatch",
        other => return Err(format!("{other:?}")),
    };
    expect_equal(reason, text_of(&case["expect"], "reason"))
}

#[test]
fn dda_as_a_step_of_the_transaction() {
    run(
        include_str!("../../../../tests/vectors/oda_rsa.json"),
        |case| {
            let input = &case["input"];
            // With the AIP it authenticates, this card does not offer DDA: its keys are checked above.
            let altered = case["id"] == "oda-own-neg-icc-aip";
            let dynamic = input["internal_authenticate_data"].is_string();
            if !dynamic || altered || input["static_data_to_authenticate"].is_null() {
                return Ok(());
            }
            let mut ports = tools(input);
            let mut answer = Vec::new();
            tlv::encode(
                tag::RESPONSE_TEMPLATE_1,
                &bytes_of(input, "sdad_9F4B"),
                &mut answer,
            );
            ports
                .answers
                .push_back([&answer[..], &[0x90, 0x00]].concat());
            let mut dialogue = Dialogue::new(&mut ports);
            dialogue.card = card(input);
            dialogue.card.set(tag::AIP, &bytes_of(input, "aip_82"));
            let number = bytes_of(input, "internal_authenticate_data");
            dialogue.card.set(tag::UNPREDICTABLE_NUMBER, &number);
            perform(&mut dialogue, &read(input, DDA_TERMINAL))
                .map_err(|cause| format!("{cause:?}"))?;
            let tvr = if case["expect"]["result"] == "success" {
                Tvr::empty()
            } else {
                Tvr::DDA_FAILED
            };
            expect_equal(dialogue.card.tvr(), tvr)?;
            expect_equal(dialogue.card.tsi(), Tsi::ODA_PERFORMED)
        },
    );
}

#[test]
fn cda_as_a_step_of_the_transaction() {
    let mut run_count = 0;
    for case in super::cases(include_str!("../../../../tests/vectors/oda_rsa.json")) {
        let input = &case["input"];
        if !input["cdol1_values"].is_string() {
            continue;
        }
        run_count += 1;
        let mut ports = tools(input);
        ports.answers.push_back(signed_answer(input));
        let mut dialogue = Dialogue::new(&mut ports);
        dialogue.card = card(input);
        dialogue.card.set(tag::AIP, &bytes_of(input, "aip_82"));
        let number = bytes_of(input, "unpredictable_number_9F37");
        dialogue.card.set(tag::UNPREDICTABLE_NUMBER, &number);
        // One element in the place of all those whose values the card was given.
        let values = bytes_of(input, "cdol1_values");
        dialogue.card.set(Tag::new(0x9F7C), &values);
        let length = u8::try_from(values.len()).expect("short");
        let list = Dol::parse(&[0x9F, 0x7C, length]).expect("a list");
        let read = Read {
            pdol_values: Zeroizing::new(bytes_of(input, "pdol_values")),
            ..read(input, CDA_TERMINAL)
        };
        let mut authentication = perform(&mut dialogue, &read).expect("no command is sent");
        let request = Request {
            kind: CryptogramType::Tc,
            moment: Moment::First,
        };
        let answer = authentication
            .generate(&mut dialogue, &read.terms.application, &list, request)
            .expect("an answer");
        let id = text_of(&case, "id");
        let valid = case["expect"]["result"] == "success";
        let wanted = &case["expect"]["cda"];
        let authenticity = if valid {
            Authenticity::NotInDoubt
        } else {
            Authenticity::CdaFailed
        };
        assert_eq!(answer.authenticity, authenticity, "{id}");
        // What is inside the signature is what counts.
        let inside = if valid { answer.information.0 } else { 0x80 };
        assert_eq!(answer.information.0, inside, "{id}");
        assert_eq!(dialogue.card.tsi(), Tsi::ODA_PERFORMED, "{id}");
        let tvr = if valid { Tvr::empty() } else { Tvr::CDA_FAILED };
        assert_eq!(dialogue.card.tvr(), tvr, "{id}");
        let cryptogram = dialogue.card.value(tag::APPLICATION_CRYPTOGRAM).map(hex);
        assert_eq!(cryptogram.as_deref(), wanted["ac_9F26"].as_str(), "{id}");
        assert_eq!(ports.sent[0][2], 0x50, "{id}");
    }
    assert_eq!(run_count, 5);
}

/// The answer to GENERATE AC of a case: as it was recorded, or put together.
fn signed_answer(input: &Value) -> Vec<u8> {
    let mut answer = bytes_of(input, "generate_ac_response");
    if answer.is_empty() {
        let mut objects = bytes_of(input, "generate_ac_tlvs_except_9F4B");
        let signature = bytes_of(input, "sdad_9F4B");
        tlv::encode(
            tag::SIGNED_DYNAMIC_APPLICATION_DATA,
            &signature,
            &mut objects,
        );
        tlv::encode(tag::RESPONSE_TEMPLATE_2, &objects, &mut answer);
    }
    if !answer.ends_with(&[0x90, 0x00]) {
        answer.extend([0x90, 0x00]);
    }
    answer
}

#[test]
fn a_list_without_the_unpredictable_number_proves_nothing() {
    run(
        include_str!("../../../../tests/vectors/oda_rsa.json"),
        |case| {
            if case["id"] != "oda-own-dda-e3" {
                return Ok(());
            }
            let input = &case["input"];
            let mut ports = tools(input);
            let mut dialogue = Dialogue::new(&mut ports);
            dialogue.card = card(input);
            dialogue.card.set(tag::AIP, &bytes_of(input, "aip_82"));
            dialogue.card.set(tag::DDOL, &[0x9F, 0x02, 0x06]);
            perform(&mut dialogue, &read(input, DDA_TERMINAL))
                .map_err(|cause| format!("{cause:?}"))?;
            expect_equal(dialogue.card.tvr(), Tvr::DDA_FAILED)?;
            expect_equal(ports.sent.len(), 0)
        },
    );
}

/// Byte 3 of tag 9F33: SDA and DDA, and the same with CDA.
const DDA_TERMINAL: u8 = 0xC0;
const CDA_TERMINAL: u8 = 0xC8;

/// The records of a case as one record with everything that is authenticated.
fn read(input: &Value, security: u8) -> Read {
    let mut content = bytes_of(input, "static_data_to_authenticate");
    if input["tags"]["9F4A"].is_string() {
        // The AIP comes by the tag list.
        content.truncate(content.len().saturating_sub(2));
    }
    let mut record = Vec::new();
    tlv::encode(tag::RECORD_TEMPLATE, &content, &mut record);
    let mut static_data = StaticData::default();
    static_data.add(1, &record);
    let rid: [u8; 5] = array_of(&input["capk"], "rid").expect("a RID");
    let mut transaction = transaction();
    transaction.date = array_of(input, "transaction_date_9A").unwrap_or(ANY_DAY);
    Read {
        terms: Terms {
            terminal: terminal([0xE0, 0xF8, security], [0xF0, 0, 0xF0, 0xA0, 1], 0x22, 36),
            application: application(&rid, true),
            transaction,
        },
        pdol_values: Zeroizing::default(),
        static_data,
        cdol1: Dol::default(),
        cdol2: Dol::default(),
        today: Date::parse(transaction.date).expect("a date"),
        effective: None,
        expiration: Date::parse([0x40, 0x12, 0x31]).expect("a date"),
        pan: Pan::parse(&bytes_of(&input["tags"], "5A")).expect("a PAN"),
        sequence_number: None,
    }
}

fn tools(input: &Value) -> Scripted {
    let capk = &input["capk"];
    let rid: [u8; 5] = array_of(capk, "rid").expect("a RID");
    let [index] = array_of(capk, "index").expect("an index");
    let (modulus, exponent) = (bytes_of(capk, "modulus"), bytes_of(capk, "exponent"));
    let hashed = [&rid[..], &[index], &modulus, &exponent].concat();
    let checksum = Sha1::digest(hashed).into();
    let revoked = input["crl"].as_array().cloned().unwrap_or_default();
    Scripted {
        ca_keys: vec![CaPublicKey {
            rid,
            index,
            modulus,
            exponent,
            checksum,
            expires: None,
        }],
        revoked: revoked
            .iter()
            .map(|entry| {
                let [index] = array_of(entry, "index").expect("an index");
                (
                    array_of(entry, "rid").expect("a RID"),
                    index,
                    array_of(entry, "issuer_serial").expect("a serial number"),
                )
            })
            .collect(),
        ..Scripted::default()
    }
}

fn card(input: &Value) -> CardData {
    let mut card = CardData::default();
    for (tag, value) in input["tags"].as_object().expect("tags") {
        let tag = Tag::new(u32::from_str_radix(tag, 16).expect("a tag"));
        let value = unhex(value.as_str().expect("a value"));
        if !value.is_empty() {
            card.set(tag, &value);
        }
    }
    card.set(Tag::new(0x8F), &bytes_of(&input["capk"], "index"));
    card
}
