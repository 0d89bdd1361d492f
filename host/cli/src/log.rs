//! Logging to stderr.

use std::io::{self, IsTerminal};

use anyhow::{Context, Result};
use tracing_subscriber::{EnvFilter, util::SubscriberInitExt};

/// Starts logging what `filter` lets through, as JSON when a machine is to read it. Stdout stays
/// free for what a command prints.
pub(crate) fn start(filter: &str, as_json: bool) -> Result<()> {
    let filter = EnvFilter::builder()
        .parse(filter)
        .with_context(|| format!("--log {filter:?} is not a filter"))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(!as_json && io::stderr().is_terminal());
    let started = if as_json {
        lines.json().flatten_event(true).finish().try_init()
    } else {
        lines.finish().try_init()
    };
    started.context("logging could not be started")
}
