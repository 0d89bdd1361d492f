//! The kernel's steps, run with the test vectors of `tests/vectors` (feature `vectors`).
//!
//! [`run`] takes a case and says what the kernel makes of its input, in the words and the form in
//! which the case says what is expected. It compares nothing: `tests/vector-runner` does, for this
//! crate and for others. An error says why the case cannot be run, or where the kernel left its
//! script.

mod authentication;
mod ca_keys;
mod chain;
mod coding;
mod completion;
mod cvm;
mod decisions;
mod elliptic;
pub mod fields;
mod given;
mod image;
mod known_keys;
mod reading;
mod selection;
mod transcripts;
mod transport;

use serde_json::Value;

use crate::parameters::Terminal;
use crate::scripted::Scripted;
use crate::specimen::{self, application, transaction};
use crate::terms::Terms;

/// What came out of a case, in the form of its expectation.
type Outcome = Result<Value, String>;

/// Runs a case.
type Run = fn(&Value) -> Outcome;

/// Each kind of vector that is about the kernel, and what runs a case of it.
const KINDS: [(&str, Run); 13] = [
    ("tlv", coding::tlv),
    ("dol", coding::dol),
    ("app_selection", selection::run),
    ("init_and_read", reading::run),
    ("oda_rsa", authentication::run),
    ("oda_ecc", elliptic::run),
    ("capk", ca_keys::run),
    ("restrictions", decisions::restrictions),
    ("cvm", cvm::run),
    ("risk_management", decisions::risk_management),
    ("action_analysis", decisions::action_analysis),
    ("completion", completion::run),
    ("transcripts", transcripts::run),
];

/// Runs a case of a kind.
pub fn run(kind: &str, case: &Value) -> Result<Value, String> {
    let row = KINDS.iter().find(|(name, _)| *name == kind);
    let (_, run) = row.ok_or_else(|| format!("the kernel knows no vectors of kind {kind}"))?;
    run(case)
}

/// Ports with the card of a case: its `apdus`, each a command `c` with its response `r`.
fn scripted(input: &Value) -> Result<Scripted, String> {
    let apdus = fields::list(input, "apdus")?.iter();
    let pairs = apdus.map(|apdu| Ok((fields::bytes(apdu, "c")?, fields::bytes(apdu, "r")?)));
    Ok(Scripted {
        card: pairs.collect::<Result<_, String>>()?,
        ..Scripted::default()
    })
}

/// Whether the card of a case was asked what it expects, and all of it.
fn script_was_kept(ports: &Scripted) -> Result<(), String> {
    if let Some(unexpected) = &ports.unexpected {
        return Err(unexpected.clone());
    }
    match ports.card.len() {
        0 => Ok(()),
        left => Err(format!("{left} of the commands were not sent")),
    }
}

/// A terminal without CDA, which has vectors of its own.
fn terminal() -> Result<Terminal, String> {
    specimen::terminal([0xE0, 0xF8, 0xC0])
}

fn terms() -> Result<Terms, String> {
    Ok(Terms {
        terminal: terminal()?,
        application: application(&[0xA0, 0, 0, 0, 3, 0x10, 0x10], true)?,
        transaction: transaction(),
    })
}
