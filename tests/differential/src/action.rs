//! Terminal action analysis (EMV 4.4 Book 3, 10.7).

use emv_rs::core::terminal_action_analysis::{
    ActionCodes, ApplicationCryptogramType, TerminalCapability, first_generate_ac_decision,
    unable_to_go_online_decision,
};
use emv_rs::de::terminal_verification_results::TerminalVerificationResults;
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use crate::comparison::{Area, Difference, compare};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    OfflineWithOnline,
    OnlineOnly,
    OfflineOnly,
}

type Code = [u8; 5];

#[derive(Debug)]
struct Input {
    tvr: Code,
    /// Denial, online, default.
    issuer: [Option<Code>; 3],
    acquirer: [Code; 3],
    connection: Connection,
    /// Whether the issuer could not be asked; otherwise it is the first GENERATE AC.
    online_failed: bool,
}

/// The cryptogram asked for.
type Verdict = &'static str;

const AREA: Area<Input, Verdict> = Area {
    ours,
    theirs,
    differences: &[
        Difference {
            name: "an online-only terminal that cannot go online",
            ours: "declines: the check of the default codes is an option of such a terminal \
                   (EMV 4.4 Book 3, 10.7), and its acquirer never allowed it to approve alone.",
            theirs: "takes the option, and may ask for a TC.",
            instead: |input, verdict| {
                let allowed = input.online_failed
                    && input.connection == Connection::OnlineOnly
                    && *verdict == "AAC"
                    && !default_denies(input);
                allowed.then_some("TC")
            },
        },
        Difference {
            name: "XDA failed, and the issuer cannot be asked",
            ours: "declines in the step that decides (EMV 4.4 Book 4, 6.3.2.2.4).",
            theirs: "declines too, but in its flow, before this function is called.",
            instead: |input, verdict| {
                let allowed = input.online_failed
                    && input.connection != Connection::OnlineOnly
                    && xda_failed(input.tvr)
                    && *verdict == "AAC"
                    && !default_denies(input);
                allowed.then_some("TC")
            },
        },
    ],
};

fn default_denies(input: &Input) -> bool {
    let [.., issuer] = input.issuer;
    let [.., acquirer] = input.acquirer;
    let issuer = issuer.unwrap_or([0xFF; 5]);
    let bits = input.tvr.iter().zip(issuer.iter().zip(acquirer));
    bits.into_iter()
        .any(|(tvr, (issuer, acquirer))| tvr & (issuer | acquirer) != 0)
}

/// Byte 4 bit 1, byte 5 bits 3 and 2.
const fn xda_failed([.., fourth, fifth]: Code) -> bool {
    fourth & 0x01 != 0 || fifth & 0x06 != 0
}

fn ours(input: &Input) -> Verdict {
    let hex = |code: Code| emv::vectors::fields::hex(&code);
    let [issuer_denial, issuer_online, issuer_default] = input.issuer;
    let [denial, online, default] = input.acquirer;
    let case = json!({ "input": {
        "tvr_95": hex(input.tvr),
        "iac_denial_9F0E": issuer_denial.map(hex),
        "iac_online_9F0F": issuer_online.map(hex),
        "iac_default_9F0D": issuer_default.map(hex),
        "tac_denial": hex(denial),
        "tac_online": hex(online),
        "tac_default": hex(default),
        "terminal": match input.connection {
            Connection::OfflineWithOnline => "offline_with_online",
            Connection::OnlineOnly => "online_only",
            Connection::OfflineOnly => "offline_only",
        },
        "stage": if input.online_failed { "online_failed" } else { "first" },
    }});
    let outcome = emv::vectors::run("action_analysis", &case).expect("a case");
    let requested = outcome["cryptogram_requested"]
        .as_str()
        .expect("a cryptogram");
    let names = ["AAC", "ARQC", "TC"];
    names
        .into_iter()
        .find(|name| *name == requested)
        .expect("a known one")
}

fn theirs(input: &Input) -> Verdict {
    let tvr = TerminalVerificationResults::parse(&input.tvr).expect("five bytes");
    let [iac_denial, iac_online, iac_default] = input.issuer;
    let [tac_denial, tac_online, tac_default] = input.acquirer.map(Some);
    let codes = ActionCodes {
        iac_denial,
        iac_online,
        iac_default,
        tac_denial,
        tac_online,
        tac_default,
    };
    let requested = if input.online_failed {
        unable_to_go_online_decision(&tvr, &codes)
    } else {
        let capability = match input.connection {
            Connection::OfflineWithOnline => TerminalCapability::OnlineCapable,
            Connection::OnlineOnly => TerminalCapability::OnlineOnly,
            // As their flow calls it.
            Connection::OfflineOnly => TerminalCapability::OfflineOnly {
                use_online_action_codes: false,
            },
        };
        first_generate_ac_decision(&tvr, &codes, capability)
    };
    match requested {
        ApplicationCryptogramType::Aac => "AAC",
        ApplicationCryptogramType::Arqc => "ARQC",
        ApplicationCryptogramType::Tc => "TC",
        ApplicationCryptogramType::Rfu(_) => "reserved",
    }
}

/// No bit, few or any, so that codes and results meet sometimes and not always.
fn code() -> impl Strategy<Value = Code> {
    let bits = |places: Vec<usize>| {
        places.into_iter().fold([0; 5], |mut code: Code, place| {
            code[place / 8] |= 0x80 >> (place % 8);
            code
        })
    };
    prop_oneof![
        Just([0; 5]),
        proptest::collection::vec(0..40_usize, 1..4).prop_map(bits),
        any::<Code>(),
    ]
}

fn inputs() -> impl Strategy<Value = Input> {
    let issuer = || option::weighted(0.8, code());
    let connection = prop_oneof![
        Just(Connection::OfflineWithOnline),
        Just(Connection::OnlineOnly),
        Just(Connection::OfflineOnly),
    ];
    (
        code(),
        [issuer(), issuer(), issuer()],
        [code(), code(), code()],
        connection,
        any::<bool>(),
    )
        .prop_map(|(tvr, issuer, acquirer, connection, online_failed)| Input {
            tvr,
            issuer,
            acquirer,
            connection,
            online_failed,
        })
}

#[test]
fn both_kernels_analyse_alike() {
    compare(&AREA, &inputs(), 80);
}
