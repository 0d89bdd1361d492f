//! One terminal and one acquirer.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use emulator::acquirer::{Acquirer, AcquirerHandle, AcquirerOptions, Behaviour};
use serde_json::{Value, json};

use crate::terminal::{Options, Terminal};

/// A running terminal with an acquirer of the test.
pub(crate) struct World {
    pub(crate) terminal: Terminal,
    pub(crate) acquirer: AcquirerHandle,
    data: tempfile::TempDir,
    parameters: Option<PathBuf>,
    keys: u32,
}

impl World {
    /// A terminal that presents `card` to every sale, or none by itself.
    pub(crate) fn new(card: Option<&str>) -> Self {
        Self::with(card, None)
    }

    /// A terminal with parameters of its own, which presents `card` to every sale.
    pub(crate) fn with_parameters(card: &str, parameters: &Value) -> Self {
        Self::with(Some(card), Some(parameters))
    }

    fn with(card: Option<&str>, parameters: Option<&Value>) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let parameters = parameters.map(|parameters| {
            let path = data.path().join("parameters.json");
            std::fs::write(&path, parameters.to_string()).expect("a file");
            path
        });
        let late = AcquirerOptions {
            late_after: Duration::from_secs(6),
            ..Default::default()
        };
        let acquirer = Acquirer::new(late)
            .start("127.0.0.1:0")
            .expect("an acquirer on loopback");
        let terminal = start(data.path(), card, parameters.as_deref(), &acquirer);
        Self {
            terminal,
            acquirer,
            data,
            parameters,
            keys: 0,
        }
    }

    /// The terminal's folder.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Stops the terminal and starts it again on the same data.
    pub(crate) fn restart(&mut self, card: Option<&str>) {
        // One terminal at a time holds the journal.
        self.terminal.stop();
        let parameters = self.parameters.as_deref();
        self.terminal = start(self.data.path(), card, parameters, &self.acquirer);
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

    /// Stops the terminal and returns what it logged.
    pub(crate) fn into_log(mut self) -> String {
        String::from_utf8_lossy(&self.terminal.output()).into_owned()
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

fn start(
    data: &Path,
    card: Option<&str>,
    parameters: Option<&Path>,
    acquirer: &AcquirerHandle,
) -> Terminal {
    let options = Options {
        card,
        parameters,
        acquirer: Some(acquirer.address()),
        ..Options::on(data)
    };
    Terminal::start(&options).expect("the terminal starts")
}
