//! Where recordings lie: a sealed file for each of the latest transactions.

use std::{
    ffi::OsString,
    io,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use cap_std::fs::Dir;
use vault::Vault;

use super::{End, Keep, Recording, RecordingPolicy, SharedTape};
use crate::{
    bindings::exports::terminal::engine::transactions as wit,
    transaction::{Outcome, TransactionId},
};

/// The folder, in the host's own folder of files. A recording bears its transaction's name.
pub const FOLDER: &str = "recordings";

/// A file on its way to its name.
const NEW: &str = "new";

/// What the recordings in the folder were kept under.
const POLICY: &str = "policy";

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
    /// Opens the folder, where anything is to be kept. Where it cannot be used nothing is kept. What
    /// another policy kept is removed: a terminal that is told to keep less does not go on with more.
    pub(crate) fn open(files: &Dir, policy: Option<RecordingPolicy>) -> Self {
        if let Err(error) = forget_another_policy(files, policy.map(|policy| policy.keep)) {
            tracing::error!(%error, "recordings of another policy were not removed");
        }
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

    /// Keeps what is on the tape, with how the record says that the transaction ended. The record is
    /// read only where something is kept.
    pub(crate) fn keep(
        &self,
        id: &TransactionId,
        made: Made<'_>,
        recorded: impl FnOnce() -> Option<Outcome>,
        vault: &Mutex<Vault>,
    ) {
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
            outcome: recorded().and_then(|outcome| serde_json::to_string(&outcome).ok()),
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
        // Never half of it while the power stays; without power it may be lost or short.
        let written = folder
            .write(NEW, sealed)
            .and_then(|()| folder.rename(NEW, folder, id.as_str()));
        if written.is_err() {
            // What is left of it would fill a full disk, which the journal needs.
            drop(folder.remove_file(NEW));
        }
        written?;
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
        let names = names(folder)?;
        let kept = usize::try_from(policy.transactions_max).unwrap_or(usize::MAX);
        let too_many = names.len().saturating_sub(kept);
        let removed = remove(folder, names.iter().take(too_many));
        let count = names.len().saturating_sub(too_many);
        self.count
            .store(u32::try_from(count).unwrap_or(u32::MAX), Ordering::Relaxed);
        removed
    }
}

/// Removes all of these that can be: one that stays keeps no other. Fails with the first fault.
fn remove<'a>(folder: &Dir, names: impl Iterator<Item = &'a OsString>) -> io::Result<()> {
    names
        .map(|name| folder.remove_file(name))
        .fold(Ok(()), Result::and)
}

/// Removes every recording when they were kept under another policy, and notes this one.
fn forget_another_policy(files: &Dir, keep: Option<Keep>) -> io::Result<()> {
    if keep.is_none() && !files.is_dir(FOLDER) {
        return Ok(());
    }
    let folder = folder(files)?;
    let wanted = match keep {
        Some(Keep::Everything) => "everything",
        Some(Keep::Trace) => "trace",
        None => "nothing",
    };
    if folder
        .read_to_string(POLICY)
        .is_ok_and(|noted| noted == wanted)
    {
        return Ok(());
    }
    remove(&folder, names(&folder)?.iter())?;
    // Without power between two steps one was left on its way.
    match folder.remove_file(NEW) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    folder.write(POLICY, wanted)
}

/// The recordings, the oldest first: a transaction's name begins with its time.
fn names(folder: &Dir) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in folder.entries()? {
        let name = entry?.file_name();
        let is_one = |name: &str| TransactionId::parse(name).is_some();
        if name.to_str().is_some_and(is_one) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
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
    /// How the engine's call ended.
    pub(crate) end: End,
}

#[cfg(test)]
mod tests {
    use cap_std::ambient_authority;

    use super::*;

    struct Place {
        files: Dir,
        _folder: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let files = Dir::open_ambient_dir(folder.path(), ambient_authority());
            let files = files.expect("a folder");
            files.create_dir(FOLDER).expect("a folder");
            Self {
                files,
                _folder: folder,
            }
        }

        fn recordings(&self) -> Dir {
            self.files.open_dir(FOLDER).expect("a folder")
        }
    }

    const TRACE: RecordingPolicy = RecordingPolicy {
        keep: Keep::Trace,
        transactions_max: 1,
    };

    fn name(number: u64) -> String {
        TransactionId::first_at(number).as_str().to_owned()
    }

    #[test]
    fn one_that_cannot_be_removed_keeps_no_other() {
        let place = Place::new();
        let folder = place.recordings();
        folder.write(POLICY, "trace").expect("written");
        folder.create_dir(name(1)).expect("a folder");
        for number in 2..=4 {
            folder.write(name(number), "sealed").expect("written");
        }
        Recordings::open(&place.files, Some(TRACE));
        assert_eq!(names(&folder).expect("names"), [&name(1)[..], &name(4)]);
    }

    #[test]
    fn less_is_kept_of_what_was_on_its_way_too() {
        for policy in [None, Some(TRACE)] {
            let place = Place::new();
            let folder = place.recordings();
            folder.write(POLICY, "everything").expect("written");
            folder.write(NEW, "sealed").expect("written");
            folder.write(name(1), "sealed").expect("written");
            Recordings::open(&place.files, policy);
            assert!(!folder.exists(NEW));
            assert!(!folder.exists(name(1)));
        }
    }

    #[test]
    fn what_was_not_written_whole_leaves_nothing() {
        let place = Place::new();
        let folder = place.recordings();
        let id = TransactionId::first_at(1);
        // A name that no file can have now.
        folder.create_dir(id.as_str()).expect("a folder");
        let recordings = Recordings::open(&place.files, Some(TRACE));
        assert!(recordings.write(&id, b"sealed").is_err());
        assert!(!folder.exists(NEW));
    }
}
