//! Application cryptograms, the issuer's answers to them, and the MACs of scripts.

use emv::vectors::fields::{array, bytes, hex, number, objects, small, text};
use serde_json::{Value, json};
use virtual_card::CryptogramInput;
use virtual_card::cryptogram::{Block, MasterKeyOption, Padding, TdesKey, decimalised};

use crate::kinds::Outcome;

/// No key tree is as high as this.
const HEIGHT_MAX: u64 = 64;

pub(crate) fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    if !input["pan"].is_null() {
        cryptogram(input)
    } else if !input["branch"].is_null() {
        tree(input)
    } else if !input["sha1"].is_null() {
        Ok(json!({ "y": hex(&decimalised(&array(input, "sha1")?)) }))
    } else if !input["mac_data"].is_null() {
        script(input)
    } else {
        covered(input)
    }
}

fn cryptogram(input: &Value) -> Outcome {
    let option = match text(input, "master_key_option")? {
        "A" => MasterKeyOption::A,
        "B" => MasterKeyOption::B,
        other => return Err(format!("there is no master key option {other}")),
    };
    let padding = match text(input, "padding")? {
        "zeros" => Padding::Method1,
        "method 2 (80 then 00)" => Padding::Method2,
        other => return Err(format!("there is no padding {other}")),
    };
    let (pan, sequence) = (text(input, "pan")?, text(input, "psn")?);
    let issuer = TdesKey::new(array(input, "issuer_master_key")?);
    let master = issuer.icc_master_key(pan, sequence, option);
    let session = match text(input, "session_key_method")? {
        "none" => master.clone(),
        "common_r" | "common_atc" | "mastercard" => {
            master.session_key(array(input, "diversification_R")?)
        }
        other => return Err(format!("there is no session key method {other}")),
    };
    let cryptogram: Block = session.mac(&bytes(input, "data")?, padding);
    let arpc = &input["arpc"];
    let key = match text(arpc, "key")? {
        "ICC master key" => &master,
        "session key" => &session,
        other => return Err(format!("no ARPC is made with the {other}")),
    };
    let arpc = match number(arpc, "method")? {
        1 => hex(&key.arpc_method_1(cryptogram, array(arpc, "arc")?)),
        2 => {
            let own = bytes(arpc, "proprietary_authentication_data")?;
            hex(&key.arpc_method_2(cryptogram, array(arpc, "csu")?, &own))
        }
        other => return Err(format!("there is no ARPC method {other}")),
    };
    Ok(json!({
        "icc_master_key": hex(master.expose()),
        "icc_master_key_kcv": check_value(&master),
        "session_key": hex(session.expose()),
        "session_key_kcv": check_value(&session),
        "cryptogram": hex(&cryptogram),
        "arpc": arpc,
    }))
}

fn check_value(key: &TdesKey) -> String {
    let [first, second, ..] = key.encipher([0; 8]);
    hex(&[first, second])
}

fn tree(input: &Value) -> Outcome {
    if number(input, "height")? > HEIGHT_MAX {
        return Err("no key tree is so high".to_owned());
    }
    let key = TdesKey::new(array(input, "icc_master_key")?);
    let counter = u16::from_be_bytes(array(input, "atc")?);
    let (height, branch) = (small(input, "height")?, small(input, "branch")?);
    let session = key.tree_session_key(counter, height, branch, array(input, "iv")?);
    let session = session.ok_or("there is no such key tree")?;
    Ok(json!({ "session_key": hex(session.expose()) }))
}

fn script(input: &Value) -> Outcome {
    let master = TdesKey::new(array(input, "icc_master_key_smi")?);
    let session = match text(input, "session_key_method")? {
        "Visa XOR with ATC" => master.exclusive_or_key(array(input, "atc")?),
        "common session key, R = ARQC" => master.session_key(array(input, "arqc")?),
        other => return Err(format!("there is no session key method {other}")),
    };
    let mac = session.mac(&bytes(input, "mac_data")?, Padding::Method2);
    Ok(json!({ "session_key": hex(session.expose()), "mac": hex(&mac) }))
}

/// What a cryptogram covers.
fn covered(input: &Value) -> Outcome {
    let form = match text(input, "cvn")? {
        "Visa CVN 10" => CryptogramInput::Visa10,
        "Visa CVN 18" => CryptogramInput::Visa18,
        "M/Chip" => CryptogramInput::MChip,
        other => return Err(format!("there is no {other}")),
    };
    let elements = objects(input, "data_objects")?.into_iter();
    let elements = elements.map(|(tag, value)| (tag.number(), value)).collect();
    let data = form.data(&elements).ok_or("a data object is missing")?;
    Ok(json!({ "data": hex(&data), "padded": hex(&form.padding().pad(&data)) }))
}
