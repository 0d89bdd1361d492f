//! The line between the terminal and the acquirer: checks what leaves, and writes what comes back.

use std::fmt::Write as _;

use super::acquirer::Corruption;
use super::journal::{is_final, record};
use super::world::World;
use crate::iso8583::{Message, to_hexadecimal};
use crate::ports::{Entry, LinkError, Phase};

/// Carries one request to the acquirer and its answer back.
pub(super) fn carry(
    world: &mut World,
    running: Option<&str>,
    request: &[u8],
) -> Result<Vec<u8>, LinkError> {
    let decoded = world.acquirer.codec.decode(request).expect("a message");
    let message = &decoded.message;
    let key = message.field(63).expect("a key serial number").to_vec();
    let covered = decoded.authenticated.as_ref().expect("a code");
    let sent = message.field(message.mac_field()).expect("a code");
    assert_eq!(sent, code(covered, &key), "the code of a request");
    check_journal(world, message, running);
    world.seen.push(format!("sent     {}", masked(message)));
    let answer = world.acquirer.receive(message).inspect_err(|error| {
        world.seen.push(format!("link     {error:?}"));
    })?;
    Ok(write(world, answer.message, answer.corruption, &key))
}

/// A message authentication code that depends on every byte and on the key, and no more.
pub(super) fn code(message: &[u8], key: &[u8]) -> Vec<u8> {
    let mut state = 0xCBF2_9CE4_8422_2325_u64;
    for byte in key.iter().chain(message) {
        state = (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    state.to_be_bytes().to_vec()
}

/// The key serial number of one use.
pub(super) fn serial_number(uses: u64) -> Vec<u8> {
    [&[0xFF, 0xFF][..], &uses.to_be_bytes()].concat()
}

/// Makes the code of an answer and writes it down, faults included.
fn write(
    world: &mut World,
    mut message: Message,
    fault: Option<Corruption>,
    key: &[u8],
) -> Vec<u8> {
    let codec = &world.acquirer.codec;
    let covered = codec.authenticated_bytes(&message).expect("encodes");
    let mut made = code(&covered, key);
    if fault == Some(Corruption::Mac) {
        made[0] ^= 1;
    }
    if fault != Some(Corruption::NoMac) {
        message.set(message.mac_field(), made);
    }
    let mut bytes = codec.encode(&message).expect("encodes").to_vec();
    match fault {
        Some(Corruption::Truncated) => bytes.truncate(bytes.len() / 2),
        Some(Corruption::Garbage) => bytes.fill(0xA7),
        Some(Corruption::Empty) => bytes.clear(),
        _ => {}
    }
    let named = fault.map_or(String::new(), |fault| format!(" ({fault:?})"));
    world
        .seen
        .push(format!("answer   {}{named}", masked(&message)));
    bytes
}

/// The journal is ahead of every message, and nothing overtakes what must go out first.
fn check_journal(world: &World, message: &Message, running: Option<&str>) {
    let expected = match message.message_type.number() {
        // A batch has no entry of its own.
        320 | 500 | 520 => return,
        100 | 200 => Phase::Sent,
        220 | 221 => Phase::AdviceDue,
        _ => Phase::ReversalDue,
    };
    let last = world.journal.last_entries();
    let ahead = |entry: &&Entry| {
        record(entry)
            .and_then(|record| record.open)
            .is_some_and(|open| open.message.field(11) == message.field(11))
    };
    let entry = last
        .iter()
        .find(ahead)
        .expect("an entry before the message");
    assert_eq!(entry.phase, expected, "{message:?}");
    if expected == Phase::Sent {
        assert_eq!(Some(entry.transaction_id.as_str()), running);
        for other in last
            .iter()
            .filter(|other| Some(other.transaction_id.as_str()) != running)
        {
            let refused = record(other)
                .is_some_and(|record| record.open.is_none_or(|open| open.refused.is_some()));
            assert!(
                is_final(other.phase) || refused || other.content.is_none(),
                "a request overtakes {} in {:?}",
                other.transaction_id,
                other.phase
            );
        }
    }
}

/// A message with everything that identifies a cardholder left out.
fn masked(message: &Message) -> String {
    let mut text = message.message_type.to_digits();
    for (number, value) in message.fields() {
        let shown = match number {
            2 => format!("****{}", String::from_utf8_lossy(&value[value.len() - 4..])),
            14 | 35 => "****".into(),
            52 | 64 | 128 => format!("<{} bytes>", value.len()),
            55 | 62 | 63 => hexadecimal(value),
            _ => String::from_utf8_lossy(value).into_owned(),
        };
        write!(text, "\n           {number:>3} {shown}").expect("a string");
    }
    text
}

fn hexadecimal(bytes: &[u8]) -> String {
    String::from_utf8(to_hexadecimal(bytes)).expect("ASCII")
}
