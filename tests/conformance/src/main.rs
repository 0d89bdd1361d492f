//! Runs every case, and writes the matrix of rules and cases to `docs/conformance.md`.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::{env, fs};

use conformance::{Claimed, configurations, document, folder, load, rules};

fn main() -> ExitCode {
    match conform() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do where not even this can be written.
            drop(writeln!(std::io::stderr(), "{error}"));
            ExitCode::FAILURE
        }
    }
}

fn conform() -> Result<(), Box<dyn Error>> {
    let cases = load()?;
    let only = env::args().nth(1);
    let mut out = std::io::stdout();
    let mut failed = 0_usize;
    for case in &cases {
        if only
            .as_ref()
            .is_some_and(|only| !case.name.starts_with(only))
        {
            continue;
        }
        let run = case.run();
        let wrong = case.check(&run);
        for what in &wrong {
            writeln!(out, "{} ({}): {what}", case.name, case.title)?;
        }
        if only.is_some() {
            for event in &run.events {
                writeln!(
                    out,
                    "  {} {:?}: {}",
                    event.rule, event.finding, event.statement
                )?;
            }
        }
        failed = failed.saturating_add(usize::from(!wrong.is_empty()));
    }
    let terminals = configurations()?;
    if only.as_ref().is_none_or(|only| only.starts_with("ICS")) {
        failed = failed.saturating_add(at_terminals(&terminals, &mut out)?);
    }
    if failed > 0 {
        return Err(format!("{failed} cases failed").into());
    }
    if only.is_none() {
        let path = folder().join("../../docs/conformance.md");
        fs::write(path, document(&rules()?, &cases, &terminals))?;
        writeln!(
            out,
            "{} cases passed; docs/conformance.md is written.",
            cases.len()
        )?;
    }
    Ok(())
}

/// Runs the cases of every terminal, and returns how many came out otherwise.
fn at_terminals(terminals: &[Claimed], out: &mut impl Write) -> std::io::Result<usize> {
    let mut failed = 0_usize;
    for terminal in terminals {
        let (kind, methods) = (terminal.configuration.kind, terminal.configuration.methods);
        for case in &terminal.cases {
            let wrong = case.check(&case.run());
            for what in &wrong {
                let name = &case.name;
                writeln!(out, "{name} at {kind:02X} with {methods:02X}: {what}")?;
            }
            failed = failed.saturating_add(usize::from(!wrong.is_empty()));
        }
    }
    Ok(failed)
}
