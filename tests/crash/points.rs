//! Every point at which the process can be killed.

use std::path::Path;

use crate::terminal::{Options, Terminal};
use emulator::acquirer::{Acquirer, AcquirerHandle};

const AMOUNT: i64 = 2500;

/// More points than a sale has; a test that gets here never reached the end of the sale.
const POINTS_MAX: u32 = 2000;

#[test]
fn at_every_host_call() {
    kill_at_every("host-call");
}

#[test]
fn at_every_return_from_the_host() {
    kill_at_every("host-return");
}

#[test]
fn before_every_storage_write() {
    kill_at_every("storage-write");
}

#[test]
fn after_every_storage_write() {
    kill_at_every("storage-written");
}

#[test]
fn around_the_exchange_with_the_acquirer() {
    kill_at_every("request-written");
    kill_at_every("answer-read");
}

/// Power fails again, at every storage write of the recovery itself.
#[test]
fn during_recovery() {
    for point in 1..=POINTS_MAX {
        let world = World::new();
        assert!(
            !world.sale_killed_at("request-written:1"),
            "the sale was not interrupted"
        );
        let survived = world.restart_killed_at(&format!("storage-written:{point}"));
        world.check(&format!("recovery, storage-written:{point}"));
        if survived {
            assert!(point > 2, "recovery writes more than {point} times");
            return;
        }
    }
    panic!("recovery never ended");
}

fn kill_at_every(kind: &str) {
    for point in 1..=POINTS_MAX {
        let at = format!("{kind}:{point}");
        let world = World::new();
        let survived = world.sale_killed_at(&at);
        world.check(&at);
        if survived {
            assert!(point > 1, "no point of kind {kind} was reached");
            println!("{kind}: {} points", point - 1);
            return;
        }
    }
    panic!("{kind}: the sale never ended");
}

/// One terminal's data and the acquirer's ledger.
struct World {
    data: tempfile::TempDir,
    acquirer: AcquirerHandle,
}

impl World {
    fn new() -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let acquirer = Acquirer::default()
            .start("127.0.0.1:0")
            .expect("an acquirer on loopback");
        Self { data, acquirer }
    }

    fn options(&self) -> Options<'_> {
        Options {
            card: Some("visa-credit"),
            acquirer: Some(self.acquirer.address()),
            ..Options::on(Path::new(self.data.path()))
        }
    }

    /// Runs a sale in a terminal that kills itself at `point`, and returns whether it survived.
    fn sale_killed_at(&self, point: &str) -> bool {
        let options = Options {
            kill_at: Some(point.to_owned()),
            ..self.options()
        };
        let Some(mut terminal) = Terminal::start(&options) else {
            return false;
        };
        let answer = terminal.sale(AMOUNT, "the-one-sale");
        if let Some((status, body)) = answer {
            assert_eq!(
                (status, &body["status"]),
                (200, &"APPROVED".into()),
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
            .sale(AMOUNT, "the-one-sale")
            .expect("the repeated request is answered");
        let approved = body["status"] == "APPROVED";
        assert_eq!(status, 200, "{context}: {body}");
        let charged = self.charged();
        assert_eq!(
            charged,
            if approved { AMOUNT } else { 0 },
            "{context}: the ledger says {charged}, the terminal {body}",
        );
        if !approved {
            assert!(
                ["REVERSED", "CANCELLED"].contains(&body["status"].as_str().unwrap_or_default()),
                "{context}: {body}",
            );
        }
        terminal.wait_until_settled();
        let (_, next) = terminal
            .sale(AMOUNT, "the-next-sale")
            .expect("the next sale is answered");
        assert_eq!(next["status"], "APPROVED", "{context}: {next}");
        assert_eq!(
            self.charged(),
            charged + AMOUNT,
            "{context}: after the next sale"
        );
    }

    /// What the acquirer has charged in all, reversals taken off.
    fn charged(&self) -> i64 {
        self.acquirer.ledger().net_minor()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.acquirer.stop();
    }
}

#[cfg(unix)]
fn killed(status: std::process::ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(9)
}
