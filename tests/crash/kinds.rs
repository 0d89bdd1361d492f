//! The process is killed in what follows a sale: a refund, a void, a completion, the end of the day.
//!
//! The same request is repeated under the same key afterwards. The ledger is then what the records
//! say, and nothing was given back, undone, taken or settled twice.

use std::path::Path;

use emulator::acquirer::{AcquirerHandle, Entry, State};
use serde_json::{Value, json};

use crate::{
    points::{POINTS_MAX, fresh, killed},
    terminal::{Options, Terminal},
};

/// Where the process is killed: around each commit, and around each message.
const KINDS: [&str; 4] = [
    "storage-write",
    "storage-written",
    "request-written",
    "answer-read",
];

const AMOUNT: u64 = 2500;

/// What is done to a transaction that was approved before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Later {
    Refund,
    Void,
    Completion,
    Reconciliation,
}

impl Later {
    /// What is there already.
    fn original(self) -> (&'static str, Value) {
        let (path, kind) = match self {
            Self::Completion => ("/v1/transaction/pre-auth", "PRE_AUTH"),
            Self::Refund | Self::Void | Self::Reconciliation => ("/v1/transaction/sale", "SALE"),
        };
        let body = json!({"type": kind, "amount": AMOUNT, "currency": "NZD"});
        (path, body)
    }

    fn request(self, original: &str) -> (&'static str, Value) {
        let (path, kind) = match self {
            Self::Refund => ("/v1/transaction/refund", "REFUND"),
            Self::Void => ("/v1/transaction/void", "VOID"),
            Self::Completion => ("/v1/transaction/pre-auth/complete", "PRE_AUTH_COMPLETE"),
            Self::Reconciliation => {
                return ("/v1/reconciliation", json!({"closeDay": true}));
            }
        };
        let body = json!({
            "type": kind, "amount": AMOUNT, "currency": "NZD", "originalTransactionId": original,
        });
        (path, body)
    }
}

#[test]
fn in_a_refund() {
    kill_at_every(Later::Refund);
}

#[test]
fn in_a_void() {
    kill_at_every(Later::Void);
}

#[test]
fn in_a_completion() {
    kill_at_every(Later::Completion);
}

#[test]
fn at_the_end_of_the_day() {
    kill_at_every(Later::Reconciliation);
}

fn kill_at_every(later: Later) {
    for kind in KINDS {
        let survived = (1..=POINTS_MAX).find(|point| {
            let at = format!("{kind}:{point}");
            let world = World::new(later);
            let survived = world.killed_at(&at);
            world.check(&format!("{later:?}, {at}"));
            survived
        });
        let points = survived.unwrap_or_else(|| panic!("{later:?}, {kind}: it never ended")) - 1;
        assert!(points > 0, "no point of kind {kind} was reached");
        println!("{later:?}, {kind}: {points} points");
    }
}

struct World {
    later: Later,
    original: String,
    data: tempfile::TempDir,
    acquirer: AcquirerHandle,
}

impl World {
    /// A terminal's data in which the original is approved.
    fn new(later: Later) -> Self {
        let (data, acquirer) = fresh();
        let mut world = Self {
            later,
            original: String::new(),
            data,
            acquirer,
        };
        let terminal = Terminal::start(&world.options()).expect("the terminal starts");
        let (path, body) = later.original();
        let (status, approved) = terminal
            .post(path, &body, Some("original"))
            .expect("the terminal answers");
        assert_eq!(
            (status, &approved["status"]),
            (200, &json!("APPROVED")),
            "{approved}"
        );
        let id = approved["transactionId"].as_str().expect("an id");
        world.original = id.to_owned();
        world
    }

    fn options(&self) -> Options<'_> {
        Options {
            card: Some("visa-credit"),
            acquirer: Some(self.acquirer.address()),
            ..Options::on(Path::new(self.data.path()))
        }
    }

    fn ask(&self, terminal: &Terminal) -> Option<(u16, Value)> {
        let (path, body) = self.later.request(&self.original);
        terminal.post(path, &body, Some("later"))
    }

    /// Asks a terminal that kills itself at `point`, and returns whether it survived.
    fn killed_at(&self, point: &str) -> bool {
        let options = Options {
            kill_at: Some(point.to_owned()),
            ..self.options()
        };
        let Some(mut terminal) = Terminal::start(&options) else {
            return false;
        };
        if self.ask(&terminal).is_some() {
            return true;
        }
        assert!(
            killed(terminal.wait_for_end()),
            "{point}: the terminal ended in another way"
        );
        false
    }

    /// Starts the terminal for good, asks again, and checks the money.
    fn check(&self, context: &str) {
        let terminal = Terminal::start(&self.options()).expect("the terminal starts again");
        terminal.wait_until_settled();
        let (status, body) = self.ask(&terminal).expect("an answer");
        assert_eq!(status, 200, "{context}: {body}");
        terminal.wait_until_settled();
        let path = format!("/v1/transaction/{}", self.original);
        let (_, original) = terminal.get(&path).expect("the original");
        if self.later == Later::Reconciliation {
            self.check_batches(&terminal, &body, context);
            return;
        }
        let approved = body["status"] == "APPROVED";
        // Stopped before anything was sent, it is cancelled.
        let status = body["status"].as_str().unwrap_or_default();
        assert!(
            approved || ["REVERSED", "CANCELLED"].contains(&status),
            "{context}: {body}"
        );
        let (net, of_original) = match (self.later, approved) {
            (Later::Refund, true) | (Later::Completion, false) => (0, "APPROVED"),
            (Later::Void, true) => (0, "REVERSED"),
            _ => (2500, "APPROVED"),
        };
        assert_eq!(self.acquirer.ledger().net_minor(), net, "{context}: {body}");
        assert_eq!(original["status"], of_original, "{context}: {original}");
        // A new request does what the first one did not, and nothing more than it left.
        let (path, body) = self.later.request(&self.original);
        let (status, again) = terminal
            .post(path, &body, Some("once-more"))
            .expect("an answer");
        assert_eq!(status == 200, !approved, "{context}: {again}");
        let done = if self.later == Later::Completion {
            2500
        } else {
            0
        };
        assert_eq!(
            self.acquirer.ledger().net_minor(),
            done,
            "{context}: {again}"
        );
    }

    /// The batch is closed once, and the next one takes what is sold from now on.
    fn check_batches(&self, terminal: &Terminal, closed: &Value, context: &str) {
        assert_eq!(closed["status"], "SUCCESS", "{context}: {closed}");
        let (_, list) = terminal.get("/v1/settlements").expect("a list");
        let settlements = list["data"].as_array().expect("a list");
        assert_eq!(settlements.len(), 1, "{context}: {list}");
        assert_eq!(settlements[0]["saleAmount"], AMOUNT, "{context}: {list}");
        assert_eq!(settlements[0]["status"], "SETTLED", "{context}: {list}");
        assert!(self.entries(|entry| entry.settled), "{context}");
        let amount = i64::try_from(AMOUNT).expect("small");
        let (_, next) = terminal.sale(amount, "the-next-sale").expect("an answer");
        assert_eq!(next["status"], "APPROVED", "{context}: {next}");
        let (_, totals) = terminal.get("/v1/totals").expect("totals");
        assert_eq!(totals["saleCount"], 1, "{context}: {totals}");
        // The same key has the same answer, and leaves the next batch open; another one closes it.
        let (_, again) = self.ask(terminal).expect("an answer");
        assert_eq!(&again, closed, "{context}");
        assert!(!self.entries(|entry| entry.settled), "{context}");
        let (path, body) = self.later.request(&self.original);
        let (_, next) = terminal
            .post(path, &body, Some("the-next-day"))
            .expect("an answer");
        assert_eq!(next["status"], "SUCCESS", "{context}: {next}");
        assert!(
            self.entries(|entry| entry.settled && entry.state == State::Approved),
            "{context}"
        );
    }

    fn entries(&self, all: impl Fn(&Entry) -> bool) -> bool {
        self.acquirer.ledger().entries().all(all)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.acquirer.stop();
    }
}
