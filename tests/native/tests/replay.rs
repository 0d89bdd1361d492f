//! Recorded sales run again, in a sandbox and without one: every call and every decision the same.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::{collections::BTreeMap, fs, io, path::Path, sync::Arc, sync::Mutex};

use cap_std::{ambient_authority, fs::Dir};
use emulator::acquirer::Acquirer;
use terminal_host::{
    EngineFile, TerminalConfig, TransactionService,
    clock::SystemClock,
    observer::NoObserver,
    parameters::Parameters,
    recording::{FOLDER, Keep, Playback, Recording, RecordingPolicy, ReplayError, Replayer},
    service::Begun,
    trace::TraceEvent,
    transaction::{Ending, EntryPreference, Kind, OnlineDecision, Request},
    vault::{DeviceKey, Storage, Vault},
};
use tokio::runtime::Runtime;

/// Cards and amounts that take every way through a sale.
const SALES: [(&str, u64); 13] = [
    // Approved and declined by the issuer.
    ("visa-credit", 2500),
    ("visa-credit", 2551),
    // An answer that is lost, and a reversal.
    ("visa-credit", 9003),
    // The card refuses its issuer.
    ("visa-credit", 9011),
    // PINs.
    ("mastercard-debit", 2500),
    ("visa-offline-approve", 6000),
    // Declined by the terminal, by the card.
    ("visa-expired", 2500),
    ("visa-offline-decline", 2500),
    // Scripts.
    ("visa-issuer-scripts", 2500),
    // Signed cryptograms.
    ("mastercard-signed-cryptogram", 2500),
    ("visa-elliptic-curve", 2500),
    // A stripe, and a chip that does not answer.
    ("visa-stripe", 2500),
    ("visa-mute-chip", 2500),
];

#[test]
fn recorded_sales_run_the_same_in_a_sandbox_and_without() {
    let runtime = runtime();
    let folder = tempfile::tempdir().expect("a folder");
    let mut endings = Vec::new();
    for (card, amount_minor) in SALES {
        let (ending, recording) = runtime.block_on(record(folder.path(), card, amount_minor));
        let what = format!("{card} {amount_minor}");
        let calls = replayed(&runtime, folder.path(), &recording).expect(&what);
        assert_eq!(calls, recording.length(), "{what}");
        assert!(calls > 20, "{what}: {calls} calls");
        assert_eq!(natively(&runtime, &recording), Ok(calls), "{what}");
        endings.push(format!("{ending:?}"));
    }
    // The sales were not all the same one.
    endings.sort_unstable();
    endings.dedup();
    assert!(endings.len() >= 4, "{endings:?}");
}

#[test]
fn an_engine_that_does_something_else_is_found_out() {
    let runtime = runtime();
    let folder = tempfile::tempdir().expect("a folder");
    let (_, recording) = runtime.block_on(record(folder.path(), "visa-credit", 2500));
    let events = recording.trace();
    let changed = |position: usize| {
        let event = events.get(position).expect("an event");
        altered(&recording, event)
    };
    for position in [0, events.len() / 2, events.len() - 1] {
        let changed = changed(position);
        for result in [
            replayed(&runtime, folder.path(), &changed),
            natively(&runtime, &changed),
        ] {
            let Err(ReplayError::Different(difference)) = result else {
                panic!("{position}: {result:?}");
            };
            assert_eq!(difference.recorded.what, "trace.record-event");
            assert_eq!(difference.replayed.what, "trace.record-event");
            assert_ne!(difference.recorded.content, difference.replayed.content);
        }
    }
}

#[test]
fn a_trace_explains_and_does_not_replay() {
    let runtime = runtime();
    let folder = tempfile::tempdir().expect("a folder");
    let recording = runtime
        .block_on(record_with(
            folder.path(),
            "visa-expired",
            2500,
            Keep::Trace,
        ))
        .1;
    let rules: Vec<String> = recording
        .trace()
        .into_iter()
        .map(|event| event.rule)
        .collect();
    assert!(rules.iter().any(|rule| rule == "PR-04"), "{rules:?}");
    assert_eq!(recording.length(), rules.len());
    assert_eq!(
        replayed(&runtime, folder.path(), &recording),
        Err(ReplayError::TraceOnly)
    );
}

#[test]
fn a_recording_opens_on_its_own_device_only_and_shows_no_card_number() {
    let runtime = runtime();
    let folder = tempfile::tempdir().expect("a folder");
    let (_, recording) = runtime.block_on(record(folder.path(), "visa-credit", 2500));
    let path = folder.path().join(FOLDER).join(recording.transaction());
    let mut sealed = fs::read(path).expect("a recording");
    let pan = [0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11];
    assert!(!sealed.windows(pan.len()).any(|window| window == pan));
    assert!(Recording::open(&sealed, &vault(2)).is_err());
    assert!(Recording::open(&sealed, &vault(1)).is_ok());
    let last = sealed.last_mut().expect("bytes");
    *last ^= 1;
    assert!(Recording::open(&sealed, &vault(1)).is_err());
    assert!(!format!("{recording:?}").contains("4111111111111111"));
}

#[test]
fn the_oldest_recordings_give_way() {
    let runtime = runtime();
    let folder = tempfile::tempdir().expect("a folder");
    let count = || {
        let entries = fs::read_dir(folder.path().join(FOLDER)).expect("a folder");
        entries
            .filter(|entry| {
                let name = entry.as_ref().expect("an entry").file_name();
                name.to_string_lossy().starts_with("txn_")
            })
            .count()
    };
    let mut last = String::new();
    for _ in 0..KEPT + 2 {
        let (_, recording) = runtime.block_on(record(folder.path(), "visa-offline-decline", 2500));
        recording.transaction().clone_into(&mut last);
    }
    assert_eq!(count(), KEPT);
    assert!(folder.path().join(FOLDER).join(last).is_file());
}

/// How many recordings a terminal of these tests keeps.
const KEPT: usize = 3;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

async fn record(folder: &Path, card: &str, amount_minor: u64) -> (Ending, Recording) {
    record_with(folder, card, amount_minor, Keep::Everything).await
}

/// One sale at a terminal of its own on the folder, and what it recorded.
async fn record_with(
    folder: &Path,
    card: &str,
    amount_minor: u64,
    keep: Keep,
) -> (Ending, Recording) {
    let acquirer = Acquirer::default()
        .start("127.0.0.1:0")
        .expect("an acquirer");
    let (devices, controls) = emulator::Emulator::new(emulator::Options {
        card: Some(card.to_owned()),
        acquirer: acquirer.address(),
    })
    .expect("a card");
    let mut keys = vault(1);
    emulator::provision(&mut keys).expect("keys");
    let service = TransactionService::start(TerminalConfig {
        engine: engine(),
        files: files(folder),
        // The keys are new each time, so the journal is too.
        journal: folder.join(format!("{}.sqlite", ulid::Ulid::new())),
        devices,
        input: Box::new(emulator::Touch::new(&controls)),
        vault: keys,
        parameters: Parameters::from_json(emulator::PARAMETERS).expect("parameters"),
        clock: Arc::new(SystemClock),
        observer: Arc::new(NoObserver),
        recordings: Some(RecordingPolicy {
            keep,
            transactions_max: u32::try_from(KEPT).expect("a small number"),
        }),
    })
    .await
    .expect("a terminal");
    let begun = service.begin(sale(amount_minor), None).await;
    let Ok(Begun::Started(id)) = begun else {
        panic!("{begun:?}");
    };
    let record = service.ended(&id).await.expect("a record");
    service.shut_down().await;
    acquirer.stop();
    let sealed = fs::read(folder.join(FOLDER).join(id.as_str())).expect("a recording");
    let recording = Recording::open(&sealed, &vault(1)).expect("its own device");
    (record.outcome.as_ref().expect("an end").ending, recording)
}

fn replayed(runtime: &Runtime, folder: &Path, recording: &Recording) -> Result<usize, ReplayError> {
    let replayer = Replayer::load(&engine(), &files(folder), &Mutex::new(vault(1)))?;
    assert_eq!(replayer.engine_digest(), recording.engine_digest());
    runtime.block_on(replayer.replay(recording))
}

/// The same by the engine that is linked into this program.
fn natively(runtime: &Runtime, recording: &Recording) -> Result<usize, ReplayError> {
    let playback = Playback::of(recording)?;
    let boundary = playback.boundary();
    let run = std::panic::AssertUnwindSafe(|| native::run(runtime, boundary, recording.request()));
    // Where the playback stops the engine, the call unwinds; the comparison says why.
    match std::panic::catch_unwind(run) {
        Ok(end) => playback.ended(end),
        Err(_) => playback.stopped(),
    }
}

/// The recording with one decision's statement changed.
fn altered(recording: &Recording, event: &TraceEvent) -> Recording {
    let bytes = postcard::to_allocvec(recording).expect("a form");
    let statement = event.statement.as_bytes();
    let place = bytes
        .windows(statement.len())
        .position(|window| window == statement)
        .expect("the statement");
    let mut bytes = bytes;
    let letter = bytes.get_mut(place).expect("a letter");
    *letter ^= 0x20;
    postcard::from_bytes(&bytes).expect("a recording")
}

fn engine() -> EngineFile {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guest/engine.wasm");
    EngineFile {
        component: fs::read(&path).expect("the engine; `make guest` builds it"),
        signature: fs::read(path.with_extension("wasm.sig")).expect("its signature"),
        trusted_key: emulator::DEVELOPMENT_KEY,
    }
}

fn files(folder: &Path) -> Dir {
    Dir::open_ambient_dir(folder, ambient_authority()).expect("a folder")
}

fn sale(amount_minor: u64) -> Request {
    Request {
        kind: Kind::Sale,
        amount_minor,
        tip_minor: 0,
        cashback_minor: 0,
        currency: "NZD".to_owned(),
        entry: EntryPreference::Auto,
        accepts_partial_approval: false,
        online_decision: OnlineDecision::Acquirer,
        reference: None,
        original: None,
        metadata: BTreeMap::new(),
    }
}

fn vault(device: u8) -> Vault {
    Vault::open(Box::new(NoStorage), DeviceKey([device; 32].into())).expect("an empty vault")
}

/// Keeps nothing: each terminal begins with fresh keys.
struct NoStorage;

impl Storage for NoStorage {
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn replace(&self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}
