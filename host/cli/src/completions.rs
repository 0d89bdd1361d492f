//! `tenon completions`: what a shell needs to complete a command line.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::CommandLine;

/// Print shell completions
///
///     tenon completions bash > ~/.local/share/bash-completion/completions/tenon
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

/// Prints the completions.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut CommandLine::command(),
        "tenon",
        &mut script,
    );
    io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
