//! The open batch: what it adds up to, and its end.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    call::{Call, new_key},
    outcome::{UNKNOWN, text},
    reading::{self, money_of, print, print_json, shown},
    settlements::settlements,
    table::{Align, Column, table},
    terminal::NoAnswer,
    terminal_options::TerminalOptions,
    transact,
};

/// The exit code when not all of it is closed.
const NOT_CLOSED: u8 = 3;

/// Add up the open batch
#[derive(Debug, clap::Args)]
pub(crate) struct Totals {
    /// ISO 4217 code [default: the terminal's usual one]
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,

    #[command(flatten)]
    terminal: TerminalOptions,
}

impl Totals {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let call = Call::to("getTransactionTotals")?.with("currency", self.currency.as_deref());
        reading::show(&self.terminal, &call, totals)
    }
}

const COLUMNS: &[Column] = &[
    ("OPEN BATCH", Align::Left),
    ("COUNT", Align::Right),
    ("AMOUNT", Align::Right),
];

/// What a batch adds up to.
fn totals(body: &Value) -> String {
    let kinds = [
        ("sales", "saleCount", "saleAmount"),
        ("refunds", "refundCount", "refundAmount"),
        ("voids", "voidCount", "voidAmount"),
        ("reserved", "preAuthCount", "preAuthAmount"),
    ];
    let row = |(name, count, amount): (&str, &str, &str)| {
        let count = shown(body, count).unwrap_or_default();
        let amount = money_of(body, amount).unwrap_or_default();
        vec![name.to_owned(), count, amount]
    };
    table(COLUMNS, &kinds.map(row))
}

/// Add up the open batch, or close it with the acquirer
///
///     tenon reconcile                       # a dry run: nobody is asked
///     tenon reconcile --close               # the end of the day
///
/// The last line, on stdout, begins with the status.
///
/// Exit codes:
///   0  a dry run, or everything is closed
///   1  the command failed; see stderr
///   2  the command line is wrong
///   3  nothing, or not everything, is closed: close again later
///   5  refused
///   6  unknown: ask again with the same key, or look at `tenon settlements`
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Reconcile {
    /// Close the batch with the acquirer (`closeDay`)
    #[arg(long)]
    close: bool,

    /// The same key is the same reconciliation [default: a new one]
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,

    #[command(flatten)]
    terminal: TerminalOptions,
}

impl Reconcile {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let key = self.idempotency_key.clone().unwrap_or_else(new_key);
        let body = json!({ "closeDay": self.close });
        let call = Call::to("performReconciliation")?.once(body, key.as_str());
        let answer = match self.terminal.terminal()?.call(&call) {
            Ok(answer) => answer,
            Err(error @ NoAnswer::Lost(_)) => return transact::lost(&self.terminal, &error, &key),
            Err(error) => return Err(error.into()),
        };
        if !reading::is_success(&answer) {
            let refused = reading::refused(&self.terminal, &answer)?;
            // An internal error does not say that nothing is closed.
            return Ok(if answer.status >= 500 {
                ExitCode::from(UNKNOWN)
            } else {
                refused
            });
        }
        if self.terminal.json {
            print_json(&answer)?;
        } else {
            print(&self.reconciled(&answer.body))?;
        }
        Ok(match text(&answer.body, "status") {
            Some("SUCCESS") => ExitCode::SUCCESS,
            _ => ExitCode::from(NOT_CLOSED),
        })
    }

    fn reconciled(&self, body: &Value) -> String {
        let closed = body.get("settlements").and_then(Value::as_array);
        let closed = closed.map(Vec::as_slice).unwrap_or_default();
        let status = text(body, "status").unwrap_or("UNKNOWN");
        if !self.close {
            let totals = body.get("totals").map(totals).unwrap_or_default();
            return format!("{totals}{status}  a dry run; `--close` closes the batch\n");
        }
        let what = match (status, closed.len()) {
            ("SUCCESS", 0) => "nothing was open",
            ("SUCCESS", _) => "the batch is closed",
            ("PARTIAL", _) => "not everything is closed; close again later",
            _ => "nothing is closed; close again later",
        };
        format!("{}{status}  {what}\n", settlements(closed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_added_up_line_by_line() {
        let body = json!({
            "saleCount": 12, "saleAmount": 250_000, "refundCount": 1, "refundAmount": 500,
            "voidCount": 0, "voidAmount": 0, "preAuthCount": 0, "preAuthAmount": 0,
            "currency": "NZD",
        });
        assert_eq!(
            totals(&body),
            "OPEN BATCH  COUNT       AMOUNT\n\
             sales          12  NZD 2500.00\n\
             refunds         1     NZD 5.00\n\
             voids           0     NZD 0.00\n\
             reserved        0     NZD 0.00\n"
        );
    }
}
