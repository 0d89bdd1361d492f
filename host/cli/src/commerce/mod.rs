//! The Commerce API from the command line: one sub-command for each operation of a point of sale.
//!
//! [`kinds`] says what each kind of transaction is asked with, [`wanted`] makes the request of it, and
//! [`transact`] asks, shows the progress of [`session`] and prints [`outcome`]'s last line. What moves
//! no money goes by [`reading`]. [`terminal`] is the one client of both, [`trust`] and [`connector`] its
//! TLS. Paths, methods and permissions are those of the API's own table.

mod call;
mod connector;
mod day;
mod device;
mod granular;
mod kinds;
mod moment;
mod money;
mod outcome;
mod reading;
mod session;
mod settlements;
mod table;
mod terminal;
mod terminal_options;
mod transact;
mod transaction;
mod trust;
mod wanted;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

pub(crate) use self::{call::Call, outcome::last_line, session::describe, terminal::Terminal};
use kinds::Asked;

/// What a point of sale can ask of a terminal.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Sale(kinds::Sale),
    Refund(kinds::Refund),
    Void(kinds::Void),
    PreAuth(kinds::PreAuth),
    Complete(kinds::Complete),
    CardRead(kinds::CardRead),
    #[command(visible_alias = "balance-inquiry")]
    Balance(kinds::Balance),
    Initiate(granular::Initiate),
    Decide(granular::Decide),
    Transaction(transaction::One),
    Transactions(transaction::List),
    Abort(transaction::Abort),
    Totals(day::Totals),
    Reconcile(day::Reconcile),
    Settlements(settlements::List),
    Settlement(settlements::One),
    Export(settlements::Export),
    Health(device::Health),
    Display(device::Display),
    Input(device::Input),
    Print(device::Print),
}

/// Asks it, and prints the answer.
pub(crate) fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Sale(asked) => asked.run(),
        Command::Refund(asked) => asked.run(),
        Command::Void(asked) => asked.run(),
        Command::PreAuth(asked) => asked.run(),
        Command::Complete(asked) => asked.run(),
        Command::CardRead(asked) => asked.run(),
        Command::Balance(asked) => asked.run(),
        Command::Initiate(asked) => asked.run(),
        Command::Decide(decision) => decision.run(),
        Command::Transaction(one) => one.run(),
        Command::Transactions(list) => list.run(),
        Command::Abort(abort) => abort.run(),
        Command::Totals(totals) => totals.run(),
        Command::Reconcile(reconcile) => reconcile.run(),
        Command::Settlements(list) => list.run(),
        Command::Settlement(one) => one.run(),
        Command::Export(export) => export.run(),
        Command::Health(health) => health.run(),
        Command::Display(display) => display.run(),
        Command::Input(input) => input.run(),
        Command::Print(print) => print.run(),
    }
}
