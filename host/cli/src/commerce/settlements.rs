//! Closed batches: what they came to, their transactions, and their files.

use std::{fs, io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{
    call::Call,
    moment,
    reading::{self, Paging, money_of, pages, print, print_json, shown},
    table::{Align, Column, block, table},
    terminal_options::TerminalOptions,
    transaction::listed,
};

/// List closed batches, the newest first
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Closed at this moment or later; days are this machine's
    #[arg(long, value_name = "MOMENT", value_parser = moment::read)]
    from: Option<String>,

    /// Closed before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment::read)]
    to: Option<String>,

    /// In this currency only
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,

    #[command(flatten)]
    paging: Paging,

    #[command(flatten)]
    terminal: TerminalOptions,
}

impl List {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let call = Call::to("listSettlements")?
            .with("from", self.from.as_deref())
            .with("to", self.to.as_deref())
            .with("currency", self.currency.as_deref());
        reading::show_list(&self.terminal, call, &self.paging, settlements)
    }
}

const COLUMNS: &[Column] = &[
    ("CLOSED", Align::Left),
    ("STATUS", Align::Left),
    ("NET", Align::Right),
    ("SALES", Align::Right),
    ("REFUNDS", Align::Right),
    ("VOIDS", Align::Right),
    ("BATCH", Align::Right),
    ("SETTLEMENT", Align::Left),
];

/// A list of settlements.
pub(super) fn settlements(all: &[Value]) -> String {
    let row = |one: &Value| {
        let member = |name| shown(one, name).unwrap_or_default();
        vec![
            moment::shown(&member("closedAt")),
            member("status"),
            money_of(one, "netAmount").unwrap_or_default(),
            member("saleCount"),
            member("refundCount"),
            member("voidCount"),
            member("acquirerBatchRef"),
            member("id"),
        ]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    table(COLUMNS, &rows)
}

/// Show a closed batch with its transactions
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// Its id, such as `stl_01J...`
    #[arg(value_name = "ID")]
    settlement: String,

    #[command(flatten)]
    terminal: TerminalOptions,
}

impl One {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let terminal = self.terminal.terminal()?;
        let settlement = terminal.call(&Call::to("getSettlement")?.of(&self.settlement)?)?;
        if !reading::is_success(&settlement) {
            return reading::refused(&self.terminal, &settlement);
        }
        if self.terminal.json {
            print_json(&settlement)?;
        } else {
            print(&described(&settlement.body))?;
        }
        let call = Call::to("listSettlementTransactions")?.of(&self.settlement)?;
        let page = |answer: &_| {
            if self.terminal.json {
                print_json(answer)
            } else {
                Ok(())
            }
        };
        let rows = match pages(&terminal, call, &Paging::ALL, page)? {
            Ok(rows) => rows,
            Err(answer) => return reading::refused(&self.terminal, &answer),
        };
        if !self.terminal.json {
            print(&format!("\n{}", listed(&rows)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn described(body: &Value) -> String {
    let member = |name| shown(body, name);
    let counted = |count, amount| {
        let (count, amount) = (shown(body, count)?, money_of(body, amount)?);
        Some(format!("{count}, {amount}"))
    };
    block([
        ("settlement", member("id")),
        ("status", member("status")),
        ("closed", member("closedAt").map(|at| moment::shown(&at))),
        ("batch", member("acquirerBatchRef")),
        ("sales", counted("saleCount", "saleAmount")),
        ("refunds", counted("refundCount", "refundAmount")),
        ("voids", counted("voidCount", "voidAmount")),
        ("net", money_of(body, "netAmount")),
        ("merchant", member("merchantId")),
        ("terminal", member("terminalId")),
    ])
}

/// Write a closed batch's transactions to a file, or to stdout
///
///     tenon export stl_01J... --output batch.csv
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Export {
    /// The settlement, such as `stl_01J...`
    #[arg(value_name = "ID")]
    settlement: String,

    /// How the file is written
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    format: Format,

    /// Where to; what is there is replaced [default: stdout]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    terminal: TerminalOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Format {
    /// A line of names, then one line for each transaction
    #[default]
    Csv,
    /// One JSON object a line
    Jsonl,
}

impl Export {
    pub(super) fn run(&self) -> Result<ExitCode> {
        // A file has one form; --json is the one that is JSON.
        let format = match self.format {
            Format::Csv if !self.terminal.json => "csv",
            Format::Csv | Format::Jsonl => "jsonl",
        };
        let call = Call::to("exportSettlement")?
            .of(&self.settlement)?
            .with("format", Some(format));
        let answer = self.terminal.terminal()?.call(&call)?;
        if !reading::is_success(&answer) {
            return reading::refused(&self.terminal, &answer);
        }
        match &self.output {
            None => print(&answer.text)?,
            Some(path) => {
                write_whole(path, answer.text.as_bytes())
                    .with_context(|| format!("writing {}", path.display()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes a file whole or not at all.
fn write_whole(path: &std::path::Path, content: &[u8]) -> Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(std::path::Path::new("."));
    let mut draft = tempfile::NamedTempFile::new_in(folder)?;
    draft.write_all(content)?;
    draft.as_file().sync_all()?;
    draft.persist(path)?;
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settlement() -> Value {
        json!({
            "id": "stl_1", "closedAt": "then", "status": "SETTLED", "currency": "NZD",
            "netAmount": -500, "merchantId": "MID", "terminalId": "TID", "saleCount": 2,
            "saleAmount": 2500, "refundCount": 1, "refundAmount": 3000, "voidCount": 0,
            "voidAmount": 0, "acquirerBatchRef": "000007",
        })
    }

    #[test]
    fn a_settlement_shows_what_it_came_to() {
        assert_eq!(
            settlements(&[settlement()]),
            "CLOSED  STATUS         NET  SALES  REFUNDS  VOIDS   BATCH  SETTLEMENT\n\
             then    SETTLED  NZD -5.00      2        1      0  000007  stl_1\n"
        );
        assert_eq!(
            described(&settlement()),
            "settlement  stl_1\nstatus      SETTLED\nclosed      then\nbatch       000007\n\
             sales       2, NZD 25.00\nrefunds     1, NZD 30.00\nvoids       0, NZD 0.00\n\
             net         NZD -5.00\nmerchant    MID\nterminal    TID\n"
        );
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("batch.csv");
        for content in ["first, and longer", "second"] {
            write_whole(&path, content.as_bytes()).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("text"), content);
        }
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        assert!(write_whole(&folder.path().join("none/batch.csv"), b"").is_err());
    }
}
