//! What a point of sale shows, asks and prints, over HTTP and in a session.

use std::time::Duration;

use serde_json::{Value, json};
use terminal_host::{
    input::{Form, Lengths},
    service::{InteractionError, Reply, Text},
    text::{Alignment, FontSize, TextLine},
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    client::{Answer, Running, head, sale},
    fake_terminal::approved,
};

const DISPLAY: &str = "/v1/device/display";
const INPUT: &str = "/v1/device/input";
const PRINT: &str = "/v1/device/print";

fn line(text: &str) -> TextLine {
    TextLine {
        text: text.into(),
        ..TextLine::default()
    }
}

fn thanks() -> Value {
    json!({"lines": [{"text": "Thanks"}]})
}

fn name() -> Value {
    json!({"prompt": "Your name?", "inputType": "TEXT"})
}

fn answered(text: &str) -> Reply {
    Reply::Answered(text.into())
}

async fn with_key(running: &Running, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [("Idempotency-Key", key)];
    running
        .send("POST", path, &headers, &body.to_string())
        .await
}

/// Sends a request, and does not wait for its answer.
async fn asking(running: &Running, headers: &[(&str, &str)]) -> TcpStream {
    let body = name().to_string();
    let request = format!("{}{body}", head("POST", INPUT, headers, body.len()));
    let mut stream = TcpStream::connect(running.address)
        .await
        .expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("taken");
    stream
}

#[tokio::test]
async fn a_text_is_shown_as_it_was_asked_for() {
    let running = Running::start().await;
    let whole = json!({
        "lines": [
            {"text": "Welcome", "alignment": "CENTER", "fontSize": "LARGE", "bold": true},
            {"text": "", "alignment": "RIGHT", "fontSize": "SMALL", "bold": null},
        ],
        "duration": 5000,
        "clearPrevious": false,
    });
    for body in [
        whole,
        thanks(),
        json!({"lines": [{"text": "x"}], "duration": 0}),
    ] {
        let answer = running.post(DISPLAY, &body).await;
        assert_eq!(
            (answer.status, &answer.body),
            (200, &json!({"success": true}))
        );
    }
    let welcome = TextLine {
        text: "Welcome".into(),
        alignment: Alignment::Center,
        size: FontSize::Large,
        bold: true,
    };
    let empty = TextLine {
        alignment: Alignment::Right,
        size: FontSize::Small,
        ..TextLine::default()
    };
    let plain = |text| Text {
        lines: vec![line(text)],
        duration: None,
        keeps_previous: false,
    };
    let expected = [
        Text {
            lines: vec![welcome, empty],
            duration: Some(Duration::from_secs(5)),
            keeps_previous: true,
        },
        plain("Thanks"),
        plain("x"),
    ];
    assert_eq!(running.terminal.shown(), expected);
}

#[tokio::test]
async fn lines_are_printed_and_the_paper_is_cut_unless_told_otherwise() {
    let running = Running::start().await;
    let many: Vec<_> = (0..100).map(|_| json!({"text": "x"})).collect();
    for body in [thanks(), json!({"lines": many, "cutPaper": false})] {
        let answer = running.post(PRINT, &body).await;
        assert_eq!(
            (answer.status, &answer.body),
            (200, &json!({"success": true}))
        );
    }
    let printed = running.terminal.printed();
    assert_eq!(printed[0], (vec![line("Thanks")], true));
    assert_eq!((printed[1].0.len(), printed[1].1), (100, false));
}

#[tokio::test]
async fn a_question_of_every_form_is_asked_and_answered() {
    let running = Running::start().await;
    let lengths = |min, max| Lengths { min, max };
    for (fields, form, value) in [
        (
            json!({"inputType": "TEXT"}),
            Form::Text(lengths(1, 100)),
            "Jane",
        ),
        (
            json!({"inputType": "NUMERIC", "minLength": 2, "maxLength": 4}),
            Form::Numeric(lengths(2, 4)),
            "007",
        ),
        (
            json!({"inputType": "EMAIL"}),
            Form::Email(lengths(1, 254)),
            "jane@example.com",
        ),
        (
            json!({"inputType": "PHONE"}),
            Form::Phone(lengths(1, 16)),
            "+64211234567",
        ),
        (
            json!({"inputType": "SELECTION", "options": ["Cash", "Voucher"]}),
            Form::Selection(vec!["Cash".into(), "Voucher".into()]),
            "Voucher",
        ),
        (json!({"inputType": "YES_NO"}), Form::YesNo, "NO"),
        (json!({"inputType": "RATING"}), Form::Rating, "4"),
    ] {
        let mut body = fields;
        body["prompt"] = "What?".into();
        body["timeoutMs"] = 2500.into();
        let (answer, ()) = tokio::join!(running.post(INPUT, &body), async {
            let (question, time_max) = running.terminal.asks().await;
            assert_eq!(question.prompt(), "What?");
            assert!(*question.form() == form, "{body}");
            assert_eq!(time_max, Duration::from_millis(2500));
            running.terminal.reply(answered(value)).await;
        });
        let expected = json!({"value": value, "cancelled": false, "timedOut": false});
        assert_eq!((answer.status, &answer.body), (200, &expected));
    }
    for (reply, cancelled) in [(Reply::Cancelled, true), (Reply::TimedOut, false)] {
        let body = name();
        let (answer, ()) = tokio::join!(running.post(INPUT, &body), running.terminal.reply(reply));
        let expected = json!({"value": null, "cancelled": cancelled, "timedOut": !cancelled});
        assert_eq!((answer.status, &answer.body), (200, &expected));
    }
}

#[tokio::test]
async fn wrong_texts_are_refused_with_their_field_and_reach_no_device() {
    let running = Running::start().await;
    let lines = |count: usize| vec![json!({"text": "x"}); count];
    for (path, body, code, field, constraint) in [
        (DISPLAY, json!({}), "MISSING_FIELD", "lines", "required"),
        (
            DISPLAY,
            json!({"lines": []}),
            "INVALID_REQUEST",
            "lines",
            "minItems",
        ),
        (
            DISPLAY,
            json!({"lines": lines(11)}),
            "INVALID_REQUEST",
            "lines",
            "maxItems",
        ),
        (
            PRINT,
            json!({"lines": lines(101)}),
            "INVALID_REQUEST",
            "lines",
            "maxItems",
        ),
        (
            PRINT,
            json!({"lines": [{"text": "\u{1b}p0"}]}),
            "INVALID_REQUEST",
            "lines[0].text",
            "pattern",
        ),
        (
            PRINT,
            json!({"lines": lines(1), "cutPaper": "no"}),
            "INVALID_REQUEST",
            "cutPaper",
            "type",
        ),
        (
            DISPLAY,
            json!({"lines": lines(1), "duration": 3_600_001}),
            "INVALID_REQUEST",
            "duration",
            "maximum",
        ),
        (
            DISPLAY,
            json!({"lines": lines(1), "cutPaper": true}),
            "INVALID_REQUEST",
            "cutPaper",
            "additionalProperties",
        ),
    ] {
        let answer = running.post(path, &body).await;
        answer.check_error(400, code);
        answer.check_field(field, constraint);
    }
    assert!(running.terminal.shown().is_empty() && running.terminal.printed().is_empty());
}

#[tokio::test]
async fn questions_for_secrets_are_refused_and_not_repeated() {
    let running = Running::start().await;
    for (path, body, code, field, constraint) in [
        (
            INPUT,
            json!({"prompt": "Enter your P.I.N.", "inputType": "NUMERIC"}),
            "INVALID_REQUEST",
            "prompt",
            "secret",
        ),
        (
            INPUT,
            json!({"prompt": "Kartennummer?", "inputType": "PHONE"}),
            "INVALID_REQUEST",
            "prompt",
            "secret",
        ),
        (
            INPUT,
            json!({"inputType": "TEXT"}),
            "MISSING_FIELD",
            "prompt",
            "required",
        ),
    ] {
        let answer = running.post(path, &body).await;
        answer.check_error(400, code);
        answer.check_field(field, constraint);
        assert!(!answer.text.contains("P.I.N."), "{}", answer.text);
    }
}

#[tokio::test]
async fn what_the_devices_do_not_do_is_an_error_with_its_reason() {
    let running = Running::start().await;
    for (error, status, code, field) in [
        (InteractionError::Busy, 409, "TERMINAL_BUSY", None),
        (
            InteractionError::ShuttingDown,
            503,
            "TERMINAL_UNAVAILABLE",
            None,
        ),
        (
            InteractionError::OutOfPaper,
            503,
            "TERMINAL_UNAVAILABLE",
            Some(("printer", "paper")),
        ),
        (
            InteractionError::NotSupported,
            503,
            "TERMINAL_UNAVAILABLE",
            Some(("device", "supported")),
        ),
        (
            InteractionError::DeviceFault,
            503,
            "TERMINAL_UNAVAILABLE",
            Some(("device", "works")),
        ),
    ] {
        running.terminal.refuse_devices(Some(error));
        for (path, body) in [(DISPLAY, thanks()), (INPUT, name()), (PRINT, thanks())] {
            let answer = running.post(path, &body).await;
            answer.check_error(status, code);
            if let Some((field, constraint)) = field {
                answer.check_field(field, constraint);
            }
        }
    }
    // Busy with a transaction: it is named.
    running
        .terminal
        .refuse_devices(Some(InteractionError::Busy));
    let selling = running.sale_with_key("one", &sale());
    let id = running.terminal.runs().await;
    let busy = running.post(PRINT, &thanks()).await;
    assert_eq!(busy.body["details"]["transactionId"], id.as_str());
    assert_eq!(busy.header("Retry-After"), Some("1"));
    running.terminal.end(&id, approved());
    selling.await.expect("an answer");
}

#[tokio::test]
async fn a_repeated_request_does_nothing_again() {
    let running = Running::start().await;
    for _ in 0..2 {
        for path in [DISPLAY, PRINT] {
            let answer = with_key(&running, path, "one", &thanks()).await;
            assert_eq!(
                (answer.status, &answer.body),
                (200, &json!({"success": true}))
            );
        }
    }
    assert_eq!(running.terminal.shown().len(), 1);
    assert_eq!(running.terminal.printed().len(), 1);
    let other = json!({"lines": [{"text": "Goodbye"}]});
    let conflict = with_key(&running, PRINT, "one", &other).await;
    conflict.check_error(409, "IDEMPOTENCY_CONFLICT");
    with_key(&running, PRINT, "two", &other).await;
    assert_eq!(running.terminal.printed().len(), 2);
    // What was not done is done when it is asked for again.
    running
        .terminal
        .refuse_devices(Some(InteractionError::OutOfPaper));
    let refused = with_key(&running, PRINT, "three", &other).await;
    refused.check_error(503, "TERMINAL_UNAVAILABLE");
    running.terminal.refuse_devices(None);
    let answer = with_key(&running, PRINT, "three", &other).await;
    assert_eq!(answer.status, 200);
    assert_eq!(running.terminal.printed().len(), 3);
    // An answer that cannot be kept is given all the same.
    running.terminal.forget_answers();
    let answer = with_key(&running, PRINT, "four", &other).await;
    assert_eq!(answer.status, 200);
    with_key(&running, PRINT, "", &other)
        .await
        .check_error(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn a_day_is_closed_once_for_one_key() {
    let running = Running::start().await;
    let path = "/v1/reconciliation";
    let body = json!({"closeDay": true});
    let first = with_key(&running, path, "day", &body).await;
    let again = with_key(&running, path, "day", &body).await;
    assert_eq!((first.status, &first.body), (200, &again.body));
    assert_eq!(running.terminal.reconciled(), 1);
    let dry = json!({"closeDay": false});
    with_key(&running, path, "day", &dry)
        .await
        .check_error(409, "IDEMPOTENCY_CONFLICT");
}

#[tokio::test]
async fn a_repeated_question_joins_the_one_that_waits() {
    let running = Running::start().await;
    let body = name();
    let ask = || with_key(&running, INPUT, "one", &body);
    let (first, second, ()) = tokio::join!(ask(), ask(), async {
        running.terminal.asks().await;
        // Both have arrived: the other one would be refused as a second question.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let other = json!({"prompt": "Your age?", "inputType": "NUMERIC"});
        with_key(&running, INPUT, "one", &other)
            .await
            .check_error(409, "IDEMPOTENCY_CONFLICT");
        running.terminal.reply(answered("Jane")).await;
    });
    assert_eq!((first.status, &first.body["value"]), (200, &json!("Jane")));
    assert_eq!(first.body, second.body);
    // And is answered without being asked once more.
    assert_eq!(ask().await.body, first.body);
}

#[tokio::test]
async fn a_question_ends_with_the_client_that_asked() {
    let running = Running::start().await;
    for headers in [&[][..], &[("Idempotency-Key", "gone")]] {
        let stream = asking(&running, headers).await;
        running.terminal.asks().await;
        drop(stream);
        running.terminal.question_ends().await;
    }
    // As long as one client waits, the question does.
    let headers = [("Idempotency-Key", "stays")];
    let stream = asking(&running, &headers).await;
    running.terminal.asks().await;
    let body = name();
    let (answer, ()) = tokio::join!(with_key(&running, INPUT, "stays", &body), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(stream);
        tokio::time::sleep(Duration::from_millis(100)).await;
        running.terminal.reply(answered("Jane")).await;
    });
    assert_eq!(answer.body["value"], "Jane");
    // A key whose question went with its client is asked anew.
    let (answer, ()) = tokio::join!(
        with_key(&running, INPUT, "gone", &body),
        running.terminal.reply(answered("John"))
    );
    assert_eq!(answer.body["value"], "John");
}

#[tokio::test]
async fn a_question_ends_with_the_terminal() {
    let running = Running::start().await;
    let body = name();
    let (answer, ()) = tokio::join!(running.post(INPUT, &body), async {
        running.terminal.asks().await;
        running.shutdown.send_replace(true);
    });
    answer.check_error(503, "TERMINAL_UNAVAILABLE");
}

#[tokio::test]
async fn a_session_shows_and_asks_while_everything_else_goes_on() {
    let running = Running::start().await;
    let mut session = running.session().await;
    let mut other = running.session().await;
    let mut display = thanks();
    display["action"] = "display".into();
    session.send(&display).await;
    let shown = session.event().await;
    assert_eq!(shown, json!({"event": "display_result", "success": true}));
    assert_eq!(running.terminal.shown().len(), 1);

    let mut input = name();
    input["action"] = "input".into();
    session.send(&input).await;
    running.terminal.asks().await;
    // A second question, of this session and of another.
    for session in [&mut session, &mut other] {
        session.send(&input).await;
        assert_eq!(session.event().await["error"], "TERMINAL_BUSY");
    }
    // Events and actions meanwhile.
    let (id, _) = running.sale_ending(approved()).await;
    let result = session.event().await;
    assert_eq!(result["response"]["transactionId"], id.as_str());
    session
        .send(&json!({"action": "abort", "transactionId": id.as_str()}))
        .await;
    assert_eq!(session.event().await["error"], "INVALID_REQUEST");
    running.terminal.reply(answered("Jane")).await;
    let expected = json!({
        "event": "input_result", "value": "Jane", "cancelled": false, "timedOut": false,
    });
    assert_eq!(session.event().await, expected);
    // The next question, which the device refuses.
    running
        .terminal
        .refuse_devices(Some(InteractionError::NotSupported));
    session.send(&input).await;
    assert_eq!(session.event().await["error"], "TERMINAL_UNAVAILABLE");
    // Only the session that asked was told.
    assert_eq!(other.event().await["event"], "result");
}

#[tokio::test]
async fn a_question_ends_with_the_session_that_asked() {
    let running = Running::start().await;
    let mut session = running.session().await;
    let mut input = name();
    input["action"] = "input".into();
    session.send(&input).await;
    running.terminal.asks().await;
    drop(session);
    running.terminal.question_ends().await;
}
