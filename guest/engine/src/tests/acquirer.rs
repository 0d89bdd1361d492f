//! An acquirer in memory: it reads messages, keeps a ledger, and behaves as it is told.

use std::collections::BTreeMap;

use crate::iso8583::{Codec, Message, MessageType, fields};
use crate::ports::LinkError;

/// What the acquirer does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Approves, confirms, takes.
    Approve,
    /// Answers with 05 and changes nothing.
    Decline,
    /// Approves a thousand minor units less than asked.
    ApprovePart,
    /// Charges, and answers with this code.
    ApproveWith(&'static str),
    /// No connection.
    Unreachable,
    /// The certificate is refused.
    PeerRefused,
    /// Takes the message and stalls before it acts.
    StallBefore,
    /// Acts and stalls before it answers.
    StallAfter,
    /// Acts and answers more than the host takes.
    TooLong,
    /// Acts and answers so that the answer must be refused.
    Corrupt(Corruption),
}

/// What is wrong with an answer that would approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Corruption {
    TraceNumber,
    TerminalId,
    Amount,
    NoAmount,
    Currency,
    MessageType,
    Mac,
    NoMac,
    NoResponseCode,
    ChipData,
    Truncated,
    Garbage,
    Empty,
}

impl Behaviour {
    /// Everything an acquirer may do.
    pub(super) const ALL: [Self; 22] = [
        Self::Approve,
        Self::Decline,
        Self::ApprovePart,
        Self::ApproveWith("08"),
        Self::Unreachable,
        Self::PeerRefused,
        Self::StallBefore,
        Self::StallAfter,
        Self::TooLong,
        Self::Corrupt(Corruption::TraceNumber),
        Self::Corrupt(Corruption::TerminalId),
        Self::Corrupt(Corruption::Amount),
        Self::Corrupt(Corruption::NoAmount),
        Self::Corrupt(Corruption::Currency),
        Self::Corrupt(Corruption::MessageType),
        Self::Corrupt(Corruption::Mac),
        Self::Corrupt(Corruption::NoMac),
        Self::Corrupt(Corruption::NoResponseCode),
        Self::Corrupt(Corruption::ChipData),
        Self::Corrupt(Corruption::Truncated),
        Self::Corrupt(Corruption::Garbage),
        Self::Corrupt(Corruption::Empty),
    ];
}

/// Where the acquirer holds the money of one trace number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Booking {
    /// Taken from the cardholder, in minor units.
    Charged(u64),
    /// Given back.
    Reversed,
}

pub(super) struct MemoryAcquirer {
    pub(super) codec: Codec,
    /// By trace number.
    pub(super) ledger: BTreeMap<String, Booking>,
    /// To requests.
    pub(super) requests: Behaviour,
    /// To reversals and advices.
    pub(super) settlements: Behaviour,
    /// Reversals and advices seen, by type and trace number: the second must be marked.
    seen: Vec<(u16, String)>,
}

/// An answer before its authentication code is made.
pub(super) struct Answer {
    pub(super) message: Message,
    pub(super) corruption: Option<Corruption>,
}

impl MemoryAcquirer {
    pub(super) fn new() -> Self {
        Self {
            codec: Codec::new(fields::built_in()).expect("the built-in table"),
            ledger: BTreeMap::new(),
            requests: Behaviour::Approve,
            settlements: Behaviour::Approve,
            seen: Vec::new(),
        }
    }

    /// Takes one message and does as told.
    pub(super) fn receive(&mut self, message: &Message) -> Result<Answer, LinkError> {
        let number = message.message_type.number();
        let request = number == 200;
        let behaviour = if request {
            self.requests
        } else {
            self.settlements
        };
        match behaviour {
            Behaviour::Unreachable => return Err(LinkError::Unreachable),
            Behaviour::PeerRefused => return Err(LinkError::PeerRefused),
            Behaviour::StallBefore => {
                self.check_repeat(message);
                return Err(LinkError::AnswerLost);
            }
            _ => {}
        }
        self.check_repeat(message);
        let code = match behaviour {
            Behaviour::Decline => "05",
            Behaviour::ApprovePart if request => "10",
            Behaviour::ApproveWith(code) if request => {
                self.act(message);
                code
            }
            _ => self.act(message),
        };
        let mut answer = answer_to(message, code);
        if code == "10" {
            let part = amount(message) - 1000;
            answer.set(4, format!("{part:012}"));
            self.ledger
                .insert(text(message, 11), Booking::Charged(part));
        }
        match behaviour {
            Behaviour::StallAfter => Err(LinkError::AnswerLost),
            Behaviour::TooLong => Err(LinkError::AnswerTooLong),
            Behaviour::Corrupt(corruption) => {
                corrupt(&mut answer, corruption);
                Ok(Answer {
                    message: answer,
                    corruption: Some(corruption),
                })
            }
            _ => Ok(Answer {
                message: answer,
                corruption: None,
            }),
        }
    }

    /// Books what the message asks for and returns field 39.
    fn act(&mut self, message: &Message) -> &'static str {
        let trace_number = text(message, 11);
        let booked = self.ledger.get(&trace_number).copied();
        match message.message_type.number() {
            200 => {
                assert_eq!(booked, None, "charged twice: {trace_number}");
                let charged = Booking::Charged(amount(message));
                self.ledger.insert(trace_number, charged);
                "00"
            }
            220 | 221 => match booked {
                Some(Booking::Charged(_)) => "94",
                Some(Booking::Reversed) => panic!("an advice after a reversal: {trace_number}"),
                None => {
                    let charged = Booking::Charged(amount(message));
                    self.ledger.insert(trace_number, charged);
                    "00"
                }
            },
            420 | 421 => {
                let original = text(message, 90);
                assert!(
                    original.starts_with(&format!("0200{trace_number}")),
                    "{original}"
                );
                match booked {
                    Some(Booking::Charged(_)) => {
                        self.ledger.insert(trace_number, Booking::Reversed);
                        "00"
                    }
                    Some(Booking::Reversed) => "94",
                    None => "25",
                }
            }
            other => panic!("message type {other}"),
        }
    }

    /// A message may come again, but only marked as a repeat, and never with a PIN or track 2.
    fn check_repeat(&mut self, message: &Message) {
        let number = message.message_type.number();
        if number == 200 {
            return;
        }
        assert_eq!(message.field(35), None, "track 2 in {number}");
        assert_eq!(message.field(52), None, "a PIN in {number}");
        let key = (number & !1, text(message, 11));
        if self.seen.contains(&key) {
            assert_eq!(number & 1, 1, "a repeat that is not marked: {key:?}");
        } else {
            self.seen.push(key);
        }
    }
}

fn answer_to(message: &Message, code: &str) -> Message {
    let number = (message.message_type.number() & !1) + 10;
    let mut answer = Message::new(MessageType::new(number).expect("a type"));
    for field in [3, 4, 7, 11, 12, 13, 37, 41, 49, 63] {
        if let Some(value) = message.field(field) {
            answer.set(field, value);
        }
    }
    answer.set(39, code);
    if number == 210 {
        answer.set(37, "632510900001");
        if matches!(code, "00" | "10") {
            answer.set(38, "123456");
        }
        answer.set(55, b"\x91\x0A\x11\x22\x33\x44\x55\x66\x77\x8800");
    }
    answer
}

fn corrupt(answer: &mut Message, corruption: Corruption) {
    let without = |answer: &Message, field: u8| {
        let mut kept = Message::new(answer.message_type);
        for (number, value) in answer.fields().filter(|(number, _)| *number != field) {
            kept.set(number, value);
        }
        kept
    };
    match corruption {
        Corruption::TraceNumber => answer.set(11, "999999"),
        Corruption::TerminalId => answer.set(41, "TERM0002"),
        Corruption::Amount => answer.set(4, "000000009999"),
        Corruption::NoAmount => *answer = without(answer, 4),
        Corruption::Currency => answer.set(49, "978"),
        Corruption::MessageType => {
            answer.message_type = MessageType::new(810).expect("a type");
        }
        Corruption::NoResponseCode => *answer = without(answer, 39),
        Corruption::ChipData => answer.set(55, b"\x91\x20\x11"),
        Corruption::Mac
        | Corruption::NoMac
        | Corruption::Truncated
        | Corruption::Garbage
        | Corruption::Empty => {}
    }
}

pub(super) fn text(message: &Message, field: u8) -> String {
    String::from_utf8_lossy(message.field(field).unwrap_or_default()).into_owned()
}

fn amount(message: &Message) -> u64 {
    text(message, 4).parse().expect("an amount")
}
