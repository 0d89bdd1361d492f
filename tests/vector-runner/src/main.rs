//! `vectors [FOLDER]`: runs the test vectors of a folder; see the library.
#![forbid(unsafe_code)]

use std::env::args_os;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Where the project's own vectors are, seen from its root.
const DEFAULT_FOLDER: &str = "tests/vectors";

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<PathBuf> = args_os().skip(1).map(PathBuf::from).collect();
    let folder = match arguments.as_slice() {
        [] => PathBuf::from(DEFAULT_FOLDER),
        [folder] => folder.clone(),
        _ => {
            writeln!(io::stderr(), "usage: vectors [FOLDER]")?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let summary = vector_runner::run_folder(&folder, &mut io::stdout().lock())?;
    Ok(if summary.passed_all() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
