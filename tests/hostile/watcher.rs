//! A session of a point of sale that looks on.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::{task::JoinHandle, time};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::client::Target;

/// Watches until it is dropped.
pub(crate) struct Watcher {
    events: Arc<Mutex<Vec<Value>>>,
    task: JoinHandle<()>,
}

impl Watcher {
    /// Opens the session, and notes every event that it is told.
    pub(crate) async fn open(target: Arc<Target>, key: &str) -> Self {
        let address = target.address;
        let url = format!("ws://{address}/v1/session?apiKey={key}&resumeToken=new");
        let (mut socket, _) = connect_async(url).await.expect("the session opens");
        let events = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&events);
        let task = tokio::spawn(async move {
            while let Some(Ok(message)) = socket.next().await {
                let Message::Text(text) = message else {
                    continue;
                };
                let event: Value = serde_json::from_str(&text).expect("JSON");
                if let Some(id) = event["transactionId"].as_str() {
                    let mut running = target
                        .running
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner);
                    id.clone_into(&mut running);
                }
                into.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(event);
            }
        });
        Self { events, task }
    }

    /// Whether the session is still what it was at first.
    pub(crate) fn is_open(&self) -> bool {
        !self.task.is_finished()
    }

    /// The numbers of the events, and the transactions whose end it was told.
    pub(crate) fn seen(&self) -> (Vec<u64>, Vec<String>) {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let number = |event: &Value| {
            let token = event["resumeToken"].as_str()?;
            token.rsplit('_').next()?.parse().ok()
        };
        let result = |event: &Value| {
            let id = event["response"]["transactionId"].as_str()?;
            (event["event"] == "result").then(|| id.to_owned())
        };
        let numbers = events.iter().filter_map(number).collect();
        (numbers, events.iter().filter_map(result).collect())
    }

    /// Waits, not for long, until it was told the end of all of these.
    pub(crate) async fn wait_for(&self, transactions: &[String]) {
        let all = async {
            loop {
                let (_, results) = self.seen();
                if transactions.iter().all(|id| results.contains(id)) {
                    return;
                }
                time::sleep(Duration::from_millis(50)).await;
            }
        };
        drop(time::timeout(Duration::from_secs(10), all).await);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}
