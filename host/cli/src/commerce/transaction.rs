//! Transactions of the records: one, a list of them, and the abort of the running one.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::Value;

use super::{
    call::Call,
    moment, money,
    outcome::{self, last_line, minor, text},
    reading::{self, Paging, money_of, shown},
    table::{Align, Column, block, table},
    terminal::NoAnswer,
    terminal_options::TerminalOptions,
    transact,
};

/// Show a transaction as it is now
///
/// This tells what became of one whose answer was lost.
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// Its id, such as `txn_01J...`
    #[arg(value_name = "ID")]
    transaction: String,

    #[command(flatten)]
    terminal: TerminalOptions,
}

impl One {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let call = Call::to("getTransaction")?.of(&self.transaction)?;
        reading::show(&self.terminal, &call, described)
    }
}

/// Abort the running transaction
///
/// It is refused when the acquirer may have the request already.
///
/// Exit codes: 0 it is cancelled, 1 the command failed, 5 it is not aborted,
/// 6 it is not known yet.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Abort {
    /// Its id, such as `txn_01J...`
    #[arg(value_name = "ID")]
    transaction: String,

    #[command(flatten)]
    terminal: TerminalOptions,
}

impl Abort {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let call = Call::to("abortTransaction")?.of(&self.transaction)?;
        let answer = match self.terminal.terminal()?.call(&call) {
            Ok(answer) => answer,
            Err(error @ NoAnswer::Lost(_)) => {
                transact::say(&format!("tenon: {error}"));
                reading::print(&format!("UNKNOWN  abort it again  {}\n", self.transaction))?;
                return Ok(ExitCode::from(outcome::UNKNOWN));
            }
            Err(error) => return Err(error.into()),
        };
        if !reading::is_success(&answer) {
            return reading::refused(&self.terminal, &answer);
        }
        if self.terminal.json {
            reading::print_json(&answer)?;
        } else {
            reading::print(&format!("{}\n", last_line(&answer)))?;
        }
        Ok(match text(&answer.body, "status") {
            Some("CANCELLED") => ExitCode::SUCCESS,
            _ => ExitCode::from(outcome::UNKNOWN),
        })
    }
}

/// List transactions, the newest first
///
///     tenon transactions --from 2026-03-28 --status declined
///
/// Days and times without an offset are this machine's.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct List {
    /// Begun at this moment or later
    #[arg(long, value_name = "MOMENT", value_parser = moment::read)]
    from: Option<String>,

    /// Begun before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment::read)]
    to: Option<String>,

    /// In this state now, such as `approved`
    #[arg(long, value_name = "STATUS", value_parser = api_name)]
    status: Option<String>,

    /// Of this type only, such as `sale` or `pre-auth`
    #[arg(long = "type", value_name = "TYPE", value_parser = api_name)]
    kind: Option<String>,

    /// Of this scheme only, such as `visa`
    #[arg(long, value_name = "SCHEME", value_parser = api_name)]
    card_scheme: Option<String>,

    /// With exactly this reference
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,

    #[command(flatten)]
    paging: Paging,

    #[command(flatten)]
    terminal: TerminalOptions,
}

impl List {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let call = Call::to("listTransactions")?
            .with("from", self.from.as_deref())
            .with("to", self.to.as_deref())
            .with("status", self.status.as_deref())
            .with("type", self.kind.as_deref())
            .with("cardScheme", self.card_scheme.as_deref())
            .with("referenceId", self.reference.as_deref());
        reading::show_list(&self.terminal, call, &self.paging, listed)
    }
}

/// `pre-auth` becomes `PRE_AUTH`, the API's word.
pub(super) fn api_name(text: &str) -> Result<String, String> {
    let name = text.to_ascii_uppercase().replace('-', "_");
    let is_name = name
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if is_name {
        Ok(name)
    } else {
        Err(format!("{text:?} is no word of the API"))
    }
}

const COLUMNS: &[Column] = &[
    ("BEGAN", Align::Left),
    ("STATUS", Align::Left),
    ("TYPE", Align::Left),
    ("AMOUNT", Align::Right),
    ("CARD", Align::Left),
    ("REFERENCE", Align::Left),
    ("TRANSACTION", Align::Left),
];

/// A list of transactions.
pub(super) fn listed(transactions: &[Value]) -> String {
    let row = |one: &Value| {
        let member = |name| shown(one, name).unwrap_or_default();
        let moves_money = !matches!(text(one, "type"), Some("CARD_READ" | "BALANCE_INQUIRY"));
        let currency = text(one, "currency").unwrap_or_default();
        let amount = moves_money.then(|| money::display(outcome::total(one), currency));
        vec![
            moment::shown(&member("timestamp")),
            member("status"),
            member("type"),
            amount.unwrap_or_default(),
            short_card(one),
            member("referenceId"),
            member("transactionId"),
        ]
    };
    let rows: Vec<_> = transactions.iter().map(row).collect();
    table(COLUMNS, &rows)
}

/// `VISA 1234`.
fn short_card(one: &Value) -> String {
    let clear = text(one, "maskedPan").map(|pan| pan.trim_start_matches('*'));
    let parts = [text(one, "cardScheme"), clear];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// A transaction, member by member.
pub(super) fn described(body: &Value) -> String {
    let member = |name| shown(body, name);
    let is_balance = text(body, "type") == Some("BALANCE_INQUIRY");
    let metadata = body.get("metadata").and_then(Value::as_object);
    let metadata = metadata.map(|members| {
        let pairs = members
            .iter()
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
        pairs.collect::<Vec<_>>().join(" ")
    });
    let has_parts = minor(body, "tipAmount").is_some() || minor(body, "cashbackAmount").is_some();
    let total = text(body, "currency")
        .filter(|_| has_parts)
        .map(|currency| money::display(outcome::total(body), currency));
    let described = block([
        ("transaction", member("transactionId")),
        ("status", member("status")),
        ("type", member("type")),
        (
            if is_balance { "balance" } else { "amount" },
            money_of(body, "amount"),
        ),
        ("asked for", money_of(body, "requestedAmount")),
        ("tip", money_of(body, "tipAmount")),
        ("cashback", money_of(body, "cashbackAmount")),
        ("total", total),
        ("given back", money_of(body, "refundedAmount")),
        ("of", member("originalTransactionId")),
        ("reference", member("referenceId")),
        ("metadata", metadata),
        (
            "began",
            text(body, "timestamp").map(|at| format!("{}  ({at})", moment::shown(at))),
        ),
        ("card", member("maskedPan")),
        ("scheme", member("cardScheme")),
        ("entry", member("entryMode")),
        ("application", member("applicationLabel")),
        ("AID", member("aid")),
        ("CVM", member("cvmResult")),
        ("cryptogram", member("cryptogramType")),
        ("TVR", member("tvr")),
        ("authorization", member("authorizationCode")),
        ("response", member("responseCode")),
        ("RRN", member("rrn")),
        (
            "reversal",
            (body.get("reversalRequired") == Some(&Value::Bool(true)))
                .then(|| "required at your acquirer".to_owned()),
        ),
    ]);
    let chip_data = chip_data(body);
    if chip_data.is_empty() {
        return described;
    }
    format!("{described}\n{chip_data}")
}

/// What the point of sale's acquirer needs, when it is asked.
pub(super) fn chip_data(body: &Value) -> String {
    let Some(data) = body.get("chipData") else {
        return String::new();
    };
    let tags = data.get("emvTags").and_then(Value::as_object);
    let tags = tags.into_iter().flatten();
    let tags = tags.map(|(tag, value)| (tag.as_str(), value.as_str().map(str::to_owned)));
    let others = [
        ("PIN block", "encryptedPinBlock"),
        ("PIN key", "pinKsn"),
        ("PIN format", "pinBlockFormat"),
        ("track 2", "encryptedTrack2"),
        ("track 2 key", "track2Ksn"),
    ];
    block(tags.chain(others.map(|(name, member)| (name, shown(data, member)))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sale() -> Value {
        json!({
            "transactionId": "txn_1", "status": "APPROVED", "type": "SALE", "amount": 2000,
            "requestedAmount": 2500, "tipAmount": 250, "currency": "NZD", "timestamp": "soon",
            "cardScheme": "VISA", "maskedPan": "************1234", "referenceId": "POS-1",
            "metadata": {"till": "3", "clerk": "7"}, "refundedAmount": 500,
        })
    }

    #[test]
    fn a_transaction_is_a_block_and_what_it_has_not_is_left_out() {
        assert_eq!(
            described(&sale()),
            "transaction  txn_1\nstatus       APPROVED\ntype         SALE\n\
             amount       NZD 20.00\nasked for    NZD 25.00\ntip          NZD 2.50\n\
             total        NZD 22.50\ngiven back   NZD 5.00\nreference    POS-1\n\
             metadata     clerk=7 till=3\nbegan        soon  (soon)\n\
             card         ************1234\nscheme       VISA\n"
        );
    }

    #[test]
    fn a_list_has_the_whole_amount_and_the_end_of_the_card() {
        let read = json!({
            "transactionId": "txn_2", "status": "APPROVED", "type": "CARD_READ", "amount": 0,
            "currency": "NZD", "timestamp": "later", "cardScheme": "EFTPOS",
        });
        assert_eq!(
            listed(&[sale(), read]),
            "BEGAN  STATUS    TYPE          AMOUNT  CARD       REFERENCE  TRANSACTION\n\
             soon   APPROVED  SALE       NZD 22.50  VISA 1234  POS-1      txn_1\n\
             later  APPROVED  CARD_READ             EFTPOS                txn_2\n"
        );
        assert_eq!(listed(&[]), "");
    }

    #[test]
    fn chip_data_is_shown_while_a_decision_is_wanted() {
        let asked = json!({"chipData": {
            "emvTags": {"9F26": "0011"}, "encryptedPinBlock": null, "encryptedTrack2": "AB",
        }});
        assert_eq!(chip_data(&asked), "9F26     0011\ntrack 2  AB\n");
        assert_eq!(chip_data(&sale()), "");
    }
}
