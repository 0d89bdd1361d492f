//! Terminal risk management (EMV 4.4 Book 3, 10.6).

use emv_rs::contact::terminal_risk_management::{
    RandomSelectionParameters, TerminalRiskManagementContext, evaluate,
};
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use crate::comparison::{Area, Difference, compare};

#[derive(Debug)]
struct Input {
    amount: u64,
    floor_limit: u64,
    /// What the same card paid before.
    logged: Option<u64>,
    selection: Selection,
    /// Tags 9F14 and 9F23.
    lower_limit: Option<u8>,
    upper_limit: Option<u8>,
    /// Tags 9F36 and 9F13.
    atc: Option<u16>,
    last_online_atc: Option<u16>,
}

#[derive(Debug)]
struct Selection {
    threshold: u64,
    target: u8,
    target_max: u8,
    /// 1 to 99.
    random: u8,
}

impl Selection {
    /// Whether the payment system may ask for it (EMV 4.4 Book 3, 10.6.2).
    const fn is_consistent(&self, floor_limit: u64) -> bool {
        self.threshold < floor_limit && self.target <= self.target_max
    }
}

/// Bytes 2 and 4 of the TVR; `None` when the parameters are refused.
type Verdict = Option<[u8; 2]>;

const AREA: Area<Input, Verdict> = Area {
    ours: |input| Some(ours(input)),
    theirs,
    differences: &[Difference {
        name: "parameters that contradict each other",
        ours: "goes on: a threshold at the floor limit is never reached, and a maximum below the \
               target does not lower it. Whoever loads parameters checks them (EMV 4.4 Book 3, 10.6.2).",
        theirs: "fails, and the transaction with it.",
        instead: |input, _| {
            let consistent = input.selection.is_consistent(input.floor_limit);
            (!consistent).then_some(None)
        },
    }],
};

fn ours(input: &Input) -> [u8; 2] {
    let Selection {
        threshold,
        target,
        target_max,
        random,
    } = input.selection;
    let case = json!({ "input": {
        "amount": input.amount,
        "floor_limit_9F1B": input.floor_limit,
        "log_amount_same_pan": input.logged,
        "random_selection": {
            "threshold": threshold,
            "target": target,
            "max": target_max,
            "random_1_99": random,
        },
        "9F14": input.lower_limit,
        "9F23": input.upper_limit,
        "get_data_9F36": input.atc,
        "get_data_9F13": input.last_online_atc,
    }});
    let outcome = emv::vectors::run("risk_management", &case).expect("a case");
    let tvr = outcome["tvr_95"]
        .as_str()
        .and_then(emv::vectors::fields::unhex);
    let tvr = tvr.expect("a TVR");
    [tvr[1], tvr[3]]
}

fn theirs(input: &Input) -> Verdict {
    let context = TerminalRiskManagementContext {
        amount_authorised: input.amount,
        floor_limit: input.floor_limit,
        prior_amount_for_pan: input.logged,
        random_selection_parameters: RandomSelectionParameters {
            threshold_value: input.selection.threshold,
            target_percentage: input.selection.target,
            max_target_percentage: input.selection.target_max,
        },
        random_number: Some(input.selection.random),
        lower_consecutive_offline_limit: input.lower_limit,
        upper_consecutive_offline_limit: input.upper_limit,
        atc: input.atc,
        last_online_atc_register: input.last_online_atc,
    };
    let outcome = evaluate(&context).ok()?;
    let bits = [
        (outcome.transaction_exceeds_floor_limit, 0x80),
        (outcome.lower_consecutive_offline_limit_exceeded, 0x40),
        (outcome.upper_consecutive_offline_limit_exceeded, 0x20),
        (
            outcome.transaction_selected_randomly_for_online_processing,
            0x10,
        ),
    ];
    let fourth = bits
        .iter()
        .filter(|(set, _)| *set)
        .fold(0, |byte, (_, bit)| byte | bit);
    Some([if outcome.new_card { 0x08 } else { 0 }, fourth])
}

fn inputs() -> impl Strategy<Value = Input> {
    // Near one another, and anywhere up to twelve digits.
    let amount = || prop_oneof![4 => 0..200_u64, 1 => 0..1_000_000_000_000_u64];
    let counter = || option::weighted(0.9, prop_oneof![3 => 0..20_u16, 1 => any::<u16>()]);
    let limit = || option::weighted(0.9, prop_oneof![3 => 0..12_u8, 1 => any::<u8>()]);
    let percents = prop_oneof![
        4 => (0..=99_u8, 0..=99_u8).prop_map(|(one, other)| (one.min(other), one.max(other))),
        1 => (0..=99_u8, 0..=99_u8),
    ];
    let selection = (amount(), percents, 1..=99_u8);
    let amounts = (amount(), amount(), option::of(amount()));
    let velocity = (limit(), limit(), counter(), counter());
    (amounts, selection, velocity).prop_map(|(amounts, selection, velocity)| {
        let (amount, floor_limit, logged) = amounts;
        let (threshold, (target, target_max), random) = selection;
        let (lower_limit, upper_limit, atc, last_online_atc) = velocity;
        Input {
            amount,
            floor_limit,
            logged,
            selection: Selection {
                threshold,
                target,
                target_max,
                random,
            },
            lower_limit,
            upper_limit,
            atc,
            last_online_atc,
        }
    })
}

#[test]
fn both_kernels_manage_risk_alike() {
    compare(&AREA, &inputs(), 80);
}
