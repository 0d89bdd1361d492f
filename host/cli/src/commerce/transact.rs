//! One transaction from the request to its end, with its progress on stderr.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use tokio::{sync::mpsc, task, time};

use super::{
    call::{Answer, Call, new_key},
    outcome::{self, UNKNOWN, exit_code, last_line, next_step, text},
    reading,
    session::describe,
    table::printable,
    terminal::{NoAnswer, Terminal},
    terminal_options::TerminalOptions,
    wanted::Wanted,
};
use crate::card_argument::CardArgument;

/// How long a session may take to open before the transaction starts without it.
const SESSION_TIMEOUT: Duration = Duration::from_secs(3);

/// Asks for a transaction, and prints how it ended.
pub(super) fn ask(wanted: Wanted<'_>) -> Result<ExitCode> {
    let options = &wanted.common.terminal;
    let terminal = options.terminal()?;
    let mut body = wanted.body;
    if let Some(id) = wanted.original
        && !(body.contains_key("amount") && body.contains_key("currency"))
    {
        let original = terminal.call(&Call::to("getTransaction")?.of(id)?)?;
        if original.status != 200 {
            return reading::refused(options, &original);
        }
        take_over(&original.body, &mut body);
    }
    if let Some(card) = wanted.card
        && let Some(name) = &card.card
    {
        terminal
            .present(&CardArgument::read(name)?, card.swipe)
            .with_context(|| format!("presenting {name}"))?;
    }
    let key = wanted.common.idempotency_key.clone();
    let call = Call::to(wanted.operation)?;
    finish(options, terminal, call, body.into(), key)
}

/// Takes what is missing from the earlier transaction, as it was approved: the same whenever it is
/// asked, so that a repetition with the same key is the same request.
fn take_over(original: &Value, body: &mut Map<String, Value>) {
    if !body.contains_key("amount") {
        body.insert("amount".into(), outcome::total(original).into());
    }
    if let Some(currency) = text(original, "currency") {
        body.entry("currency").or_insert_with(|| currency.into());
    }
}

/// Makes a call that ends a transaction, and prints how it ended.
pub(super) fn finish(
    options: &TerminalOptions,
    terminal: Terminal,
    call: Call,
    body: Value,
    key: Option<String>,
) -> Result<ExitCode> {
    let key = key.unwrap_or_else(|| {
        let key = new_key();
        // Before anything is sent: who ends this command can still ask with the same key.
        say(&format!("  --idempotency-key {key}"));
        key
    });
    let call = call.once(body, key.as_str());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let answer = match runtime.block_on(with_progress(terminal, call))? {
        Ok(answer) => answer,
        Err(error @ NoAnswer::Lost(_)) => return lost(options, &error, &key),
        Err(error) => return Err(error.into()),
    };
    let mut out = io::stdout().lock();
    if options.json {
        writeln!(out, "{}", answer.text.trim_end())?;
    } else {
        write!(out, "{}", super::transaction::chip_data(&answer.body))?;
        writeln!(out, "{}", last_line(&answer))?;
    }
    if let Some(step) = next_step(&answer) {
        say(&format!("  {step}"));
    }
    Ok(exit_code(&answer))
}

/// Nobody knows what became of it.
pub(super) fn lost(options: &TerminalOptions, error: &NoAnswer, key: &str) -> Result<ExitCode> {
    say(&format!("tenon: {error}"));
    say("  it may have been done; the same command with this key does nothing twice");
    if options.json {
        let unknown = json!({"status": "UNKNOWN", "idempotencyKey": key});
        writeln!(io::stdout(), "{unknown}")?;
    } else {
        writeln!(
            io::stdout(),
            "UNKNOWN  ask again with --idempotency-key {key}"
        )?;
    }
    Ok(ExitCode::from(UNKNOWN))
}

/// Says a line on stderr. Whether somebody reads it changes nothing.
pub(super) fn say(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}

async fn with_progress(terminal: Terminal, call: Call) -> Result<Result<Answer, NoAnswer>> {
    let (sender, mut events) = mpsc::channel(16);
    let watching = {
        let terminal = terminal.clone();
        tokio::spawn(async move {
            if let Err(error) = terminal.watch(sender).await {
                tracing::info!(%error, "no progress is shown");
            }
        })
    };
    // The first event says that the session is open; without a session the channel closes.
    drop(time::timeout(SESSION_TIMEOUT, events.recv()).await);
    let mut asking = task::spawn_blocking(move || terminal.call(&call));
    let answer = loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => {
                if let Some(line) = describe(&event) {
                    say(&format!("  {}", printable(&line)));
                }
            }
            answer = &mut asking => break answer,
        }
    };
    watching.abort();
    Ok(answer?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_is_the_whole_of_the_earlier_transaction() {
        let original = json!({
            "amount": 2500, "tipAmount": 250, "currency": "AUD", "refundedAmount": 100,
        });
        let taken = |mut body: Value| {
            take_over(&original, body.as_object_mut().expect("an object"));
            body
        };
        assert_eq!(taken(json!({})), json!({"amount": 2750, "currency": "AUD"}));
        assert_eq!(
            taken(json!({"amount": 5})),
            json!({"amount": 5, "currency": "AUD"})
        );
        assert_eq!(
            taken(json!({"currency": "NZD"})),
            json!({"amount": 2750, "currency": "NZD"})
        );
    }
}
