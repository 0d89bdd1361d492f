//! A point of sale that loses its session and resumes it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{self, Instant},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{random::Random, shared::Shared, terminal::API_KEY};

/// The longest life of a connection, in milliseconds.
const LIFE_MS_MAX: usize = 600;

/// How long nothing may come before a point of sale believes that it has seen everything.
const QUIET: Duration = Duration::from_secs(3);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) struct PointOfSale {
    shared: Arc<Shared>,
    /// What its keys begin with, when it sells.
    sells: Option<&'static str>,
    random: Random,
    token: String,
    seen: Seen,
    /// The sale that it waits for.
    waits_for: Option<String>,
    count: usize,
}

/// What a point of sale has seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// Every event of the log, as it came.
    pub(crate) events: Vec<Value>,
    /// The keys of the sales that it asked for.
    pub(crate) asked: BTreeSet<String>,
}

/// How a connection ended.
enum End {
    /// It broke, or was broken off.
    Broken,
    /// Nothing more is to come.
    Quiet,
}

/// The place that an event says.
pub(crate) fn token(event: &Value) -> Option<&str> {
    event.get("resumeToken").and_then(Value::as_str)
}

/// The place from which every point of sale sees everything: before the first sale.
pub(crate) async fn beginning(url: &str) -> String {
    let url = url.replace("http://", "ws://");
    let url = format!("{url}/v1/session?apiKey={API_KEY}&resumeToken=new");
    let (mut socket, _) = connect_async(url).await.expect("a session");
    let Some(Ok(Message::Text(text))) = socket.next().await else {
        panic!("the session says where it begins")
    };
    let event: Value = serde_json::from_str(&text).expect("JSON");
    token(&event).expect("a token").to_owned()
}

impl PointOfSale {
    pub(crate) fn new(
        shared: Arc<Shared>,
        sells: Option<&'static str>,
        random: Random,
        beginning: &str,
    ) -> Self {
        Self {
            shared,
            sells,
            random,
            token: beginning.to_owned(),
            seen: Seen::default(),
            waits_for: None,
            count: 0,
        }
    }

    /// Sells and watches until nothing more is to come.
    pub(crate) async fn run(mut self) -> Seen {
        loop {
            let url = self.shared.url().replace("http://", "ws://");
            let url = format!(
                "{url}/v1/session?apiKey={API_KEY}&resumeToken={}",
                self.token
            );
            // The terminal may be dead at the moment.
            let Ok((socket, _)) = connect_async(url).await else {
                time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            if let End::Quiet = self.serve(socket).await {
                return self.seen;
            }
        }
    }

    async fn serve(&mut self, mut socket: Socket) -> End {
        let life = self.random.below(LIFE_MS_MAX);
        let life = Duration::from_millis(u64::try_from(life).unwrap_or_default());
        let end = Instant::now() + life;
        if self.sell(&mut socket).await.is_err() {
            return End::Broken;
        }
        loop {
            let goes_on = self.shared.goes_on();
            let wait = if goes_on {
                end.saturating_duration_since(Instant::now())
            } else {
                QUIET
            };
            match time::timeout(wait, socket.next()).await {
                Err(_) if goes_on => {
                    self.shared.disrupt();
                    return End::Broken;
                }
                Err(_) if !self.shared.is_waited() => return End::Quiet,
                // Another one's sale was in the way.
                Err(_) => {}
                Ok(Some(Ok(Message::Text(text)))) => {
                    let event = serde_json::from_str(&text).expect("JSON");
                    self.see(event);
                }
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
                Ok(_) => return End::Broken,
            }
            if self.sell(&mut socket).await.is_err() {
                return End::Broken;
            }
        }
    }

    fn see(&mut self, mut event: Value) {
        let name = event["event"].as_str().expect("a name").to_owned();
        if name == "error" {
            // The terminal sells for another one; it is asked again.
            assert_eq!(event["error"], "TERMINAL_BUSY", "{event}");
            return;
        }
        let of = event["response"]["referenceId"].as_str();
        if name == "result" && of.is_some() && of == self.waits_for.as_deref() {
            self.waits_for = None;
            self.shared.ended();
        }
        // An answer about what had ended before is no event of the log.
        let Some(token) = token(&event) else { return };
        token.clone_into(&mut self.token);
        if name == "session_opened" {
            return;
        }
        // Each answer has a name of its own for the request.
        if let Some(error) = event.get_mut("error").and_then(Value::as_object_mut) {
            error.remove("requestId");
        }
        self.seen.events.push(event);
    }

    /// Asks for a sale, a new one or again the one that it waits for.
    async fn sell(&mut self, socket: &mut Socket) -> Result<(), ()> {
        let Some(sells) = self.sells else {
            return Ok(());
        };
        if self.waits_for.is_none() {
            if !self.shared.goes_on() {
                return Ok(());
            }
            self.count += 1;
            let key = format!("{sells}-{}", self.count);
            self.seen.asked.insert(key.clone());
            self.shared.asked();
            self.waits_for = Some(key);
        }
        let key = self.waits_for.as_deref().unwrap_or_default();
        let action = json!({
            "action": "sale", "amount": 2500, "currency": "NZD", "referenceId": key,
            "idempotencyKey": key,
        });
        let sent = socket.send(Message::text(action.to_string())).await;
        sent.map_err(|_| ())
    }
}
