//! Where recordings lie: a sealed file for each of the latest transactions.

use std::{
    io,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use cap_std::fs::Dir;
use vault::Vault;

use super::{End, Recording, RecordingPolicy, SharedTape};
use crate::{bindings::exports::terminal::engine::transactions as wit, transaction::TransactionId};

/// The folder, in the host's own folder of files. A recording bears its transaction's name.
pub const FOLDER: &str = "recordings";

/// A file on its way to its name.
const NEW: &str = "new";

/// Keeps the recordings of a terminal.
///
/// They are no part of what happens to money: where one cannot be written, the transaction ends as
/// it does, and the log says so.
pub(crate) struct Recordings {
    place: Option<(Dir, RecordingPolicy)>,
    /// How many there are.
    count: AtomicU32,
}

impl Recordings {
    /// Opens the folder, where anything is to be kept. Where it cannot be used nothing is kept.
    pub(crate) fn open(files: &Dir, policy: Option<RecordingPolicy>) -> Self {
        let place = policy.and_then(|policy| match folder(files) {
            Ok(folder) => Some((folder, policy)),
            Err(error) => {
                tracing::error!(%error, "no recordings are kept");
                None
            }
        });
        let recordings = Self {
            place,
            count: AtomicU32::new(0),
        };
        if let Err(error) = recordings.forget_the_oldest() {
            tracing::warn!(%error, "old recordings were not removed");
        }
        recordings
    }

    /// A tape for one transaction.
    pub(crate) fn tape(&self) -> SharedTape {
        match &self.place {
            Some((_, policy)) => SharedTape::new(policy.keep),
            None => SharedTape::default(),
        }
    }

    /// Keeps what is on the tape.
    pub(crate) fn keep(&self, id: &TransactionId, made: Made<'_>, vault: &Mutex<Vault>) {
        let Some(tape) = made.tape.take() else {
            return;
        };
        let recording = Recording {
            transaction: id.as_str().to_owned(),
            engine_digest: made.engine_digest.to_owned(),
            host_version: env!("CARGO_PKG_VERSION").to_owned(),
            request: made.request,
            tape,
            end: made.end,
        };
        let sealed = vault.lock().ok().and_then(|vault| recording.seal(&vault));
        let written = match sealed {
            Some(sealed) => self.write(id, &sealed),
            None => Err(io::Error::other("it could not be sealed")),
        };
        if let Err(error) = written {
            tracing::warn!(transaction = id.as_str(), %error, "no recording was kept");
        }
    }

    fn write(&self, id: &TransactionId, sealed: &[u8]) -> io::Result<()> {
        let Some((folder, policy)) = &self.place else {
            return Ok(());
        };
        // Whole or not at all; a loss of power may cost it.
        folder.write(NEW, sealed)?;
        folder.rename(NEW, folder, id.as_str())?;
        let count = self.count.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        // Looked at now and then: each look lists the folder.
        let slack = policy.transactions_max / 8;
        if count > policy.transactions_max.saturating_add(slack) {
            self.forget_the_oldest()?;
        }
        Ok(())
    }

    /// Removes what is too much. Names sort by time.
    fn forget_the_oldest(&self) -> io::Result<()> {
        let Some((folder, policy)) = &self.place else {
            return Ok(());
        };
        let mut names = Vec::new();
        for entry in folder.entries()? {
            let name = entry?.file_name();
            if name
                .to_str()
                .is_some_and(|name| TransactionId::parse(name).is_some())
            {
                names.push(name);
            }
        }
        names.sort_unstable();
        let kept = usize::try_from(policy.transactions_max).unwrap_or(usize::MAX);
        let too_many = names.len().saturating_sub(kept);
        for name in names.iter().take(too_many) {
            folder.remove_file(name)?;
        }
        let count = names.len().saturating_sub(too_many);
        self.count
            .store(u32::try_from(count).unwrap_or(u32::MAX), Ordering::Relaxed);
        Ok(())
    }
}

fn folder(files: &Dir) -> io::Result<Dir> {
    files.create_dir_all(FOLDER)?;
    files.open_dir(FOLDER)
}

/// What a recording is made of.
pub(crate) struct Made<'a> {
    /// The engine that ran.
    pub(crate) engine_digest: &'a str,
    /// What was asked of it.
    pub(crate) request: wit::TransactionRequest,
    /// What crossed.
    pub(crate) tape: SharedTape,
    /// How it ended.
    pub(crate) end: End,
}
