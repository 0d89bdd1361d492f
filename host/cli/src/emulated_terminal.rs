//! A terminal out of its parts: the host, the emulator's devices and acquirer, the API over both.

use std::{
    fs::{self, TryLockError},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use api::{Api, Terminal};
use cap_std::{ambient_authority, fs::Dir};
use emulator::{
    Controls, Emulator, Shown, Touch,
    acquirer::{Acquirer, AcquirerHandle, AcquirerOptions},
};
use terminal_host::{
    Devices, TerminalConfig, TransactionService, clock::SystemClock, observer::Observer,
    parameters::Parameters, recording::RecordingPolicy,
};
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    sync::{broadcast, watch},
    task::JoinHandle,
    time,
};
use webhooks::Figures;

use crate::{
    api_key, card_argument, engine_file, issuer_keys, keys::KeyRing, parameters, vault_file,
    web_options::WebOptions, webhook_delivery::WebhookDelivery,
};

/// How long a running transaction may take to end when the terminal stops: longer than the
/// acquirer may take to answer.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// How much later than the terminal waits a late answer comes.
const LATE_BY: Duration = Duration::from_secs(1);

/// How to boot a terminal.
pub(crate) struct Options {
    /// Where the API serves.
    pub(crate) listen: SocketAddr,
    /// Where journal, keys and cache lie.
    pub(crate) data: PathBuf,
    /// The key that points of sale must show, when it is not the data folder's own.
    pub(crate) api_key: Option<String>,
    /// The card that is presented to every transaction: its name, or its file.
    pub(crate) card: Option<String>,
    /// The engine, when it is not the one of the build.
    pub(crate) engine: Option<PathBuf>,
    /// The parameters, when they are not the emulator's.
    pub(crate) parameters: Option<PathBuf>,
    /// An acquirer that runs already.
    pub(crate) acquirer: Option<SocketAddr>,
    /// Who is told of every point of a transaction.
    pub(crate) observer: Arc<dyn Observer>,
    /// What is kept of the latest transactions.
    pub(crate) recordings: Option<RecordingPolicy>,
    /// How it is reached.
    pub(crate) web: WebOptions,
}

/// A terminal that serves.
pub(crate) struct EmulatedTerminal {
    url: String,
    api_key: String,
    fingerprint: Option<String>,
    service: TransactionService,
    controls: Controls,
    shutdown: watch::Sender<bool>,
    server: JoinHandle<()>,
    webhooks: WebhookDelivery,
    /// Held as long as the terminal runs.
    _lock: fs::File,
}

/// The runtime a terminal runs on.
pub(crate) fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the runtime could not be started")
}

/// The parameters of a file, or the emulator's own.
fn given_or_usual(file: Option<&Path>) -> Result<Parameters> {
    match file {
        Some(path) => parameters::read(path),
        None => Ok(Parameters::from_json(emulator::PARAMETERS)?),
    }
}

impl EmulatedTerminal {
    /// Boots: recovers what a crash left open, then serves. When this returns, requests are taken.
    pub(crate) async fn boot(options: Options) -> Result<Self> {
        let parameters = given_or_usual(options.parameters.as_deref())?;
        // First of all, so that a taken address costs nothing.
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("{} cannot be listened on", options.listen))?;
        let address = listener.local_addr()?;
        let card = options.card.as_deref().map(card_argument::card);
        let card = card.transpose()?;
        let (files, lock) = data_folder(&options.data)?;
        let api_key = match options.api_key {
            Some(key) => key,
            None => api_key::of(&files)?,
        };
        let keys = KeyRing::open(&files, &api_key)?;
        let mut door = options.web.door(address, &parameters.terminal, &files)?;
        let mut vault = vault_file::open(&files)?;
        emulator::provision(&mut vault)?;
        let answer = Duration::from_millis(parameters.timeouts.answer_ms.into());
        let (devices, controls) = devices(options.acquirer, answer, card)?;
        let service = TransactionService::start(TerminalConfig {
            engine: engine_file::read(options.engine.as_deref(), emulator::DEVELOPMENT_KEY)?,
            files: files.try_clone()?,
            journal: options.data.join("journal.sqlite"),
            devices,
            input: Box::new(Touch::new(&controls)),
            vault,
            parameters,
            clock: Arc::new(SystemClock),
            observer: options.observer,
            recordings: options.recordings,
        })
        .await?;
        let (shutdown, closing) = watch::channel(false);
        let figures = Figures::default();
        let terminal: Arc<dyn Terminal> = Arc::new(service.clone());
        let api = Api::new(Arc::clone(&terminal), keys.keys(), closing.clone())
            .with_webhook_figures(figures.clone());
        let own_paths = door.rules.protect(controls.router());
        let router = api::router(options.web.apply(api, &door)).merge(own_paths);
        let (url, fingerprint) = (door.url(address), door.fingerprint());
        let issuer_keys = issuer_keys::watch(door.issuer.take());
        let server = tokio::spawn(async move {
            let serving = async {
                match &door.identity {
                    Some(own) => api::serve_tls(listener, router, own, closing).await,
                    None => api::serve(listener, router, closing).await,
                }
            };
            tokio::select! {
                () = serving => {}
                () = keys.watch() => {}
                () = issuer_keys => {}
            }
        });
        let webhooks = WebhookDelivery::start(terminal, &files, &options.data, figures)?;
        Ok(Self {
            url,
            fingerprint,
            api_key,
            service,
            controls,
            shutdown,
            server,
            webhooks,
            _lock: lock,
        })
    }

    /// Where the API serves, such as `http://127.0.0.1:8443`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The key that points of sale must show.
    pub(crate) fn api_key(&self) -> &str {
        &self.api_key
    }

    /// The fingerprint of the terminal's certificate, when it serves TLS.
    pub(crate) fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    /// The transaction service.
    pub(crate) fn service(&self) -> &TransactionService {
        &self.service
    }

    /// What is shown and printed from now on.
    pub(crate) fn shown(&self) -> broadcast::Receiver<Shown> {
        self.controls.shown()
    }

    /// Stops: cancels a transaction that still can be, waits for one that cannot, closes.
    pub(crate) async fn stop(self) {
        let running = self.service.running().borrow().clone();
        if let Some(id) = running {
            let answer = self.service.abort(&id).await;
            tracing::info!(?answer, "the running transaction is asked to stop");
        }
        self.shutdown.send_replace(true);
        if time::timeout(STOP_TIMEOUT, self.service.shut_down())
            .await
            .is_err()
        {
            tracing::warn!("a transaction goes on; the next start will settle it");
        }
        self.webhooks.stop().await;
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the server ended early");
        }
    }
}

/// The data folder, made when there is none, and its lock.
fn data_folder(path: &Path) -> Result<(Dir, fs::File)> {
    fs::create_dir_all(path).with_context(|| format!("creating {}", path.display()))?;
    let files = Dir::open_ambient_dir(path, ambient_authority())
        .with_context(|| format!("opening {}", path.display()))?;
    let lock = lock(&files).with_context(|| format!("the data folder is {}", path.display()))?;
    Ok((files, lock))
}

/// One terminal at a time uses a folder. Taken before anything in it is read: two that start together
/// on a new one would each make a device key, and one of the two would be lost.
fn lock(files: &Dir) -> Result<fs::File> {
    let file = files.create("terminal.lock")?.into_std();
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another terminal runs on the same data folder"),
        Err(TryLockError::Error(error)) => Err(error).context("the data folder cannot be locked"),
    }
}

/// The devices, with what controls them, on an acquirer that runs already or one of their own, whose
/// late answers come after `answer`.
fn devices(
    given: Option<SocketAddr>,
    answer: Duration,
    card: Option<virtual_card::Card>,
) -> Result<(Devices, Controls)> {
    let (acquirer, own_acquirer) = acquirer(given, answer)?;
    let (devices, controls) = Emulator::new(emulator::Options {
        card: None,
        acquirer,
    })?;
    if let Some(own) = own_acquirer {
        controls.attach_acquirer(own);
    }
    if let Some(card) = card {
        controls.present_always(card);
    }
    Ok((devices, controls))
}

/// The acquirer's address, and the acquirer itself when it is the terminal's own.
fn acquirer(
    given: Option<SocketAddr>,
    answer: Duration,
) -> Result<(SocketAddr, Option<AcquirerHandle>)> {
    if let Some(address) = given {
        return Ok((address, None));
    }
    let options = AcquirerOptions {
        late_after: answer.saturating_add(LATE_BY),
        ..AcquirerOptions::default()
    };
    let own = Acquirer::new(options)
        .start("127.0.0.1:0")
        .context("the acquirer does not start")?;
    Ok((own.address(), Some(own)))
}
