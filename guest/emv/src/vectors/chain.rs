//! The chain of keys of a case, walked link by link, and the signatures at its end.

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::authentication::{card, pan, signed_answer, today};
use super::fields::{array, bytes, hex, optional};
use crate::authentication::{verify_dynamic, verify_static};
use crate::bits::Aip;
use crate::card_data::CardData;
use crate::certificate::{Exchanged, PublicKey, Refusal};
use crate::cryptogram;
use crate::key_chain::{AUTHENTICATION_KEY, Link, Material, icc_key, issuer_key, recover};
use crate::scripted::Scripted;
use crate::signed_answer::verify_combined;
use crate::tag;

/// What the chain of a case gives, or the link that broke and why.
pub(super) type Walked = Result<Map<String, Value>, (Link, Refusal)>;

/// Walks the chain of a case. The outer error is a case that cannot be read.
pub(super) fn walk(input: &Value, ports: &mut Scripted) -> Result<Walked, String> {
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
        // A card with DDA, or whose case is one of CDA, is judged by that signature.
        let other = card.aip().contains(Aip::DDA) || !input["cdol1_values"].is_null();
        match verified {
            Err(failure) if static_data.is_some() && !other => return Ok(Err(failure)),
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
    let signature = if !input["internal_authenticate_data"].is_null() {
        dynamic(input, ports, &key)?.map(|fields| Some(("dda", fields)))
    } else if !input["cdol1_values"].is_null() {
        combined(input, ports, &key)?.map(|fields| Some(("cda", fields)))
    } else {
        Ok(None)
    };
    Ok(match signature {
        Ok(signature) => {
            values.extend(signature.map(|(name, fields)| (name.to_owned(), fields)));
            Ok(values)
        }
        Err(refusal) => Err((Link::Signature, refusal)),
    })
}

/// The signature of DDA.
fn dynamic(
    input: &Value,
    ports: &mut Scripted,
    key: &PublicKey,
) -> Result<Result<Value, Refusal>, String> {
    let data = bytes(input, "internal_authenticate_data")?;
    let signed = bytes(input, "sdad_9F4B")?;
    let number = match verify_dynamic(ports, key, &signed, &data) {
        Ok(number) => number,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let opened = recover(ports, key, &signed).unwrap_or_default();
    let length = opened.get(3).map_or(0, |length| usize::from(*length));
    let dynamic_data = opened.get(4..length.saturating_add(4));
    Ok(Ok(json!({
        "recovered": hex(&opened),
        "icc_dynamic_number_9F4C": hex(&number),
        "icc_dynamic_data": dynamic_data.map(hex),
    })))
}

/// The signature of CDA, in the answer to the first GENERATE AC.
fn combined(
    input: &Value,
    ports: &mut Scripted,
    key: &PublicKey,
) -> Result<Result<Value, Refusal>, String> {
    let answer = signed_answer(input)?;
    let answer = answer.strip_suffix(&[0x90, 0x00]).unwrap_or_default();
    let answer = cryptogram::parse(answer).map_err(|error| format!("{error:?}"))?;
    let objects = bytes(input, "generate_ac_tlvs_except_9F4B")?;
    let signed = bytes(input, "sdad_9F4B")?;
    if answer.signed_objects != objects || answer.signature.as_ref() != Some(&signed) {
        return Err("generate_ac_response holds something else".to_owned());
    }
    let lists = [bytes(input, "pdol_values")?, bytes(input, "cdol1_values")?].concat();
    let exchanged = Exchanged {
        unpredictable_number: array(input, "unpredictable_number_9F37")?,
        information: answer.information.0,
        transaction_data: &[lists, objects].concat(),
    };
    let verified = verify_combined(ports, key, Some(&signed), &exchanged);
    let opened = recover(ports, key, &signed).unwrap_or_default();
    Ok(match verified {
        Ok(combined) => Ok(json!({
            "recovered": hex(&opened),
            "icc_dynamic_number_9F4C": hex(&combined.dynamic_number),
            "cid_9F27": hex(&[combined.information]),
            "ac_9F26": hex(&combined.cryptogram),
            "transaction_data_hash": hex(&combined.transaction_hash),
        })),
        Err(unverified) => Err(unverified.refusal),
    })
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
