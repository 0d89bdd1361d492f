//! One terminal and one acquirer.

use std::time::{Duration, Instant};

use emulator::acquirer::{Acquirer, AcquirerHandle, AcquirerOptions, Behaviour};
use serde_json::{Value, json};

use crate::terminal::{Options, Terminal};

/// A running terminal with an acquirer of the test.
pub(crate) struct World {
    pub(crate) terminal: Terminal,
    pub(crate) acquirer: AcquirerHandle,
    data: tempfile::TempDir,
    keys: u32,
}

impl World {
    /// A terminal that presents `card` to every sale, or none by itself.
    pub(crate) fn new(card: Option<&str>) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let late = AcquirerOptions {
            late_after: Duration::from_secs(6),
            ..Default::default()
        };
        let acquirer = Acquirer::new(late)
            .start("127.0.0.1:0")
            .expect("an acquirer on loopback");
        let terminal = start(data.path(), card, &acquirer);
        Self {
            terminal,
            acquirer,
            data,
            keys: 0,
        }
    }

    /// Stops the terminal and starts it again on the same data.
    pub(crate) fn restart(&mut self, card: Option<&str>) {
        // One terminal at a time holds the journal.
        self.terminal.stop();
        self.terminal = start(self.data.path(), card, &self.acquirer);
    }

    /// A sale under a key of its own: status and body.
    pub(crate) fn sale(&mut self, amount: i64) -> (u16, Value) {
        self.keys += 1;
        let key = format!("sale-{}", self.keys);
        self.terminal
            .sale(amount, &key)
            .expect("the terminal answers")
    }

    /// Presents a card with a fault.
    pub(crate) fn present(&self, card: &str, quirk: Option<Value>) {
        let mut body = json!({ "card": card, "entry": "CONTACT" });
        if let Some(quirk) = quirk {
            body["quirk"] = quirk;
        }
        let (status, answer) = self
            .terminal
            .post("/emulator/card", &body, None)
            .expect("the emulator answers");
        assert_eq!(status, 200, "{answer}");
    }

    /// Swipes a card.
    pub(crate) fn swipe(&self, card: &str) {
        let body = json!({ "card": card, "entry": "MAGSTRIPE" });
        let (status, answer) = self
            .terminal
            .post("/emulator/card", &body, None)
            .expect("the emulator answers");
        assert_eq!(status, 200, "{answer}");
    }

    /// The transaction that an answer is about, as the terminal's records have it now.
    pub(crate) fn record_of(&self, answer: &Value) -> Value {
        let id = answer["transactionId"]
            .as_str()
            .or_else(|| answer["details"]["transactionId"].as_str())
            .unwrap_or_else(|| panic!("no transaction in {answer}"));
        let (status, record) = self
            .terminal
            .get(&format!("/v1/transaction/{id}"))
            .expect("the terminal answers");
        assert_eq!(status, 200, "{record}");
        record
    }

    /// What the acquirer has charged in all.
    pub(crate) fn charged(&self) -> i64 {
        self.acquirer.ledger().net_minor()
    }

    /// Waits until `met`, for at most twenty seconds.
    pub(crate) fn wait_until(&self, what: &str, met: impl Fn(&Self) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !met(self) {
            assert!(Instant::now() < end, "it never came: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Lets the acquirer answer as it should, waits until nothing is open, and checks that a sale
    /// works: nothing was left behind.
    pub(crate) fn check_that_the_next_sale_works(&mut self) {
        self.acquirer.set_behaviour(Behaviour::Normal);
        self.terminal.wait_until_settled();
        self.terminal.delete("/emulator/card");
        self.present("visa-credit", None);
        let before = self.charged();
        let (status, body) = self.sale(2500);
        assert_eq!(
            (status, &body["status"]),
            (200, &json!("APPROVED")),
            "{body}"
        );
        assert_eq!(self.charged(), before + 2500);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.acquirer.stop();
    }
}

fn start(data: &std::path::Path, card: Option<&str>, acquirer: &AcquirerHandle) -> Terminal {
    let options = Options {
        card,
        acquirer: Some(acquirer.address()),
        ..Options::on(data)
    };
    Terminal::start(&options).expect("the terminal starts")
}
