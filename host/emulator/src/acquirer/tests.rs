//! The acquirer over a real socket, with a terminal's messages made by hand.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows fails"
)]

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use vault::{
    Pan, Pin, TdesKey,
    dukpt::tdes::{self, KeySerialNumber, TransactionKeys},
    mac::{self, Padding},
    pin_block,
};
use virtual_card::Card;
use zeroize::Zeroizing;

use super::{
    Acquirer, AcquirerHandle, AcquirerOptions, Behaviour, SPECIAL_AMOUNTS, State,
    codec::{self, FormatError, Message},
    fields::number as field,
};
use crate::keys;

const PAN: &str = "4111111111111111";

/// Numbers KSNs, so that each message has keys of its own.
fn key_serial_number(first: [u8; 10], use_number: u8) -> [u8; 10] {
    let mut number = first;
    number[9] = use_number;
    number
}

fn transaction_keys(base: [u8; 16], serial_number: [u8; 10]) -> TransactionKeys {
    let serial_number = KeySerialNumber::parse(&serial_number).expect("ten bytes");
    let initial = tdes::initial_key(&TdesKey::double(&base), serial_number).expect("a key");
    tdes::derive(&initial, serial_number).expect("keys")
}

fn start() -> AcquirerHandle {
    let options = AcquirerOptions {
        late_after: Duration::from_millis(300),
        idle_timeout: Duration::from_secs(10),
        ..AcquirerOptions::default()
    };
    Acquirer::new(options)
        .start("127.0.0.1:0")
        .expect("a port on loopback")
}

/// A terminal that speaks to the acquirer.
struct Terminal {
    acquirer: AcquirerHandle,
    uses: u8,
}

impl Terminal {
    fn new() -> Self {
        Self {
            acquirer: start(),
            uses: 0,
        }
    }

    /// Sends a message with a right code; the answer, its code checked, or `None`.
    fn exchange(&mut self, message: Message) -> Option<Message> {
        self.try_exchange(message)
            .expect("an answer with a right code")
    }

    /// As `exchange`; fails when the answer's code is wrong or it is no message.
    fn try_exchange(&mut self, mut message: Message) -> Result<Option<Message>, String> {
        self.uses += 1;
        let serial_number = key_serial_number(keys::MAC_KEY_SERIAL_NUMBER, self.uses);
        let keys = transaction_keys(keys::MAC_BASE_DERIVATION_KEY, serial_number);
        message.set(field::MAC_KEY_SERIAL_NUMBER, serial_number);
        let bytes = message.encode(|bytes| {
            mac::retail(&keys.mac_request(), Padding::Method1, bytes).expect("a MAC")
        });
        let Some(answer) = self.send(&bytes) else {
            return Ok(None);
        };
        let received = codec::decode(&answer).map_err(|error| error.to_string())?;
        let covered = &answer[received.authenticated];
        let expected = mac::retail(&keys.mac_response(), Padding::Method1, covered).expect("a MAC");
        if received.message.field(received.message.mac_field()) != Some(&expected[..]) {
            return Err("wrong code".into());
        }
        Ok(Some(received.message))
    }

    /// Sends bytes on a connection of their own and reads one answer. `None`: closed, or silent for
    /// a second.
    fn send(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut stream = TcpStream::connect(self.acquirer.address()).expect("a connection");
        stream
            .set_read_timeout(Some(Duration::from_secs(1)))
            .expect("a time-out");
        let length = u16::try_from(bytes.len()).expect("a short message");
        stream
            .write_all(&length.to_be_bytes())
            .expect("the acquirer reads");
        stream.write_all(bytes).expect("the acquirer reads");
        let mut length = [0; 2];
        stream.read_exact(&mut length).ok()?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer).ok()?;
        Some(answer)
    }

    fn code(&mut self, message: Message) -> String {
        let answer = self.exchange(message).expect("an answer");
        answer
            .text(field::RESPONSE_CODE)
            .expect("field 39")
            .to_owned()
    }
}

/// A sale with a card that was read, with trace number and amount.
fn sale(trace_number: u32, amount_minor: u64) -> Message {
    let mut message = Message::new(200);
    message.set(field::PAN, PAN);
    message.set(field::PROCESSING_CODE, "000000");
    message.set(field::AMOUNT, format!("{amount_minor:012}"));
    message.set(field::TRANSMISSION_TIME, "1121104500");
    message.set(field::TRACE_NUMBER, format!("{trace_number:06}"));
    message.set(field::LOCAL_TIME, "234500");
    message.set(field::LOCAL_DATE, "1121");
    message.set(field::ENTRY_MODE, "051");
    message.set(24, "001");
    message.set(25, "00");
    message.set(32, "12345");
    message.set(
        field::RETRIEVAL_REFERENCE,
        format!("632510{trace_number:06}"),
    );
    message.set(field::TERMINAL_ID, "TENON001");
    message.set(field::MERCHANT_ID, "TENONCOFFEE0001");
    message.set(field::CURRENCY, "554");
    message.set(field::CHIP_DATA, chip_data(amount_minor));
    message
}

/// What the card says to GENERATE AC, as field 55.
fn chip_data(amount_minor: u64) -> Vec<u8> {
    let amount: Vec<u8> = bcd(&format!("{amount_minor:012}"));
    let mut elements: BTreeMap<u32, Vec<u8>> = BTreeMap::from([
        (0x9F02, amount),
        (0x9F03, vec![0; 6]),
        (0x9F1A, vec![0x05, 0x54]),
        (0x95, vec![0, 0, 0, 0x80, 0]),
        (0x5F2A, vec![0x05, 0x54]),
        (0x9A, vec![0x26, 0x11, 0x21]),
        (0x9C, vec![0]),
        (0x9F37, vec![1, 2, 3, 4]),
    ]);
    let mut card = Card::named("visa-credit").expect("a card");
    card.insert();
    let ok = |response: Vec<u8>| {
        assert_eq!(
            response[response.len() - 2..],
            [0x90, 0x00],
            "{response:02X?}"
        );
        response[..response.len() - 2].to_vec()
    };
    ok(card.transmit(&bcd("00A4040007A000000003101000")));
    ok(card.transmit(&bcd("80A8000002830000")));
    let order = [0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37];
    let data: Vec<u8> = order.iter().flat_map(|tag| elements[tag].clone()).collect();
    let length = u8::try_from(data.len()).expect("short");
    let command = [&[0x80, 0xAE, 0x80, 0x00, length][..], &data, &[0]].concat();
    let response = ok(card.transmit(&command));
    // EMV 4.4 Book 3, 6.5.5.4, format 1: tag 80, length, CID, ATC, cryptogram, IAD.
    assert_eq!(response[0], 0x80);
    elements.insert(0x9F27, response[2..3].to_vec());
    elements.insert(0x9F36, response[3..5].to_vec());
    elements.insert(0x9F26, response[5..13].to_vec());
    elements.insert(0x9F10, response[13..].to_vec());
    elements.insert(0x82, vec![0x7C, 0x00]);
    let mut bytes = Vec::new();
    for (tag, value) in elements {
        let tag = tag.to_be_bytes();
        bytes.extend(tag.iter().skip_while(|byte| **byte == 0));
        bytes.push(u8::try_from(value.len()).expect("short"));
        bytes.extend(value);
    }
    bytes
}

/// Hexadecimal digits as bytes.
fn bcd(digits: &str) -> Vec<u8> {
    (0..digits.len())
        .step_by(2)
        .map(|index| u8::from_str_radix(&digits[index..index + 2], 16).expect("digits"))
        .collect()
}

fn with_pin(mut message: Message, pin: &str) -> Message {
    let serial_number = key_serial_number(keys::PIN_KEY_SERIAL_NUMBER, 1);
    let keys = transaction_keys(keys::PIN_BASE_DERIVATION_KEY, serial_number);
    let digits = |text: &str| Zeroizing::new(text.bytes().map(|byte| byte - b'0').collect());
    let pin = Pin::from_digits(digits(pin)).expect("a PIN");
    let pan = Pan::from_digits(digits(PAN)).expect("a PAN");
    let block = pin_block::encode_iso0(&pin, &pan).expect("a block");
    message.set(
        field::PIN_BLOCK,
        pin_block::encipher(&keys.pin_encryption(), &block),
    );
    message.set(field::PIN_KEY_SERIAL_NUMBER, serial_number);
    message
}

fn reversal(original: &Message, trace_number: u32) -> Message {
    let mut message = Message::new(420);
    for number in [2, 3, 4, 12, 13, 22, 32, 37, 41, 42, 49] {
        message.copy(number, original);
    }
    message.set(field::TRANSMISSION_TIME, "1121104600");
    message.set(field::TRACE_NUMBER, format!("{trace_number:06}"));
    message.set(field::RESPONSE_CODE, "68");
    let original = format!(
        "{}{}{}{:0>11}{:0>11}",
        original.type_digits(),
        original.text(field::TRACE_NUMBER).expect("field 11"),
        original.text(field::TRANSMISSION_TIME).expect("field 7"),
        "12345",
        ""
    );
    message.set(field::ORIGINAL_DATA, original);
    message
}

#[test]
fn approves_a_sale_and_repeats_its_fields() {
    let mut terminal = Terminal::new();
    let request = with_pin(sale(1, 2500), "1234");
    let answer = terminal.exchange(request.clone()).expect("an answer");
    assert_eq!(answer.message_type, 210);
    for number in [3, 4, 7, 11, 12, 13, 37, 41, 49] {
        assert_eq!(
            answer.field(number),
            request.field(number),
            "field {number}"
        );
    }
    assert_eq!(answer.text(field::RESPONSE_CODE), Some("00"));
    assert_eq!(answer.text(field::AUTHORISATION_CODE), Some("000001"));
    let chip_data = answer.field(field::CHIP_DATA).expect("field 55");
    assert_eq!(chip_data[..2], [0x91, 10]);
    assert_eq!(chip_data[10..], *b"00");
    let ledger = terminal.acquirer.ledger();
    assert_eq!(ledger.net_minor(), 2500);
    assert_eq!(ledger.net_by_card()["411111******1111"], 2500);
    assert_eq!(ledger.net_by_terminal()["TENON001"], 2500);
    let json = serde_json::to_string(&ledger).expect("JSON");
    assert!(json.contains("\"state\":\"APPROVED\""), "{json}");
    assert!(!json.contains(PAN), "{json}");
}

#[test]
fn declines_with_the_code_that_says_why() {
    let mut terminal = Terminal::new();
    let changed = |number: u8, value: &str| {
        let mut message = sale(1, 2500);
        message.set(number, value);
        message
    };
    let mut broken_chip_data = sale(1, 2500);
    let data = chip_data(2501);
    broken_chip_data.set(field::CHIP_DATA, data);
    let mut wrong_cryptogram = sale(1, 2500);
    let mut data = chip_data(2500);
    let at = data
        .windows(2)
        .position(|tag| tag == [0x9F, 0x26])
        .expect("9F26");
    data[at + 3] ^= 1;
    wrong_cryptogram.set(field::CHIP_DATA, data);
    let mut garbled_pin = sale(1, 2500);
    garbled_pin.set(field::PIN_BLOCK, [7; 8]);
    for (index, (mut message, expected)) in [
        (sale(1, 2551), "51"),
        (sale(1, 2505), "05"),
        (sale(1, 2561), "61"),
        (sale(1, 2591), "91"),
        (changed(field::PAN, "4999999999999999"), "14"),
        (changed(field::EXPIRY, "2001"), "54"),
        (changed(field::CURRENCY, "840"), "05"),
        (changed(field::CHIP_DATA, ""), "05"),
        (broken_chip_data, "05"),
        (wrong_cryptogram, "05"),
        (with_pin(sale(1, 2500), "9999"), "55"),
        (garbled_pin, "55"),
    ]
    .into_iter()
    .enumerate()
    {
        message.set(field::TRACE_NUMBER, format!("{:06}", index + 1));
        assert_eq!(terminal.code(message), expected, "case {index}");
    }
    let mut incomplete = Message::new(200);
    incomplete.set(field::TRACE_NUMBER, "000099");
    incomplete.set(field::TERMINAL_ID, "TENON001");
    assert_eq!(terminal.code(incomplete), "30");
    assert_eq!(terminal.acquirer.ledger().net_minor(), 0);
    assert!(
        terminal
            .acquirer
            .ledger()
            .entries()
            .all(|entry| entry.state == State::Declined)
    );
}

#[test]
fn charges_a_repeated_request_once() {
    let mut terminal = Terminal::new();
    let first = terminal.exchange(sale(1, 2500)).expect("an answer");
    let mut repeat = sale(1, 2500);
    repeat.message_type = 201;
    let second = terminal.exchange(repeat).expect("an answer");
    for number in [field::RESPONSE_CODE, field::AUTHORISATION_CODE] {
        assert_eq!(first.field(number), second.field(number), "field {number}");
    }
    assert_eq!(second.message_type, 210);
    assert_eq!(terminal.code(sale(1, 2600)), "94");
    assert_eq!(terminal.acquirer.ledger().net_minor(), 2500);
    assert_eq!(terminal.acquirer.ledger().messages()["0201"], 1);
}

#[test]
fn reverses_once_and_for_ever() {
    let mut terminal = Terminal::new();
    let original = sale(1, 2500);
    assert_eq!(terminal.code(original.clone()), "00");
    for message_type in [420, 421, 400, 401] {
        let mut message = reversal(&original, 2);
        message.message_type = message_type;
        let answer = terminal.exchange(message).expect("an answer");
        assert_eq!(answer.message_type, (message_type & !1) + 10);
        assert_eq!(answer.text(field::RESPONSE_CODE), Some("00"));
        assert_eq!(answer.mac_field(), 128);
        assert_eq!(terminal.acquirer.ledger().net_minor(), 0);
    }
    // The original again: it stays reversed.
    assert_eq!(terminal.code(original), "12");
    assert_eq!(terminal.acquirer.ledger().net_minor(), 0);
}

#[test]
fn a_reversal_before_its_original_keeps_the_original_out() {
    let mut terminal = Terminal::new();
    let original = sale(7, 2500);
    assert_eq!(terminal.code(reversal(&original, 8)), "00");
    assert_eq!(terminal.code(original), "12");
    assert_eq!(terminal.acquirer.ledger().net_minor(), 0);
}

#[test]
fn a_partial_reversal_leaves_the_rest() {
    let mut terminal = Terminal::new();
    let original = sale(1, 2500);
    assert_eq!(terminal.code(original.clone()), "00");
    let mut partial = reversal(&original, 2);
    partial.set(field::REPLACEMENT_AMOUNTS, format!("{:012}{:030}", 1000, 0));
    assert_eq!(terminal.code(partial.clone()), "00");
    assert_eq!(terminal.acquirer.ledger().net_minor(), 1000);
    partial.set(field::REPLACEMENT_AMOUNTS, format!("{:012}{:030}", 9000, 0));
    assert_eq!(terminal.code(partial), "13");
    assert_eq!(terminal.acquirer.ledger().net_minor(), 1000);
}

#[test]
fn an_advice_is_the_same_transaction_as_its_request() {
    let mut terminal = Terminal::new();
    let request = sale(1, 2500);
    assert_eq!(terminal.code(request.clone()), "00");
    let mut advice = request;
    advice.message_type = 220;
    let answer = terminal.exchange(advice.clone()).expect("an answer");
    assert_eq!(answer.message_type, 230);
    assert_eq!(answer.text(field::RESPONSE_CODE), Some("00"));
    advice.message_type = 221;
    assert_eq!(terminal.code(advice), "00");
    let ledger = terminal.acquirer.ledger();
    assert_eq!(ledger.net_minor(), 2500);
    assert!(ledger.entries().all(|entry| entry.state == State::Advised));
}

#[test]
fn totals_balance_or_differ() {
    let mut terminal = Terminal::new();
    assert_eq!(terminal.code(sale(1, 2500)), "00");
    assert_eq!(terminal.code(sale(2, 1000)), "00");
    let totals = |debits, amount| totals(500, debits, amount);
    let answer = terminal.exchange(totals(2, 3499)).expect("an answer");
    assert_eq!(answer.message_type, 510);
    assert_eq!(answer.text(field::RESPONSE_CODE), Some("95"));
    assert_eq!(answer.text(field::SETTLEMENT_CODE), Some("2"));
    assert_eq!(terminal.code(totals(2, 3500)), "00");
    // Closed: nothing is open any more.
    assert_eq!(terminal.code(totals(2, 3500)), "95");
    assert_eq!(terminal.code(totals(0, 0)), "00");
}

fn totals(message_type: u16, debits: u64, amount: u64) -> Message {
    let mut message = Message::new(message_type);
    message.set(field::TRANSMISSION_TIME, "1121104700");
    message.set(field::TRACE_NUMBER, "000009");
    message.set(field::TERMINAL_ID, "TENON001");
    message.set(field::CURRENCY, "554");
    message.set(field::CREDITS, format!("{:010}", 0));
    message.set(field::DEBITS, format!("{debits:010}"));
    message.set(field::CREDITS_AMOUNT, format!("{:016}", 0));
    message.set(field::DEBITS_AMOUNT, format!("{amount:016}"));
    message
}

/// What is asked about an earlier transaction, without its card.
fn about(original: &Message, code: &str, trace_number: u32, amount_minor: u64) -> Message {
    let mut message = sale(trace_number, amount_minor);
    let named = format!(
        "{:04}{}{}0000001234500000000000",
        original.message_type,
        original.text(field::TRACE_NUMBER).expect("field 11"),
        original.text(field::TRANSMISSION_TIME).expect("field 7"),
    );
    message.set(field::PROCESSING_CODE, code);
    message.set(field::ORIGINAL_DATA, named);
    message
}

fn pre_auth(trace_number: u32, amount_minor: u64) -> Message {
    let mut message = sale(trace_number, amount_minor);
    message.message_type = 100;
    message
}

#[test]
fn voids_once_and_lets_a_void_be_reversed() {
    let mut terminal = Terminal::new();
    let net = |terminal: &Terminal| terminal.acquirer.ledger().net_minor();
    let original = sale(1, 2500);
    assert_eq!(terminal.code(original.clone()), "00");
    assert_eq!(terminal.code(about(&original, "020000", 2, 2400)), "13");
    assert_eq!(
        terminal.code(about(&sale(9, 2500), "020000", 3, 2500)),
        "12"
    );
    let void = about(&original, "020000", 4, 2500);
    assert_eq!(terminal.code(void.clone()), "00");
    assert_eq!(net(&terminal), 0);
    assert_eq!(terminal.code(void.clone()), "00", "a repeat");
    assert_eq!(terminal.code(about(&original, "020000", 5, 2500)), "12");
    assert_eq!(terminal.code(reversal(&void, 6)), "00");
    assert_eq!(net(&terminal), 2500);
    assert_eq!(terminal.code(about(&original, "020000", 7, 2500)), "00");
    assert_eq!(net(&terminal), 0);
}

#[test]
fn a_reservation_takes_nothing_until_it_is_completed_once() {
    let mut terminal = Terminal::new();
    let net = |terminal: &Terminal| terminal.acquirer.ledger().net_minor();
    let original = pre_auth(1, 5000);
    assert_eq!(terminal.code(original.clone()), "00");
    assert_eq!(net(&terminal), 0);
    assert_eq!(terminal.code(about(&original, "000000", 2, 5100)), "13");
    let completion = about(&original, "000000", 3, 3000);
    assert_eq!(terminal.code(completion.clone()), "00");
    assert_eq!(net(&terminal), 3000);
    assert_eq!(terminal.code(about(&original, "000000", 4, 1000)), "12");
    assert_eq!(terminal.code(reversal(&completion, 5)), "00");
    assert_eq!(net(&terminal), 0);
    assert_eq!(terminal.code(about(&original, "020000", 6, 5000)), "00");
    assert_eq!(terminal.code(about(&original, "000000", 7, 1000)), "12");
}

#[test]
fn a_balance_is_told_to_the_card_that_asks() {
    let mut terminal = Terminal::new();
    let mut inquiry = sale(1, 0);
    inquiry.message_type = 100;
    inquiry.set(field::PROCESSING_CODE, "310000");
    let answer = terminal.exchange(inquiry).expect("an answer");
    assert_eq!(answer.text(field::RESPONSE_CODE), Some("00"));
    let told = answer.text(field::ADDITIONAL_AMOUNTS);
    assert_eq!(told, Some("3002554C000000008750"));
    assert_eq!(terminal.acquirer.ledger().net_minor(), 0);
}

#[test]
fn a_batch_is_closed_by_its_totals_or_by_what_is_told_of_it() {
    let in_batch = |mut message: Message, batch: &str| {
        message.set(field::BATCH, batch);
        message
    };
    let mut terminal = Terminal::new();
    for (number, batch) in [(1, "000001"), (2, "000001"), (3, "000002")] {
        assert_eq!(terminal.code(in_batch(sale(number, 1000), batch)), "00");
    }
    let first = |kind, count, amount| in_batch(totals(kind, count, amount), "000001");
    assert_eq!(terminal.code(first(500, 3, 3000)), "95");
    // The terminal lost one and knows one that the acquirer does not.
    for original in [sale(1, 1000), sale(7, 500)] {
        let mut told = in_batch(about(&original, "000000", 8, 0), "000001");
        told.message_type = 320;
        told.copy(field::AMOUNT, &original);
        assert_eq!(terminal.code(told), "00");
    }
    assert_eq!(terminal.code(first(520, 2, 2000)), "95");
    assert_eq!(terminal.code(first(520, 2, 1500)), "00");
    assert_eq!(terminal.code(first(500, 2, 1500)), "00", "closed before");
    assert_eq!(terminal.code(first(500, 0, 0)), "95");
    let second = in_batch(totals(500, 1, 1000), "000002");
    terminal.acquirer.set_behaviour(Behaviour::OtherTotals);
    assert_eq!(terminal.code(second.clone()), "95");
    terminal.acquirer.set_behaviour(Behaviour::Normal);
    assert_eq!(terminal.code(second), "00");
}

#[test]
fn answers_network_management() {
    let mut terminal = Terminal::new();
    for (network_code, expected) in [("301", "00"), ("001", "00"), ("999", "12")] {
        let mut message = Message::new(800);
        message.set(field::TRANSMISSION_TIME, "1121104700");
        message.set(field::TRACE_NUMBER, "000009");
        message.set(field::TERMINAL_ID, "TENON001");
        message.set(field::NETWORK_CODE, network_code);
        assert_eq!(terminal.code(message), expected);
    }
}

#[test]
fn a_wrong_code_is_not_answered_and_changes_nothing() {
    let terminal = Terminal::new();
    let mut message = sale(1, 2500);
    let serial_number = key_serial_number(keys::MAC_KEY_SERIAL_NUMBER, 1);
    message.set(field::MAC_KEY_SERIAL_NUMBER, serial_number);
    assert_eq!(terminal.send(&message.encode(|_| [0; 8])), None);
    assert_eq!(terminal.acquirer.ledger().entries().count(), 0);
    assert_eq!(terminal.acquirer.ledger().refused(), 1);
}

#[test]
fn what_is_no_message_ends_the_connection_and_nothing_else() {
    let mut terminal = Terminal::new();
    let mut no_serial_number = sale(1, 2500);
    no_serial_number.set(field::MAC_KEY_SERIAL_NUMBER, []);
    for bytes in [
        vec![],
        b"0200".to_vec(),
        vec![0xFF; 300],
        vec![0x30; 4000],
        vec![0x30; 5000],
        no_serial_number.encode(|_| [0; 8]),
    ] {
        assert_eq!(terminal.send(&bytes), None, "{} bytes", bytes.len());
    }
    assert_eq!(terminal.code(sale(1, 2500)), "00");
}

#[test]
fn every_special_amount_charges_and_answers_as_the_table_says() {
    let mut terminal = Terminal::new();
    for (index, special) in SPECIAL_AMOUNTS.iter().enumerate() {
        let trace_number = u32::try_from(index + 1).expect("few");
        let request = sale(trace_number, special.amount_minor);
        let began = Instant::now();
        let answer = terminal.try_exchange(request.clone());
        let took = began.elapsed();
        let differs = |number: u8| {
            let answer = answer
                .as_ref()
                .expect("a right code")
                .as_ref()
                .expect("an answer");
            (2..64)
                .filter(|n| [3, 4, 7, 11, 12, 13, 41, 49].contains(n))
                .all(|n| (answer.field(n) == request.field(n)) == (n != number))
        };
        match special.behaviour {
            Behaviour::Late => assert!(differs(0) && took >= Duration::from_millis(300)),
            Behaviour::Silent => {
                assert_eq!(answer, Ok(None));
                assert!(took >= Duration::from_secs(1), "the connection was closed");
            }
            Behaviour::Close | Behaviour::HalfMessage => {
                assert_eq!(answer, Ok(None));
                assert!(took < Duration::from_secs(1), "the connection stayed open");
            }
            Behaviour::BrokenMac => assert_eq!(answer, Err("wrong code".into())),
            Behaviour::OtherTraceNumber => assert!(differs(11)),
            Behaviour::OtherTerminal => assert!(differs(41)),
            Behaviour::OtherAmount => assert!(differs(4)),
            Behaviour::Garbage => {
                assert_eq!(answer, Err(FormatError::MessageType.to_string()));
            }
            Behaviour::TooLong => {
                assert!(answer.is_err_and(|error| error.starts_with("the ")));
            }
            Behaviour::WrongIssuerAuthentication => {
                assert!(differs(0));
                let code = response_cryptogram(answer);
                let again = terminal.exchange(sale(trace_number + 500, 2500));
                assert_ne!(code, response_cryptogram(Ok(again)));
            }
            Behaviour::Dribble => assert!(differs(0) && took >= Duration::from_millis(200)),
            Behaviour::ApprovePart => {
                assert!(differs(4));
                let answer = answer.expect("a right code").expect("an answer");
                assert_eq!(answer.text(4), Some("000000004507"));
                // A repeated request is the same transaction.
                let again = terminal.exchange(request.clone()).expect("an answer");
                assert_eq!(again.field(38), answer.field(38));
            }
            Behaviour::Normal | Behaviour::OtherTotals | Behaviour::Refuse => {
                panic!("not special")
            }
        }
        let charged = terminal.acquirer.ledger();
        let charged = charged
            .entries()
            .find(|entry| [special.amount_minor, 4507].contains(&entry.amount_minor));
        assert_eq!(
            charged.expect("an entry").state,
            State::Approved,
            "{special:?}"
        );
    }
}

fn response_cryptogram(answer: Result<Option<Message>, String>) -> Vec<u8> {
    let answer = answer.expect("a right code").expect("an answer");
    answer.field(field::CHIP_DATA).expect("field 55")[2..10].to_vec()
}

#[test]
fn a_behaviour_that_is_set_holds_for_every_message() {
    let mut terminal = Terminal::new();
    let original = sale(1, 2500);
    terminal.acquirer.set_behaviour(Behaviour::Close);
    assert_eq!(terminal.exchange(original.clone()), None);
    assert_eq!(terminal.exchange(reversal(&original, 2)), None);
    terminal.acquirer.set_behaviour(Behaviour::Normal);
    assert_eq!(terminal.code(sale(3, 2500)), "00");
}

#[test]
fn refuses_connections_and_listens_again() {
    let mut terminal = Terminal::new();
    let address = terminal.acquirer.address();
    let until = |refused: bool| {
        let began = Instant::now();
        while TcpStream::connect(address).is_err() != refused {
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "refused: {refused}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    terminal.acquirer.set_behaviour(Behaviour::Refuse);
    until(true);
    terminal.acquirer.set_behaviour(Behaviour::Normal);
    until(false);
    assert_eq!(terminal.code(sale(1, 2500)), "00");
    terminal.acquirer.stop();
    until(true);
}

#[test]
fn reads_a_message_written_byte_by_byte() {
    // 0800: bit 1, 7, 11, 41, 63; 70 and 128. Written out by hand from the dialect.
    let mut bytes = b"0800".to_vec();
    bytes.extend([0x82, 0x20, 0x00, 0x00, 0x00, 0x80, 0x00, 0x02]);
    bytes.extend([0x04, 0, 0, 0, 0, 0, 0, 0x01]);
    bytes.extend(b"1121104700000009TENON001");
    bytes.extend(b"010");
    bytes.extend([0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x20, 0xE0, 0x00, 0x01]);
    bytes.extend(b"301");
    bytes.extend([1, 2, 3, 4, 5, 6, 7, 8]);
    let received = codec::decode(&bytes).expect("a message");
    assert_eq!(received.message.message_type, 800);
    assert_eq!(received.message.text(field::NETWORK_CODE), Some("301"));
    assert_eq!(received.authenticated, 0..bytes.len() - 8);
    assert_eq!(received.message.encode(|_| [1, 2, 3, 4, 5, 6, 7, 8]), bytes);
    for length in 0..bytes.len() {
        assert!(codec::decode(&bytes[..length]).is_err(), "{length} bytes");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(
        codec::decode(&longer).map(|_| ()),
        Err(FormatError::Trailing)
    );
}
