//! `tenon demo`: one sale from beginning to end, told as it happens.

use std::{
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use emulator::Shown;
use serde_json::{Value, json};
use terminal_host::{
    observer::NoObserver,
    service::{Event, Progress},
    trace::TraceEvent,
};
use tokio::{
    sync::{broadcast, mpsc},
    task, time,
};

use crate::{
    api_key,
    commerce::{self, Call, Terminal},
    emulated_terminal::{self, EmulatedTerminal},
    explain, paragraph,
    web_options::WebOptions,
};

/// The card of the demonstration.
const CARD: &str = "visa-credit";

/// How long the session may lag behind the terminal.
const SESSION_LAG_MAX: Duration = Duration::from_secs(5);

/// How long the whole sale may take.
const SALE_TIMEOUT: Duration = Duration::from_mins(1);

/// Boot a terminal, sell for NZD 25.00, and explain each step
///
/// The card, the keypad, the printer and the acquirer are software; the kernel,
/// the messages, the keys and the cryptograms are real. Nothing is left behind.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The engine; its signature lies beside it [default: as built]
    #[arg(long, value_name = "FILE", env = "TENON_ENGINE")]
    engine: Option<PathBuf>,
}

/// Runs the demonstration. Fails when the sale is not approved.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let data = tempfile::tempdir().context("no temporary folder")?;
    let api_key = api_key::new()?;
    let options = emulated_terminal::Options {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        data: data.path().to_owned(),
        api_key: Some(api_key.clone()),
        card: Some(CARD.into()),
        engine: arguments.engine,
        parameters: None,
        acquirer: None,
        observer: Arc::new(NoObserver),
        recordings: None,
        web: WebOptions::default(),
    };
    emulated_terminal::runtime()?.block_on(async {
        let terminal = EmulatedTerminal::boot(options).await?;
        let told = time::timeout(SALE_TIMEOUT, tell(&terminal, api_key)).await;
        terminal.stop().await;
        let approved = told.context("the sale does not end")??;
        Ok(if approved {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
}

/// Sells, and prints what happens. Returns whether the sale was approved.
async fn tell(terminal: &EmulatedTerminal, api_key: String) -> Result<bool> {
    let mut out = io::stdout();
    let health = terminal.service().health().await;
    say(
        &mut out,
        "terminal",
        &format!("{} serves at {}", health.terminal_id, terminal.url()),
    )?;
    say(
        &mut out,
        "engine",
        &format!("{}, sha256 {}", health.engine, health.engine_digest),
    )?;
    say(
        &mut out,
        "card",
        &format!("{CARD} is presented to whatever asks for a card"),
    )?;

    let client = Terminal::new(terminal.url(), &api_key, None);
    let mut session = open_session(&client).await?;
    let mut events = terminal.service().events();
    let mut shown = terminal.shown();
    let request =
        json!({"type": "SALE", "amount": 2500, "currency": "NZD", "entryMode": "CONTACT"});
    say(
        &mut out,
        "sale",
        &format!("POST /v1/transaction/sale {request}"),
    )?;
    let selling = {
        let key = format!("demo-{}", ulid::Ulid::new());
        let call = Call::to("createSale")?.once(request, key);
        task::spawn_blocking(move || client.call(&call))
    };
    let (mut receipts, mut trace_so_far) = (Vec::new(), Vec::new());
    loop {
        let event = events
            .recv()
            .await
            .context("the terminal's events were lost")?;
        drain(&mut out, &mut shown, &mut receipts)?;
        if let Progress::Trace(trace) = &event.what {
            trace_so_far.push(explain::decision(trace.clone()));
        }
        let ended = if let Progress::Ended(record) = &event.what {
            Some(record.outcome.clone())
        } else {
            None
        };
        tell_event(&mut out, event, &mut session).await?;
        if let Some(outcome) = ended {
            let (ending, verdict) = explain::ending(outcome.as_ref());
            let explained = ::decode::explain("", &ending, verdict, &trace_so_far);
            say(&mut out, "why", &explained.value.unwrap_or_default())?;
            break;
        }
    }
    let answer = selling.await??;
    drain(&mut out, &mut shown, &mut receipts)?;
    writeln!(out, "\nThe receipt:\n")?;
    for line in receipts.iter().flat_map(|receipt| receipt.lines()) {
        writeln!(out, "    {line}")?;
    }
    writeln!(out, "\n{}", commerce::last_line(&answer))?;
    Ok(answer.body.get("status").and_then(Value::as_str) == Some("APPROVED"))
}

/// Opens a session and waits until it sees everything.
async fn open_session(client: &Terminal) -> Result<mpsc::Receiver<Value>> {
    let (sender, mut session) = mpsc::channel(64);
    let client = client.clone();
    tokio::spawn(async move {
        if let Err(error) = client.watch(sender).await {
            tracing::debug!(%error, "the session ended");
        }
    });
    if session.recv().await.is_none() {
        bail!("the session could not be opened");
    }
    Ok(session)
}

/// Tells one event of the terminal. What a point of sale sees is taken from the session, so that
/// it is shown as it arrived there.
async fn tell_event(
    out: &mut impl Write,
    event: Event,
    session: &mut mpsc::Receiver<Value>,
) -> Result<()> {
    if let Progress::Trace(trace) = event.what {
        return Ok(say(out, "kernel", &in_words(&trace))?);
    }
    let seen = time::timeout(SESSION_LAG_MAX, session.recv()).await;
    let seen = seen
        .ok()
        .flatten()
        .context("the session shows less than the terminal does")?;
    let name = seen
        .get("event")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let words = match commerce::describe(&seen) {
        Some(words) => format!("{name}: {words}"),
        None => name.to_owned(),
    };
    Ok(say(out, "session", &words)?)
}

/// Tells what was shown since the last time, and keeps what was printed.
fn drain(
    out: &mut impl Write,
    shown: &mut broadcast::Receiver<Shown>,
    receipts: &mut Vec<String>,
) -> Result<()> {
    loop {
        match shown.try_recv() {
            Ok(Shown::Screen(text)) => say(out, "screen", &text.replace('\n', " / "))?,
            Ok(Shown::Paper(receipt)) => receipts.push(receipt),
            Err(broadcast::error::TryRecvError::Lagged(_)) => {}
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => {
                return Ok(());
            }
        }
    }
}

/// One decision of the kernel in words, with the section of the standard that asks for it.
fn in_words(trace: &TraceEvent) -> String {
    let words = trace
        .elements
        .iter()
        .fold(trace.statement.clone(), |words, (tag, value)| {
            words + &format!(" {tag}={value}")
        });
    if trace.section.is_empty() {
        format!("{words} [{}]", trace.finding)
    } else {
        format!("{words} [{}; {}]", trace.finding, trace.section)
    }
}

fn say(out: &mut impl Write, who: &str, what: &str) -> io::Result<()> {
    out.write_all(paragraph::labelled(who, what).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_names_its_elements_and_its_section() {
        let trace = TraceEvent {
            step: "processing-restrictions",
            rule: "PR-04".into(),
            section: "EMV 4.4 Book 3, 10.4.3".into(),
            finding: "failed",
            statement: "The application has expired.".into(),
            elements: vec![("5F24".into(), "201231".into())],
        };
        assert_eq!(
            in_words(&trace),
            "The application has expired. 5F24=201231 [failed; EMV 4.4 Book 3, 10.4.3]"
        );
    }
}
