//! What a session costs: an action's way and back, and how long after its HTTP answer a sale's result comes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{
    process::{API_KEY, Terminal},
    table::{Table, median},
};

/// Actions, and sales that a session watches.
const PINGS: usize = 2000;
const SALES: usize = 50;

/// The longest that an event may be away.
const PATIENCE: Duration = Duration::from_secs(10);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) fn measure(terminal: &Terminal, table: &mut Table) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let url = terminal.url().replacen("http", "ws", 1);
    let url = format!("{url}/v1/session?apiKey={API_KEY}");
    let (mut socket, _) = runtime.block_on(connect_async(url))?;
    let mut round_trips = Vec::new();
    for _ in 0..PINGS {
        let start = Instant::now();
        runtime.block_on(async {
            socket.send(Message::text(r#"{"action":"ping"}"#)).await?;
            event(&mut socket, "pong").await
        })?;
        round_trips.push(start.elapsed().as_secs_f64() * 1e6);
    }
    let micros = median(round_trips);
    table.row(
        "an action of a session and its answer",
        format!("{micros:.0} us"),
        "",
        None,
    );
    let mut lags = Vec::new();
    for sale in 0..SALES {
        terminal.sell(&format!("watched-{sale}"))?;
        let answered = Instant::now();
        runtime.block_on(event(&mut socket, "result"))?;
        lags.push(answered.elapsed().as_secs_f64() * 1e6);
    }
    let micros = median(lags);
    table.row(
        "a sale's result in a session, after its HTTP answer",
        format!("{micros:.0} us"),
        "",
        None,
    );
    Ok(())
}

/// Waits for an event of this name.
async fn event(socket: &mut Socket, name: &str) -> Result<()> {
    loop {
        let next = tokio::time::timeout(PATIENCE, socket.next()).await?;
        match next.context("the session was closed")?? {
            Message::Text(text) => {
                let event: Value = serde_json::from_str(&text)?;
                if event.get("event").and_then(Value::as_str) == Some(name) {
                    return Ok(());
                }
            }
            Message::Ping(_) | Message::Pong(_) => {}
            other @ (Message::Binary(_) | Message::Close(_) | Message::Frame(_)) => {
                bail!("no event: {other:?}")
            }
        }
    }
}
