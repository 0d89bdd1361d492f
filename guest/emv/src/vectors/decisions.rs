//! Restrictions, risk management and action analysis.

use serde_json::{Value, json};

use super::fields::{array, hex, number, optional, small, text};
use super::{Outcome, transaction};
use crate::action::{self, ActionCodes, IssuerActionCodes};
use crate::bits::{AdditionalTerminalCapabilities, Auc, Tsi, Tvr};
use crate::card_data::CryptogramType;
use crate::cvm::Service;
use crate::date::Date;
use crate::parameters::{Connection, RandomSelection, TerminalType};
use crate::restrictions::{Facts, check};
use crate::risk::{self, Velocity};
use crate::rules::Conclusion;
use crate::transaction::{Transaction, TransactionType};

fn tvr_of<'a>(conclusions: impl IntoIterator<Item = &'a Conclusion>) -> String {
    let tvr = conclusions
        .into_iter()
        .fold(Tvr::empty(), |tvr, conclusion| tvr | conclusion.sets);
    hex(&tvr.to_bytes())
}

/// The name of a cryptogram as the vectors write it.
pub(super) const fn name(cryptogram: CryptogramType) -> &'static str {
    match cryptogram {
        CryptogramType::Aac => "AAC",
        CryptogramType::Arqc => "ARQC",
        CryptogramType::Tc => "TC",
    }
}

/// The cryptogram of a name.
pub(super) fn cryptogram(name: &str) -> Result<CryptogramType, String> {
    [
        CryptogramType::Aac,
        CryptogramType::Arqc,
        CryptogramType::Tc,
    ]
    .into_iter()
    .find(|cryptogram| self::name(*cryptogram) == name)
    .ok_or_else(|| format!("{name} is no cryptogram"))
}

pub(super) fn restrictions(case: &Value) -> Outcome {
    let input = &case["input"];
    let date = |name: &str| {
        let bytes = optional(array, input, name)?;
        bytes
            .map(|bytes| Date::parse(bytes).ok_or_else(|| format!("{name} is no date")))
            .transpose()
    };
    let mandatory = |name: &str| date(name)?.ok_or_else(|| format!("{name} is missing"));
    let kind = match text(input, "9C")? {
        "00" => TransactionType::GoodsAndServices,
        "01" => TransactionType::Cash,
        "09" => TransactionType::GoodsWithCashback,
        "20" => TransactionType::Refund,
        "31" => TransactionType::BalanceInquiry,
        other => return Err(format!("no transaction has the type {other}")),
    };
    let [terminal_type] = array(input, "9F35")?;
    let terminal_type = TerminalType::parse(terminal_type).ok_or("9F35 is no terminal type")?;
    let asked = Transaction {
        kind,
        amount_other: optional(number, input, "9F03")?.unwrap_or(0),
        ..transaction()
    };
    let additional = array(input, "9F40")?;
    let conclusions = check(&Facts {
        version_card: optional(array, input, "9F08")?,
        version_terminal: array(input, "9F09")?,
        usage: optional(array, input, "9F07")?.map(Auc::from_bytes),
        issuer_country: optional(array, input, "5F28")?,
        terminal_country: array(input, "9F1A")?,
        terminal_type,
        additional_capabilities: AdditionalTerminalCapabilities::from_bytes(additional),
        kind,
        cashback: Service::of(&asked, terminal_type) == Service::Cashback,
        today: mandatory("9A")?,
        effective: date("5F25")?,
        expiration: mandatory("5F24")?,
    });
    Ok(json!({ "tvr_95": tvr_of(conclusions) }))
}

pub(super) fn risk_management(case: &Value) -> Outcome {
    let input = &case["input"];
    let amount = number(input, "amount")?;
    let limit = number(input, "floor_limit_9F1B")?;
    let logged = optional(number, input, "log_amount_same_pan")?.unwrap_or(0);
    let floor = risk::floor_limit(amount, logged, limit);
    let mut conclusions = vec![floor];
    let selection = &input["random_selection"];
    if !selection.is_null() && risk::subject_to_random_selection(amount, limit) {
        let parameters = RandomSelection {
            threshold: number(selection, "threshold")?,
            target_percent: small(selection, "target")?,
            target_percent_max: small(selection, "max")?,
        };
        let random = small(selection, "random_1_99")?;
        conclusions.push(risk::random_selection(amount, limit, parameters, random));
    }
    let lower = optional(small::<u8>, input, "9F14")?;
    let upper = optional(small::<u8>, input, "9F23")?;
    if let (Some(lower_limit), Some(upper_limit)) = (lower, upper) {
        conclusions.extend(risk::velocity(&Velocity {
            lower_limit,
            upper_limit,
            atc: optional(small, input, "get_data_9F36")?,
            last_online_atc: optional(small, input, "get_data_9F13")?,
        }));
    }
    // The step is performed whatever it finds.
    let tsi = hex(&Tsi::TERMINAL_RISK_MANAGEMENT_PERFORMED.to_bytes());
    Ok(json!({ "tvr_95": tvr_of(conclusions), "tsi_9B": tsi }))
}

pub(super) fn action_analysis(case: &Value) -> Outcome {
    let input = &case["input"];
    let codes = |name: &str| Ok::<_, String>(optional(array, input, name)?.map(Tvr::from_bytes));
    let joined = ActionCodes::join(
        IssuerActionCodes {
            denial: codes("iac_denial_9F0E")?,
            online: codes("iac_online_9F0F")?,
            default: codes("iac_default_9F0D")?,
        },
        ActionCodes {
            denial: codes("tac_denial")?.unwrap_or_default(),
            online: codes("tac_online")?.unwrap_or_default(),
            default: codes("tac_default")?.unwrap_or_default(),
        },
    );
    let connection = match text(input, "terminal")? {
        "offline_with_online" => Connection::OfflineWithOnline,
        "online_only" => Connection::OnlineOnly,
        "offline_only" => Connection::OfflineOnly,
        other => return Err(format!("no terminal is {other}")),
    };
    let tvr = Tvr::from_bytes(array(input, "tvr_95")?);
    let (requested, _) = match text(input, "stage")? {
        "first" => action::first(tvr, joined, connection),
        "online_failed" => action::unable_to_go_online(tvr, joined, connection),
        other => return Err(format!("no stage is {other}")),
    };
    Ok(json!({
        "cryptogram_requested": name(requested),
        "generate_ac_p1_without_cda": hex(&[requested.to_reference_control()]),
    }))
}
