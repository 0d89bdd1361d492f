//! `docs/test-cards-and-amounts.md`, row by row: what it says to do is done, and what it says is answered
//! is what is answered.

use std::{thread, time::Duration};

use emulator::{CASES, Case, Step};
use serde_json::{Value, json};

use crate::terminal::{Options, Terminal};

/// The transactions of the API, by the ends of their paths.
const KINDS: [(&str, &str); 10] = [
    ("sale", "SALE"),
    ("refund", "REFUND"),
    ("void", "VOID"),
    ("pre-auth", "PRE_AUTH"),
    ("pre-auth/complete", "PRE_AUTH_COMPLETE"),
    ("card-read", "CARD_READ"),
    ("balance-inquiry", "BALANCE_INQUIRY"),
    ("initiate", "SALE"),
    ("complete", ""),
    ("reconciliation", ""),
];

/// What is under `/emulator`.
const CONTROLS: [&str; 5] = ["acquirer", "card", "input", "keypad", "paper"];

/// One case, as it is played.
struct Played<'case> {
    terminal: &'case Terminal,
    number: usize,
    /// The Idempotency-Key of every request from now on, when the case names one.
    key: Option<String>,
    requests: usize,
    /// The transaction that later requests refer to: the first one.
    original: Option<String>,
}

/// The path of a request, its body and its Idempotency-Key.
type Request = (String, Value, String);

impl Played<'_> {
    /// Does every step, and returns the last request's answer.
    fn play(&mut self, steps: &[Step]) -> (u16, Value) {
        let mut last = None;
        let mut steps = steps.iter().peekable();
        while let Some(step) = steps.next() {
            let Some(request) = self.request(&step.text) else {
                self.control(&step.text);
                continue;
            };
            let answer = if steps.peek().is_some_and(|next| next.meanwhile) {
                let next = steps.next().expect("it was seen");
                let (first, second) = self.together(&request, &next.text);
                second.unwrap_or(first)
            } else {
                send(self.terminal, &request)
            };
            self.original = self.original.take().or_else(|| id_of(&answer.1));
            last = Some(answer);
        }
        last.expect("a case has a request")
    }

    /// A request, and what is done while it runs: both answers, when the second is a request too.
    fn together(&mut self, first: &Request, step: &str) -> ((u16, Value), Option<(u16, Value)>) {
        let terminal = self.terminal;
        thread::scope(|scope| {
            let selling = scope.spawn(|| send(terminal, first));
            until(|| running(terminal).is_some() && waits_for_a_card(terminal));
            let second = self.request(step).map(|request| send(terminal, &request));
            if second.is_none() {
                self.control(step);
            }
            (selling.join().expect("no panic"), second)
        })
    }

    /// `25.00`, `refund 25.00`, `sale {"currency":"NZD"}` or `25.00 {"tipAmount":200}`.
    fn request(&mut self, text: &str) -> Option<Request> {
        let (text, more) = text.split_once(" {").map_or((text, None), |(text, more)| {
            (text, Some(format!("{{{more}")))
        });
        let (path, amount) = match text.split_once(' ') {
            Some((path, amount)) => (path, Some(minor(amount)?)),
            None => minor(text).map_or((text, None), |amount| ("sale", Some(amount))),
        };
        let (_, kind) = KINDS.iter().find(|(known, _)| *known == path)?;
        let mut body = json!({});
        if !kind.is_empty() {
            body["type"] = json!(kind);
        }
        if let Some(amount) = amount {
            body["amount"] = json!(amount);
            body["currency"] = json!("NZD");
        }
        match (path, &self.original) {
            ("refund" | "void" | "pre-auth/complete", Some(id)) => {
                body["originalTransactionId"] = json!(id);
            }
            ("complete", Some(id)) => body["transactionId"] = json!(id),
            _ => {}
        }
        let more: Value = more.map_or(json!({}), |more| serde_json::from_str(&more).expect(&more));
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        self.requests += 1;
        let own = format!("case-{}-{}", self.number, self.requests);
        let key = self.key.clone().unwrap_or(own);
        let chapter = if path == "reconciliation" {
            ""
        } else {
            "transaction/"
        };
        Some((format!("/v1/{chapter}{path}"), body, key))
    }

    /// A card's name, `key NAME`, `abort`, or a control with its body, or with DELETE.
    fn control(&mut self, text: &str) {
        let (name, body) = text.split_once(' ').unwrap_or((text, ""));
        let path = format!("/emulator/{name}");
        let done = match (name, body) {
            ("key", key) => return self.key = Some(format!("{key}-{}", self.number)),
            ("abort", "") => {
                let running = self.original.clone().or_else(|| running(self.terminal));
                let path = format!(
                    "/v1/transaction/{}/abort",
                    running.expect("something to abort")
                );
                self.terminal.post(&path, &json!({}), None)
            }
            (card, "") => {
                let card = json!({"card": card, "always": true});
                self.terminal.post("/emulator/card", &card, None)
            }
            (control, "DELETE") if CONTROLS.contains(&control) => self.terminal.delete(&path),
            (control, body) if CONTROLS.contains(&control) => {
                let body = serde_json::from_str(body).expect(body);
                self.terminal.post(&path, &body, None)
            }
            _ => panic!("{text}: nobody can do that"),
        };
        let (status, answer) = done.expect("an answer");
        assert!(status < 300, "{text}: {status} {answer}");
    }
}

fn send(terminal: &Terminal, (path, body, key): &Request) -> (u16, Value) {
    let key = (!path.ends_with("/complete") || path.contains("pre-auth")).then_some(key.as_str());
    terminal.post(path, body, key).expect("an answer")
}

/// The running transaction.
fn running(terminal: &Terminal) -> Option<String> {
    let path = "/v1/transactions?limit=1&status=PENDING_COMPLETION";
    let (_, page) = terminal.get(path).expect("an answer");
    id_of(&page["data"][0])
}

fn waits_for_a_card(terminal: &Terminal) -> bool {
    let (_, screen) = terminal.get("/emulator/screen").expect("an answer");
    let screen = screen.to_string();
    ["INSERT", "AGAIN"].iter().any(|word| screen.contains(word))
}

fn id_of(answer: &Value) -> Option<String> {
    let id = answer["transactionId"]
        .as_str()
        .or(answer["details"]["transactionId"].as_str());
    id.map(str::to_owned)
}

fn until(met: impl Fn() -> bool) {
    for _ in 0..500 {
        if met() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it never came");
}

/// `25.51` in minor units. `None` for what is no amount.
fn minor(text: &str) -> Option<i64> {
    let (major, minor) = text.split_once('.').unwrap_or((text, "00"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (minor.len() == 2 && digits(major) && digits(minor))
        .then(|| format!("{major}{minor}").parse().ok())?
}

fn charged(terminal: &Terminal) -> i64 {
    let (_, ledger) = terminal.get("/emulator/ledger").expect("an answer");
    ledger["netMinor"].as_i64().expect("an amount")
}

/// Nobody's hands, no card, paper, and an acquirer that leaves it to the amount.
fn begin_anew(terminal: &Terminal) {
    for (path, body) in [
        ("card", json!({"always": false})),
        ("keypad", json!({"mode": "AUTOMATIC"})),
        ("acquirer", json!({})),
        ("paper", json!({"columns": 40})),
    ] {
        let (status, answer) = terminal
            .post(&format!("/emulator/{path}"), &body, None)
            .expect("an answer");
        assert_eq!(status, 204, "{answer}");
    }
    terminal.delete("/emulator/card");
}

/// What of a case is not as it says.
fn faults(terminal: &Terminal, number: usize, case: &Case) -> Vec<String> {
    begin_anew(terminal);
    let before = charged(terminal);
    let mut played = Played {
        terminal,
        number,
        key: None,
        requests: 0,
        original: None,
    };
    let (status, body) = played.play(&case.steps);
    let mut faults = Vec::new();
    let mut compare = |what: &str, expected: &str, found: &str| {
        if expected != found {
            faults.push(format!("{what} is {found}, and not {expected}"));
        }
    };
    let (expected, members) = case.answer.split_first().expect("a status");
    compare("the HTTP status", expected, &status.to_string());
    for member in members {
        let (name, expected) = member.split_once(": ").expect("a member and its value");
        let found = match &body.pointer(&format!("/{}", name.replace('.', "/"))) {
            None => "none".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        compare(name, expected, &found);
    }
    // A reversal is the acquirer's matter as soon as it answers again.
    terminal
        .post("/emulator/acquirer", &json!({}), None)
        .expect("an answer");
    terminal.wait_until_settled();
    compare(
        "what is charged",
        &format!("{:?}", minor(&case.charged)),
        &format!("{:?}", Some(charged(terminal) - before)),
    );
    if let (Some(id), Some(expected)) = (
        id_of(&body),
        case.later.as_deref().or(body["status"].as_str()),
    ) {
        let path = format!("/v1/transaction/{id}");
        let mut record = Value::Null;
        let end = || {
            let (_, now) = terminal.get(&path).expect("an answer");
            now
        };
        for _ in 0..200 {
            record = end();
            if record["status"] == expected {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let found = record["status"].as_str().unwrap_or("none");
        compare("the transaction later", expected, found);
    }
    if !faults.is_empty() {
        faults.push(format!("in {body}"));
    }
    faults
}

#[test]
fn every_error_is_spoken_of() {
    const DOCUMENT: &str = include_str!("../../docs/test-cards-and-amounts.md");
    for code in api::ErrorCode::ALL {
        assert!(DOCUMENT.contains(code.as_str()), "{code:?}");
    }
}

#[test]
fn every_case_of_the_document_is_as_it_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut parameters: Value = serde_json::from_str(emulator::PARAMETERS).expect("JSON");
    // So that nobody waits long: a late answer is late all the same.
    for (name, milliseconds) in [
        ("card_ms", 1000),
        ("key_ms", 500),
        ("answer_ms", 700),
        ("decision_ms", 500),
    ] {
        parameters["timeouts"][name] = milliseconds.into();
    }
    let path = folder.path().join("parameters.json");
    std::fs::write(&path, parameters.to_string()).expect("a file");
    let options = Options {
        parameters: Some(&path),
        ..Options::on(folder.path())
    };
    let terminal = Terminal::start(&options).expect("the terminal starts");
    let mut wrong = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        let faults = faults(&terminal, number, case);
        if !faults.is_empty() {
            let steps: Vec<_> = case.steps.iter().map(|step| step.text.as_str()).collect();
            wrong.push(format!(
                "{} ({}):\n  {}",
                case.see,
                steps.join(", "),
                faults.join("\n  ")
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "docs/test-cards-and-amounts.md is wrong:\n{}",
        wrong.join("\n")
    );
}
