//! The engine in the sandbox against the same engine compiled natively.
//!
//! Both run one whole contact sale with DDA over the same host functions, devices, vault and journal,
//! turn by turn; only what the engine itself is differs.

use std::{collections::BTreeMap, fs, net::SocketAddr, path::Path, sync::Arc};

use anyhow::{Result, ensure};
use cap_std::{ambient_authority, fs::Dir};
use emulator::acquirer::Acquirer;
use rustix::time::{ClockId, clock_gettime};
use terminal_host::{
    EngineFile, TerminalConfig,
    bindings::exports::terminal::engine::transactions::{Ending, Outcome},
    clock::SystemClock,
    measure::Parts,
    observer::NoObserver,
    parameters::Parameters,
    transaction::{EntryPreference, Kind, OnlineDecision, Request},
    vault::{DeviceKey, Storage, Vault},
};
use tokio::runtime::Runtime;

use crate::table::{Table, median};

/// Sales of each kind; the first ones warm caches and do not count.
const SALES: usize = 120;
const WARM_UP: usize = 20;

pub(crate) fn measure(engine: &Path, table: &mut Table) -> Result<()> {
    let acquirer = Acquirer::default().start("127.0.0.1:0")?;
    let data = tempfile::tempdir()?;
    let parts = parts(engine, data.path(), acquirer.address())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut sandboxed = Vec::new();
    let mut native = Vec::new();
    for sale in 0..SALES {
        let (first, second) = (in_sandbox(&runtime, &parts)?, natively(&runtime, &parts)?);
        if sale >= WARM_UP {
            sandboxed.push(first);
            native.push(second);
        }
    }
    acquirer.stop();
    let (sandboxed, native) = (median(sandboxed), median(native));
    let ratio = sandboxed / native;
    table.row(
        "a contact sale with DDA, CPU of its thread, in the sandbox",
        format!("{sandboxed:.2} ms"),
        "",
        None,
    );
    table.row(
        "the same engine natively",
        format!("{native:.2} ms"),
        "",
        None,
    );
    table.row(
        "sandbox against native",
        format!("{ratio:.2} x"),
        "<= 1.5 x",
        Some(ratio <= 1.5),
    );
    let mut fresh = Vec::new();
    for _ in 0..500 {
        let took = runtime.block_on(parts.instantiation());
        fresh.push(took.map_or(f64::NAN, |took| took.as_secs_f64() * 1e6));
    }
    let fresh = median(fresh);
    table.row(
        "a fresh sandbox",
        format!("{fresh:.0} us"),
        "<= 100 us",
        Some(fresh <= 100.0),
    );
    Ok(())
}

fn in_sandbox(runtime: &Runtime, parts: &Parts) -> Result<f64> {
    let start = cpu_ms();
    let approved = runtime.block_on(parts.sandboxed(&sale()));
    ensure!(approved, "a sale in the sandbox was not approved");
    Ok(cpu_ms() - start)
}

fn natively(runtime: &Runtime, parts: &Parts) -> Result<f64> {
    let start = cpu_ms();
    let (request, terminal) = parts
        .native(&sale())
        .ok_or_else(|| anyhow::anyhow!("no transaction"))?;
    let outcome = native::run(runtime, terminal, &request);
    parts.release();
    ensure!(
        outcome
            .as_ref()
            .is_ok_and(|outcome| matches!(outcome.ending, Ending::Approved) && dda_passed(outcome)),
        "a native sale was not approved with DDA: {outcome:?}"
    );
    Ok(cpu_ms() - start)
}

/// Whether the card proved its key: offline data authentication was performed (tag 9B, byte 1 bit 8)
/// and no form of it failed (tag 95, byte 1 bits 8, 7, 4 and 3).
fn dda_passed(outcome: &Outcome) -> bool {
    let first = |bytes: &[u8]| bytes.first().copied().unwrap_or_default();
    let card = outcome.card.as_ref();
    card.is_some_and(|card| first(&card.tsi) & 0x80 != 0 && first(&card.tvr) & 0xCC == 0)
}

/// CPU time of this thread. The acquirer has a thread of its own.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    #[expect(
        clippy::cast_precision_loss,
        clippy::as_conversions,
        reason = "a benchmark's milliseconds"
    )]
    let ms = time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6;
    ms
}

fn sale() -> Request {
    Request {
        online_decision: OnlineDecision::Acquirer,
        kind: Kind::Sale,
        amount_minor: 2500,
        tip_minor: 0,
        cashback_minor: 0,
        currency: "NZD".into(),
        entry: EntryPreference::Auto,
        accepts_partial_approval: false,
        reference: None,
        original: None,
        metadata: BTreeMap::new(),
    }
}

fn parts(engine: &Path, data: &Path, acquirer: SocketAddr) -> Result<Parts> {
    let mut vault = Vault::open(
        Box::new(KeyFile(data.join("vault.sealed"))),
        DeviceKey((*b"a device key of the benchmark...").into()),
    )?;
    emulator::provision(&mut vault)?;
    let (devices, controls) = emulator::Emulator::new(emulator::Options {
        card: Some("visa-credit".into()),
        acquirer,
    })?;
    Ok(Parts::open(TerminalConfig {
        engine: EngineFile {
            component: fs::read(engine)?,
            signature: fs::read(engine.with_extension("wasm.sig"))?,
            trusted_key: emulator::DEVELOPMENT_KEY,
        },
        files: Dir::open_ambient_dir(data, ambient_authority())?,
        journal: data.join("journal.sqlite"),
        devices,
        input: Box::new(emulator::Touch::new(&controls)),
        vault,
        parameters: Parameters::from_json(emulator::PARAMETERS)?,
        clock: Arc::new(SystemClock),
        observer: Arc::new(NoObserver),
        recordings: None,
    })?)
}

/// The vault's file, replaced as durably as a terminal's.
struct KeyFile(std::path::PathBuf);

impl Storage for KeyFile {
    fn read(&self) -> std::io::Result<Option<Vec<u8>>> {
        match fs::read(&self.0) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn replace(&self, content: &[u8]) -> std::io::Result<()> {
        let new = self.0.with_extension("new");
        fs::write(&new, content)?;
        fs::File::open(&new)?.sync_all()?;
        fs::rename(new, &self.0)
    }
}
