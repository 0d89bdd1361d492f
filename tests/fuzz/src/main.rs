//! Writes the seeds that the corpora began with: the test vectors, what the virtual cards answer,
//! and plays of each card. `cargo run --package fuzz -- FOLDER`.

#![forbid(unsafe_code)]

mod seeds;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "a tool for people")]
fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: fuzz FOLDER");
        return ExitCode::FAILURE;
    };
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    match seeds::write(&vectors, &folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
