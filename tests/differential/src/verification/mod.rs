//! Cardholder verification (EMV 4.4 Book 3, 10.5; EMV 4.4 Book 4, 6.3.4).

mod walk;

use emv_rs::contact::transaction::{CvmFlags, TransactionContext, TransactionInputs};
use emv_rs::core::tag_store::Source;
use emv_rs::core::tags;
use emv_rs::de::terminal_capabilities::TerminalCapabilities;
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use crate::comparison::{Area, Difference, compare};
use crate::sale::theirs;

use walk::{Cardholder, ELLIPTIC_PIN, ENCIPHERED_PIN, Fate, steps, walk};

#[derive(Debug, Clone)]
struct Input {
    /// The two amounts of tag 8E.
    amounts: [u32; 2],
    rules: Vec<[u8; 2]>,
    /// A byte behind the last rule, which no list may have.
    odd_byte: Option<u8>,
    capabilities: [u8; 3],
    service: Service,
    amount: u64,
    in_application_currency: bool,
    /// What comes of each PIN entry, in order; the last one for all further ones.
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    UnattendedCash,
    ManualCash,
    Cashback,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Right,
    /// Of an offline PIN; an online PIN cannot fail at the terminal.
    Wrong,
    TryLimit,
    Bypassed,
    PinPadBroken,
}

/// What the list came to; `None` when it cannot be read.
type Verdict = Option<Verified>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Verified {
    /// Tag 9F34.
    results: [u8; 3],
    /// Bytes 3 and 4 of the TVR.
    tvr: [u8; 2],
    /// Bit 7 of the TSI.
    performed: bool,
}

const AREA: Area<Input, Verdict> = Area {
    ours,
    theirs: theirs_say,
    differences: &[
        Difference {
            name: "an amount of more than 32 bits",
            ours: "compares all twelve digits of tag 9F02 with X and Y (EMV 4.4 Book 3, Annex C3).",
            theirs: "takes an amount of more than four bytes for the largest of four.",
            instead: |input, verdict| changed(*verdict, ours(&input.capped())),
        },
        Difference {
            name: "a terminal for PINs enciphered with elliptic curves alone",
            ours: "enciphers with RSA alone, and tag 9F33 does not claim more.",
            theirs: "takes either bit of tag 9F33 for support of an enciphered offline PIN.",
            instead: |input, verdict| changed(*verdict, ours(&input.as_they_see_it())),
        },
        Difference {
            name: "biometrics",
            ours: "does not recognise them, as a terminal without them may \
                   (EMV 4.4 Book 3, 10.5.5): TVR byte 3 bit 7.",
            theirs: "recognises and does not support them: TVR byte 4 bit 2.",
            instead: |input, verdict| {
                let steps = steps(input);
                let met = |fate| steps.iter().any(|step| step.fate == fate);
                let mut verified = (*verdict)?;
                if !met(Fate::Biometric) {
                    return None;
                }
                let [third, fourth] = &mut verified.tvr;
                *fourth |= 0x02;
                if !met(Fate::Unrecognised) {
                    *third &= !0x40;
                }
                Some(Some(verified))
            },
        },
        Difference {
            name: "a PIN and a signature",
            ours: "the signature is still to come: result 00 (EMV 4.4 Book 4, 6.3.4.5).",
            theirs: "result 02, as for the PIN alone.",
            instead: |input, verdict| {
                let steps = steps(input);
                let last = steps.last()?;
                let combined = matches!(last.rule[0] & 0x3F, 0x03 | 0x05);
                let mut verified = (*verdict)?;
                verified.results[2] = 0x02;
                (combined && last.fate == Fate::Succeeded).then_some(Some(verified))
            },
        },
        Difference {
            name: "verification fails at a method that is not supported",
            ours: "tag 9F34 names the last method that was performed, or 3F \
                   (EMV 4.4 Book 4, 6.3.4.5).",
            theirs: "names the last method whose condition was met.",
            instead: |input, verdict| {
                let steps = steps(input);
                let last = steps.last()?;
                let [code, condition] = last.rule;
                let mut verified = (*verdict)?;
                verified.results = [code, condition, 0x01];
                matches!(last.fate, Fate::Unsupported | Fate::Biometric).then_some(Some(verified))
            },
        },
        Difference {
            name: "the list ends with a method that is not recognised",
            ours: "tag 9F34 names the last method that was performed, or 3F \
                   (EMV 4.4 Book 4, 6.3.4.5).",
            theirs: "names the last method whose condition was met.",
            instead: |input, verdict| {
                let steps = steps(input);
                let last = steps.last()?;
                let [code, condition] = last.rule;
                let mut verified = (*verdict)?;
                verified.results = [code, condition, 0x01];
                let ends_the_list = last.fate == Fate::Unrecognised && code & 0x40 != 0;
                ends_the_list.then_some(Some(verified))
            },
        },
        Difference {
            name: "a method that is not recognised ends verification",
            ours: "tag 9F34 names the method that was performed before and failed \
                   (EMV 4.4 Book 4, 6.3.4.5).",
            theirs: "names none.",
            instead: |input, verdict| {
                let steps = steps(input);
                let last = steps.last()?;
                let [code, _] = last.rule;
                let mut verified = (*verdict)?;
                verified.results = [0x3F, 0x00, 0x01];
                let ends = last.fate == Fate::Unrecognised && code & 0x40 == 0;
                let performed = steps.iter().any(|step| step.fate == Fate::Failed);
                (ends && performed).then_some(Some(verified))
            },
        },
    ],
};

/// The other answer, when it is another.
fn changed(verdict: Verdict, other: Verdict) -> Option<Verdict> {
    (verdict != other).then_some(other)
}

impl Input {
    /// The same with an amount of four bytes.
    fn capped(&self) -> Self {
        Self {
            amount: self.amount.min(u32::MAX.into()),
            ..self.clone()
        }
    }

    /// The same, and a terminal that enciphers PINs with elliptic curves does with RSA.
    fn as_they_see_it(&self) -> Self {
        let mut seen = self.capped();
        let [_, methods, _] = &mut seen.capabilities;
        if *methods & ELLIPTIC_PIN != 0 {
            *methods |= ENCIPHERED_PIN;
        }
        seen
    }
}

fn cvm_list(input: &Input) -> Vec<u8> {
    let [x, y] = input.amounts.map(u32::to_be_bytes);
    let mut list = [x, y].concat();
    list.extend(input.rules.concat());
    list.extend(input.odd_byte);
    list
}

fn ours(input: &Input) -> Verdict {
    let hex = |bytes: &[u8]| emv::vectors::fields::hex(bytes);
    let asked = Cardholder::new(&input.entries);
    walk(input, &asked);
    let attempts: Vec<&str> = asked.attempts.into_inner().into_iter().map(name).collect();
    let case = json!({ "input": {
        "aip_82": "1000",
        "cvm_list_8E": hex(&cvm_list(input)),
        "terminal_capabilities_9F33": hex(&input.capabilities),
        "transaction": match input.service {
            Service::UnattendedCash => "unattended_cash",
            Service::ManualCash => "manual_cash",
            Service::Cashback => "cashback",
            Service::Other => "other",
        },
        "amount": input.amount,
        "in_application_currency": input.in_application_currency,
        "attempts": attempts,
    }});
    let outcome = match emv::vectors::run("cvm", &case) {
        Ok(outcome) => outcome,
        Err(error) if error.contains("ElementFormat") => return None,
        // The kernel asked for a PIN once more, or once less, than its rules say.
        Err(error) => panic!("{error}"),
    };
    let bytes = |name: &str| outcome[name].as_str().and_then(emv::vectors::fields::unhex);
    let results = bytes("cvm_results_9F34").and_then(|bytes| bytes.try_into().ok());
    Some(Verified {
        results: results.expect("three bytes"),
        tvr: [bytes("tvr_byte3").expect("a byte")[0], 0],
        performed: outcome["tsi_cvm_performed"] == true,
    })
}

const fn name(entry: Entry) -> &'static str {
    match entry {
        Entry::Right => "ok",
        Entry::Wrong => "failed",
        Entry::TryLimit => "try_limit",
        Entry::Bypassed => "bypassed",
        Entry::PinPadBroken => "pin_pad_not_working",
    }
}

fn theirs_say(input: &Input) -> Verdict {
    let mut terminal = theirs::terminal();
    let capabilities = TerminalCapabilities::parse(&input.capabilities);
    terminal.terminal_capabilities = capabilities.expect("three bytes");
    let inputs = TransactionInputs {
        amount_authorised: input.amount,
        ..TransactionInputs::default()
    };
    let mut context = TransactionContext::new(&terminal, inputs);
    let source = Source::Record { sfi: 1, record: 1 };
    let kept = context
        .tag_store
        .insert_primitive(tags::CVM_LIST, cvm_list(input), source);
    kept.expect("kept");
    let flags = CvmFlags {
        transaction_in_application_currency: input.in_application_currency,
        transaction_is_unattended_cash: input.service == Service::UnattendedCash,
        transaction_is_manual_cash: input.service == Service::ManualCash,
        transaction_is_purchase_with_cashback: input.service == Service::Cashback,
    };
    let cardholder = Cardholder::new(&input.entries);
    let outcome = context.cardholder_verification(flags, |rule| cardholder.perform(rule.method()));
    let outcome = outcome.ok()?;
    let [_, _, third, fourth, _] = context.tvr.to_bytes();
    Some(Verified {
        results: outcome.cvm_results,
        tvr: [third, fourth],
        performed: outcome.tsi_cardholder_verification_was_performed,
    })
}

fn inputs() -> impl Strategy<Value = Input> {
    let method = prop_oneof![
        12 => prop::sample::select(vec![0x00_u8, 0x01, 0x02, 0x03, 0x04, 0x05, 0x1E, 0x1F]),
        1 => 0x06..=0x0F_u8,
        1 => 0..=0x3F_u8,
    ];
    let code = (
        method,
        prop_oneof![3 => Just(0x40_u8), 2 => Just(0), 1 => Just(0x80)],
    )
        .prop_map(|(method, high)| method | high);
    let condition = prop_oneof![12 => 0..=9_u8, 1 => any::<u8>()];
    let rules = prop::collection::vec((code, condition).prop_map(|(a, b)| [a, b]), 0..6);
    let amount = || prop_oneof![4 => 0..4_u64, 1 => 0..1_000_000_000_000_u64, 1 => Just(1 << 32)];
    let limit = || prop_oneof![4 => 0..4_u32, 1 => any::<u32>(), 1 => Just(u32::MAX)];
    let service = prop::sample::select(vec![
        Service::UnattendedCash,
        Service::ManualCash,
        Service::Cashback,
        Service::Other,
    ]);
    let entry = prop::sample::select(vec![
        Entry::Right,
        Entry::Wrong,
        Entry::TryLimit,
        Entry::Bypassed,
        Entry::PinPadBroken,
    ]);
    let capabilities = prop_oneof![Just(0xF8_u8), any::<u8>()];
    let list = (
        [limit(), limit()],
        rules,
        option::weighted(0.05, any::<u8>()),
    );
    let circumstances = (capabilities, service, amount(), any::<bool>());
    let entries = prop::collection::vec(entry, 1..4);
    (list, circumstances, entries).prop_map(|(list, circumstances, entries)| {
        let (amounts, rules, odd_byte) = list;
        let (capabilities, service, amount, in_application_currency) = circumstances;
        Input {
            amounts,
            rules,
            odd_byte,
            capabilities: [0xE0, capabilities, 0xC8],
            service,
            amount,
            in_application_currency,
            entries,
        }
    })
}

#[test]
fn both_kernels_verify_the_cardholder_alike() {
    compare(&AREA, &inputs(), 80);
}
