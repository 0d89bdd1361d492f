//! The terminal as a device: how it is, what it shows, asks and prints.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::{
    call::{Call, new_key},
    moment,
    outcome::{minor, text},
    reading::{self, print, print_json, shown},
    table::{block, printable},
    terminal_options::TerminalOptions,
    transaction::api_name,
};

/// The exit code of a question that was not answered.
const NOT_ANSWERED: u8 = 4;

/// Show how the terminal is
#[derive(Debug, clap::Args)]
pub(crate) struct Health {
    #[command(flatten)]
    terminal: TerminalOptions,
}

impl Health {
    pub(super) fn run(&self) -> Result<ExitCode> {
        reading::show(&self.terminal, &Call::to("getDeviceHealth")?, health)
    }
}

fn health(body: &Value) -> String {
    let member = |name| shown(body, name);
    let ready = match body.get("connected") {
        Some(Value::Bool(true)) => "yes",
        _ => "no: no transaction could run now",
    };
    let last = text(body, "lastTransactionTime").map(moment::shown);
    let battery = member("batteryLevel").map(|level| format!("{level} %"));
    block([
        ("ready", Some(ready.to_owned())),
        ("terminal", member("terminalId")),
        ("serial number", member("serialNumber")),
        ("host", member("firmwareVersion")),
        ("engine", member("engine")),
        ("engine digest", member("engineDigest")),
        ("battery", battery.or_else(|| Some("on mains".to_owned()))),
        ("last transaction", last.or_else(|| Some("none".to_owned()))),
        ("up for", minor(body, "uptime").map(duration)),
        ("awaiting acquirer", member("awaitingAcquirer")),
        ("damaged entries", member("damagedEntries")),
    ])
}

/// Seconds as people read them.
fn duration(seconds: i64) -> String {
    let part = |length: i64| seconds.checked_div(length).unwrap_or_default();
    let (days, hours, minutes) = (part(86400), part(3600) % 24, part(60) % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// How lines of text stand.
#[derive(Debug, clap::Args)]
struct Lines {
    /// The lines, each as one argument
    #[arg(value_name = "LINE", required = true)]
    texts: Vec<String>,

    /// Where they stand: left, center or right
    #[arg(long, value_name = "SIDE", value_parser = api_name)]
    align: Option<String>,

    /// How large they are: small, medium or large
    #[arg(long, value_name = "SIZE", value_parser = api_name)]
    size: Option<String>,

    /// Bold
    #[arg(long)]
    bold: bool,
}

impl Lines {
    fn body(&self) -> Value {
        let line = |text: &String| {
            let mut line = Map::from_iter([("text".to_owned(), Value::from(text.as_str()))]);
            for (name, value) in [("alignment", &self.align), ("fontSize", &self.size)] {
                if let Some(value) = value {
                    line.insert(name.to_owned(), value.as_str().into());
                }
            }
            if self.bold {
                line.insert("bold".to_owned(), true.into());
            }
            Value::Object(line)
        };
        self.texts.iter().map(line).collect()
    }
}

/// Show a text to the cardholder
///
///     tenon display "Welcome" "Aisle 3: coffee" --align center
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Display {
    #[command(flatten)]
    lines: Lines,

    /// Take it away after so many milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    duration: u64,

    /// Leave the lines above that are there already
    #[arg(long)]
    keep_previous: bool,

    #[command(flatten)]
    terminal: TerminalOptions,
}

impl Display {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let body = json!({
            "lines": self.lines.body(), "duration": self.duration,
            "clearPrevious": !self.keep_previous,
        });
        done(&self.terminal, "displayOnTerminal", body, "shown")
    }
}

/// Print a text on the terminal's paper
///
///     tenon print "Table 5" "Thank you!" --size large
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Print {
    #[command(flatten)]
    lines: Lines,

    /// Do not cut the paper after it
    #[arg(long)]
    no_cut: bool,

    #[command(flatten)]
    terminal: TerminalOptions,
}

impl Print {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let body = json!({"lines": self.lines.body(), "cutPaper": !self.no_cut});
        done(&self.terminal, "printOnTerminal", body, "printed")
    }
}

fn done(options: &TerminalOptions, operation: &str, body: Value, what: &str) -> Result<ExitCode> {
    let call = Call::to(operation)?.once(body, new_key());
    reading::show(options, &call, |_| format!("{what}\n"))
}

/// Ask the cardholder, and print the answer
///
///     tenon input "Your e-mail for the receipt?" --type email
///     tenon input "Size?" --type selection --option S --option M --option L
///
/// Exit codes: 0 answered, 1 the command failed, 4 cancelled or nobody answered,
/// 5 refused.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Input {
    /// What is asked. Never about a PIN or a card
    prompt: String,

    /// The answer's form: text, numeric, email, phone, selection, yes-no or
    /// rating
    #[arg(long = "type", value_name = "TYPE", default_value = "text")]
    #[arg(value_parser = api_name, verbatim_doc_comment)]
    kind: String,

    /// What can be chosen; may be repeated
    #[arg(long = "option", value_name = "TEXT")]
    options: Vec<String>,

    /// The fewest characters of the answer
    #[arg(long, value_name = "COUNT")]
    min_length: Option<u32>,

    /// The most characters of the answer
    #[arg(long, value_name = "COUNT")]
    max_length: Option<u32>,

    /// How long the answer is waited for, in milliseconds
    #[arg(long, value_name = "MS")]
    timeout: Option<u32>,

    #[command(flatten)]
    terminal: TerminalOptions,
}

impl Input {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let call = Call::to("requestInput")?.once(self.body(), new_key());
        let answer = self.terminal.terminal()?.call(&call)?;
        if !reading::is_success(&answer) {
            return reading::refused(&self.terminal, &answer);
        }
        if self.terminal.json {
            print_json(&answer)?;
        }
        let value = text(&answer.body, "value");
        if !self.terminal.json {
            let timed_out = answer.body.get("timedOut") == Some(&Value::Bool(true));
            let said = value.unwrap_or(if timed_out {
                "TIMED_OUT  nobody answered"
            } else {
                "CANCELLED  by the cardholder, or by a transaction"
            });
            print(&format!("{}\n", printable(said)))?;
        }
        Ok(match value {
            Some(_) => ExitCode::SUCCESS,
            None => ExitCode::from(NOT_ANSWERED),
        })
    }

    fn body(&self) -> Value {
        let mut body = json!({"prompt": self.prompt, "inputType": self.kind});
        if let Some(members) = body.as_object_mut() {
            if !self.options.is_empty() {
                members.insert("options".into(), json!(self.options));
            }
            for (name, number) in [
                ("minLength", self.min_length),
                ("maxLength", self.max_length),
                ("timeoutMs", self.timeout),
            ] {
                if let Some(number) = number {
                    members.insert(name.into(), number.into());
                }
            }
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_two_parts_at_most() {
        let cases = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3660, "1 h 1 min"),
            (90_000, "1 d 1 h"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(duration(seconds), expected);
        }
    }

    #[test]
    fn lines_say_only_what_was_asked() {
        let mut lines = Lines {
            texts: vec!["a".into(), "b".into()],
            align: None,
            size: None,
            bold: false,
        };
        assert_eq!(lines.body(), json!([{"text": "a"}, {"text": "b"}]));
        lines.align = Some("CENTER".into());
        lines.bold = true;
        lines.texts.pop();
        assert_eq!(
            lines.body(),
            json!([{"text": "a", "alignment": "CENTER", "bold": true}])
        );
    }

    #[test]
    fn a_terminal_that_is_not_ready_says_so() {
        let said = health(&json!({"connected": false, "terminalId": "T", "uptime": 61}));
        assert!(said.starts_with("ready             no:"), "{said}");
        assert!(said.contains("up for            1 min\n"), "{said}");
    }
}
