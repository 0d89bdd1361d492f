//! Restrictions, risk management and action analysis.

use super::{array_of, expect_equal, run, text_of};
use crate::action::{self, ActionCodes, IssuerActionCodes};
use crate::bits::{AdditionalTerminalCapabilities, Auc, Tsi, Tvr};
use crate::card_data::CryptogramType;
use crate::date::Date;
use crate::parameters::{Connection, RandomSelection, TerminalType};
use crate::restrictions::{Facts, check};
use crate::risk::{self, Velocity};
use crate::rules::Conclusion;
use crate::scripted::hex;
use crate::transaction::TransactionType;

fn tvr_of<'a>(conclusions: impl IntoIterator<Item = &'a Conclusion>) -> String {
    let tvr = conclusions
        .into_iter()
        .fold(Tvr::empty(), |tvr, conclusion| tvr | conclusion.sets);
    hex(&tvr.to_bytes())
}

#[test]
fn restrictions() {
    run(
        include_str!("../../../../tests/vectors/restrictions.json"),
        |case| {
            let input = &case["input"];
            let date = |field| array_of(input, field).and_then(Date::parse);
            let kind = match text_of(input, "9C") {
                "00" => TransactionType::GoodsAndServices,
                "01" => TransactionType::Cash,
                "09" => TransactionType::GoodsWithCashback,
                other => return Err(format!("transaction type {other}")),
            };
            let [terminal_type] = array_of(input, "9F35").expect("9F35");
            let additional = array_of(input, "9F40").expect("9F40");
            let conclusions = check(&Facts {
                version_card: array_of(input, "9F08"),
                version_terminal: array_of(input, "9F09").expect("9F09"),
                usage: array_of(input, "9F07").map(Auc::from_bytes),
                issuer_country: array_of(input, "5F28"),
                terminal_country: array_of(input, "9F1A").expect("9F1A"),
                terminal_type: TerminalType::parse(terminal_type).expect("a type"),
                additional_capabilities: AdditionalTerminalCapabilities::from_bytes(additional),
                kind,
                cashback: kind == TransactionType::GoodsWithCashback,
                today: date("9A").expect("9A"),
                effective: date("5F25"),
                expiration: date("5F24").expect("5F24"),
            });
            expect_equal(
                tvr_of(conclusions).as_str(),
                text_of(&case["expect"], "tvr_95"),
            )
        },
    );
}

#[test]
fn risk_management() {
    run(
        include_str!("../../../../tests/vectors/risk_management.json"),
        |case| {
            let input = &case["input"];
            let number = |field: &str| input[field].as_u64();
            let amount = number("amount").expect("an amount");
            let limit = number("floor_limit_9F1B").expect("a limit");
            let logged = number("log_amount_same_pan").unwrap_or(0);
            let mut conclusions = vec![risk::floor_limit(amount, logged, limit)];
            let selection = &input["random_selection"];
            if selection.is_object() && !conclusions[0].sets.contains(Tvr::FLOOR_LIMIT_EXCEEDED) {
                let percent = |field: &str| {
                    u8::try_from(selection[field].as_u64().expect("a number"))
                        .expect("a percentage")
                };
                let parameters = RandomSelection {
                    threshold: selection["threshold"].as_u64().expect("a threshold"),
                    target_percent: percent("target"),
                    target_percent_max: percent("max"),
                };
                let random = percent("random_1_99");
                conclusions.push(risk::random_selection(amount, limit, parameters, random));
            }
            let limit = |field| number(field).map(|limit| u8::try_from(limit).expect("a limit"));
            let counter =
                |field| number(field).map(|value| u16::try_from(value).expect("a counter"));
            if let (Some(lower_limit), Some(upper_limit)) = (limit("9F14"), limit("9F23")) {
                conclusions.extend(risk::velocity(&Velocity {
                    lower_limit,
                    upper_limit,
                    atc: counter("get_data_9F36"),
                    last_online_atc: counter("get_data_9F13"),
                }));
            }
            expect_equal(
                tvr_of(conclusions).as_str(),
                text_of(&case["expect"], "tvr_95"),
            )?;
            let tsi = hex(&Tsi::TERMINAL_RISK_MANAGEMENT_PERFORMED.to_bytes());
            expect_equal(tsi.as_str(), text_of(&case["expect"], "tsi_9B"))
        },
    );
}

#[test]
fn action_analysis() {
    run(
        include_str!("../../../../tests/vectors/action_analysis.json"),
        |case| {
            let input = &case["input"];
            let codes = |field| array_of(input, field).map(Tvr::from_bytes);
            let joined = ActionCodes::join(
                IssuerActionCodes {
                    denial: codes("iac_denial_9F0E"),
                    online: codes("iac_online_9F0F"),
                    default: codes("iac_default_9F0D"),
                },
                ActionCodes {
                    denial: codes("tac_denial").unwrap_or_default(),
                    online: codes("tac_online").unwrap_or_default(),
                    default: codes("tac_default").unwrap_or_default(),
                },
            );
            let connection = match text_of(input, "terminal") {
                "offline_with_online" => Connection::OfflineWithOnline,
                "online_only" => Connection::OnlineOnly,
                "offline_only" => Connection::OfflineOnly,
                other => return Err(format!("terminal {other}")),
            };
            let tvr = codes("tvr_95").expect("a TVR");
            let (requested, _) = match text_of(input, "stage") {
                "first" => action::first(tvr, joined, connection),
                "online_failed" => action::unable_to_go_online(tvr, joined, connection),
                other => return Err(format!("stage {other}")),
            };
            let expected = &case["expect"];
            expect_equal(name(requested), text_of(expected, "cryptogram_requested"))?;
            let control = hex(&[requested.to_reference_control()]);
            expect_equal(
                control.as_str(),
                text_of(expected, "generate_ac_p1_without_cda"),
            )
        },
    );
}

fn name(cryptogram: CryptogramType) -> &'static str {
    match cryptogram {
        CryptogramType::Aac => "AAC",
        CryptogramType::Arqc => "ARQC",
        CryptogramType::Tc => "TC",
    }
}
