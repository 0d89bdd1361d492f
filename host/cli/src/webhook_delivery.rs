//! The deliveries of a running terminal.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use api::{LogSource, Teller, Terminal};
use cap_std::fs::Dir;
use tokio::{sync::watch, task::JoinHandle, time};
use webhooks::{Client, Dispatcher, Endpoints, Figures, Outbox, POLL_INTERVAL, Schedule};

use crate::own_file::read;

/// The endpoints, with their secrets.
pub(crate) const ENDPOINTS_FILE: &str = "webhooks.json";

/// The queue.
pub(crate) const OUTBOX_FILE: &str = "webhooks.db";

/// How long deliveries may take when the terminal stops. What is not delivered then is delivered after
/// the next start.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// What delivers while the terminal runs. It begins when there are endpoints.
pub(crate) struct WebhookDelivery {
    stopping: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// The endpoints in `folder`, as the file has them whenever they are asked for.
pub(crate) fn endpoints(folder: &Dir) -> Result<Endpoints> {
    let folder = folder.try_clone()?;
    Ok(Endpoints::new(move || read(&folder, ENDPOINTS_FILE)))
}

impl WebhookDelivery {
    /// Starts to deliver what happens in `terminal`, whose data lies in `folder` and at `data`. A file
    /// of endpoints that is wrong is logged, and its terminal sells all the same.
    pub(crate) fn start(
        terminal: Arc<dyn Terminal>,
        folder: &Dir,
        data: &Path,
        figures: Figures,
    ) -> Result<Self> {
        let endpoints = endpoints(folder)?;
        let outbox = data.join(OUTBOX_FILE);
        let (stopping, stop) = watch::channel(false);
        let task = tokio::spawn(async move {
            let delivering = deliver(terminal, endpoints, outbox, figures, stop);
            if let Err(error) = delivering.await {
                tracing::error!("no webhook is delivered: {error:#}");
            }
        });
        Ok(Self { stopping, task })
    }

    /// Tells that the terminal stops, and gives what is due a moment. For when no transaction runs any
    /// more.
    pub(crate) async fn stop(self) {
        self.stopping.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the deliveries ended early");
        }
    }
}

async fn deliver(
    terminal: Arc<dyn Terminal>,
    endpoints: Endpoints,
    outbox: PathBuf,
    figures: Figures,
    mut stop: watch::Receiver<bool>,
) -> Result<()> {
    // From before the wait, so that it has seen what ends during it.
    let source = Arc::new(LogSource::new(Arc::clone(&terminal)));
    // An endpoint that is added later has not seen the start.
    let sees_the_start = !endpoints.now().is_empty();
    while endpoints.now().is_empty() {
        if time::timeout(POLL_INTERVAL, requested(&mut stop))
            .await
            .is_ok()
        {
            return Ok(());
        }
    }
    let opened = tokio::task::spawn_blocking(move || Outbox::open(&outbox)).await?;
    let outbox = Arc::new(opened.context(OUTBOX_FILE)?);
    let teller = Teller::new(terminal, source, Arc::clone(&outbox), endpoints.clone());
    let schedule = Schedule::reference();
    let dispatcher = Dispatcher::new(outbox, endpoints, Client::default(), schedule, figures);
    if sees_the_start {
        tell(&teller, &dispatcher, What::Online).await;
    }
    let stopping = async {
        requested(&mut stop).await;
        tell(&teller, &dispatcher, What::Happened).await;
        tell(&teller, &dispatcher, What::Offline).await;
        if time::timeout(STOP_TIMEOUT, dispatcher.idle())
            .await
            .is_err()
        {
            tracing::info!("what is not delivered is delivered after the next start");
        }
    };
    let telling = async {
        loop {
            tell(&teller, &dispatcher, What::Happened).await;
            // The endpoint file and the settlements wake nobody.
            drop(time::timeout(POLL_INTERVAL, teller.changed()).await);
        }
    };
    tokio::select! {
        () = stopping => {}
        () = dispatcher.run() => {}
        () = telling => {}
    }
    Ok(())
}

enum What {
    Happened,
    Online,
    Offline,
}

/// Queues something, and wakes the deliveries when there are more. What could not be queued is found
/// again.
async fn tell(teller: &Teller, dispatcher: &Dispatcher, what: What) {
    let told = match what {
        What::Happened => teller.tell().await,
        What::Online => teller.online().await,
        What::Offline => teller.offline().await,
    };
    match told {
        Ok(0) => {}
        Ok(_) => dispatcher.wake(),
        Err(error) => tracing::error!(%error, "what happened is queued later"),
    }
}

/// Waits until a stop is asked for. A sender that is gone asks for one.
async fn requested(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stopping| *stopping).await);
}
