//! The terminal as a process: start, memory, and what a sale costs.

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

use crate::{
    reads, sessions,
    table::{Table, median},
};

pub(crate) const API_KEY: &str = "sk_test_benchmark_0123456789abcdef";

/// Sales through the API.
const SALES: usize = 200;

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
    reads::measure(&terminal, table)
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

    /// What it answers at a path.
    pub(crate) fn read(&self, path: &str) -> Result<Value> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let mut answer = request.header("X-Api-Key", API_KEY).call()?;
        Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn address(&self) -> Result<SocketAddr> {
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
