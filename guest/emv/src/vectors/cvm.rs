//! Cardholder verification.

use serde_json::{Value, json};

use super::Outcome;
use super::fields::{array, bytes, hex, list, number, text, truth};
use crate::bits::{TerminalCapabilities, Tsi};
use crate::cvm::{Circumstances, Service};
use crate::dialogue::Dialogue;
use crate::ports::OfflinePinMethod;
use crate::scripted::Scripted;
use crate::tag;
use crate::verification;

pub(super) fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    let attempts = list(input, "attempts")?.iter();
    let attempts = attempts.map(|attempt| attempt.as_str().map(str::to_owned));
    let (aip, cvm_list) = (bytes(input, "aip_82")?, bytes(input, "cvm_list_8E")?);
    let mut ports = Scripted {
        attempts: attempts
            .collect::<Option<_>>()
            .ok_or("an attempt is no text")?,
        // The card gives no PIN try counter, whichever rule asks for it.
        answers: cvm_list.chunks(2).map(|_| vec![0x6A, 0x88]).collect(),
        ..Scripted::default()
    };
    let mut dialogue = Dialogue::new(&mut ports);
    dialogue.card.set(tag::AIP, &aip);
    dialogue.card.set(tag::CVM_LIST, &cvm_list);
    let capabilities = array(input, "terminal_capabilities_9F33")?;
    let now = Circumstances {
        capabilities: TerminalCapabilities::from_bytes(capabilities),
        service: match text(input, "transaction")? {
            "other" => Service::Other,
            "cashback" => Service::Cashback,
            "manual_cash" => Service::ManualCash,
            "unattended_cash" => Service::UnattendedCash,
            other => return Err(format!("no transaction is {other}")),
        },
        amount: number(input, "amount")?,
        in_application_currency: truth(input, "in_application_currency")?,
    };
    let list = verification::applicable_list(&mut dialogue);
    if let Some(list) = list.map_err(|cause| format!("{cause:?}"))? {
        let key = OfflinePinMethod::Enciphered {
            modulus: vec![1],
            exponent: vec![3],
        };
        verification::process(&mut dialogue, &list, &now, Some(&key))
            .map_err(|cause| format!("{cause:?}"))?;
    }
    let card = dialogue.card;
    if !ports.attempts.is_empty() {
        return Err(format!("{} attempts were not used", ports.attempts.len()));
    }
    let [_, _, verified, ..] = card.tvr().to_bytes();
    Ok(json!({
        "cvm_results_9F34": card.value(tag::CVM_RESULTS).map(hex),
        "tvr_byte3": hex(&[verified]),
        "tsi_cvm_performed": card.tsi().contains(Tsi::CARDHOLDER_VERIFICATION_PERFORMED),
    }))
}
