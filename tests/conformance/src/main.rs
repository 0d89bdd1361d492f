//! Runs every case, and writes the matrix of rules and cases to `docs/conformance.md`. With an
//! argument, runs the cases whose names begin with it, and says what each found.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::{env, fs};

use conformance::{Claimed, configurations, document, folder, load, rules};

const USAGE: &str = "usage: conformance [CASE]

Runs every case of the contact kernel, and writes docs/conformance.md. With CASE, runs the cases
whose names begin with it, such as CV, CV-05 or CV-05-03, says what each found, and writes nothing.
ICS are the cases of the terminal configurations.";

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
    let mut out = std::io::stdout();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let only = match arguments.as_slice() {
        [] => None,
        [help] if help == "--help" || help == "-h" => {
            writeln!(out, "{USAGE}")?;
            return Ok(());
        }
        [only] if !only.is_empty() && !only.starts_with('-') => Some(only),
        _ => return Err(USAGE.into()),
    };
    let cases = load()?;
    let (mut run_cases, mut failed) = (0_usize, 0_usize);
    for case in &cases {
        if only
            .as_ref()
            .is_some_and(|only| !case.name.starts_with(only.as_str()))
        {
            continue;
        }
        run_cases = run_cases.saturating_add(1);
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
        let at_all = terminals.iter().map(|terminal| terminal.cases.len());
        run_cases = run_cases.saturating_add(at_all.sum());
    }
    if let Some(only) = only
        && run_cases == 0
    {
        return Err(format!("no case has a name that begins with {only:?}").into());
    }
    if failed > 0 {
        return Err(format!("{failed} cases failed").into());
    }
    if only.is_some() {
        writeln!(out, "{run_cases} cases passed.")?;
    } else {
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
