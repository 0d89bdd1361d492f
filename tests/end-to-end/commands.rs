//! The sub-commands of `tenon` for the Commerce API: what somebody sees who works by command line.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::Command,
    thread,
};

use emulator::acquirer::Behaviour;
use serde_json::{Value, json};

use crate::{emulator_process::Emulator, terminal::API_KEY, world::World};

/// What a command came to.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    fn last_line(&self) -> &str {
        self.out.lines().last().unwrap_or_default()
    }

    /// The last word of the last line: the transaction's id.
    fn id(&self) -> String {
        let id = self.last_line().split(' ').next_back().unwrap_or_default();
        assert!(id.starts_with("txn_"), "{self:?}");
        id.to_owned()
    }
}

fn tenon(url: &str, key: &str, arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_tenon"))
        .args(arguments)
        .args(["--url", url, "--api-key", key])
        .output()
        .expect("tenon runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran {
        code: output.status.code().expect("it was not killed"),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

impl World {
    /// Runs a command at this terminal.
    fn tenon(&self, line: &str) -> Ran {
        let words: Vec<_> = line.split(' ').collect();
        tenon(self.terminal.url(), API_KEY, &words)
    }

    /// Runs a command that succeeds.
    fn done(&self, line: &str) -> Ran {
        let ran = self.tenon(line);
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        ran
    }
}

#[test]
fn a_day_of_a_shop_is_run_from_the_command_line() {
    let world = World::new(Some("visa-credit"));
    let sale = world.done("sale --amount 2500 --tip 250 --reference POS-1 --metadata till=3");
    assert!(
        sale.out
            .starts_with("APPROVED  NZD 27.50  tip 2.50  VISA  ")
    );
    assert!(sale.err.contains("Present card"), "no progress: {sale:?}");
    let (first, second) = (sale.id(), world.done("sale --amount 1000").id());
    assert_eq!(world.charged(), 3750);

    let listed = world.done("transactions --reference POS-1").out;
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(
        listed.contains(&first) && listed.contains("NZD 27.50"),
        "{listed}"
    );
    let shown = world.done(&format!("transaction {first}")).out;
    assert!(shown.contains("\ntip            NZD 2.50\n"), "{shown}");
    assert!(shown.contains("\nmetadata       till=3\n"), "{shown}");

    let refund = world.done(&format!("refund {first} --amount 400"));
    assert!(
        refund.last_line().starts_with("APPROVED  NZD 4.00  "),
        "{refund:?}"
    );
    // Nothing but the sale is named: the whole of it is undone.
    let void = world.done(&format!("void {second}"));
    assert!(
        void.last_line().contains(&format!("  of {second}  ")),
        "{void:?}"
    );
    assert_eq!(world.charged(), 2350);

    let totals = world.done("totals").out;
    assert!(
        totals.contains("\nsales           2  NZD 37.50\n"),
        "{totals}"
    );
    assert!(
        totals.contains("\nrefunds         1   NZD 4.00\n"),
        "{totals}"
    );
    let dry = world.done("reconcile");
    assert!(dry.last_line().starts_with("SUCCESS  a dry run"), "{dry:?}");
    assert_eq!(world.done("totals").out, totals, "a dry run closes nothing");
    let closed = world.done("reconcile --close");
    assert_eq!(closed.last_line(), "SUCCESS  the batch is closed");
    let settlements = world.done("settlements --json").json();
    let settlement = settlements["data"][0]["id"].as_str().expect("an id");
    assert!(world.done("settlements").out.contains(settlement));
    let shown = world.done(&format!("settlement {settlement}")).out;
    assert!(shown.contains("\nnet         NZD 23.50\n"), "{shown}");
    assert!(
        shown.contains(&first) && shown.contains(&void.id()),
        "{shown}"
    );

    let csv = world.done(&format!("export {settlement}")).out;
    assert!(csv.starts_with("transactionId,type,status,"), "{csv}");
    assert_eq!(csv.lines().count(), 5, "{csv}");
    let file = world.data().join("batch.jsonl");
    let to = file.to_str().expect("a path");
    let export = world.done(&format!("export {settlement} --format jsonl --output {to}"));
    assert_eq!(export.out, "");
    let lines = std::fs::read_to_string(&file).expect("a file");
    let first_line = lines.lines().next().expect("a line");
    let line: Value = serde_json::from_str(first_line).expect("JSON");
    assert_eq!(
        (lines.lines().count(), &line["transactionId"]),
        (4, &json!(first))
    );
}

#[test]
fn every_kind_of_transaction_has_its_command() {
    let world = World::new(Some("visa-credit"));
    let reserved = world.done("pre-auth --amount 5000").id();
    let taken = world.done(&format!("complete {reserved} --amount 3000"));
    assert!(taken.out.starts_with("APPROVED  NZD 30.00  "), "{taken:?}");
    assert_eq!(world.charged(), 3000);
    let read = world.done("card-read").out;
    assert!(read.starts_with("APPROVED  VISA  ************"), "{read}");
    let balance = world.done("balance").out;
    assert!(
        balance.starts_with("APPROVED  balance NZD 87.50  "),
        "{balance}"
    );
    let declined = world.tenon("sale --amount 2551");
    assert_eq!(declined.code, 3, "{declined:?}");
    assert!(declined.out.contains("  response 51  "), "{declined:?}");
    let refused = world.tenon("refund txn_01JQXYZA7B8C9D0E1F2G3H4J5K --amount 5 --currency NZD");
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.out.starts_with("NOT_FOUND  "), "{refused:?}");
    let answer = world.done("sale --amount 100 --json").json();
    assert_eq!(answer["status"], "APPROVED");
    assert_eq!(
        world
            .done("transactions --limit 2 --all")
            .out
            .lines()
            .count(),
        7
    );
    let page = world.done("transactions --limit 2");
    assert!(
        page.err.contains("there are more: --cursor cursor_"),
        "{page:?}"
    );
}

#[test]
fn your_own_acquirer_decides_from_the_command_line() {
    let world = World::new(Some("visa-credit"));
    let asked = world.tenon("initiate --amount 2500");
    assert_eq!(asked.code, 7, "{asked:?}");
    assert!(asked.out.contains("\n9F26  "), "no cryptogram: {asked:?}");
    let id = asked.id();
    assert!(
        asked.err.contains(&format!("tenon decide {id}")),
        "{asked:?}"
    );
    let ended = world.done(&format!(
        "decide {id} --response-code 00 --authorization-code A1"
    ));
    assert!(ended.out.contains("  authorization A1  "), "{ended:?}");
    let aborted = world.tenon("initiate --amount 2500");
    let abort = world.done(&format!("abort {}", aborted.id()));
    assert!(abort.out.starts_with("CANCELLED  "), "{abort:?}");
    assert!(
        abort.out.contains("reverse it at your acquirer"),
        "{abort:?}"
    );
    let late = world.tenon(&format!("abort {id}"));
    assert_eq!(late.code, 5, "{late:?}");
}

#[test]
fn the_device_is_used_from_the_command_line() {
    let world = World::new(None);
    let health = world.done("health").out;
    assert!(health.starts_with("ready              yes\n"), "{health}");
    assert_eq!(
        world
            .done("display Welcome Aisle --align center --bold")
            .out,
        "shown\n"
    );
    assert_eq!(
        world.done("print Table Thanks --size large").out,
        "printed\n"
    );
    let answer = world.done("input Receipt? --type yes-no").out;
    assert!(["YES\n", "NO\n"].contains(&answer.as_str()), "{answer}");
    let refused = world.tenon("input PIN? --type numeric");
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.err.starts_with("INVALID_REQUEST  "), "{refused:?}");
}

#[test]
fn what_is_not_known_says_how_it_becomes_known() {
    let world = World::new(Some("visa-credit"));
    // The acquirer is gone before the reversal is confirmed.
    world.acquirer.set_behaviour(Behaviour::Close);
    let unknown = world.tenon("sale --amount 2500 --idempotency-key order-1");
    assert_eq!(unknown.code, 6, "{unknown:?}");
    assert!(unknown.out.starts_with("TIMEOUT  "), "{unknown:?}");
    let id = unknown.id();
    assert!(
        unknown.err.contains(&format!("tenon transaction {id}")),
        "{unknown:?}"
    );
    world.acquirer.set_behaviour(Behaviour::Normal);
    world.terminal.wait_until_settled();
    let again = world.tenon("sale --amount 2500 --idempotency-key order-1");
    assert_eq!((again.code, again.id()), (4, id), "{again:?}");
    assert_eq!(world.charged(), 0);
}

/// Something that takes a request and hangs up, whatever is asked, until the test ends.
fn that_hangs_up() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 4096];
            drop(stream.read(&mut request));
        }
    });
    url
}

#[test]
fn a_lost_answer_is_unknown_and_the_key_to_ask_again_is_named() {
    let url = that_hangs_up();
    let lost = tenon(
        &url,
        "key",
        &["void", "txn_1", "--amount", "5", "--currency", "NZD"],
    );
    assert_eq!(lost.code, 6, "{lost:?}");
    let told = "UNKNOWN  ask again with --idempotency-key tenon-";
    assert!(lost.out.starts_with(told), "{lost:?}");
    // What changes nothing is an error, and no unknown.
    let read = tenon(&url, "key", &["transactions"]);
    assert_eq!((read.code, read.out.as_str()), (1, ""), "{read:?}");
}

#[test]
fn a_key_that_permits_too_little_is_told_what_it_needs() {
    let data = tempfile::tempdir().expect("a folder");
    let terminal = Emulator::start(data.path(), &["--no-rate-limits"]);
    let url = terminal.text("url");
    let unknown = tenon(url, "wrong", &["totals"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (5, ""), "{unknown:?}");
    assert!(unknown.err.starts_with("UNAUTHORIZED  "), "{unknown:?}");
    assert!(unknown.err.contains("terminal:read"), "{unknown:?}");
    let made = Command::new(env!("CARGO_BIN_EXE_tenon"))
        .args([
            "keys",
            "make",
            "till",
            "--permit",
            "terminal:read",
            "--data",
        ])
        .arg(data.path())
        .output()
        .expect("tenon runs");
    let made = String::from_utf8(made.stdout).expect("text");
    let key = made.split_whitespace().nth(1).expect("a key");
    terminal.wait_for(key, 200);
    let refused = tenon(url, key, &["sale", "--amount", "5"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.out.starts_with("FORBIDDEN  "), "{refused:?}");
    assert!(refused.out.contains("transactions:write"), "{refused:?}");
}

#[test]
fn a_pinned_certificate_is_the_terminals_and_no_other() {
    let data = tempfile::tempdir().expect("a folder");
    let terminal = Emulator::start(data.path(), &["--tls", "--card", "visa-credit"]);
    let (https, key) = (terminal.text("url"), terminal.text("apiKey"));
    let http = https.replacen("https", "http", 1);
    let right = terminal.text("fingerprint");
    let other = format!("00{}", &right[2..]);
    let authority = data.path().join("tls-certificate.pem");
    let authority = authority.to_str().expect("a path");
    let sale = ["sale", "--amount", "2500"];
    let sold = |url: &str, options: &[&str]| tenon(url, key, &[&sale[..], options].concat());

    let pinned = sold(https, &["--fingerprint", right]);
    assert_eq!(pinned.code, 0, "{pinned:?}");
    assert!(
        pinned.err.contains("Present card"),
        "no session: {pinned:?}"
    );
    assert_eq!(sold(https, &["--ca-certificate", authority]).code, 0);

    let wrong = sold(https, &["--fingerprint", &other]);
    assert!(wrong.err.contains("another certificate"), "{wrong:?}");
    assert!(
        wrong.err.contains(right),
        "what it shows is not named: {wrong:?}"
    );
    let unpinned = sold(https, &[]);
    assert!(unpinned.err.contains("nobody vouches"), "{unpinned:?}");
    let plain = sold(&http, &[]);
    assert!(plain.err.contains("speaks TLS"), "{plain:?}");
    let card = sold(&http, &["--card", "eftpos"]);
    assert!(card.err.contains("speaks TLS"), "{card:?}");
    let in_clear = sold(&http, &["--fingerprint", right]);
    assert!(
        in_clear.err.contains("shows no certificate"),
        "{in_clear:?}"
    );
    for refused in [wrong, unpinned, plain, card, in_clear] {
        assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{refused:?}");
    }
    // Of all these the terminal has seen two.
    let listed = tenon(
        https,
        key,
        &["transactions", "--json", "--fingerprint", right],
    );
    assert_eq!(
        listed.json()["data"].as_array().map(Vec::len),
        Some(2),
        "{listed:?}"
    );
}

#[test]
fn what_speaks_no_tls_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut hello = [0; 4096];
            drop(stream.read(&mut hello));
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    let fingerprint = ["00"; 32].join(":");
    let ran = tenon(&url, "key", &["health", "--fingerprint", &fingerprint]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("it speaks no TLS"), "{ran:?}");
}
