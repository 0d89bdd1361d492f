//! An acquirer that refuses, stalls, lies or breaks: the money is right afterwards, and the terminal
//! never said declined or cancelled while it might have moved.

use std::net::TcpListener;

use emulator::acquirer::{Behaviour, SPECIAL_AMOUNTS};
use serde_json::json;

use crate::{
    terminal::{Options, Terminal},
    world::World,
};

#[test]
fn whatever_the_answer_the_money_is_right() {
    let mut world = World::new(Some("visa-credit"));
    for special in SPECIAL_AMOUNTS {
        let amount = i64::try_from(special.amount_minor).expect("a small amount");
        let before = world.charged();
        let (status, body) = world.sale(amount);
        world.terminal.wait_until_settled();
        let record = world.record_of(&body);
        let charged = world.charged() - before;
        match special.behaviour {
            Behaviour::Dribble => {
                assert_eq!(
                    (status, &record["status"]),
                    (200, &json!("APPROVED")),
                    "{body}"
                );
                assert_eq!(charged, amount, "{special:?}");
            }
            // The point of sale did not say that it takes a part.
            Behaviour::ApprovePart => {
                assert_eq!(
                    (status, &body["status"]),
                    (200, &json!("DECLINED")),
                    "{body}"
                );
                assert_eq!(charged, 0, "{special:?}");
            }
            // Issuer authentication failed: the card decides, and the record agrees with the ledger.
            Behaviour::WrongIssuerAuthentication => {
                let approved = record["status"] == "APPROVED";
                assert_eq!(charged, if approved { amount } else { 0 }, "{record}");
            }
            _ => {
                assert_eq!(
                    record["status"], "REVERSED",
                    "{special:?}: {status} {record}"
                );
                assert!(
                    status == 504 || body["status"] == "REVERSED",
                    "{special:?}: {body}"
                );
                assert_eq!(charged, 0, "{special:?}");
            }
        }
    }
    world.check_that_the_next_sale_works();
}

#[test]
fn a_reversal_that_gets_no_answer_is_repeated_until_it_does() {
    let mut world = World::new(Some("visa-credit"));
    world.acquirer.set_behaviour(Behaviour::Close);
    let (status, body) = world.sale(2500);
    assert_eq!((status, &body["error"]), (504, &json!("TIMEOUT")), "{body}");
    let pending = world.record_of(&body);
    assert_eq!(
        pending["status"], "ERROR",
        "never declined while it may have moved: {pending}"
    );
    world.restart(None);
    assert_eq!(world.record_of(&body)["status"], "ERROR");
    world.acquirer.set_behaviour(Behaviour::Normal);
    world.terminal.wait_until_settled();
    assert_eq!(world.record_of(&body)["status"], "REVERSED");
    assert_eq!(world.charged(), 0);
    world.check_that_the_next_sale_works();
}

#[test]
fn a_terminal_that_owes_a_reversal_sends_it_before_the_next_sale() {
    let mut world = World::new(Some("visa-credit"));
    world.acquirer.set_behaviour(Behaviour::Close);
    let (status, first) = world.sale(2500);
    assert_eq!(status, 504, "{first}");
    world.acquirer.set_behaviour(Behaviour::Normal);
    let (_, second) = world.sale(3000);
    assert_eq!(second["status"], "APPROVED", "{second}");
    assert_eq!(world.record_of(&first)["status"], "REVERSED");
    assert_eq!(world.charged(), 3000);
}

#[test]
fn an_acquirer_that_cannot_be_reached_charges_nothing_and_frees_the_key() {
    let mut world = World::new(Some("visa-credit"));
    world.acquirer.set_behaviour(Behaviour::Refuse);
    let (status, body) = world.terminal.sale(2500, "try-again").expect("an answer");
    assert_eq!(
        (status, &body["error"]),
        (503, &json!("COMMUNICATION_ERROR")),
        "{body}"
    );
    assert_eq!(world.charged(), 0);
    world.acquirer.set_behaviour(Behaviour::Normal);
    let (status, body) = world.terminal.sale(2500, "try-again").expect("an answer");
    assert_eq!(
        (status, &body["status"]),
        (200, &json!("APPROVED")),
        "{body}"
    );
    assert_eq!(world.charged(), 2500);
    world.check_that_the_next_sale_works();
}

#[test]
fn a_terminal_starts_without_its_acquirer() {
    let data = tempfile::tempdir().expect("a temporary folder");
    // A port that was free a moment ago, and that nobody listens on.
    let nobody = TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a port");
    let options = Options {
        card: Some("visa-credit"),
        acquirer: Some(nobody),
        ..Options::on(data.path())
    };
    let terminal = Terminal::start(&options).expect("the terminal starts");
    let (status, body) = terminal.sale(2500, "nobody-there").expect("an answer");
    assert_eq!(
        (status, &body["error"]),
        (503, &json!("COMMUNICATION_ERROR")),
        "{body}"
    );
}
