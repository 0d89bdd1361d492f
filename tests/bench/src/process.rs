//! The terminal as a process: start, memory, what a sale costs, and its read endpoints.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
};

use crate::{
    bare::Bare,
    sessions,
    table::{Table, median},
};

pub(crate) const API_KEY: &str = "sk_test_benchmark_0123456789abcdef";

/// Sales through the API.
const SALES: usize = 200;

/// Connections that ask an endpoint at the same time, and for how long.
const CONNECTIONS: usize = 8;
const ASKING: Duration = Duration::from_secs(3);

pub(crate) fn measure(tenon: &Path, engine: &Path, table: &mut Table) -> Result<()> {
    let data = tempfile::tempdir()?;
    let cold = started(tenon, engine, data.path())?.1;
    table.row(
        "start to ready, compiling",
        format!("{cold:.0} ms"),
        "",
        None,
    );
    let mut warm = Vec::new();
    for _ in 0..5 {
        warm.push(started(tenon, engine, data.path())?.1);
    }
    let warm = median(warm);
    let reached = Some(warm <= 100.0);
    table.row(
        "start to ready, native code cached",
        format!("{warm:.0} ms"),
        "<= 100 ms",
        reached,
    );
    let (terminal, _) = started(tenon, engine, data.path())?;
    let idle = terminal.resident_mb()?;
    table.row(
        "resident memory, idle",
        format!("{idle:.0} MB"),
        "<= 32 MB",
        Some(idle <= 32.0),
    );
    sales(&terminal, table)?;
    sessions::measure(&terminal, table)?;
    reads(&terminal, table)
}

/// CPU time of a sale and memory while sales run. Card, acquirer and API are in the same process.
fn sales(terminal: &Terminal, table: &mut Table) -> Result<()> {
    for sale in 0..20 {
        terminal.sell(&format!("warm-up-{sale}"))?;
    }
    let (start, cpu) = (Instant::now(), terminal.cpu_ms()?);
    let mut peak = 0.0_f64;
    for sale in 0..SALES {
        terminal.sell(&format!("sale-{sale}"))?;
        peak = peak.max(terminal.resident_mb()?);
    }
    let sales = f64::from(u32::try_from(SALES)?);
    let each = (terminal.cpu_ms()? - cpu) / sales;
    let wall = start.elapsed().as_secs_f64() * 1e3 / sales;
    let what = "CPU of a sale, API to printed receipt, card and acquirer included";
    table.row(what, format!("{each:.1} ms"), "<= 5 ms", Some(each <= 5.0));
    table.row(
        "the same on the clock, every commit durable",
        format!("{wall:.1} ms"),
        "",
        None,
    );
    let rate = 1e3 / wall;
    table.row(
        "sales through the whole stack, one after the other",
        format!("{rate:.0} /s"),
        "",
        None,
    );
    let reached = Some(peak <= 48.0);
    table.row(
        "resident memory, during sales",
        format!("{peak:.0} MB"),
        "<= 48 MB",
        reached,
    );
    Ok(())
}

/// Read endpoints against a handler that does nothing, asked in the same way in the same run.
fn reads(terminal: &Terminal, table: &mut Table) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let id = terminal.sell("the-one-that-is-read")?;
    let bare = {
        let bare = Bare::start()?;
        requests_per_second(&runtime, bare.address, "/")?
    };
    table.row("a bare axum handler", format!("{bare:.0} /s"), "", None);
    let address = terminal.address()?;
    for path in [
        "/v1/device/health".to_owned(),
        format!("/v1/transaction/{id}"),
    ] {
        let rate = requests_per_second(&runtime, address, &path)?;
        let ratio = rate / bare;
        let name = path
            .rsplit_once('/')
            .map_or(path.as_str(), |(front, _)| front);
        table.row(
            &format!("GET {name}/..., against it"),
            format!("{ratio:.2} x"),
            ">= 0.5 x",
            Some(ratio >= 0.5),
        );
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
    Ok(f64::from(answered) / ASKING.as_secs_f64())
}

/// Asks over one connection until the time is over, and returns how often it was answered with 200.
async fn ask_for_a_while(address: SocketAddr, request: String) -> Result<u32> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut answered = 0_u32;
    let mut buffer = vec![0; 16_384];
    let start = Instant::now();
    while start.elapsed() < ASKING {
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

/// A running terminal. Dropping it ends it.
pub(crate) struct Terminal {
    child: Child,
    url: String,
    agent: ureq::Agent,
}

/// Starts a terminal, and says how many milliseconds it took until it served.
fn started(tenon: &Path, engine: &Path, data: &Path) -> Result<(Terminal, f64)> {
    let start = Instant::now();
    let mut child = Command::new(tenon)
        .args([
            "emulator",
            "--listen",
            "127.0.0.1:0",
            "--no-rate-limits",
            "--card",
            "visa-credit",
            // What a terminal in the field keeps.
            "--record",
            "trace",
        ])
        .args(["--api-key", API_KEY, "--log", "error"])
        .arg("--data")
        .arg(data)
        .arg("--engine")
        .arg(engine)
        .stdout(Stdio::piped())
        .spawn()
        .context("starting tenon")?;
    let mut line = String::new();
    let stdout = child.stdout.take().context("no standard output")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let took = start.elapsed().as_secs_f64() * 1e3;
    let ready: Value = serde_json::from_str(&line).context("the terminal did not start")?;
    let url = ready
        .get("url")
        .and_then(Value::as_str)
        .context("no URL")?
        .to_owned();
    let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_mins(1)));
    let agent = agent.build().into();
    Ok((Terminal { child, url, agent }, took))
}

impl Terminal {
    /// Sells for NZD 25.00 and returns the transaction's name.
    pub(crate) fn sell(&self, key: &str) -> Result<String> {
        let mut answer = self
            .agent
            .post(format!("{}/v1/transaction/sale", self.url))
            .header("X-Api-Key", API_KEY)
            .header("Idempotency-Key", key)
            .send_json(json!({"type": "SALE", "amount": 2500, "currency": "NZD"}))?;
        let body: Value = serde_json::from_str(&answer.body_mut().read_to_string()?)?;
        ensure!(
            body.get("status") == Some(&json!("APPROVED")),
            "not approved: {body}"
        );
        let id = body
            .get("transactionId")
            .and_then(Value::as_str)
            .context("no name")?;
        Ok(id.to_owned())
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn address(&self) -> Result<SocketAddr> {
        Ok(self.url.trim_start_matches("http://").parse()?)
    }

    fn resident_mb(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes: f64 = line
            .and_then(|line| line.split_whitespace().next())
            .context("no VmRSS")?
            .parse()?;
        Ok(kilobytes / 1024.0)
    }

    /// CPU time of all threads so far, those that have ended included.
    fn cpu_ms(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in parentheses may hold spaces; what follows it does not. User and system time
        // are the twelfth and thirteenth of those, in ticks of ten milliseconds.
        let (_, rest) = stat.rsplit_once(')').context("no stat")?;
        let mut fields = rest.split_whitespace().skip(11);
        let user: f64 = fields.next().context("no user time")?.parse()?;
        let system: f64 = fields.next().context("no system time")?.parse()?;
        Ok((user + system) * 10.0)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
