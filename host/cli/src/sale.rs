//! `tenon sale`: one sale at a running terminal.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::{sync::mpsc, task, time};

use crate::{
    card_argument::CardArgument,
    money,
    point_of_sale::{self, Answer, NoAnswer, Terminal},
};

/// How long a session may take to open before the sale starts without it.
const SESSION_TIMEOUT: Duration = Duration::from_secs(3);

/// The exit code when nobody knows yet whether money moved.
const UNKNOWN: u8 = 6;

/// Sell at a running terminal, and show how it goes
///
///     tenon sale --amount 2500 --currency NZD --api-key KEY
///
/// Progress goes to stderr. The last line, on stdout, begins with the status.
///
/// Exit codes:
///   0  approved
///   1  the command failed; see stderr
///   2  the command line is wrong
///   3  declined
///   4  cancelled, or reversed: nothing was charged
///   5  refused or failed: nothing was charged
///   6  unknown: money may have moved; ask for the transaction again
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// In minor units: 2500 is NZD 25.00
    #[arg(long, value_name = "MINOR", value_parser = minor_units)]
    amount: u64,

    /// ISO 4217 code
    #[arg(long, value_name = "CODE", default_value = "NZD")]
    currency: String,

    /// Tip in minor units, on top of the amount
    #[arg(long, value_name = "MINOR", default_value_t = 0, value_parser = minor_units)]
    tip: u64,

    /// Your own reference, at most 64 characters
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,

    /// Present this card at the emulator first: a name that `tenon cards`
    /// lists, or a file of your own (docs/virtual-cards.md)
    #[arg(long, value_name = "NAME|FILE", verbatim_doc_comment)]
    card: Option<String>,

    /// Swipe it instead of inserting it
    #[arg(long, requires = "card")]
    swipe: bool,

    /// Where the terminal is
    #[arg(long, env = "TENON_URL", default_value = "http://127.0.0.1:8443")]
    url: String,

    /// The terminal's key
    #[arg(
        long,
        env = "TENON_API_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    api_key: String,

    /// The same key never charges twice [default: a new one]
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,

    /// Print the terminal's answer as JSON instead
    #[arg(long)]
    json: bool,
}

/// Runs the sale.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let terminal = Terminal::at(&arguments.url, &arguments.api_key)?;
    if let Some(card) = &arguments.card {
        terminal
            .present(&CardArgument::read(card)?, arguments.swipe)
            .with_context(|| format!("presenting {card}"))?;
    }
    let key = arguments
        .idempotency_key
        .clone()
        .unwrap_or_else(|| format!("tenon-{}", ulid::Ulid::new()));
    let request = request(arguments);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let answer = match runtime.block_on(sell(terminal, request, key.clone()))? {
        Ok(answer) => answer,
        Err(error @ (NoAnswer::NotReached { .. } | NoAnswer::Tls { .. })) => {
            return Err(error.into());
        }
        Err(error @ NoAnswer::Lost(_)) => {
            writeln!(io::stderr(), "tenon: {error}")?;
            writeln!(
                io::stdout(),
                "UNKNOWN  ask again with --idempotency-key {key}"
            )?;
            return Ok(ExitCode::from(UNKNOWN));
        }
    };
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{:#}", answer.body)?;
    } else {
        writeln!(out, "{}", last_line(&answer))?;
    }
    Ok(exit_code(&answer))
}

fn request(arguments: &Arguments) -> Value {
    let mut request = json!({
        "type": "SALE",
        "amount": arguments.amount,
        "currency": arguments.currency,
    });
    if let Some(fields) = request.as_object_mut() {
        if arguments.tip > 0 {
            fields.insert("tipAmount".into(), arguments.tip.into());
        }
        if let Some(reference) = &arguments.reference {
            fields.insert("referenceId".into(), reference.as_str().into());
        }
    }
    request
}

async fn sell(terminal: Terminal, request: Value, key: String) -> Result<Result<Answer, NoAnswer>> {
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
    let mut selling = task::spawn_blocking(move || terminal.sale(&request, &key));
    let answer = loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => {
                if let Some(line) = point_of_sale::describe(&event) {
                    writeln!(io::stderr(), "  {line}")?;
                }
            }
            answer = &mut selling => break answer,
        }
    };
    watching.abort();
    Ok(answer?)
}

/// What is true now, in one line.
pub(crate) fn last_line(answer: &Answer) -> String {
    let text = |member: &str| answer.body.get(member).and_then(Value::as_str);
    if let Some(error) = text("error") {
        let id = answer
            .body
            .pointer("/details/transactionId")
            .and_then(Value::as_str);
        let id = id.map(|id| format!("  {id}")).unwrap_or_default();
        return format!("{error}  {}{id}", text("message").unwrap_or_default());
    }
    let amount = answer
        .body
        .get("amount")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let tip = answer
        .body
        .get("tipAmount")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let total = amount.saturating_add(tip);
    let mut line = vec![
        text("status").unwrap_or("UNKNOWN").to_owned(),
        money::display(total, text("currency").unwrap_or_default()),
    ];
    let card = [text("cardScheme"), text("maskedPan")]
        .into_iter()
        .flatten();
    line.extend(card.map(str::to_owned));
    line.extend(text("authorizationCode").map(|code| format!("authorization {code}")));
    if text("status") == Some("DECLINED") {
        line.extend(text("responseCode").map(|code| format!("response {code}")));
    }
    line.extend(text("transactionId").map(str::to_owned));
    line.join("  ")
}

fn exit_code(answer: &Answer) -> ExitCode {
    let text = |member: &str| answer.body.get(member).and_then(Value::as_str);
    ExitCode::from(match (answer.status, text("status"), text("error")) {
        (200, Some("APPROVED"), None) => 0,
        (200, Some("DECLINED"), None) => 3,
        (200, Some("CANCELLED" | "REVERSED"), None) => 4,
        // A timeout leaves a reversal on its way; anything that is no answer of a terminal may
        // have come from something in between.
        (504, ..) | (_, _, None) => UNKNOWN,
        (_, _, Some(_)) => 5,
    })
}

/// An amount as the API takes it.
fn minor_units(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no amount in minor units; write 2500 for 25.00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_in_major_units_is_refused_with_what_to_write() {
        assert_eq!(minor_units("2500"), Ok(2500));
        for wrong in ["25.00", "-5", "", "NZD 25"] {
            let refused = minor_units(wrong).expect_err("no amount");
            assert!(refused.contains("2500 for 25.00"), "{refused}");
        }
    }

    fn answer(status: u16, body: Value) -> Answer {
        Answer { status, body }
    }

    #[test]
    fn the_last_line_begins_with_the_status() {
        let approved = json!({
            "status": "APPROVED", "amount": 2500, "tipAmount": 250, "currency": "NZD",
            "cardScheme": "VISA", "maskedPan": "****1234", "authorizationCode": "A12345",
            "responseCode": "00", "transactionId": "txn_1",
        });
        let declined = json!({
            "status": "DECLINED", "amount": 2551, "currency": "NZD", "responseCode": "51",
            "transactionId": "txn_2",
        });
        let refused = json!({
            "error": "TIMEOUT", "message": "No valid answer came.",
            "details": {"transactionId": "txn_3"},
        });
        let cases = [
            (
                200,
                approved,
                "APPROVED  NZD 27.50  VISA  ****1234  authorization A12345  txn_1",
            ),
            (200, declined, "DECLINED  NZD 25.51  response 51  txn_2"),
            (504, refused, "TIMEOUT  No valid answer came.  txn_3"),
        ];
        for (status, body, expected) in cases {
            assert_eq!(last_line(&answer(status, body)), expected);
        }
    }

    #[test]
    fn exit_codes_tell_whether_money_moved() {
        let cases = [
            (200, json!({"status": "APPROVED"}), 0),
            (200, json!({"status": "DECLINED"}), 3),
            (200, json!({"status": "CANCELLED"}), 4),
            (200, json!({"status": "REVERSED"}), 4),
            (400, json!({"error": "INVALID_AMOUNT"}), 5),
            (503, json!({"error": "CARD_READ_ERROR"}), 5),
            (504, json!({"error": "TIMEOUT"}), 6),
            (200, json!({"status": "ERROR"}), 6),
            (502, json!("<html>"), 6),
        ];
        for (status, body, code) in cases {
            assert_eq!(
                exit_code(&answer(status, body.clone())),
                ExitCode::from(code),
                "{body}"
            );
        }
    }
}
