//! A bare axum handler in a process of its own, as the terminal is: what it costs to cross a process is
//! in both figures.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};
use axum::{Json, Router, routing::get};
use serde_json::Value;
use tokio::net::TcpListener;

/// What makes this program serve instead of measure.
pub(crate) const ARGUMENT: &str = "--serve-bare";

/// Answers a document until it is killed, with as many threads as the terminal.
pub(crate) fn serve(document: &str) -> Result<()> {
    // As long as the process.
    let document: &Value = Box::leak(Box::new(serde_json::from_str(document)?));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut stdout = std::io::stdout();
        writeln!(stdout, "{}", listener.local_addr()?)?;
        stdout.flush()?;
        let router = Router::new().route("/", get(move || async move { Json(document) }));
        Ok(axum::serve(listener, router).await?)
    })
}

/// The process. Dropping it ends it.
pub(crate) struct Bare {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Bare {
    /// Starts one that answers this document.
    pub(crate) fn start(document: &Value) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([ARGUMENT, &document.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the bare handler")?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().parse().context("no address")?;
        Ok(Self { child, address })
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
