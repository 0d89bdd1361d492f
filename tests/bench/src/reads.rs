//! The read endpoints against bare handlers.
//!
//! Two of them: one that answers next to nothing, and one that answers the same document. What lies
//! between the terminal and the second is what the terminal does to answer it: who asks, may they, what
//! the journal says.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
};

use crate::{
    bare::Bare,
    process::{API_KEY, Terminal},
    table::{Table, median},
};

/// Connections that ask an endpoint at the same time.
const CONNECTIONS: usize = 8;

/// How often an endpoint and the bare handler are asked in turn, and for how long each time: what
/// else the machine does slows both.
const TURNS: usize = 7;
const TURN: Duration = Duration::from_millis(500);

pub(crate) fn measure(terminal: &Terminal, table: &mut Table) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let id = terminal.sell("the-one-that-is-read")?;
    let least = Bare::start(&json!({"ok": true}))?;
    let address = terminal.address()?;
    let mut rates = Vec::new();
    let mut rows = Vec::new();
    for (name, path) in [
        ("GET /v1/device/health", "/v1/device/health".to_owned()),
        ("GET /v1/transaction/{id}", format!("/v1/transaction/{id}")),
    ] {
        let same = Bare::start(&terminal.read(&path)?)?;
        let (mut to_least, mut to_same) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let least = requests_per_second(&runtime, least.address, "/")?;
            let same = requests_per_second(&runtime, same.address, "/")?;
            let rate = requests_per_second(&runtime, address, &path)?;
            rates.push(least);
            to_least.push(rate / least);
            to_same.push(rate / same);
        }
        rows.push((name, median(to_least), median(to_same)));
    }
    let rate = format!("{:.0} /s", median(rates));
    table.row("a bare axum handler of {\"ok\":true}", rate, "", None);
    for (name, to_least, to_same) in rows {
        let of_same = format!("{name}, against one of the same document");
        for (what, ratio) in [
            (format!("{name}, against it"), to_least),
            (of_same, to_same),
        ] {
            let reached = Some(ratio >= 0.5);
            table.row(&what, format!("{ratio:.2} x"), ">= 0.5 x", reached);
        }
    }
    Ok(())
}

fn requests_per_second(runtime: &Runtime, address: SocketAddr, path: &str) -> Result<f64> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: terminal\r\nX-Api-Key: {API_KEY}\r\n\r\n");
    let answered = runtime.block_on(async {
        let asking: Vec<_> = (0..CONNECTIONS)
            .map(|_| tokio::spawn(ask_for_a_while(address, request.clone())))
            .collect();
        let mut answered = 0_u32;
        for connection in asking {
            answered = answered.saturating_add(connection.await??);
        }
        anyhow::Ok(answered)
    })?;
    Ok(f64::from(answered) / TURN.as_secs_f64())
}

/// Asks over one connection until the time is over, and returns how often it was answered with 200.
async fn ask_for_a_while(address: SocketAddr, request: String) -> Result<u32> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut answered = 0_u32;
    let mut buffer = vec![0; 16_384];
    let start = Instant::now();
    while start.elapsed() < TURN {
        stream.write_all(request.as_bytes()).await?;
        // Answers are small; each comes in one piece or in two, head and body.
        let mut length = 0;
        while !is_whole(buffer.get(..length).unwrap_or_default()) {
            let read = stream
                .read(buffer.get_mut(length..).unwrap_or_default())
                .await?;
            ensure!(read > 0, "the connection was closed");
            length = length.saturating_add(read);
        }
        ensure!(buffer.starts_with(b"HTTP/1.1 200"), "an answer was no 200");
        answered = answered.saturating_add(1);
    }
    Ok(answered)
}

/// Whether an answer has come to its end: the head, and as many bytes as it announces.
fn is_whole(answer: &[u8]) -> bool {
    // Little work: the client takes its time from the same processors.
    const END: &[u8] = b"\r\n\r\n";
    let Some(head) = answer.windows(END.len()).position(|four| four == END) else {
        return false;
    };
    let text = std::str::from_utf8(answer.get(..head).unwrap_or_default()).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.trim().parse::<usize>().ok())
        .is_some_and(|length| answer.len() >= head.saturating_add(END.len()).saturating_add(length))
}
