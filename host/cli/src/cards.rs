//! `tenon cards`: the virtual cards.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Result;

use crate::paragraph;

/// List the virtual cards, for `--card` and `POST /emulator/card`
#[derive(Debug, clap::Args)]

pub(crate) struct Arguments {}

/// Prints the catalogue.
pub(crate) fn run(_: &Arguments) -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    for card in virtual_card::catalogue() {
        writeln!(out, "{}", card.name)?;
        write!(out, "{}", paragraph::labelled("", card.description))?;
        writeln!(
            out,
            "{:10}{} {}, PIN {}",
            "", card.scheme, card.masked_pan, card.pin
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
