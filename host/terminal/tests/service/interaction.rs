//! What a point of sale shows, asks and prints, and who has the devices.

use std::{sync::atomic::Ordering, time::Duration};

use terminal_host::{
    display::Screen,
    input::{Fault, Form, Given, Lengths, Question},
    printer::Line,
    service::{InteractionError, KeptAnswer, Reply, Text},
    text::DISPLAY_LINES_MAX,
};
use tokio::task::JoinHandle;

use crate::{
    guest::{self, Behaviour},
    terminal::{TestTerminal, claim, line, within},
};

const LONG: Duration = Duration::from_mins(1);

type Asked = JoinHandle<Result<Reply, InteractionError>>;

fn text(words: &str) -> Text {
    Text {
        lines: vec![line(words)],
        duration: None,
        keeps_previous: false,
    }
}

fn shown(texts: &[&str]) -> Screen {
    Screen::Text(texts.iter().map(|text| line(text)).collect())
}

fn name() -> Question {
    let lengths = Lengths { min: 1, max: 16 };
    Question::new("Name?".into(), Form::Text(lengths)).expect("a question")
}

/// Asks, and waits until the question is shown.
async fn asked(terminal: &TestTerminal, time_max: Duration) -> Asked {
    let service = terminal.service.clone();
    let asking = tokio::spawn(async move { service.ask(name(), time_max).await });
    shows(terminal, &shown(&["Name?"])).await;
    asking
}

async fn shows(terminal: &TestTerminal, screen: &Screen) {
    let mut screens = terminal.hands.screen.subscribe();
    within(screens.wait_for(|other| other == screen))
        .await
        .expect("a display");
}

fn screen(terminal: &TestTerminal) -> Screen {
    terminal.hands.screen.borrow().clone()
}

async fn reply(asking: Asked) -> Result<Reply, InteractionError> {
    within(asking).await.expect("no panic")
}

fn give(terminal: &TestTerminal, given: Result<Given, Fault>) {
    terminal.hands.give.send(given).expect("a driver");
}

fn answered(text: &str) -> Reply {
    Reply::Answered(text.into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_is_shown_until_another_takes_its_place_or_its_time_is_over() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let display = |text| terminal.service.display(text);
    display(text("one\u{1b}[2J")).await.expect("shown");
    assert_eq!(screen(&terminal), shown(&["one[2J"]));
    let more = Text {
        keeps_previous: true,
        ..text("two")
    };
    display(more).await.expect("shown");
    assert_eq!(screen(&terminal), shown(&["one[2J", "two"]));
    // The oldest lines give way.
    let many = Text {
        lines: (0..DISPLAY_LINES_MAX - 1).map(|_| line("x")).collect(),
        keeps_previous: true,
        duration: None,
    };
    display(many).await.expect("shown");
    let Screen::Text(lines) = screen(&terminal) else {
        panic!("a text")
    };
    assert_eq!((lines.len(), &lines[0]), (DISPLAY_LINES_MAX, &line("two")));
    let short = Text {
        duration: Some(Duration::from_millis(50)),
        ..text("short")
    };
    display(short.clone()).await.expect("shown");
    assert_eq!(screen(&terminal), shown(&["short"]));
    shows(&terminal, &Screen::Idle).await;
    // The end of a text takes nothing away that came after it.
    display(short).await.expect("shown");
    display(text("long")).await.expect("shown");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(screen(&terminal), shown(&["long"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_asked_until_its_answer_is_one() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let asking = asked(&terminal, LONG).await;
    for wrong in ["seventeen letters", "4111111111111111"] {
        give(&terminal, Ok(Given::Text(wrong.into())));
    }
    give(&terminal, Ok(Given::Text("Jane".into())));
    assert_eq!(reply(asking).await, Ok(answered("Jane")));
    assert!(terminal.hands.asked_again.load(Ordering::SeqCst));
    shows(&terminal, &Screen::Idle).await;

    for (given, expected) in [
        (Err(Fault::Cancelled), Ok(Reply::Cancelled)),
        (
            Err(Fault::NotSupported),
            Err(InteractionError::NotSupported),
        ),
        (Err(Fault::Input), Err(InteractionError::DeviceFault)),
    ] {
        let asking = asked(&terminal, LONG).await;
        assert!(!terminal.hands.asked_again.load(Ordering::SeqCst));
        give(&terminal, given);
        assert_eq!(reply(asking).await, expected);
        shows(&terminal, &Screen::Idle).await;
    }
    // A driver that answers nonsense without end does not keep the terminal busy.
    let asking = asked(&terminal, LONG).await;
    for _ in 0..20 {
        give(&terminal, Ok(Given::Rating(1)));
    }
    assert_eq!(reply(asking).await, Ok(Reply::Cancelled));
    let asking = asked(&terminal, Duration::from_millis(50)).await;
    assert_eq!(reply(asking).await, Ok(Reply::TimedOut));
    shows(&terminal, &Screen::Idle).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_question_waits_nothing_else_is_shown_asked_or_printed() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let service = &terminal.service;
    let asking = asked(&terminal, LONG).await;
    let busy = Err(InteractionError::Busy);
    assert_eq!(service.display(text("no")).await, busy);
    assert_eq!(service.print(vec![line("no")], true).await, busy);
    let second = service.ask(name(), LONG).await;
    assert_eq!(second, Err(InteractionError::Busy));
    // Who asked goes away: the question ends.
    asking.abort();
    shows(&terminal, &Screen::Idle).await;
    let asking = asked(&terminal, LONG).await;
    give(&terminal, Ok(Given::Text("Jane".into())));
    assert_eq!(reply(asking).await, Ok(answered("Jane")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_takes_the_devices_back() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let service = &terminal.service;
    let asking = asked(&terminal, LONG).await;
    let id = terminal.begin(Behaviour::WaitForACard).await;
    assert_eq!(reply(asking).await, Ok(Reply::Cancelled));
    shows(&terminal, &Screen::Idle).await;
    let busy = Err(InteractionError::Busy);
    assert_eq!(service.display(text("no")).await, busy);
    assert_eq!(service.print(vec![line("no")], true).await, busy);
    let asked = service.ask(name(), LONG).await;
    assert_eq!(asked, Err(InteractionError::Busy));
    service.abort(&id).await;
    terminal.ended(&id).await;

    let ending = Text {
        duration: Some(Duration::from_millis(300)),
        ..text("welcome back")
    };
    service.display(ending).await.expect("shown");
    let id = terminal.begin(Behaviour::WaitForACard).await;
    shows(&terminal, &Screen::Idle).await;
    // The text that is gone ends nothing later.
    terminal.hands.screen.send_replace(shown(&["the engine's"]));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(screen(&terminal), shown(&["the engine's"]));
    service.abort(&id).await;
    terminal.ended(&id).await;
    service.shut_down().await;
    let refused = service.display(text("no")).await;
    assert_eq!(refused, Err(InteractionError::ShuttingDown));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_are_printed_and_a_driver_that_panics_costs_its_own_print() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let service = &terminal.service;
    let lines = || vec![line("one\u{1b}p\u{0}"), line("")];
    service.print(lines(), false).await.expect("printed");
    let papers = std::mem::take(&mut *terminal.hands.papers.lock().expect("not poisoned"));
    let expected = [line("onep"), line("")].map(Line::Styled).to_vec();
    assert_eq!(papers, [(expected, false)]);
    terminal.hands.printer_panics.store(true, Ordering::Relaxed);
    let failed = service.print(lines(), true).await;
    assert_eq!(failed, Err(InteractionError::DeviceFault));
    terminal
        .hands
        .printer_panics
        .store(false, Ordering::Relaxed);
    service.print(lines(), true).await.expect("printed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_kept_over_a_restart() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let asked = claim("print key", 1);
    terminal
        .service
        .keep_answer(&asked, b"done")
        .await
        .expect("kept");
    let terminal = terminal.restart(guest::engine()).await.expect("a restart");
    let kept = terminal.service.kept_answer(&asked).await;
    assert_eq!(kept, Ok(KeptAnswer::Answer(b"done".to_vec())));
    let other = terminal.service.kept_answer(&claim("print key", 2)).await;
    assert_eq!(other, Ok(KeptAnswer::Conflict));
}
