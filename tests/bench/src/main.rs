//! What the terminal costs: `make bench` prints a table, with the figure to reach beside each row.
//!
//! Ratios come from one run on one machine. Loopback only; it ends by itself after about a minute.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod against;
mod bare;
mod process;
mod reads;
mod sandbox;
mod sessions;
mod table;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::table::Table;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(bare::ARGUMENT) {
        return bare::serve(&arguments.next().context("no document")?);
    }
    let engine = PathBuf::from("target/guest/engine.wasm");
    ensure!(
        engine.exists(),
        "there is no {}; run `make guest`",
        engine.display()
    );
    // Cargo puts both into one folder, wherever that is.
    let tenon = std::env::current_exe()?.with_file_name("tenon");
    ensure!(
        tenon.exists(),
        "there is no {}; run `make bench`",
        tenon.display()
    );
    let mut table = Table::new();
    sandbox::measure(&engine, &mut table).context("the sandbox against native code")?;
    against::measure(&mut table).context("the kernel against another")?;
    process::measure(&tenon, &engine, &mut table).context("the terminal as a process")?;
    print!("{table}");
    Ok(())
}
