//! `tenon keys`: the API keys of a terminal.

use std::{
    fs::TryLockError,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use api::{ApiKey, ApiKeys, KeyEntry, KeyFile, KeyMode, Permission, Permissions};
use cap_std::fs::Dir;
use serde_json::json;
use terminal_host::clock::{Clock, SystemClock};

use crate::{
    data_folder::DataFolder,
    own_file::{read, replace},
    web_options,
};

/// The digests of the keys.
const FILE: &str = "api-keys.json";

/// How often a running terminal looks at the key file.
const INTERVAL: Duration = Duration::from_secs(2);

/// Make, rotate, revoke and list the keys of a terminal
///
///     tenon keys make "till 1" --permit terminal:read
///     tenon keys rotate key_01J...
///
/// A key is shown once, when it is made; the data folder keeps its digest. A
/// running terminal takes a change within two seconds. The folder's first key,
/// which `tenon emulator` prints, is not among these.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    job: Job,

    #[command(flatten)]
    data: DataFolder,

    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Job {
    /// Make a key, and print it
    Make {
        /// What people call it
        name: String,

        /// What it may do; may be repeated [default: everything]
        #[arg(long, value_name = "PERMISSION", value_parser = permission)]
        permit: Vec<Permission>,

        /// For business: `sk_live_` in place of `sk_test_`
        #[arg(long)]
        live: bool,
    },
    /// Make a new key in place of one, which opens for 24 hours more
    Rotate {
        /// Its id, such as `key_01J...`
        id: String,
    },
    /// Take a key away at once
    Revoke {
        /// Its id, such as `key_01J...`
        id: String,
    },
    /// List the keys
    List,
    /// Print the fingerprint of the terminal's certificate, for pairing
    Fingerprint,
}

fn permission(text: &str) -> Result<Permission, String> {
    Permission::parse(text).ok_or_else(|| {
        let names: Vec<_> = Permission::ALL.iter().map(|each| each.as_str()).collect();
        format!("it is one of {}", names.join(", "))
    })
}

/// Does one job.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let folder = arguments.data.open()?;
    let mut out = io::stdout().lock();
    match &arguments.job {
        Job::List => list(&folder, arguments.json, &mut out)?,
        Job::Fingerprint => fingerprint(&folder, arguments.json, &mut out)?,
        Job::Make { .. } | Job::Rotate { .. } | Job::Revoke { .. } => {
            change(&folder, arguments, &mut out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The keys of a running terminal: its own, and those of the key file as it is now.
pub(crate) struct KeyRing {
    own: ApiKey,
    files: Dir,
    keys: ApiKeys,
}

impl KeyRing {
    /// Reads the key file in `files`, if there is one.
    pub(crate) fn open(files: &Dir, own_key: &str) -> Result<Self> {
        let ring = Self {
            own: ApiKey::unlimited(own_key),
            files: files.try_clone()?,
            keys: ApiKeys::default(),
        };
        ring.renew()?;
        Ok(ring)
    }

    /// The keys, for the API. They change when the file does.
    pub(crate) fn keys(&self) -> ApiKeys {
        self.keys.clone()
    }

    /// Takes changes of the file over, without end. A file that cannot be read changes nothing.
    pub(crate) async fn watch(&self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            if let Err(error) = self.renew() {
                tracing::error!("the key file cannot be used, and the keys stay: {error:#}");
            }
        }
    }

    fn renew(&self) -> Result<()> {
        let of_file = file(&self.files)?.api_keys()?;
        self.keys
            .replace([self.own.clone()].into_iter().chain(of_file));
        Ok(())
    }
}

fn file(folder: &Dir) -> Result<KeyFile> {
    match read(folder, FILE).context(FILE)? {
        Some(text) => KeyFile::parse(&text).context(FILE),
        None => Ok(KeyFile::default()),
    }
}

fn change(folder: &Dir, arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    // Two changes at one time would lose one of the two.
    let lock = folder.create("api-keys.lock")?.into_std();
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => bail!("somebody else changes the keys just now"),
        Err(TryLockError::Error(error)) => return Err(error).context("api-keys.lock"),
    }
    let mut file = file(folder)?;
    let now = SystemClock.now().timestamp();
    let (id, key) = match &arguments.job {
        Job::Make { name, permit, live } => {
            let mode = if *live { KeyMode::Live } else { KeyMode::Test };
            let permissions = if permit.is_empty() {
                Permissions::ALL
            } else {
                permit.iter().copied().collect()
            };
            let (id, key) = file.make(name, mode, permissions, now)?;
            (id, Some(key))
        }
        Job::Rotate { id } => (id.clone(), Some(file.rotate(id, now)?)),
        Job::Revoke { id } => {
            file.revoke(id)?;
            (id.clone(), None)
        }
        Job::List | Job::Fingerprint => return Ok(()),
    };
    // Printed when it is kept: a key that opens nothing is worse than one that nobody saw.
    replace(folder, FILE, file.to_json().as_bytes())
        .with_context(|| format!("{FILE} cannot be written"))?;
    match key {
        Some(key) if arguments.json => writeln!(out, "{}", json!({"id": id, "key": key}))?,
        Some(key) => writeln!(out, "{id}  {key}")?,
        None if arguments.json => writeln!(out, "{}", json!({"id": id, "revoked": true}))?,
        None => writeln!(out, "{id}  revoked")?,
    }
    // A new key has none.
    let key = file.entries().iter().find(|key| key.id == id);
    match key {
        Some(key) if !arguments.json => tell_ends(key, out),
        Some(_) | None => Ok(()),
    }
}

fn list(folder: &Dir, as_json: bool, out: &mut impl Write) -> Result<()> {
    let file = file(folder)?;
    if as_json {
        // The digests are nobody's business.
        let keys: Vec<_> = file
            .entries()
            .iter()
            .map(|key| {
                json!({
                    "id": key.id, "name": key.name, "mode": key.mode, "created": key.created,
                    "permissions": key.permissions,
                    "ends": key.digests.iter().map(|digest| digest.not_after).collect::<Vec<_>>(),
                })
            })
            .collect();
        writeln!(out, "{:#}", json!(keys))?;
        return Ok(());
    }
    for key in file.entries() {
        let permissions = key.permissions.join(" ");
        writeln!(out, "{}  {}  {permissions}", key.id, key.name)?;
        tell_ends(key, out)?;
    }
    Ok(())
}

/// Until when what a key was before still opens.
fn tell_ends(key: &KeyEntry, out: &mut impl Write) -> Result<()> {
    for end in key.digests.iter().filter_map(|digest| digest.not_after) {
        writeln!(out, "    rotated; the old key opens until {end:.0}")?;
    }
    Ok(())
}

fn fingerprint(folder: &Dir, as_json: bool, out: &mut impl Write) -> Result<()> {
    let fingerprint = web_options::fingerprint_of(folder)?
        .context("there is no certificate; `tenon emulator --tls` makes one")?;
    if as_json {
        writeln!(out, "{}", json!({ "fingerprint": fingerprint }))?;
    } else {
        writeln!(out, "{fingerprint}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use cap_std::ambient_authority;

    use super::*;

    fn done(data: &std::path::Path, job: Job) -> Result<String> {
        let folder = Dir::open_ambient_dir(data, ambient_authority())?;
        let arguments = Arguments {
            job,
            data: DataFolder::at(data),
            json: false,
        };
        let mut out = Vec::new();
        if matches!(arguments.job, Job::List) {
            list(&folder, false, &mut out)?;
        } else {
            change(&folder, &arguments, &mut out)?;
        }
        Ok(String::from_utf8(out)?)
    }

    #[test]
    fn a_key_is_printed_once_and_its_file_is_the_owners() {
        let data = tempfile::tempdir().expect("a folder");
        let make = || Job::Make {
            name: "till".into(),
            permit: vec![Permission::TerminalRead],
            live: true,
        };
        let printed = done(data.path(), make()).expect("made");
        let (id, key) = printed.trim().split_once("  ").expect("two words");
        assert!(key.starts_with("sk_live_"), "{printed}");
        let path = data.path().join(FILE);
        assert_eq!(
            path.metadata().expect("a file").permissions().mode() & 0o777,
            0o600
        );
        let secret = &key["sk_live_".len()..];
        assert!(
            !std::fs::read_to_string(&path)
                .expect("text")
                .contains(secret)
        );

        let id = id.to_owned();
        let rotated = done(data.path(), Job::Rotate { id: id.clone() }).expect("rotated");
        assert!(rotated.starts_with(&id) && !rotated.contains(secret));
        assert!(rotated.contains("the old key opens until"), "{rotated}");
        let listed = done(data.path(), Job::List).expect("listed");
        assert!(listed.contains("till  terminal:read"), "{listed}");
        assert!(listed.contains("the old key opens until"), "{listed}");
        done(data.path(), Job::Revoke { id: id.clone() }).expect("revoked");
        assert_eq!(done(data.path(), Job::List).expect("listed"), "");
        assert!(done(data.path(), Job::Revoke { id }).is_err());
    }

    #[test]
    fn a_damaged_file_stops_everything() {
        let data = tempfile::tempdir().expect("a folder");
        std::fs::write(data.path().join(FILE), "{}").expect("written");
        assert!(done(data.path(), Job::List).is_err());
        let folder = Dir::open_ambient_dir(data.path(), ambient_authority()).expect("a folder");
        assert!(KeyRing::open(&folder, "own").is_err());
    }
}
