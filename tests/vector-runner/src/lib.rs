//! Runs test vectors: data files that say what comes out of what goes in.
//!
//! **What it does.** [`run_folder`] reads every `*.json` of a folder and runs each case of each
//! file through the function of the product that the file's `kind` is about. It prints a line a
//! file, what differs in each failing case, and the sum. Anyone's vectors can be run, so long as
//! they have the form of those in `tests/vectors`.
//!
//! **What it does not.** It holds no arithmetic of its own: a value is made by the crate that the
//! product makes it with, and the runner compares.
//!
//! **What always holds.** A case passes when every value it expects came out, letter for letter,
//! and none is left that the runner does not know. What cannot be run has failed: a broken file, a
//! case without an expectation, a kind nobody runs, a count that is not kept. Whatever the files
//! hold, the runner ends and does not panic.
//!
//! **What is not covered yet**, and fails for that reason:
//!
//! | vectors | why |
//! |---|---|
//! | `oda_rsa` with fDDA | contactless |
//! | `entry_point` | contactless |
//! | `tr31` | the vault takes keys in no key block |
//! | `transcripts` that are contactless | each begins with the contactless directory, `2PAY.SYS.DDF01`, and none asks for what a contact kernel reads |
#![forbid(unsafe_code)]

mod ac;
mod comparison;
mod dukpt_aes;
mod dukpt_tdes;
mod file;
mod iso8583;
mod kinds;
mod mac;
mod oda_rsa;
mod pinblock;
mod secrets;

use std::io::{self, Write};
use std::path::Path;

pub use file::Report;

/// How many cases passed and failed. A file that cannot be read counts as a failed case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Cases that passed.
    pub passed: usize,
    /// Cases that did not.
    pub failed: usize,
}

impl Summary {
    /// Whether there was something to run, and all of it passed.
    pub const fn passed_all(self) -> bool {
        self.passed > 0 && self.failed == 0
    }
}

/// Runs every `*.json` of a folder in the order of their names, and writes the report to `output`.
///
/// Fails when `output` does; a folder that cannot be read is part of the report.
pub fn run_folder(folder: &Path, output: &mut impl Write) -> io::Result<Summary> {
    let files = match file::names(folder) {
        Ok(files) if files.is_empty() => {
            writeln!(output, "{}: no *.json in this folder", folder.display())?;
            Vec::new()
        }
        Ok(files) => files,
        Err(error) => {
            writeln!(output, "{}: {error}", folder.display())?;
            Vec::new()
        }
    };
    let nothing = files.is_empty();
    let mut sum = Summary::default();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let report = file::run(&path);
        let Summary { passed, failed } = report.summary;
        writeln!(output, "{name}: {passed} passed, {failed} failed")?;
        for failure in report.failures {
            writeln!(output, "  {failure}")?;
        }
        sum.passed = sum.passed.saturating_add(passed);
        sum.failed = sum.failed.saturating_add(failed);
    }
    if nothing {
        sum.failed = 1;
    }
    writeln!(output, "{} passed, {} failed", sum.passed, sum.failed)?;
    Ok(sum)
}

/// Runs the text of one file.
pub fn run_text(text: &str) -> Report {
    file::run_text(text)
}
