//! Processing restrictions (EMV 4.4 Book 3, 10.4).

use emv_rs::contact::processing_restrictions::TransactionCategory;
use emv_rs::contact::transaction::{TransactionContext, TransactionInputs};
use emv_rs::core::tag_store::Source;
use emv_rs::core::tags;
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use crate::comparison::{Area, Difference, compare};
use crate::dates::{Ymd, any_day, last_century};
use crate::sale::theirs;

#[derive(Debug)]
struct Input {
    version_card: Option<[u8; 2]>,
    version_terminal: [u8; 2],
    usage: Option<[u8; 2]>,
    /// As numbers: 554 is New Zealand.
    issuer_country: Option<u16>,
    terminal_country: u16,
    terminal_type: u8,
    gives_cash: bool,
    /// Tag 9C.
    transaction_type: u8,
    amount_other: u64,
    today: Ymd,
    effective: Option<Ymd>,
    expiration: Ymd,
}

/// Byte 2 of the TVR: versions, expired, not yet effective, service.
type Verdict = u8;

const EXPIRED: u8 = 0x40;
const NOT_YET_EFFECTIVE: u8 = 0x20;
const SERVICE_NOT_ALLOWED: u8 = 0x10;

const AREA: Area<Input, Verdict> = Area {
    ours,
    theirs: theirs_say,
    differences: &[
        Difference {
            name: "the day of expiry in another century",
            ours: "YY from 50 on is 19YY: a card of 1999 has expired (EMV 4.4 Book 3, 10.4.3).",
            theirs: "compares the digits: in 2026 such a card never expires.",
            instead: |input, verdict| {
                another_century(input.today, input.expiration).then(|| verdict ^ EXPIRED)
            },
        },
        Difference {
            name: "the first day in another century",
            ours: "YY from 50 on is 19YY: a card of 1995 is effective (EMV 4.4 Book 3, 10.4.3).",
            theirs: "compares the digits: in 2026 such a card is not yet effective.",
            instead: |input, verdict| {
                let other = input
                    .effective
                    .is_some_and(|effective| another_century(input.today, effective));
                other.then(|| verdict ^ NOT_YET_EFFECTIVE)
            },
        },
        Difference {
            name: "type 09 without an amount of cash",
            ours: "is a purchase with cashback by its type: the card must allow cashback \
                   (EMV 4.4 Book 3, 10.4.2).",
            theirs: "is a purchase with cashback by tag 9F03 alone.",
            instead: |input, verdict| {
                let allowed = input.transaction_type == 0x09
                    && input.amount_other == 0
                    && cashback_alone_forbids(input);
                allowed.then(|| verdict & !SERVICE_NOT_ALLOWED)
            },
        },
        Difference {
            name: "an amount of cash with what is no purchase",
            ours: "cashback belongs to a purchase: no other type looks at it \
                   (EMV 4.4 Book 3, 10.4.2).",
            theirs: "asks whether the card allows cashback, whatever the type.",
            instead: |input, verdict| {
                let forbidden = !matches!(input.transaction_type, 0x00 | 0x09)
                    && input.amount_other > 0
                    && cashback_alone_forbids(input);
                forbidden.then(|| verdict | SERVICE_NOT_ALLOWED)
            },
        },
    ],
};

/// Whether the digits of two days stand in another order than the days.
fn another_century(one: Ymd, other: Ymd) -> bool {
    last_century(one) != last_century(other)
}

/// Whether cashback is all that the card does not allow.
fn cashback_alone_forbids(input: &Input) -> bool {
    let (Some([first, second]), Some(country)) = (input.usage, input.issuer_country) else {
        return false;
    };
    let domestic = country == input.terminal_country;
    let is_atm = matches!(input.terminal_type, 0x14..=0x16) && input.gives_cash;
    let place = if is_atm { 0x02 } else { 0x01 };
    let service = match (input.transaction_type, domestic) {
        (0x00 | 0x09, true) => 0x28,
        (0x00 | 0x09, false) => 0x14,
        (0x01, true) => 0x80,
        (0x01, false) => 0x40,
        _ => 0xFF,
    };
    let cashback = if domestic { 0x80 } else { 0x40 };
    let no_service_row = service == 0xFF;
    first & place != 0 && (no_service_row || first & service != 0) && second & cashback == 0
}

fn ours(input: &Input) -> Verdict {
    let hex = |bytes: &[u8]| emv::vectors::fields::hex(bytes);
    let country = |number: u16| format!("{number:04}");
    let case = json!({ "input": {
        "9F08": input.version_card.map(|version| hex(&version)),
        "9F09": hex(&input.version_terminal),
        "9F07": input.usage.map(|usage| hex(&usage)),
        "5F28": input.issuer_country.map(country),
        "9F1A": country(input.terminal_country),
        "9F35": hex(&[input.terminal_type]),
        "9F40": if input.gives_cash { "8000000000" } else { "6000000000" },
        "9C": hex(&[input.transaction_type]),
        "9F03": input.amount_other,
        "9A": hex(&input.today),
        "5F25": input.effective.map(|day| hex(&day)),
        "5F24": hex(&input.expiration),
    }});
    let outcome = emv::vectors::run("restrictions", &case).expect("a case");
    let tvr = outcome["tvr_95"]
        .as_str()
        .and_then(emv::vectors::fields::unhex);
    tvr.expect("a TVR")[1]
}

fn theirs_say(input: &Input) -> Verdict {
    let mut terminal = theirs::terminal();
    terminal.terminal_type.0 = input.terminal_type;
    terminal.additional_terminal_capabilities.cash = input.gives_cash;
    terminal.terminal_country_code = input.terminal_country;
    terminal.applications[0].application_version_number = input.version_terminal;
    let inputs = TransactionInputs {
        transaction_date: input.today,
        transaction_type: input.transaction_type,
        amount_other: input.amount_other,
        ..TransactionInputs::default()
    };
    let mut context = TransactionContext::new(&terminal, inputs);
    context
        .select_application(theirs::AID.to_vec())
        .expect("selected");
    let issuer_country = input.issuer_country.map(|country| {
        let digits = format!("{country:04}");
        emv::vectors::fields::unhex(&digits).expect("digits")
    });
    for (tag, value) in [
        (
            tags::APPLICATION_VERSION_NUMBER_ICC,
            input.version_card.map(Vec::from),
        ),
        (tags::APPLICATION_USAGE_CONTROL, input.usage.map(Vec::from)),
        (tags::ISSUER_COUNTRY_CODE, issuer_country),
        (
            tags::APPLICATION_EFFECTIVE_DATE,
            input.effective.map(Vec::from),
        ),
        (
            tags::APPLICATION_EXPIRATION_DATE,
            Some(input.expiration.to_vec()),
        ),
    ] {
        if let Some(value) = value {
            let source = Source::Record { sfi: 1, record: 1 };
            context
                .tag_store
                .insert_primitive(tag, value, source)
                .expect("kept");
        }
    }
    // As their flow calls it.
    let category = TransactionCategory::from_transaction_type(input.transaction_type);
    context
        .process_restrictions(category, input.amount_other > 0)
        .expect("restrictions");
    context.tvr.to_bytes()[1]
}

fn inputs() -> impl Strategy<Value = Input> {
    let version = || prop_oneof![Just([0x00, 0x96]), any::<[u8; 2]>()];
    let country = || prop_oneof![Just(554_u16), Just(36), Just(840)];
    // Mostly generous cards, so that a single bit decides often.
    let usage = prop_oneof![
        any::<[u8; 2]>(),
        (0..16_u32).prop_map(|bit| (0xFFC0_u16 & !(1 << bit)).to_be_bytes()),
    ];
    let terminal_type = (1..=3_u8, 1..=6_u8).prop_map(|(high, low)| high * 16 + low);
    let kind = prop_oneof![Just(0x00), Just(0x01), Just(0x09), Just(0x20), Just(0x31)];
    let card = (
        option::of(version()),
        option::weighted(0.9, usage),
        option::weighted(0.9, country()),
        option::of(any_day()),
        any_day(),
    );
    let terminal = (version(), country(), terminal_type, any::<bool>());
    let amount_other = prop_oneof![Just(0_u64), 1..=100_000_u64];
    let transaction = (kind, amount_other, any_day());
    (card, terminal, transaction).prop_map(|(card, terminal, transaction)| {
        let (version_card, usage, issuer_country, effective, expiration) = card;
        let (version_terminal, terminal_country, terminal_type, gives_cash) = terminal;
        let (transaction_type, amount_other, today) = transaction;
        Input {
            version_card,
            version_terminal,
            usage,
            issuer_country,
            terminal_country,
            terminal_type,
            gives_cash,
            transaction_type,
            amount_other,
            today,
            effective,
            expiration,
        }
    })
}

#[test]
fn both_kernels_restrict_alike() {
    compare(&AREA, &inputs(), 40);
}
