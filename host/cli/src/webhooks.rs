//! `tenon webhooks`: where a terminal sends its events.

use std::{
    fs::{self, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail, ensure};
use api::{EventType, Teller};
use cap_std::fs::Dir;
use jiff::Timestamp;
use serde_json::json;
use terminal_host::clock::{Clock, SystemClock};
use webhooks::{
    Answer, Client, Delivery, EndpointFile, EndpointId, EventId, NewEndpoint, Selection,
};

use crate::{
    data_folder::DataFolder,
    emulated_terminal,
    own_file::{read, replace},
    webhook_delivery::{ENDPOINTS_FILE, OUTBOX_FILE, endpoints},
    webhook_listing::{Said, deliveries, existing, list},
};

/// The largest file of certificates, in bytes.
const CA_BYTES_MAX: u64 = 64 * 1024;

/// Send events to receivers of your own, signed
///
///     tenon webhooks add https://pos.example/hooks --events "transaction.*"
///     tenon webhooks add http://10.0.0.9 --plain-http --allow-network 10.0.0.0/24
///     tenon webhooks test wh_01J...
///
/// A secret is shown once, when it is made. A receiver on the local network
/// needs the operator's exception for its network, and another one to be
/// spoken to without TLS. A running terminal takes a change within two
/// seconds. Headers, signature and events: docs/webhooks.md
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
    /// Add an endpoint, and print its secret
    Add {
        /// Where it is; https, unless --plain-http
        url: String,

        /// What it gets, such as `transaction.*,settlement.closed`; may be
        /// repeated [default: everything]
        #[arg(long, value_name = "EVENTS", value_delimiter = ',', value_parser = event_name)]
        #[arg(verbatim_doc_comment)]
        events: Vec<String>,

        /// Let it be in this network, though it is not public; may be
        /// repeated
        #[arg(long, value_name = "CIDR", verbatim_doc_comment)]
        allow_network: Vec<String>,

        /// Speak to it without TLS, in the networks that are allowed
        #[arg(long, requires = "allow_network")]
        plain_http: bool,

        /// Believe only these authorities, in place of the system's
        #[arg(long, value_name = "PEM-FILE")]
        ca: Option<PathBuf>,
    },
    /// List the endpoints
    List,
    /// Take an endpoint away, with what waits for it
    Remove {
        /// Its id, such as `wh_01J...`
        #[arg(value_parser = endpoint_id)]
        id: EndpointId,
    },
    /// Make a new secret; the old one signs too for 24 hours more
    Rotate {
        /// Its id, such as `wh_01J...`
        #[arg(value_parser = endpoint_id)]
        id: EndpointId,
    },
    /// Take an endpoint in again that answered 410 and was disabled
    Enable {
        /// Its id, such as `wh_01J...`
        #[arg(value_parser = endpoint_id)]
        id: EndpointId,
    },
    /// List the latest deliveries
    Deliveries {
        /// Those only that were given up
        #[arg(long)]
        dead: bool,
    },
    /// Deliver an event again, or everything that was given up
    Replay {
        /// The event's id, such as `evt_01J...`
        #[arg(value_parser = event_id, required_unless_present = "dead")]
        event: Option<EventId>,

        /// Everything that was given up
        #[arg(long, conflicts_with = "event")]
        dead: bool,
    },
    /// Send a `webhook.test` event now, once, and print the answer
    Test {
        /// Its id, such as `wh_01J...`
        #[arg(value_parser = endpoint_id)]
        id: EndpointId,
    },
}

fn event_name(text: &str) -> Result<String, String> {
    if EventType::is_named(text) {
        return Ok(text.to_owned());
    }
    let names: Vec<_> = EventType::ALL.iter().map(|each| each.as_str()).collect();
    Err(format!(
        "it is `transaction.*`, … or one of {}",
        names.join(", ")
    ))
}

fn endpoint_id(text: &str) -> Result<EndpointId, String> {
    EndpointId::parse(text).ok_or_else(|| "an endpoint's id is wh_ and 26 characters".to_owned())
}

fn event_id(text: &str) -> Result<EventId, String> {
    EventId::parse(text).ok_or_else(|| "an event's id is evt_ and 26 characters".to_owned())
}

/// Does one job.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let folder = arguments.data.open()?;
    let mut out = io::stdout().lock();
    do_job(&folder, arguments, &mut out)
}

fn do_job(folder: &Dir, arguments: &Arguments, out: &mut impl Write) -> Result<ExitCode> {
    let now = SystemClock.now().timestamp();
    let outbox = arguments.data.path().join(OUTBOX_FILE);
    let said = match &arguments.job {
        Job::List => list(&file(folder)?, &outbox, arguments.json)?,
        Job::Deliveries { dead } => deliveries(&outbox, *dead, arguments.json)?,
        Job::Test { id } => return test(folder, id, arguments.json, out),
        Job::Enable { id } => {
            ensure!(
                existing(&outbox)?.is_some_and(|outbox| outbox.enable(id).unwrap_or_default()),
                "{} is not disabled",
                id.as_str()
            );
            Said::one(id.as_str(), "enabled", arguments.json)
        }
        Job::Replay { event, .. } => {
            let selection = event.clone().map_or(Selection::Dead, Selection::Event);
            let outbox = existing(&outbox)?.context("nothing was ever queued here")?;
            let count = outbox.replay(&selection, now)?;
            ensure!(
                count > 0,
                "there is nothing to replay: no such delivery, or its endpoint is disabled"
            );
            if arguments.json {
                Said(json!({ "replayed": count }).to_string())
            } else {
                Said(format!("{count} replayed"))
            }
        }
        Job::Add { .. } | Job::Remove { .. } | Job::Rotate { .. } => {
            change(folder, &arguments.job, arguments.json, now)?
        }
    };
    if !said.0.is_empty() {
        writeln!(out, "{}", said.0)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn file(folder: &Dir) -> Result<EndpointFile> {
    match read(folder, ENDPOINTS_FILE).context(ENDPOINTS_FILE)? {
        Some(text) => EndpointFile::parse(&text).context(ENDPOINTS_FILE),
        None => Ok(EndpointFile::default()),
    }
}

fn change(folder: &Dir, job: &Job, as_json: bool, now: Timestamp) -> Result<Said> {
    // Two changes at one time would lose one of the two.
    let lock = folder.create("webhooks.lock")?.into_std();
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => bail!("somebody else changes the endpoints just now"),
        Err(TryLockError::Error(error)) => return Err(error).context("webhooks.lock"),
    }
    let mut file = file(folder)?;
    let said = match job {
        Job::Add {
            url,
            events,
            allow_network,
            plain_http,
            ca,
        } => {
            let new = NewEndpoint {
                url: url.clone(),
                events: events.clone(),
                allowed_networks: allow_network.clone(),
                plain_http: *plain_http,
                ca: ca.as_deref().map(certificates).transpose()?,
            };
            let (id, secret) = file.make(new, now)?;
            Said::secret(&id, &secret, as_json)
        }
        Job::Rotate { id } => Said::secret(id, &file.rotate(id, now)?, as_json),
        Job::Remove { id } => {
            file.remove(id)?;
            Said::one(id.as_str(), "removed", as_json)
        }
        Job::List
        | Job::Enable { .. }
        | Job::Deliveries { .. }
        | Job::Replay { .. }
        | Job::Test { .. } => Said(String::new()),
    };
    // Printed when it is kept: a secret that signs nothing is worse than one that nobody saw.
    replace(folder, ENDPOINTS_FILE, file.to_json().as_bytes())
        .with_context(|| format!("{ENDPOINTS_FILE} cannot be written"))?;
    Ok(said)
}

fn certificates(path: &Path) -> Result<String> {
    let reading = || format!("reading {}", path.display());
    let size = fs::metadata(path).with_context(reading)?.len();
    ensure!(size <= CA_BYTES_MAX, "{}: too large", path.display());
    fs::read_to_string(path).with_context(reading)
}

/// Sends one event from here, whether a terminal runs or not.
fn test(folder: &Dir, id: &EndpointId, as_json: bool, out: &mut impl Write) -> Result<ExitCode> {
    file(folder)?;
    let endpoint = endpoints(folder)?.find(id);
    let endpoint = endpoint.with_context(|| format!("there is no endpoint {}", id.as_str()))?;
    let now = Timestamp::now();
    let event = Teller::test_event(now);
    let delivery = Delivery::alone(&event, now);
    let client = Client::default();
    let answer = emulated_terminal::runtime()?.block_on(client.send(&endpoint, &delivery, now));
    let (status, fault) = match answer {
        Answer::Status { status, .. } => (Some(status), None),
        Answer::Failed(fault) => (None, Some(fault.to_string())),
    };
    let taken = status.is_some_and(|status| (200..300).contains(&status));
    if as_json {
        let value = json!({
            "event": event.id.as_str(), "delivered": taken, "status": status, "fault": fault,
        });
        writeln!(out, "{value}")?;
    } else {
        let status = status.map(|status| format!("it answers {status}"));
        let said = status.or(fault).unwrap_or_default();
        writeln!(out, "{}  {said}", event.id.as_str())?;
    }
    Ok(if taken {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use cap_std::ambient_authority;
    use serde_json::Value;

    use super::*;

    fn done(data: &Path, json: bool, job: Job) -> Result<String> {
        let folder = Dir::open_ambient_dir(data, ambient_authority())?;
        let arguments = Arguments {
            job,
            data: DataFolder::at(data),
            json,
        };
        let mut out = Vec::new();
        do_job(&folder, &arguments, &mut out)?;
        Ok(String::from_utf8(out)?)
    }

    fn add(url: &str) -> Job {
        Job::Add {
            url: url.into(),
            events: vec!["transaction.*".into()],
            allow_network: Vec::new(),
            plain_http: false,
            ca: None,
        }
    }

    #[test]
    fn a_secret_is_printed_once_and_its_file_is_the_owners() {
        let data = tempfile::tempdir().expect("a folder");
        let printed = done(data.path(), false, add("https://pos.example/a?key=hidden"));
        let printed = printed.expect("added");
        let (id, secret) = printed.trim().split_once("  ").expect("two words");
        let id = endpoint_id(id).expect("an id");
        assert!(secret.starts_with("whsec_"), "{printed}");
        let mode = data
            .path()
            .join(ENDPOINTS_FILE)
            .metadata()
            .expect("a file")
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        let rotated = done(data.path(), true, Job::Rotate { id: id.clone() }).expect("rotated");
        let rotated: Value = serde_json::from_str(&rotated).expect("JSON");
        assert_ne!(rotated["secret"], secret);
        for as_json in [false, true] {
            let listed = done(data.path(), as_json, Job::List).expect("listed");
            assert!(listed.contains("https://pos.example/a"), "{listed}");
            assert!(
                !listed.contains("whsec_") && !listed.contains("hidden"),
                "{listed}"
            );
        }
        done(data.path(), false, Job::Remove { id: id.clone() }).expect("removed");
        assert_eq!(done(data.path(), false, Job::List).expect("listed"), "");
        for job in [
            Job::Remove { id: id.clone() },
            Job::Test { id: id.clone() },
            Job::Enable { id },
        ] {
            assert!(done(data.path(), false, job).is_err());
        }
    }

    #[test]
    fn a_terminal_that_delivered_nothing_has_nothing_to_show() {
        let data = tempfile::tempdir().expect("a folder");
        let deliveries = |dead| done(data.path(), false, Job::Deliveries { dead });
        assert_eq!(deliveries(true).expect("listed"), "");
        assert_eq!(deliveries(false).expect("listed"), "");
        let replay = Job::Replay {
            event: None,
            dead: true,
        };
        assert!(done(data.path(), false, replay).is_err());
        assert!(!data.path().join(OUTBOX_FILE).exists());
    }

    #[test]
    fn what_is_wrong_is_refused_and_changes_nothing() {
        let data = tempfile::tempdir().expect("a folder");
        for url in [
            "http://pos.example",
            "https://127.0.0.1/",
            "https://a:b@pos.example/",
        ] {
            assert!(done(data.path(), false, add(url)).is_err(), "{url}");
        }
        assert!(!data.path().join(ENDPOINTS_FILE).exists());
        assert!(event_name("transaction.*").is_ok() && event_name("sale.*").is_err());
        fs::write(data.path().join(ENDPOINTS_FILE), "{}").expect("written");
        assert!(done(data.path(), false, Job::List).is_err());
    }
}
