//! Every point at which the process can be killed.

use std::{path::Path, sync::OnceLock};

use crate::terminal::{Options, Terminal};
use emulator::acquirer::{Acquirer, AcquirerHandle};

/// Every kind of point at which a process can be killed.
const KINDS: [&str; 6] = [
    "host-call",
    "host-return",
    "storage-write",
    "storage-written",
    "request-written",
    "answer-read",
];

/// The one sale of a world.
#[derive(Debug, Clone, Copy)]
struct Sale {
    card: &'static str,
    amount: i64,
    /// How it ends when nothing kills the terminal.
    status: &'static str,
}

/// Approved online, without a PIN.
const ONLINE: Sale = Sale {
    card: "visa-credit",
    amount: 2500,
    status: "APPROVED",
};

/// A PIN is taken and its key is counted on before anything is sent.
const WITH_PIN: Sale = Sale {
    card: "mastercard-debit",
    ..ONLINE
};

/// Approved by the card alone; the acquirer hears of it afterwards.
const OFFLINE: Sale = Sale {
    card: "visa-offline-approve",
    ..ONLINE
};

/// The issuer approves, the card does not, and the reversal leaves within the sale.
const REVERSED: Sale = Sale {
    amount: 9011,
    status: "DECLINED",
    ..ONLINE
};

/// The acquirer charges and closes the connection.
const UNANSWERED: Sale = Sale {
    amount: 9003,
    status: "REVERSED",
    ..ONLINE
};

/// The floor limit of the emulated terminal, in minor units.
const FLOOR_LIMIT: i64 = 10_000;

/// More points than a sale has; a test that gets here never reached the end of the sale.
pub(crate) const POINTS_MAX: u32 = 2000;

#[test]
fn at_every_host_call() {
    kill_at_every("host-call", ONLINE);
}

#[test]
fn at_every_return_from_the_host() {
    kill_at_every("host-return", ONLINE);
}

#[test]
fn before_every_storage_write() {
    kill_at_every("storage-write", ONLINE);
}

#[test]
fn after_every_storage_write() {
    kill_at_every("storage-written", ONLINE);
}

#[test]
fn around_the_exchange_with_the_acquirer() {
    kill_at_every("request-written", ONLINE);
    kill_at_every("answer-read", ONLINE);
}

#[test]
fn in_a_sale_with_a_pin() {
    kill_at_every("host-return", WITH_PIN);
    kill_at_every("storage-write", WITH_PIN);
}

#[test]
fn in_an_offline_approval_and_its_advice() {
    for kind in KINDS {
        kill_at_every(kind, OFFLINE);
    }
}

#[test]
fn in_a_sale_that_is_reversed_at_once() {
    kill_at_every("host-return", REVERSED);
    for sale in [REVERSED, UNANSWERED] {
        for kind in ["storage-write", "storage-written", "request-written"] {
            kill_at_every(kind, sale);
        }
    }
}

/// Power fails again, at every point of the recovery itself.
#[test]
fn during_recovery() {
    for kind in KINDS {
        kill_recovery_at_every(kind);
    }
}

fn kill_recovery_at_every(kind: &str) {
    for point in 1..=POINTS_MAX {
        let at = format!("{kind}:{point}");
        let world = World::new(ONLINE);
        assert!(
            !world.sale_killed_at("request-written:1"),
            "the sale was not interrupted"
        );
        let survived = world.restart_killed_at(&at);
        world.check(&format!("recovery, {at}"));
        if survived {
            assert!(point > 1, "no point of kind {kind} was reached");
            println!("recovery, {kind}: {} points", point - 1);
            return;
        }
    }
    panic!("recovery, {kind}: it never ended");
}

fn kill_at_every(kind: &str, sale: Sale) {
    for point in 1..=POINTS_MAX {
        let at = format!("{kind}:{point}");
        let world = World::new(sale);
        let survived = world.sale_killed_at(&at);
        world.check(&format!("{sale:?}, {at}"));
        if survived {
            assert!(point > 1, "no point of kind {kind} was reached");
            println!("{sale:?}, {kind}: {} points", point - 1);
            return;
        }
    }
    panic!("{sale:?}, {kind}: the sale never ended");
}

/// One terminal's data and the acquirer's ledger.
struct World {
    sale: Sale,
    data: tempfile::TempDir,
    acquirer: AcquirerHandle,
}

impl World {
    fn new(sale: Sale) -> Self {
        let (data, acquirer) = fresh();
        Self {
            sale,
            data,
            acquirer,
        }
    }

    fn options(&self) -> Options<'_> {
        Options {
            card: Some(self.sale.card),
            acquirer: Some(self.acquirer.address()),
            ..Options::on(Path::new(self.data.path()))
        }
    }

    /// Runs the sale in a terminal that kills itself at `point`, and returns whether it survived.
    fn sale_killed_at(&self, point: &str) -> bool {
        let options = Options {
            kill_at: Some(point.to_owned()),
            ..self.options()
        };
        let Some(mut terminal) = Terminal::start(&options) else {
            return false;
        };
        let answer = terminal.sale(self.sale.amount, "the-one-sale");
        if let Some((status, body)) = answer {
            assert_eq!(
                (status, &body["status"]),
                (200, &self.sale.status.into()),
                "{point}: {body}"
            );
            return true;
        }
        assert!(
            killed(terminal.wait_for_end()),
            "{point}: the terminal ended in another way"
        );
        false
    }

    /// Starts the terminal so that it kills itself at `point`, and returns whether it came up.
    fn restart_killed_at(&self, point: &str) -> bool {
        let options = Options {
            kill_at: Some(point.to_owned()),
            ..self.options()
        };
        match Terminal::start(&options) {
            Some(terminal) => {
                terminal.wait_until_settled();
                true
            }
            None => false,
        }
    }

    /// Starts the terminal for good and checks the money.
    fn check(&self, context: &str) {
        let terminal = Terminal::start(&self.options()).expect("the terminal starts again");
        terminal.wait_until_settled();
        let (status, body) = terminal
            .sale(self.sale.amount, "the-one-sale")
            .expect("the repeated request is answered");
        let approved = body["status"] == "APPROVED";
        assert_eq!(status, 200, "{context}: {body}");
        let expected: &[i64] = if approved { &[self.sale.amount] } else { &[] };
        assert_eq!(
            self.charges(),
            expected,
            "{context}: the ledger and the terminal, {body}"
        );
        let status = body["status"].as_str().unwrap_or_default();
        assert!(
            approved || ["REVERSED", "CANCELLED", self.sale.status].contains(&status),
            "{context}: {body}",
        );
        assert!(self.request_count() <= 1, "{context}: asked twice");
        terminal.wait_until_settled();
        // Together with the one sale it reaches the floor limit of 100.00.
        let amount = FLOOR_LIMIT - ONLINE.amount;
        let (_, next) = terminal
            .sale(amount, "the-next-sale")
            .expect("the next sale is answered");
        assert_eq!(next["status"], "APPROVED", "{context}: {next}");
        // The other card's floor limit is zero.
        if self.sale.card.starts_with("visa") {
            let remembered = reaches_floor_limit(&next);
            assert_eq!(remembered, approved, "{context}: the card log, {next}");
        }
        terminal.wait_until_settled();
        let expected = [expected, &[amount]].concat();
        assert_eq!(self.charges(), expected, "{context}: after the next sale");
    }

    /// What the acquirer has charged, charge by charge, in the order of the trace numbers.
    fn charges(&self) -> Vec<i64> {
        let ledger = self.acquirer.ledger();
        let charges = ledger.entries().map(emulator::acquirer::Entry::net_minor);
        charges.filter(|minor| *minor != 0).collect()
    }

    /// How many requests and advices for the one sale came, repeats apart.
    fn request_count(&self) -> u64 {
        let ledger = self.acquirer.ledger();
        let count = |kind| ledger.messages().get(kind).copied().unwrap_or_default();
        count("0200") + count("0220")
    }
}

/// Tag 95, byte 4, bit 8 (EMV 4.4 Book 3, Annex C5).
fn reaches_floor_limit(transaction: &serde_json::Value) -> bool {
    let tvr = transaction["tvr"].as_str().expect("a TVR");
    let byte = u8::from_str_radix(tvr.get(6..8).expect("ten digits"), 16);
    byte.expect("hexadecimal") & 0x80 != 0
}

/// A terminal's data before its first sale, and an acquirer that knows nothing.
pub(crate) fn fresh() -> (tempfile::TempDir, AcquirerHandle) {
    let data = tempfile::tempdir().expect("a temporary folder");
    for file in std::fs::read_dir(used_once()).expect("a folder") {
        let file = file.expect("a file");
        // The recordings of that sale are no part of the next one.
        if file.path().is_dir() {
            continue;
        }
        std::fs::copy(file.path(), data.path().join(file.file_name())).expect("a copy");
    }
    let acquirer = Acquirer::default()
        .start("127.0.0.1:0")
        .expect("an acquirer on loopback");
    (data, acquirer)
}

/// The data of a terminal that was started once and ran nothing: what it compiles and makes at its
/// first start is there already.
fn used_once() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Terminal::start(&Options::on(folder.path())).expect("the terminal starts");
        folder
    });
    folder.path()
}

impl Drop for World {
    fn drop(&mut self) {
        self.acquirer.stop();
    }
}

#[cfg(unix)]
pub(crate) fn killed(status: std::process::ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(9)
}
