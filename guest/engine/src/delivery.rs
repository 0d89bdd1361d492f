//! One exchange with the acquirer: authenticate, send, and check that the answer is one.

use zeroize::Zeroizing;

use crate::configuration::Configuration;
use crate::iso8583::answers::{self, Mismatch};
use crate::iso8583::{Codec, Decoded, Message};
use crate::ports::Terminal;
use crate::trace;

/// Why an exchange gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing was sent.
    NotSent,
    /// The acquirer may have acted.
    NoAnswer,
}

/// A message ready to leave, with its authentication code.
pub(crate) struct Prepared {
    request: Message,
    bytes: Zeroizing<Vec<u8>>,
    key_serial_number: Vec<u8>,
}

/// Authenticates and writes a message. `None` when a key fails or a field does not fit: nothing
/// can be sent then.
pub(crate) fn prepare<T: Terminal>(
    terminal: &mut T,
    codec: &Codec,
    request: Message,
) -> Option<Prepared> {
    let prepared = authenticate(terminal, codec, request);
    if prepared.is_none() {
        trace::note(terminal, &trace::NOT_PREPARED);
    }
    prepared
}

fn authenticate<T: Terminal>(
    terminal: &mut T,
    codec: &Codec,
    mut request: Message,
) -> Option<Prepared> {
    let mut key_serial_number = Vec::new();
    if let Some(format) = codec.dialect().mac {
        // The code covers the field with the serial number, so the number must be known first.
        let announced = match format.key_serial_number_field {
            Some(number) => {
                let serial = terminal.next_key_serial_number(format.algorithm).ok()?;
                request.set(number, &serial);
                Some(serial)
            }
            None => None,
        };
        let covered = codec.authenticated_bytes(&request).ok()?;
        let protected = terminal.generate_mac(&covered, format.algorithm).ok()?;
        if announced.is_some_and(|serial| serial != protected.key_serial_number) {
            return None;
        }
        request.set(
            request.mac_field(),
            protected.bytes.get(..usize::from(format.length))?,
        );
        key_serial_number = protected.key_serial_number;
    }
    let bytes = codec.encode(&request).ok()?;
    Some(Prepared {
        request,
        bytes,
        key_serial_number,
    })
}

/// Sends a message and returns its answer, matched and authenticated.
pub(crate) fn exchange<T: Terminal>(
    terminal: &mut T,
    configuration: &Configuration,
    prepared: &Prepared,
) -> Result<Message, Fault> {
    let codec = &configuration.codec;
    let answer = match terminal.exchange(&prepared.bytes, configuration.timeouts.answer_ms) {
        Ok(answer) => answer,
        Err(error) => {
            trace::note(terminal, trace::link(error));
            return Err(if error.may_have_been_sent() {
                Fault::NoAnswer
            } else {
                Fault::NotSent
            });
        }
    };
    let decoded = match check(codec, prepared, &answer) {
        Ok(decoded) => decoded,
        Err(mismatch) => {
            trace::note(terminal, trace::refused(mismatch));
            return Err(Fault::NoAnswer);
        }
    };
    if authentic(terminal, codec, prepared, &decoded) {
        trace::note(terminal, &trace::ANSWER_ACCEPTED);
        Ok(decoded.message)
    } else {
        trace::note(terminal, &trace::REFUSED_CODE);
        Err(Fault::NoAnswer)
    }
}

fn check(codec: &Codec, prepared: &Prepared, answer: &[u8]) -> Result<Decoded, Mismatch> {
    if !codec.header_answers(answer) {
        return Err(Mismatch::Header);
    }
    let decoded = codec.decode(answer).map_err(|_| Mismatch::Format)?;
    answers::matches(&prepared.request, &decoded.message)?;
    Ok(decoded)
}

/// A wrong or missing code, or a key that cannot be used, all mean: no answer.
fn authentic<T: Terminal>(
    terminal: &mut T,
    codec: &Codec,
    prepared: &Prepared,
    decoded: &Decoded,
) -> bool {
    let Some(format) = codec.dialect().mac else {
        return true;
    };
    answers::authentication(decoded).is_some_and(|(covered, code)| {
        terminal.verify_mac(covered, code, &prepared.key_serial_number, format.algorithm)
            == Ok(true)
    })
}
