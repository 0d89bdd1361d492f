//! `tenon emulator`: a terminal with its devices and its acquirer in software.

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Result;
use serde_json::json;
use terminal_host::{
    observer::{NoObserver, Observer},
    recording::{Keep, RecordingPolicy},
};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    data_folder::DataFolder,
    emulated_terminal::{self, EmulatedTerminal},
    kill_at::{KillAt, Killer},
    web_options::{CERTIFICATE_FILE, WebOptions},
};

/// Run a terminal with its devices and its acquirer in software
///
///     tenon emulator --card visa-credit
///
/// When it serves, it prints one line of JSON on stdout:
///
///     {"ready":true,"url":"http://127.0.0.1:8443","apiKey":"sk_test_..."}
///
/// On the loopback address it serves plain HTTP; on others TLS, with a
/// certificate of its own whose `fingerprint` the line has.
///
/// It stops cleanly on SIGINT and SIGTERM: a sale that waits for a card is
/// cancelled, one that has asked the acquirer goes on to its end. A terminal
/// that was killed settles what it left open at its next start on the same
/// data folder.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Where to serve; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDR",
        env = "TENON_LISTEN",
        default_value = "127.0.0.1:8443"
    )]
    listen: SocketAddr,

    #[command(flatten)]
    data: DataFolder,

    /// The key that points of sale must show [default: the data folder's own]
    #[arg(
        long,
        value_name = "KEY",
        env = "TENON_API_KEY",
        hide_env_values = true
    )]
    api_key: Option<String>,

    /// Present this card to every transaction: a name that `tenon cards`
    /// lists, or a file of your own (docs/virtual-cards.md)
    #[arg(long, value_name = "NAME|FILE", verbatim_doc_comment)]
    card: Option<String>,

    /// The engine; its signature lies beside it [default: as built]
    #[arg(long, value_name = "FILE", env = "TENON_ENGINE")]
    engine: Option<PathBuf>,

    /// The terminal's parameters, as JSON [default: the emulator's]
    #[arg(long, value_name = "FILE", env = "TENON_PARAMETERS")]
    parameters: Option<PathBuf>,

    /// An acquirer that runs already [default: one of its own]
    #[arg(long, value_name = "ADDR")]
    acquirer: Option<SocketAddr>,

    /// What to keep of each sale, for `tenon explain` and `tenon replay`
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    record: Record,

    #[command(flatten)]
    web: WebOptions,

    /// Also print, on stderr, what to try
    #[arg(long)]
    introduce: bool,

    /// Kill this process at the Nth point of a kind
    #[arg(long, value_name = "KIND:N", hide = true)]
    kill_at: Option<KillAt>,
}

/// What is kept of each transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Record {
    /// All that crosses the boundary, card data too: to replay
    #[default]
    Everything,
    /// The kernel's decisions, masked: to explain
    Trace,
    /// Nothing
    Nothing,
}

impl Record {
    /// The host's policy: of so many of the latest transactions.
    pub(crate) fn policy(self) -> Option<RecordingPolicy> {
        let (keep, transactions_max) = match self {
            Self::Everything => (Keep::Everything, 200),
            Self::Trace => (Keep::Trace, 1000),
            Self::Nothing => return None,
        };
        Some(RecordingPolicy {
            keep,
            transactions_max,
        })
    }
}

/// Runs the terminal until a signal comes.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let observer: Arc<dyn Observer> = match arguments.kill_at {
        Some(at) => Arc::new(Killer::new(at)),
        None => Arc::new(NoObserver),
    };
    let options = emulated_terminal::Options {
        listen: arguments.listen,
        data: arguments.data.path().to_owned(),
        api_key: arguments.api_key,
        card: arguments.card,
        engine: arguments.engine,
        parameters: arguments.parameters,
        acquirer: arguments.acquirer,
        observer,
        recordings: arguments.record.policy(),
        web: arguments.web,
    };
    emulated_terminal::runtime()?.block_on(async {
        // Before the terminal says that it is ready: a signal may come right after.
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        let certificate = options.data.join(CERTIFICATE_FILE);
        let terminal = EmulatedTerminal::boot(options).await?;
        let certificate = terminal.fingerprint().map(|_| certificate);
        let mut ready = json!({"ready": true, "url": terminal.url(), "apiKey": terminal.api_key()});
        if let (Some(fingerprint), Some(members)) = (terminal.fingerprint(), ready.as_object_mut())
        {
            members.insert("fingerprint".into(), fingerprint.into());
        }
        writeln!(io::stdout(), "{ready}")?;
        io::stdout().flush()?;
        if arguments.introduce {
            write!(
                io::stderr(),
                "{}",
                introduction(terminal.url(), terminal.api_key(), certificate.as_deref())
            )?;
            if let Some(fingerprint) = terminal.fingerprint() {
                write!(io::stderr(), "{}", pairing(fingerprint))?;
            }
        }
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        terminal.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

fn pairing(fingerprint: &str) -> String {
    let half = fingerprint.len().saturating_add(1) / 2;
    let (first, second) = fingerprint
        .split_at_checked(half)
        .unwrap_or((fingerprint, ""));
    format!(
        "\nIts certificate is its own; tls-certificate.pem in the data folder is for\n\
         `curl --cacert`. Compare its SHA-256 fingerprint once, and give it to\n\
         `tenon sale --fingerprint`:\n\n  {first}\n  {second}\n"
    )
}

fn introduction(url: &str, api_key: &str, certificate: Option<&Path>) -> String {
    let curl = match certificate {
        Some(file) => format!("curl -s --cacert {}", file.display()),
        None => "curl -s".to_owned(),
    };
    format!(
        "\nThe terminal serves at {url} with the key {api_key}. Try:\n\n\
         {curl} {url}/v1/transaction/sale -H 'X-Api-Key: {api_key}' \\\n  \
         -H 'Content-Type: application/json' -H \"Idempotency-Key: $(date +%s%N)\" \\\n  \
         -d '{{\"type\":\"SALE\",\"amount\":2500,\"currency\":\"NZD\"}}'\n\n\
         {curl} {url}/v1/device/health -H 'X-Api-Key: {api_key}'\n\n\
         {curl} {url}/emulator/paper\n\n\
         {url}{docs} explains every operation; docs/test-cards-and-amounts.md\n\
         has a card and an amount for every answer.\n\n\
         Control-C stops it.\n",
        docs = api::openapi::PAGE_PATH
    )
}
