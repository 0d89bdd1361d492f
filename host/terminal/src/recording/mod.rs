//! What crossed the boundary in one transaction: to explain it, and to run it again.
//!
//! Everything that a guest learns comes through the boundary, and everything that it does goes
//! through it. A *tape* takes down each call with its arguments, which are the guest's doing, and
//! its answer, which is what the guest learned. With the same engine and the same answers the same
//! calls must follow: that is a *replay*.
//!
//! | kept | what lies on the device | serves |
//! |---|---|---|
//! | [`Keep::Trace`] | the kernel's decisions, masked by the kernel | to explain |
//! | [`Keep::Everything`] | the card's answers and the acquirer's messages too, card data among them | to explain, to replay |
//!
//! Recordings are sealed by the vault and readable on their own device only. No PIN is in one: a PIN
//! never crosses. All the same, PCI DSS forbids keeping track data after authorisation, sealed or
//! not, so [`Keep::Everything`] is for test cards and laboratories.

mod boundary;
mod replay;
mod store;
mod tape;

use ring::digest;
use serde::{Deserialize, Serialize};
use vault::Vault;

pub use self::{
    boundary::Boundary,
    replay::{Difference, Playback, ReplayError, Replayer, Step},
    store::FOLDER,
};
pub(crate) use self::{
    store::{Made, Recordings},
    tape::{Call, SharedTape, Tape},
};
use crate::{
    bindings::{exports::terminal::engine::transactions as wit, terminal::trace::trace::Event},
    engine::GuestFault,
    trace::TraceEvent,
    transaction::Outcome,
};

/// What the vault derives the sealing key from.
const SEAL_CONTEXT: &str = "recording";

/// The boundary's text. The form of a recording follows from it.
const BOUNDARY: [(&str, &str); 12] = [
    ("world", include_str!("../../../../wit/world.wit")),
    (
        "transactions",
        include_str!("../../../../wit/transactions.wit"),
    ),
    (
        "acquirer-link",
        include_str!("../../../../wit/deps/acquirer-link.wit"),
    ),
    (
        "card-reader",
        include_str!("../../../../wit/deps/card-reader.wit"),
    ),
    ("crypto", include_str!("../../../../wit/deps/crypto.wit")),
    ("display", include_str!("../../../../wit/deps/display.wit")),
    ("journal", include_str!("../../../../wit/deps/journal.wit")),
    (
        "parameters",
        include_str!("../../../../wit/deps/parameters.wit"),
    ),
    (
        "pin-entry",
        include_str!("../../../../wit/deps/pin-entry.wit"),
    ),
    (
        "point-of-sale",
        include_str!("../../../../wit/deps/point-of-sale.wit"),
    ),
    ("printer", include_str!("../../../../wit/deps/printer.wit")),
    ("trace", include_str!("../../../../wit/deps/trace.wit")),
];

/// What a recording is bound to beside its key: its form. One of another boundary does not open.
fn form() -> Vec<u8> {
    let mut boundary = digest::Context::new(&digest::SHA256);
    for (name, text) in BOUNDARY {
        boundary.update(name.as_bytes());
        boundary.update(text.as_bytes());
    }
    [b"recording 1 ".as_slice(), boundary.finish().as_ref()].concat()
}

/// How much of a transaction is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keep {
    /// The kernel's decisions.
    Trace,
    /// Every call and every answer.
    Everything,
}

/// What the terminal keeps of its transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordingPolicy {
    /// How much of each.
    pub keep: Keep,
    /// How many of the latest transactions. Everything takes some 10 KB of a sale, a trace less.
    pub transactions_max: u32,
}

/// One transaction as it was recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recording {
    transaction: String,
    engine_digest: String,
    host_version: String,
    request: wit::TransactionRequest,
    tape: Tape,
    end: End,
    /// How the terminal's record says that it ended, as JSON.
    outcome: Option<String>,
}

/// How a recorded call of the engine ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum End {
    /// It answered.
    Outcome(Box<wit::Outcome>),
    /// It refused.
    Refused(wit::ErrorCode),
    /// It was stopped for breaking a rule.
    Trap,
    /// It was stopped for taking too long, or the host gave it up: no replay can be held against it.
    Cut,
}

/// Why a recording cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// It was sealed by another device or over another boundary, or changed.
    #[error(
        "it was not sealed by this device with this version of the boundary, or it was changed"
    )]
    NotSealedHere,
    /// What was sealed is no recording of this version.
    #[error("it is no recording that this version reads")]
    Form,
}

impl Recording {
    /// Opens a sealed recording.
    pub fn open(sealed: &[u8], vault: &Vault) -> Result<Self, RecordingError> {
        let content = vault
            .unseal(SEAL_CONTEXT, &form(), sealed)
            .map_err(|_| RecordingError::NotSealedHere)?;
        postcard::from_bytes(&content).map_err(|_| RecordingError::Form)
    }

    /// What the engine was asked.
    pub fn request(&self) -> &wit::TransactionRequest {
        &self.request
    }

    /// The transaction's name.
    pub fn transaction(&self) -> &str {
        &self.transaction
    }

    /// SHA-256 of the engine that ran, in lower-case hexadecimal.
    pub fn engine_digest(&self) -> &str {
        &self.engine_digest
    }

    /// The version of the host that it ran on.
    pub fn host_version(&self) -> &str {
        &self.host_version
    }

    /// How much was kept.
    pub fn keep(&self) -> Keep {
        self.tape.keep()
    }

    /// How many calls and decisions are on it.
    pub fn length(&self) -> usize {
        self.tape.calls().len()
    }

    /// Whether the tape ran out before the transaction ended.
    pub fn is_cut(&self) -> bool {
        self.tape.is_cut()
    }

    /// The kernel's decisions, in their order.
    pub fn trace(&self) -> Vec<TraceEvent> {
        self.tape
            .calls()
            .iter()
            .filter(|call| call.function() == boundary::RECORD_EVENT)
            .filter_map(Call::arguments::<(Event,)>)
            .map(|(event,)| TraceEvent::from(event))
            .collect()
    }

    /// How the transaction ended, as the terminal's record had it when the recording was made: it may
    /// be otherwise than the engine said. `None` when the end was not known yet.
    pub fn outcome(&self) -> Option<Outcome> {
        serde_json::from_str(self.outcome.as_deref()?).ok()
    }

    fn seal(&self, vault: &Vault) -> Option<Vec<u8>> {
        let content = zeroize::Zeroizing::new(postcard::to_allocvec(self).ok()?);
        vault.seal(SEAL_CONTEXT, &form(), &content).ok()
    }
}

impl End {
    /// The end of a call.
    pub(crate) fn of(call: &crate::engine::Call<wit::Outcome>) -> Self {
        match call {
            Ok(Ok(outcome)) => Self::Outcome(Box::new(outcome.clone())),
            Ok(Err(refused)) => Self::Refused(*refused),
            Err(GuestFault::Trap) => Self::Trap,
            Err(GuestFault::OutOfTime) => Self::Cut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_boundary_is_in_the_form() {
        let wit = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
        let files = [wit.clone(), wit.join("deps")]
            .into_iter()
            .flat_map(|folder| {
                let entries = folder.read_dir().expect("a folder");
                entries.map(|entry| entry.expect("an entry").path())
            });
        let mut names: Vec<String> = files
            .filter(|path| path.extension().is_some_and(|extension| extension == "wit"))
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .collect();
        names.sort_unstable();
        let mut known: Vec<&str> = BOUNDARY.iter().map(|(name, _)| *name).collect();
        known.sort_unstable();
        assert_eq!(names, known);
    }
}
