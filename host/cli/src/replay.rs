//! `tenon replay`: a recorded transaction run again, every output compared.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Mutex,
};

use anyhow::{Context, Result, bail};
use terminal_host::recording::{Difference, Recording, ReplayError, Replayer};

use crate::{engine_file, recordings};

/// The folder beside the recordings for the native code of engines that replay.
const CACHE: &str = "replay";

/// Run a recorded transaction again and compare every call
///
/// The engine gets the answers that it got then: of the card, the keypad, the
/// acquirer, the clock and the random generator. The same engine must then do
/// the same to the last byte. Nothing leaves the terminal. The exit code is 1
/// when it did something else.
///
///     tenon replay
///     tenon replay txn_01M8C9ZVR5V2Y9TG5HZD47E0JN
///     tenon replay --engine next/engine.wasm --other-engine
///
/// A terminal records so much only when it is told to; the emulator is.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: recordings::Which,

    /// The engine; its signature lies beside it [default: as built]
    #[arg(long, value_name = "FILE", env = "TENON_ENGINE")]
    engine: Option<PathBuf>,

    /// Run it on an engine that is not the one recorded
    #[arg(long)]
    other_engine: bool,

    /// Of a difference, show the content too: card data may be in it
    #[arg(long)]
    reveal: bool,
}

/// Replays and prints what came of it.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let found = arguments.which.find()?;
    let engine = engine_file::read(arguments.engine.as_deref(), emulator::DEVELOPMENT_KEY)?;
    found.files.create_dir_all(CACHE)?;
    let cache = found.files.open_dir(CACHE)?;
    let replayer = Replayer::load(&engine, &cache, &Mutex::new(found.vault))?;
    check_engine(&found.recording, &replayer, arguments.other_engine)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime could not be started")?;
    let mut out = io::stdout().lock();
    match runtime.block_on(replayer.replay(&found.recording)) {
        Ok(calls) => {
            let id = found.recording.transaction();
            writeln!(
                out,
                "SAME  {id}  {calls} calls and the end, to the last byte"
            )?;
            Ok(ExitCode::SUCCESS)
        }
        Err(ReplayError::Different(difference)) => {
            write!(out, "{}", told(&difference, arguments.reveal))?;
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}

fn check_engine(recording: &Recording, replayer: &Replayer, other_engine: bool) -> Result<()> {
    let (then, now) = (recording.engine_digest(), replayer.engine_digest());
    if then != now && !other_engine {
        bail!(
            "the engine is not the one recorded: sha256 {now}, recorded {then}; \
             --other-engine runs it all the same"
        );
    }
    Ok(())
}

fn told(difference: &Difference, reveal: bool) -> String {
    let first = format!("DIFFERENT  {difference}\n");
    if !reveal {
        return first;
    }
    let (recorded, now) = (&difference.recorded.content, &difference.replayed.content);
    format!("{first}  recorded  {recorded}\n  now       {now}\n")
}
