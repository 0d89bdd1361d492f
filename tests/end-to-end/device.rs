//! What a point of sale shows, asks and prints on a whole terminal.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    terminal::{API_KEY, Options, Terminal},
    world::World,
};

const DISPLAY: &str = "/v1/device/display";
const INPUT: &str = "/v1/device/input";
const PRINT: &str = "/v1/device/print";

fn lines(texts: &[&str]) -> Value {
    let lines: Vec<_> = texts.iter().map(|text| json!({ "text": text })).collect();
    json!({ "lines": lines })
}

fn question(prompt: &str, input_type: &str) -> Value {
    json!({ "prompt": prompt, "inputType": input_type })
}

fn answered(value: &str) -> Value {
    json!({ "value": value, "cancelled": false, "timedOut": false })
}

fn cancelled() -> Value {
    json!({ "value": null, "cancelled": true, "timedOut": false })
}

impl World {
    fn ask(&self, body: &Value) -> (u16, Value) {
        self.terminal.post(INPUT, body, None).expect("an answer")
    }

    /// Nobody presses a key by itself.
    fn silent(&self) {
        let silent = json!({ "mode": "SILENT" });
        let (status, _) = self.hand("/emulator/keypad", &silent);
        assert_eq!(status, 204);
    }

    fn hand(&self, path: &str, body: &Value) -> (u16, Value) {
        self.terminal.post(path, body, None).expect("an answer")
    }

    /// Waits until a question is on the screen: for the first time, or again.
    fn asked(&self, again: bool) -> Value {
        let mut shown = Value::Null;
        self.wait_until("a question", |world| {
            let (status, question) = world.terminal.get("/emulator/input").expect("an answer");
            status == 200 && question["again"] == again
        });
        if let Some((200, question)) = self.terminal.get("/emulator/input") {
            shown = question;
        }
        shown
    }

    fn type_answer(&self, answer: &str) {
        let (status, refused) = self.hand("/emulator/input", &json!({ "answer": answer }));
        assert_eq!(status, 204, "{refused}");
    }

    fn screen(&self) -> Vec<String> {
        let (_, screen) = self.terminal.get("/emulator/screen").expect("an answer");
        let lines = screen["lines"].as_array().expect("lines");
        lines
            .iter()
            .map(|line| line.as_str().expect("a text").to_owned())
            .collect()
    }

    fn paper(&self) -> String {
        let (_, paper) = self.terminal.get("/emulator/paper").expect("an answer");
        paper.as_str().expect("a text").to_owned()
    }

    fn waits_for_a_card(&self) {
        self.wait_until("the request for a card", |world| {
            world.screen().iter().any(|line| line.contains("NZD"))
        });
    }

    /// Aborts the transaction that runs, which a refused request names.
    fn abort(&self, busy: &Value) {
        let id = busy["details"]["transactionId"].as_str().expect("an id");
        let path = format!("/v1/transaction/{id}/abort");
        let (status, aborted) = self.hand(&path, &json!({}));
        assert_eq!((status, &aborted["status"]), (200, &json!("CANCELLED")));
    }
}

#[test]
fn every_form_of_a_question_is_answered_by_hand() {
    let world = World::new(None);
    world.silent();
    let mut choice = question("How do you want your receipt?", "SELECTION");
    choice["options"] = json!(["Paper", "E-mail"]);
    let mut number = question("Table number?", "NUMERIC");
    (number["minLength"], number["maxLength"]) = (json!(2), json!(3));
    let mut optional = question("Anything else?", "TEXT");
    optional["minLength"] = json!(0);
    for (body, wrong, right, value) in [
        (
            question("Name?", "TEXT"),
            "4111 1111 1111 1111",
            "Jane",
            "Jane",
        ),
        (optional, "5555555555554444", "", ""),
        (number, "7", "07", "07"),
        (
            question("Your e-mail address?", "EMAIL"),
            "jane",
            "jane@example.com",
            "jane@example.com",
        ),
        (
            question("Phone number?", "PHONE"),
            "call me",
            "+64 21 123-4567",
            "+64211234567",
        ),
        (choice, "Fax", "2", "E-mail"),
        (question("A bag?", "YES_NO"), "MAYBE", "NO", "NO"),
        (question("How was it?", "RATING"), "6", "4", "4"),
    ] {
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| world.ask(&body));
            let shown = world.asked(false);
            assert_eq!(shown["prompt"], body["prompt"]);
            assert_eq!(shown["inputType"], body["inputType"]);
            world.wait_until("the prompt", |world| {
                world.screen().first().map(String::as_str) == body["prompt"].as_str()
            });
            world.type_answer(wrong);
            world.asked(true);
            world.type_answer(right);
            let answer = asking.join().expect("no panic");
            assert_eq!(answer, (200, answered(value)), "{body}");
        });
        world.wait_until("the idle screen", |world| world.screen() == ["WELCOME"]);
        let (status, none) = world.hand("/emulator/input", &json!({ "answer": "late" }));
        assert_eq!((status, &none["error"]), (404, &json!("NOT_FOUND")));
    }
}

#[test]
fn every_form_of_a_question_is_answered_when_nobody_is_there() {
    let world = World::new(None);
    let mut long = question("A long name?", "TEXT");
    long["minLength"] = json!(20);
    let mut choice = question("Which?", "SELECTION");
    choice["options"] = json!(["First", "Second"]);
    for (body, value) in [
        (question("Name?", "TEXT"), "Jane"),
        (long, "Janeeeeeeeeeeeeeeeee"),
        (question("How many?", "NUMERIC"), "42"),
        (question("E-mail?", "EMAIL"), "jane@example.com"),
        (question("Phone?", "PHONE"), "+64211234567"),
        (choice, "First"),
        (question("Yes?", "YES_NO"), "YES"),
        (question("How was it?", "RATING"), "5"),
    ] {
        assert_eq!(world.ask(&body), (200, answered(value)), "{body}");
    }
    // What it would say does not fit: it cancels.
    let mut short = question("E-mail?", "EMAIL");
    short["maxLength"] = json!(5);
    assert_eq!(world.ask(&short), (200, cancelled()));
}

#[test]
fn a_question_ends_with_time_or_by_the_cardholder() {
    let world = World::new(None);
    world.silent();
    let mut body = question("Name?", "TEXT");
    body["timeoutMs"] = json!(1000);
    let began = Instant::now();
    let timed_out = json!({ "value": null, "cancelled": false, "timedOut": true });
    assert_eq!(world.ask(&body), (200, timed_out));
    assert!(began.elapsed() >= Duration::from_secs(1));
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| world.ask(&question("Name?", "TEXT")));
        world.asked(false);
        let (status, _) = world.hand("/emulator/input", &json!({ "cancel": true }));
        assert_eq!(status, 204);
        assert_eq!(asking.join().expect("no panic"), (200, cancelled()));
    });
}

#[test]
fn questions_for_secrets_are_not_asked_and_nothing_asked_or_answered_is_logged() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let options = Options {
        log: "trace",
        ..Options::on(data.path())
    };
    let terminal = Terminal::start(&options).expect("the terminal starts");
    for (prompt, input_type) in [
        ("Enter your PIN", "NUMERIC"),
        ("P.I.N.", "TEXT"),
        ("Card number please", "PHONE"),
        ("CVV2?", "NUMERIC"),
        ("Ihre Geheimzahl?", "NUMERIC"),
    ] {
        let refused = terminal.post(INPUT, &question(prompt, input_type), None);
        let (status, answer) = refused.expect("an answer");
        assert_eq!((status, &answer["error"]), (400, &json!("INVALID_REQUEST")));
        assert_eq!(answer["details"]["constraint"], "secret", "{answer}");
    }
    let body = question("Zanzibarquestion?", "EMAIL");
    let answer = terminal.post(INPUT, &body, Some("key"));
    assert_eq!(answer, Some((200, answered("jane@example.com"))));
    let text = lines(&["Zanzibartext"]);
    for path in [DISPLAY, PRINT] {
        let done = terminal.post(path, &text, None);
        assert_eq!(done, Some((200, json!({ "success": true }))));
    }
    let log = String::from_utf8_lossy(&terminal.into_output()).into_owned();
    assert!(log.contains("requestInput"), "the log names the operation");
    for secret in ["Zanzibar", "jane@", "Geheimzahl"] {
        assert!(!log.contains(secret), "{secret} is logged");
    }
    for file in ["journal.sqlite", "journal.sqlite-wal"] {
        let stored = std::fs::read(data.path().join(file)).unwrap_or_default();
        let clear = stored.windows(5).any(|part| part == b"jane@");
        assert!(!clear, "an answer lies in {file} in clear");
    }
}

#[test]
fn nothing_is_shown_asked_or_printed_while_a_sale_runs() {
    let mut world = World::new(None);
    std::thread::scope(|scope| {
        let selling = scope.spawn(|| world.terminal.sale(2500, "sale"));
        world.waits_for_a_card();
        for (path, body) in [
            (DISPLAY, lines(&["Zebra"])),
            (INPUT, question("Name?", "TEXT")),
            (PRINT, lines(&["Zebra"])),
        ] {
            let (status, busy) = world.hand(path, &body);
            assert_eq!((status, &busy["error"]), (409, &json!("TERMINAL_BUSY")));
            assert!(busy["details"]["transactionId"].is_string(), "{busy}");
        }
        let (_, busy) = world.hand(PRINT, &lines(&["no"]));
        world.abort(&busy);
        selling.join().expect("no panic");
    });
    assert!(!world.paper().contains("Zebra"));
    world.check_that_the_next_sale_works();
}

#[test]
fn a_sale_takes_the_screen_from_a_text_and_a_question() {
    let world = World::new(None);
    world.silent();
    let (status, _) = world.hand(DISPLAY, &lines(&["Welcome to", "Tenon Coffee"]));
    assert_eq!(status, 200);
    assert_eq!(world.screen(), ["Welcome to", "Tenon Coffee"]);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| world.ask(&question("Name?", "TEXT")));
        world.asked(false);
        let (_, busy) = world.hand(DISPLAY, &lines(&["no"]));
        assert_eq!(busy["error"], "TERMINAL_BUSY");
        assert!(busy["details"].get("transactionId").is_none(), "{busy}");
        let selling = scope.spawn(|| world.terminal.sale(2500, "sale"));
        assert_eq!(asking.join().expect("no panic"), (200, cancelled()));
        world.waits_for_a_card();
        let (_, busy) = world.hand(PRINT, &lines(&["no"]));
        world.abort(&busy);
        selling.join().expect("no panic");
    });
    // A text goes by itself, and its end takes nothing from what came later.
    let mut short = lines(&["Short"]);
    short["duration"] = json!(100);
    world.hand(DISPLAY, &short);
    assert_eq!(world.screen(), ["Short"]);
    world.wait_until("the idle screen", |world| world.screen() == ["WELCOME"]);
    let mut more = lines(&["second"]);
    more["clearPrevious"] = json!(false);
    world.hand(DISPLAY, &lines(&["first"]));
    world.hand(DISPLAY, &more);
    assert_eq!(world.screen(), ["first", "second"]);
}

#[test]
fn paper_is_printed_cut_and_runs_out() {
    let world = World::new(None);
    let mut ticket = lines(&["No. 7"]);
    ticket["lines"][0]["alignment"] = json!("CENTER");
    ticket["cutPaper"] = json!(false);
    for body in [&ticket, &lines(&["Thanks"]), &lines(&["Goodbye"])] {
        assert_eq!(world.hand(PRINT, body), (200, json!({ "success": true })));
    }
    let centred = format!("{}No. 7\nThanks\n", " ".repeat(13));
    let paper = world.paper();
    assert!(paper.starts_with(&centred), "{paper}");
    assert!(
        paper.ends_with("- \nGoodbye\n") || paper.ends_with("-\nGoodbye\n"),
        "{paper}"
    );

    world.terminal.delete("/emulator/paper");
    let (status, refused) = world
        .terminal
        .post(PRINT, &lines(&["Lost"]), Some("key"))
        .expect("an answer");
    assert_eq!(
        (status, &refused["error"]),
        (503, &json!("TERMINAL_UNAVAILABLE"))
    );
    assert_eq!(refused["details"]["field"], "printer");
    assert_eq!(refused["details"]["constraint"], "paper");
    let (status, _) = world.hand("/emulator/paper", &json!({ "columns": 40 }));
    assert_eq!(status, 204);
    let again = world.terminal.post(PRINT, &lines(&["Lost"]), Some("key"));
    assert_eq!(again, Some((200, json!({ "success": true }))));
    assert_eq!(world.paper().matches("Lost").count(), 1);
}

#[test]
fn a_key_does_nothing_twice_over_a_restart_too() {
    let mut world = World::new(Some("visa-credit"));
    world.sale(2500);
    let day = json!({ "closeDay": true });
    let close = |world: &World| {
        let closed = world.terminal.post("/v1/reconciliation", &day, Some("day"));
        closed.expect("an answer")
    };
    let print = |world: &World| {
        let printed = world.terminal.post(PRINT, &lines(&["Once"]), Some("key"));
        assert_eq!(printed, Some((200, json!({ "success": true }))));
        world.paper().matches("Once").count()
    };
    let first = close(&world);
    assert_eq!((first.0, &first.1["status"]), (200, &json!("SUCCESS")));
    assert_eq!(first.1["totals"]["saleAmount"], 2500);
    assert_eq!((print(&world), print(&world)), (1, 1));
    world.restart(Some("visa-credit"));
    world.sale(100);
    assert_eq!(close(&world), first, "the next batch stays open");
    assert_eq!(print(&world), 0, "the emulator's paper is new");
    let (status, conflict) = world
        .terminal
        .post(PRINT, &lines(&["Twice"]), Some("key"))
        .expect("an answer");
    assert_eq!(
        (status, &conflict["error"]),
        (409, &json!("IDEMPOTENCY_CONFLICT"))
    );
}

#[test]
fn a_session_shows_and_asks() {
    let world = World::new(None);
    world.silent();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("one");
    let address = world.terminal.url().replace("http://", "ws://");
    let url = format!("{address}/v1/session?apiKey={API_KEY}");
    let open = || {
        let opening = tokio_tungstenite::connect_async(&url);
        runtime.block_on(opening).expect("the session opens").0
    };
    let mut session = open();
    let mut send = |message: &Value| {
        let sending = session.send(Message::text(message.to_string()));
        runtime.block_on(sending).expect("taken");
        loop {
            let next = runtime.block_on(session.next()).expect("an event");
            if let Message::Text(text) = next.expect("a message") {
                return serde_json::from_str::<Value>(&text).expect("JSON");
            }
        }
    };
    let mut display = lines(&["Welcome"]);
    display["action"] = json!("display");
    let shown = send(&display);
    assert_eq!(shown, json!({ "event": "display_result", "success": true }));
    assert_eq!(world.screen(), ["Welcome"]);
    let mut input = question("Name?", "TEXT");
    input["action"] = json!("input");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            world.asked(false);
            world.type_answer("Jane");
        });
        let mut expected = answered("Jane");
        expected["event"] = json!("input_result");
        assert_eq!(send(&input), expected);
    });
    // A session that goes away takes its question with it.
    let mut gone = open();
    let sending = gone.send(Message::text(input.to_string()));
    runtime.block_on(sending).expect("taken");
    world.asked(false);
    drop(gone);
    world.wait_until("the idle screen", |world| world.screen() == ["WELCOME"]);
    assert_eq!(world.hand(DISPLAY, &lines(&["Free"])).0, 200);
}
