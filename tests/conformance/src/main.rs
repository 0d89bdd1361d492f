//! Runs every case, and writes the matrix of rules and cases to `docs/conformance.md`.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::{env, fs};

use conformance::{document, folder, load, rules};

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
    if failed > 0 {
        return Err(format!("{failed} of {} cases failed", cases.len()).into());
    }
    if only.is_none() {
        let path = folder().join("../../docs/conformance.md");
        fs::write(path, document(&rules()?, &cases))?;
        writeln!(
            out,
            "{} cases passed; docs/conformance.md is written.",
            cases.len()
        )?;
    }
    Ok(())
}
