//! An outbox, endpoints and a dispatcher whose pauses are short.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::json;
use tokio::task::JoinHandle;
use webhooks::{
    Batch, Client, Dispatcher, EndpointFile, EndpointId, Endpoints, Event, EventId, Figures,
    ListedDelivery, NewEndpoint, Outbox, Schedule,
};

/// How long an attempt may take here.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(400);

pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) file: EndpointFile,
    text: Arc<Mutex<Vec<u8>>>,
    pub(crate) endpoints: Endpoints,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) figures: Figures,
    pub(crate) client: Client,
    pub(crate) pause: Duration,
    running: Option<(Dispatcher, JoinHandle<()>)>,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let text = Arc::new(Mutex::new(EndpointFile::default().to_json().into_bytes()));
        let read = Arc::clone(&text);
        let outbox = Outbox::open(&folder.path().join("webhooks.db")).expect("opened");
        Self {
            folder,
            file: EndpointFile::default(),
            text,
            endpoints: Endpoints::new(move || Ok(Some(read.lock().expect("no panic").clone()))),
            outbox: Arc::new(outbox),
            figures: Figures::default(),
            client: Client::default().with_timeout(TIMEOUT),
            pause: Duration::from_millis(20),
            running: None,
        }
    }

    /// Adds an endpoint on the loopback network, which is allowed, without TLS.
    pub(crate) fn add(&mut self, url: &str) -> (EndpointId, String) {
        self.add_as(NewEndpoint {
            url: url.into(),
            allowed_networks: vec!["127.0.0.0/8".into()],
            plain_http: true,
            ..NewEndpoint::default()
        })
    }

    pub(crate) fn add_as(&mut self, new: NewEndpoint) -> (EndpointId, String) {
        let (id, secret) = self.file.make(new, Timestamp::now()).expect("made");
        self.save();
        (id, secret.reveal().to_owned())
    }

    /// Writes the endpoint file as it is now.
    pub(crate) fn save(&self) {
        *self.text.lock().expect("no panic") = self.file.to_json().into_bytes();
    }

    /// Starts to deliver.
    pub(crate) fn run(&mut self) {
        let schedule = Schedule {
            first: self.pause,
            factor: 1,
            ..Schedule::reference()
        };
        let dispatcher = Dispatcher::new(
            Arc::clone(&self.outbox),
            self.endpoints.clone(),
            self.client.clone(),
            schedule,
            self.figures.clone(),
        );
        let delivering = dispatcher.clone();
        let task = tokio::spawn(async move { delivering.run().await });
        self.running = Some((dispatcher, task));
    }

    /// Stops as a kill does: whatever is going on is cut off, and the outbox is opened anew.
    pub(crate) async fn restart(&mut self) {
        self.kill().await;
        self.outbox = Arc::new(Outbox::open(&self.path()).expect("opened"));
        self.run();
    }

    pub(crate) async fn kill(&mut self) {
        if let Some((_, task)) = self.running.take() {
            task.abort();
            drop(task.await);
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("webhooks.db")
    }

    /// Queues one event.
    pub(crate) fn happen(&self, kind: &str) -> EventId {
        let event = Event {
            id: EventId::new(),
            kind: kind.into(),
            since: Timestamp::now(),
            data: json!({"amount": 2500, "merchantName": "Tenón"}),
            remembered: false,
        };
        let batch = Batch {
            events: vec![event.clone()],
            ..Batch::default()
        };
        let endpoints = self.endpoints.now();
        let queued = self.outbox.queue(&batch, &endpoints, Timestamp::now());
        assert!(queued.expect("written") > 0, "nobody wants it");
        if let Some((dispatcher, _)) = &self.running {
            dispatcher.wake();
        }
        event.id
    }

    /// The deliveries to one endpoint, the newest first.
    pub(crate) fn deliveries(&self, endpoint: &EndpointId) -> Vec<ListedDelivery> {
        let mut listed = self.outbox.deliveries(false).expect("read");
        listed.retain(|one| one.endpoint == endpoint.as_str());
        listed
    }

    /// Waits until the newest delivery to an endpoint is in this state.
    pub(crate) async fn wait_for(&self, endpoint: &EndpointId, state: &str) -> ListedDelivery {
        let newest = || self.deliveries(endpoint).into_iter().next();
        crate::receiver::wait_until(|| newest().is_some_and(|one| one.state.as_str() == state))
            .await;
        newest().expect("one")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some((_, task)) = &self.running {
            task.abort();
        }
    }
}
