//! The faults of an answer that lie in the message itself.

use super::{behaviour::Behaviour, codec::Message, fields::number as field, security::MacKeys};

/// Makes the faults that lie in the message itself, and writes it.
pub(super) fn encode(mut answer: Message, keys: &MacKeys, behaviour: Behaviour) -> Vec<u8> {
    match behaviour {
        Behaviour::OtherTraceNumber => another(&mut answer, field::TRACE_NUMBER),
        Behaviour::OtherTerminal => another(&mut answer, field::TERMINAL_ID),
        Behaviour::OtherAmount => another(&mut answer, field::AMOUNT),
        Behaviour::WrongIssuerAuthentication => {
            let wrong = answer.field(field::CHIP_DATA).map(|data| {
                let mut data = data.to_vec();
                // The first byte of the cryptogram, after tag 91 and its length.
                if let Some(byte) = data.get_mut(2) {
                    *byte ^= 0xFF;
                }
                data
            });
            if let Some(wrong) = wrong {
                answer.set(field::CHIP_DATA, wrong);
            }
        }
        Behaviour::Normal
        | Behaviour::Late
        | Behaviour::Silent
        | Behaviour::Close
        | Behaviour::HalfMessage
        | Behaviour::BrokenMac
        | Behaviour::Garbage
        | Behaviour::TooLong
        | Behaviour::Dribble
        | Behaviour::ApprovePart
        | Behaviour::OtherTotals
        | Behaviour::Refuse => {}
    }
    answer.encode(|authenticated| {
        let code = keys.authenticate(authenticated);
        if behaviour == Behaviour::BrokenMac {
            code.map(|byte| !byte)
        } else {
            code
        }
    })
}

/// Another value of the same format: the last character is another digit.
fn another(answer: &mut Message, number: u8) {
    let Some(mut value) = answer.field(number).map(<[u8]>::to_vec) else {
        return;
    };
    if let Some(last) = value.last_mut() {
        *last = if *last == b'9' { b'8' } else { b'9' };
    }
    answer.set(number, value);
}
