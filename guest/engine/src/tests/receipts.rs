//! What is on the paper, by how the sale ended.

use super::world::{Setting, World, request};
use crate::configuration::Configuration;
use crate::outcome::{
    AcquirerAnswer, CardDetails, CardholderVerification, DeclineReason, Ending, Outcome,
    ReversalState, TransactionRequest,
};
use crate::parameters::Scheme;
use crate::ports::{EntryMode, Line};
use crate::receipt::{self, Copy};

fn approved(verification: CardholderVerification) -> Outcome {
    Outcome {
        ending: Ending::Approved,
        reversal: ReversalState::None,
        approved_minor: 2500,
        trace_number: Some(7),
        answer: Some(AcquirerAnswer {
            response_code: "00".into(),
            authorisation_code: Some("654321".into()),
            retrieval_reference: Some("632510000007".into()),
        }),
        card: Some(CardDetails {
            entry_mode: EntryMode::Contact,
            scheme: Scheme::Mastercard,
            masked_pan: b"************0010".to_vec(),
            aid: vec![0xA0, 0, 0, 0, 4, 0x10, 0x10],
            application_label: b"DEBIT ".to_vec(),
            tvr: [0; 5],
            tsi: [0; 2],
            cryptogram: None,
            verification: Some(verification),
        }),
        balance: None,
    }
}

fn lines(request: &TransactionRequest, outcome: &Outcome, copy: Copy) -> Vec<Line> {
    let mut world = World::new(Setting::USUAL);
    let configuration = world.configuration();
    let currency = configuration.currency(554).expect("the usual one");
    receipt::lines(&configuration, currency, request, outcome, copy).expect("a card")
}

fn column<'a>(lines: &'a [Line], name: &str) -> Option<&'a str> {
    lines.iter().find_map(|line| match line {
        Line::Columns(left, right) if left == name => Some(right.as_str()),
        _ => None,
    })
}

fn signature(lines: &[Line]) -> bool {
    lines
        .iter()
        .any(|line| matches!(line, Line::Text(text) if text.starts_with("SIGNATURE")))
}

#[test]
fn only_the_merchants_copy_of_a_signed_approval_has_room_to_sign() {
    use CardholderVerification::{Device, Failed, None, Pin, Signature};
    for (verification, shown) in [
        (Pin, "PIN"),
        (Signature, "SIGNATURE"),
        (Device, "DEVICE"),
        (None, "NO CVM"),
        (Failed, "FAILED"),
    ] {
        let outcome = approved(verification);
        let merchant = lines(&request("r"), &outcome, Copy::Merchant);
        let cardholder = lines(&request("r"), &outcome, Copy::Cardholder);
        assert_eq!(column(&merchant, "CVM"), Some(shown));
        assert_eq!(signature(&merchant), verification == Signature, "{shown}");
        assert!(!signature(&cardholder), "{shown}");
        let declined = Outcome {
            ending: Ending::Declined(DeclineReason::Acquirer),
            ..outcome
        };
        assert!(!signature(&lines(&request("r"), &declined, Copy::Merchant)));
    }
}

#[test]
fn a_decline_shows_no_authorisation_code() {
    let outcome = Outcome {
        ending: Ending::Declined(DeclineReason::Acquirer),
        ..approved(CardholderVerification::Pin)
    };
    let lines = lines(&request("r"), &outcome, Copy::Cardholder);
    assert_eq!(column(&lines, "STATUS"), Some("DECLINED"));
    assert_eq!(column(&lines, "AUTH"), None);
    assert_eq!(column(&lines, "RRN"), Some("632510000007"));
}

#[test]
fn amounts_that_are_zero_are_left_out() {
    let plain = TransactionRequest {
        tip_minor: 0,
        cashback_minor: 0,
        ..request("r")
    };
    let outcome = approved(CardholderVerification::Pin);
    let lines = lines(&plain, &outcome, Copy::Cardholder);
    assert_eq!(column(&lines, "AMOUNT"), Some("NZD 20.00"));
    assert_eq!(column(&lines, "TOTAL"), Some("NZD 20.00"));
    assert_eq!(column(&lines, "TIP"), None);
    assert_eq!(column(&lines, "CASHBACK"), None);
}

#[test]
fn without_a_card_there_is_no_receipt() {
    let mut world = World::new(Setting::USUAL);
    let configuration: Configuration = world.configuration();
    let currency = configuration.currency(554).expect("the usual one");
    let outcome = Outcome {
        card: None,
        ..approved(CardholderVerification::Pin)
    };
    let request = request("r");
    let lines = receipt::lines(&configuration, currency, &request, &outcome, Copy::Merchant);
    assert_eq!(lines, None);
}

#[test]
fn a_receipt_fits_the_printer_whatever_the_merchants_address() {
    let mut world = World::new(Setting::USUAL);
    let mut configuration = world.configuration();
    configuration.merchant = vec!["LINE".into(); 500];
    let currency = configuration.currency(554).expect("the usual one").clone();
    let outcome = approved(CardholderVerification::Signature);
    let request = request("r");
    let lines = receipt::lines(
        &configuration,
        &currency,
        &request,
        &outcome,
        Copy::Merchant,
    );
    assert!(lines.expect("a card").len() <= 100);
}
