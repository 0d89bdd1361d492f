//! The devices as the host drives them, and the controls over HTTP.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows fails"
)]

use std::{sync::Mutex, time::Duration};

use terminal_host::{
    Devices,
    card_reader::{Card, Fault, Presented, Technologies},
    input::{self, Form, Given, Input as _, Lengths, Question},
    parameters::Parameters,
    pin_entry::{self, PinPrompt, PromptText},
    printer::{self, Line},
    vault::{DeviceKey, KeyPurpose, MacAlgorithm, Pin, Storage, Vault},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time,
};
use virtual_card::Quirk;
use zeroize::Zeroizing;

use crate::{
    Controls, Emulator, Entry, Error, Key, KeypadMode, Options, PARAMETERS, PaperWidth, Shown,
    Touch, acquirer::Acquirer, provision,
};

const SELECT_VISA: [u8; 12] = [0, 0xA4, 4, 0, 7, 0xA0, 0, 0, 0, 3, 0x10, 0x10];

/// Nothing comes: long enough to be sure, short enough for a test.
const NOTHING: Duration = Duration::from_millis(50);

fn emulator(card: Option<&str>) -> (Devices, Controls) {
    let acquirer = "127.0.0.1:9".parse().expect("an address");
    let options = Options {
        card: card.map(str::to_owned),
        acquirer,
    };
    Emulator::new(options).expect("a known card")
}

async fn wait(devices: &mut Devices) -> Result<Box<dyn Card>, Fault> {
    let contact = Technologies {
        contact: true,
        contactless: false,
        magstripe: false,
    };
    match devices.card_reader.wait_for_card(contact).await? {
        Presented::Contact(card) => Ok(card),
        Presented::Contactless(_) | Presented::Magstripe(_) => panic!("not a contact card"),
    }
}

fn prompt(allow_bypass: bool) -> PinPrompt {
    PinPrompt {
        text: PromptText::EnterPin,
        amount_minor: 2500,
        currency: 554,
        digits_min: 4,
        digits_max: 12,
        allow_bypass,
        key_timeout_ms: 100,
    }
}

fn is_pin(entered: Result<Pin, pin_entry::Fault>, digits: &str) -> bool {
    let digits = digits.bytes().map(|byte| byte - b'0').collect();
    let expected = Pin::from_digits(Zeroizing::new(digits)).expect("a PIN");
    entered.is_ok_and(|pin| pin.matches(&expected))
}

#[tokio::test]
async fn a_card_is_read_once_and_leaves_the_slot_when_it_is_dropped() {
    let (mut devices, controls) = emulator(None);
    assert!(time::timeout(NOTHING, wait(&mut devices)).await.is_err());
    controls
        .present_card("visa-credit", Entry::Contact, &[])
        .expect("a card");
    let mut card = wait(&mut devices).await.expect("a card");
    let response = card.transmit(&SELECT_VISA).await.expect("an answer");
    assert!(response.ends_with(&[0x90, 0x00]), "{response:02X?}");
    let again = controls.present_card("eftpos", Entry::Contact, &[]);
    assert_eq!(again, Err(Error::CardInUse));
    drop(card);
    assert_eq!(controls.pull_card(), Err(Error::NoCard));
    assert!(time::timeout(NOTHING, wait(&mut devices)).await.is_err());
    controls
        .present_card("eftpos", Entry::Contact, &[])
        .expect("the slot is free");
}

#[tokio::test]
async fn a_card_inserted_while_the_terminal_waits_is_read_at_once() {
    let (mut devices, controls) = emulator(None);
    let (card, ()) = tokio::join!(wait(&mut devices), async {
        time::sleep(NOTHING).await;
        controls
            .present_card("visa-credit", Entry::Contact, &[])
            .expect("a card");
    });
    assert!(card.is_ok());
}

#[tokio::test]
async fn a_pulled_card_answers_no_more() {
    let (mut devices, controls) = emulator(Some("visa-credit"));
    let mut card = wait(&mut devices).await.expect("a card");
    card.transmit(&SELECT_VISA).await.expect("an answer");
    controls.pull_card().expect("a card is in");
    assert_eq!(card.transmit(&SELECT_VISA).await, Err(Fault::CardRemoved));
    // The next one is not harmed when the old handle goes.
    let mut next = wait(&mut devices).await.expect("a fresh card");
    drop(card);
    assert!(next.transmit(&SELECT_VISA).await.is_ok());
}

/// Waits for a card that is presented in any way, as a terminal that falls back waits for a stripe.
async fn wait_for(devices: &mut Devices, contact: bool) -> Result<Option<String>, Fault> {
    let accepted = Technologies {
        contact,
        contactless: false,
        magstripe: true,
    };
    match devices.card_reader.wait_for_card(accepted).await? {
        Presented::Magstripe(tracks) => {
            let track = tracks.track_2.expect("track 2");
            Ok(Some(String::from_utf8(track).expect("ASCII")))
        }
        Presented::Contact(_) | Presented::Contactless(_) => Ok(None),
    }
}

#[tokio::test]
async fn a_stripe_is_read_once_where_stripes_are_accepted() {
    let (mut devices, controls) = emulator(None);
    controls
        .present_card("visa-credit", Entry::Magstripe, &[])
        .expect("a card");
    assert!(time::timeout(NOTHING, wait(&mut devices)).await.is_err());
    let track = wait_for(&mut devices, true).await.expect("a stripe");
    assert_eq!(track.as_deref(), Some("4111111111111111=311220100000"));
    let again = time::timeout(NOTHING, wait_for(&mut devices, true)).await;
    assert!(again.is_err());
}

#[tokio::test]
async fn a_mute_chip_is_a_fault_each_time_and_its_stripe_is_not() {
    let (mut devices, _controls) = emulator(Some("visa-mute-chip"));
    for _ in 0..3 {
        let mute = wait_for(&mut devices, true).await;
        assert_eq!(mute, Err(Fault::CardUnresponsive));
    }
    let track = wait_for(&mut devices, false).await.expect("a stripe");
    assert_eq!(track.as_deref(), Some("4917610000000000=311220100000"));
    let (mut devices, _controls) = emulator(Some("visa-stripe"));
    let track = wait_for(&mut devices, true).await.expect("a stripe");
    assert_eq!(track.as_deref(), Some("4539578763621486=311210100000"));
}

#[tokio::test]
async fn a_silent_card_is_not_a_removed_one() {
    let (mut devices, controls) = emulator(None);
    controls
        .present_card("visa-credit", Entry::Contact, &[Quirk::SilentAt(2)])
        .expect("a card");
    let mut card = wait(&mut devices).await.expect("a card");
    assert!(card.transmit(&SELECT_VISA).await.is_ok());
    for _ in 0..2 {
        let silent = card.transmit(&SELECT_VISA).await;
        assert_eq!(silent, Err(Fault::CardUnresponsive));
    }
}

#[tokio::test]
async fn a_card_that_pulls_itself_is_removed() {
    let (mut devices, controls) = emulator(None);
    let quirks = [Quirk::RemovedAt(2)];
    controls
        .present_card("visa-credit", Entry::Contact, &quirks)
        .expect("a card");
    let mut card = wait(&mut devices).await.expect("a card");
    assert!(card.transmit(&SELECT_VISA).await.is_ok());
    assert_eq!(card.transmit(&SELECT_VISA).await, Err(Fault::CardRemoved));
}

#[tokio::test]
async fn cancel_ends_the_wait_for_a_card_only_while_it_lasts() {
    let (mut devices, controls) = emulator(None);
    let (card, ()) = tokio::join!(wait(&mut devices), async {
        time::sleep(NOTHING).await;
        controls.press(Key::Cancel).expect("room");
    });
    assert_eq!(card.err(), Some(Fault::Cancelled));
    assert!(time::timeout(NOTHING, wait(&mut devices)).await.is_err());
}

#[tokio::test]
async fn the_keypad_types_the_cards_pin_unless_somebody_does() {
    let (mut devices, controls) = emulator(Some("visa-credit"));
    let _card = wait(&mut devices).await.expect("a card");
    let keypad = &mut devices.keypad;
    assert!(is_pin(keypad.enter_pin(&prompt(false)).await, "1234"));
    controls.type_keys("987654").expect("digits");
    assert!(is_pin(keypad.enter_pin(&prompt(false)).await, "987654"));
    controls.press(Key::Cancel).expect("room");
    let cancelled = keypad.enter_pin(&prompt(false)).await;
    assert_eq!(cancelled.err(), Some(pin_entry::Fault::Cancelled));
    controls.press(Key::Enter).expect("room");
    let bypassed = keypad.enter_pin(&prompt(true)).await;
    assert_eq!(bypassed.err(), Some(pin_entry::Fault::Bypassed));
    controls.set_keypad_mode(KeypadMode::Silent);
    let silent = keypad.enter_pin(&prompt(false)).await;
    assert_eq!(silent.err(), Some(pin_entry::Fault::TimedOut));
    // Too few digits: enter does nothing, and the next digits are added.
    controls.type_keys("12").expect("digits");
    controls.type_keys("34").expect("digits");
    assert!(is_pin(keypad.enter_pin(&prompt(false)).await, "1234"));
}

#[tokio::test]
async fn keys_are_digits_and_few() {
    let (_devices, controls) = emulator(None);
    for keys in ["", "12a4", "1234567890123", "٣"] {
        assert_eq!(controls.type_keys(keys), Err(Error::NotDigits), "{keys:?}");
    }
    let refused = (0..100).find_map(|_| controls.type_keys("1234").err());
    assert_eq!(refused, Some(Error::TooManyKeys));
}

#[tokio::test]
async fn a_choice_is_the_first_the_typed_one_or_none() {
    let (mut devices, controls) = emulator(None);
    let labels = ["VISA".to_owned(), "EFTPOS".to_owned()];
    assert_eq!(devices.display.choose(&labels).await, Some(0));
    assert_eq!(controls.screen(), "SELECT\n1 VISA\n2 EFTPOS");
    controls.type_keys("2").expect("a digit");
    assert_eq!(devices.display.choose(&labels).await, Some(1));
    controls.press(Key::Cancel).expect("room");
    assert_eq!(devices.display.choose(&labels).await, None);
    controls.set_keypad_mode(KeypadMode::Silent);
    assert!(
        time::timeout(NOTHING, devices.display.choose(&labels))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn watchers_see_the_screen_without_the_pin_and_the_paper() {
    let (mut devices, controls) = emulator(Some("visa-credit"));
    let mut shown = controls.shown();
    let _card = wait(&mut devices).await.expect("a card");
    devices
        .keypad
        .enter_pin(&prompt(false))
        .await
        .expect("a PIN");
    devices
        .printer
        .print(&[Line::Text("APPROVED".into())], true)
        .await
        .expect("paper");
    let seen: Vec<_> = std::iter::from_fn(|| shown.try_recv().ok()).collect();
    let screen = |text: &str| Shown::Screen(text.to_owned());
    assert_eq!(
        seen,
        [
            screen("NZD 25.00\nENTER PIN\n"),
            screen("NZD 25.00\nENTER PIN\n****"),
            Shown::Paper("APPROVED\n".to_owned()),
        ]
    );
    controls.remove_paper();
    let failed = devices.printer.print(&[], true).await;
    assert_eq!(failed, Err(printer::Fault::OutOfPaper));
    controls.load_paper(PaperWidth::Columns40);
    let columns = [Line::Columns("A".into(), "B".into())];
    devices.printer.print(&columns, true).await.expect("paper");
    assert_eq!(controls.papers().last().map(String::len), Some(41));
}

/// Sends one HTTP request and returns status and body.
async fn http(controls: &Controls, request: &str, body: &str) -> (u16, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let server = tokio::spawn(axum::serve(listener, controls.router()).into_future());
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let length = body.len();
    let text = format!(
        "{request} HTTP/1.1\r\nHost: emulator\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    server.abort();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
    (head[9..12].parse().expect("a status"), body.to_owned())
}

#[tokio::test]
async fn the_router_does_what_the_hands_do() {
    let (mut devices, controls) = emulator(None);
    let card = r#"{"card":"visa-credit","quirk":{"kind":"STATUS_AT","command":1,"status":27266}}"#;
    assert_eq!(http(&controls, "POST /emulator/card", card).await.0, 200);
    let mut inserted = wait(&mut devices).await.expect("a card");
    assert_eq!(inserted.transmit(&SELECT_VISA).await, Ok(vec![0x6A, 0x82]));
    assert_eq!(http(&controls, "DELETE /emulator/card", "").await.0, 204);
    assert_eq!(
        inserted.transmit(&SELECT_VISA).await,
        Err(Fault::CardRemoved)
    );
    assert_eq!(
        http(&controls, "POST /emulator/keypad", r#"{"keys":"4321"}"#)
            .await
            .0,
        204
    );
    assert!(is_pin(
        devices.keypad.enter_pin(&prompt(false)).await,
        "4321"
    ));
    assert_eq!(
        http(&controls, "POST /emulator/keypad", r#"{"mode":"SILENT"}"#)
            .await
            .0,
        204
    );
    let (_, screen) = http(&controls, "GET /emulator/screen", "").await;
    assert_eq!(screen, r#"{"lines":["NZD 25.00","ENTER PIN","****"]}"#);
    devices
        .printer
        .print(&[Line::Text("PAID".into())], true)
        .await
        .expect("paper");
    assert_eq!(
        http(&controls, "GET /emulator/paper", "").await,
        (200, "PAID\n".to_owned())
    );
    let (_, cards) = http(&controls, "GET /emulator/cards", "").await;
    assert!(
        cards.contains("visa-issuer-scripts") && cards.contains("9012"),
        "{cards}"
    );
    let case = r#""do":[{"text":"visa-credit"},{"text":"25.51"}],"#;
    assert!(cards.contains(case), "{cards}");
    assert_eq!(http(&controls, "GET /emulator/ledger", "").await.0, 404);
    controls.attach_acquirer(Acquirer::default().start("127.0.0.1:0").expect("a port"));
    let (status, ledger) = http(&controls, "GET /emulator/ledger", "").await;
    assert_eq!(status, 200);
    assert!(ledger.contains(r#""netMinor":0"#), "{ledger}");
}

#[tokio::test]
async fn the_acquirer_is_told_how_to_answer_until_it_is_told_otherwise() {
    let (_devices, controls) = emulator(None);
    let set = "POST /emulator/acquirer";
    assert_eq!(http(&controls, set, "{}").await.0, 404);
    controls.attach_acquirer(Acquirer::default().start("127.0.0.1:0").expect("a port"));
    for (body, status, then) in [
        (
            r#"{"behaviour":"LATE","responseCode":"51"}"#,
            204,
            r#"{"behaviour":"LATE","responseCode":"51"}"#,
        ),
        (
            r#"{"behaviour":"OFFLINE"}"#,
            400,
            r#"{"behaviour":"LATE","responseCode":"51"}"#,
        ),
        ("{}", 204, r#"{"behaviour":"NORMAL","responseCode":null}"#),
    ] {
        assert_eq!(http(&controls, set, body).await.0, status, "{body}");
        let is = http(&controls, "GET /emulator/acquirer", "").await;
        assert_eq!(is, (200, then.to_owned()), "{body}");
    }
}

#[tokio::test]
async fn a_card_is_presented_to_every_transaction_until_none_is() {
    let (mut devices, controls) = emulator(None);
    let set = "POST /emulator/card";
    let always = r#"{"card":"visa-credit","always":true}"#;
    assert_eq!(http(&controls, set, always).await.0, 200);
    for _ in 0..2 {
        drop(wait(&mut devices).await.expect("a card"));
    }
    assert_eq!(http(&controls, set, r#"{"always":false}"#).await.0, 204);
    assert!(time::timeout(NOTHING, wait(&mut devices)).await.is_err());
    for refused in [
        r#"{"always":true}"#,
        r#"{"card":"visa-credit","always":true,"entry":"CONTACT"}"#,
    ] {
        assert_eq!(http(&controls, set, refused).await.0, 400, "{refused}");
    }
}

#[tokio::test]
async fn questions_are_answered_by_hand_or_by_themselves() {
    let (_devices, controls) = emulator(None);
    let mut touch = Touch::new(&controls);
    let lengths = Lengths { min: 6, max: 8 };
    let question = |form| Question::new("What?".into(), form).expect("a question");
    let name = question(Form::Text(lengths));
    let automatic = touch.ask(&name, false).await.expect("an answer");
    assert!(automatic == Given::Text("Janeee".into()));
    assert_eq!(touch.ask(&name, true).await, Err(input::Fault::Cancelled));
    controls.set_keypad_mode(KeypadMode::Silent);
    assert_eq!(controls.answer("early"), Err(Error::NoQuestion));
    assert_eq!(http(&controls, "GET /emulator/input", "").await.0, 404);
    let answer = |body: &'static str| {
        let controls = controls.clone();
        async move {
            while controls.question().is_none() {
                time::sleep(Duration::from_millis(5)).await;
            }
            let (_, shown) = http(&controls, "GET /emulator/input", "").await;
            assert_eq!(http(&controls, "POST /emulator/input", body).await.0, 204);
            shown
        }
    };
    let bag = question(Form::YesNo);
    let (given, shown) = tokio::join!(touch.ask(&bag, true), answer(r#"{"answer":"NO"}"#));
    assert!(given.expect("an answer") == Given::Yes(false));
    assert_eq!(controls.screen(), "PLEASE CORRECT\nWhat?\n> YES\n> NO");
    assert_eq!(
        shown,
        r#"{"again":true,"inputType":"YES_NO","options":["YES","NO"],"prompt":"What?"}"#
    );
    let (given, _) = tokio::join!(touch.ask(&bag, false), answer(r#"{"cancel":true}"#));
    assert_eq!(given, Err(input::Fault::Cancelled));
    let both = r#"{"answer":"NO","cancel":true}"#;
    assert_eq!(http(&controls, "POST /emulator/input", both).await.0, 400);
    let none = r#"{"cancel":true}"#;
    assert_eq!(http(&controls, "POST /emulator/input", none).await.0, 404);
}

#[tokio::test]
async fn paper_that_is_not_cut_goes_on_and_is_taken_out_and_put_in() {
    let (mut devices, controls) = emulator(None);
    for (text, cut) in [("one", false), ("two", true), ("three", true)] {
        let line = Line::Text(text.into());
        devices.printer.print(&[line], cut).await.expect("paper");
    }
    assert_eq!(controls.papers(), ["one\ntwo\n", "three\n"]);
    assert_eq!(http(&controls, "DELETE /emulator/paper", "").await.0, 204);
    let failed = devices.printer.print(&[], true).await;
    assert_eq!(failed, Err(printer::Fault::OutOfPaper));
    let wide = r#"{"columns":33}"#;
    assert_eq!(http(&controls, "POST /emulator/paper", wide).await.0, 400);
    let usual = r#"{"columns":32}"#;
    assert_eq!(http(&controls, "POST /emulator/paper", usual).await.0, 204);
    devices.printer.print(&[], true).await.expect("paper");
}

#[tokio::test]
async fn a_card_of_a_text_is_presented_and_every_fault_of_the_reference() {
    let (mut devices, controls) = emulator(None);
    let text = include_str!("../../../tests/virtual-card/cards/visa-credit.card");
    let text = text.replace("visa-credit", "mine");
    let body = serde_json::json!({ "personalization": text }).to_string();
    let answer = http(&controls, "POST /emulator/card", &body).await;
    let expected = r#"{"card":"mine","entry":"CONTACT"}"#;
    assert_eq!(answer, (200, expected.to_owned()));
    let mut inserted = wait(&mut devices).await.expect("a card");
    let response = inserted.transmit(&SELECT_VISA).await.expect("an answer");
    assert!(response.ends_with(&[0x90, 0x00]), "{response:02X?}");
    drop(inserted);
    let stripe = serde_json::json!({ "personalization": text + "\nchip none" }).to_string();
    let (_, entry) = http(&controls, "POST /emulator/card", &stripe).await;
    assert!(entry.contains("MAGSTRIPE"), "{entry}");
    let page = include_str!("../../../docs/virtual-cards.md");
    let quirks: Vec<&str> = page
        .split('`')
        .filter(|part| part.starts_with("{\"kind\""))
        .collect();
    for quirk in &quirks {
        let body = format!(r#"{{"card":"eftpos","quirk":{quirk}}}"#);
        let (status, answer) = http(&controls, "POST /emulator/card", &body).await;
        assert_eq!(status, 200, "{quirk}: {answer}");
    }
    // What serde lists of the kinds it knows.
    let body = r#"{"card":"eftpos","quirk":{"kind":"?"}}"#;
    let (_, answer) = http(&controls, "POST /emulator/card", body).await;
    let kinds: Vec<&str> = answer.split('`').filter(|part| is_kind(part)).collect();
    assert!(kinds.len() > 5, "{answer}");
    for kind in kinds {
        let shown = format!("{{\"kind\":\"{kind}\"");
        assert!(page.contains(&shown), "{kind} is not in the reference");
    }
}

fn is_kind(text: &str) -> bool {
    let letters = |letter: u8| letter.is_ascii_uppercase() || letter == b'_';
    !text.is_empty() && text.bytes().all(letters)
}

#[tokio::test]
async fn the_router_refuses_in_the_envelope() {
    let (_devices, controls) = emulator(None);
    let long = format!(r#"{{"card":"{}"}}"#, "x".repeat(140_000));
    let long_text = format!(r#"{{"personalization":"{}"}}"#, "#".repeat(70_000));
    let both = r##"{"card":"eftpos","personalization":"#"}"##;
    for (request, body, status, expected) in [
        (
            "POST /emulator/card",
            r#"{"card":"gold"}"#,
            400,
            "visa-credit",
        ),
        (
            "POST /emulator/card",
            r#"{"card":"eftpos","entry":"CONTACTLESS"}"#,
            400,
            "CONTACT",
        ),
        ("POST /emulator/card", r#"{"card":"#, 400, "INVALID_REQUEST"),
        ("POST /emulator/card", "", 400, "INVALID_REQUEST"),
        ("POST /emulator/card", &long, 413, ""),
        ("POST /emulator/card", &long_text, 400, "65536 bytes"),
        ("POST /emulator/card", both, 400, "expected one of"),
        ("POST /emulator/card", "{}", 400, "expected one of"),
        (
            "POST /emulator/card",
            r#"{"personalization":"name x\ncolour red"}"#,
            400,
            "line 2",
        ),
        ("DELETE /emulator/card", "", 404, "NOT_FOUND"),
        (
            "POST /emulator/keypad",
            r#"{"keys":"12","key":"ENTER"}"#,
            400,
            "expected one of",
        ),
        ("POST /emulator/keypad", r#"{"keys":"abc"}"#, 400, "pattern"),
        ("POST /emulator/keypad", r#"{"key":"SEVEN"}"#, 400, "CANCEL"),
    ] {
        let (answered, envelope) = http(&controls, request, body).await;
        assert_eq!(answered, status, "{request} {body} {envelope}");
        assert!(envelope.contains(expected), "{request} {body} {envelope}");
    }
    assert!(matches!(
        Emulator::new(Options { card: Some("gold".into()), acquirer: ([127, 0, 0, 1], 1).into() }),
        Err(Error::UnknownCard { name }) if name == "gold"
    ));
}

#[test]
fn the_parameters_hold_the_virtual_cards_keys() {
    let parameters = Parameters::from_json(PARAMETERS).expect("right parameters");
    let cards = virtual_card::ca_public_keys();
    assert_eq!(parameters.ca_public_keys.len(), cards.len());
    for key in cards {
        let same = |held: &&terminal_host::parameters::CaPublicKey| {
            held.rid[..] == key.rid[..]
                && held.index == key.index
                && held.modulus[..] == key.modulus[..]
                && held.exponent[..] == key.exponent[..]
        };
        assert!(
            parameters.ca_public_keys.iter().any(|held| same(&held)),
            "{:02X?}",
            key.rid
        );
    }
    let held = parameters.elliptic_ca_public_keys;
    let held = held.iter().map(|key| (&key.rid[..], key.index, &key.x[..]));
    let cards = virtual_card::ecc_ca_public_keys();
    let cards = cards
        .iter()
        .map(|key| (&key.rid[..], key.index, &key.x[..]));
    assert_eq!(held.collect::<Vec<_>>(), cards.collect::<Vec<_>>());
}

/// A vault's file in memory.
#[derive(Default)]
struct Memory(Mutex<Option<Vec<u8>>>);

impl Storage for Memory {
    fn read(&self) -> std::io::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().expect("no panic").clone())
    }

    fn replace(&self, content: &[u8]) -> std::io::Result<()> {
        *self.0.lock().expect("no panic") = Some(content.to_vec());
        Ok(())
    }
}

#[test]
fn provisions_a_vault_once() {
    let key = DeviceKey(Zeroizing::new([7; 32]));
    let mut vault = Vault::open(Box::new(Memory::default()), key).expect("a vault");
    provision(&mut vault).expect("provisioned");
    assert!(vault.has_key(KeyPurpose::PinEncryption));
    let mac = |vault: &mut Vault| {
        let algorithm = MacAlgorithm::RetailPadding1;
        vault
            .generate_mac(b"message", algorithm)
            .expect("a MAC")
            .key_serial_number
    };
    let first = mac(&mut vault);
    provision(&mut vault).expect("provisioned already");
    assert_ne!(mac(&mut vault), first, "a key serial number was used twice");
}
