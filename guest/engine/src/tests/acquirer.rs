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
    /// Kept for a completion.
    Reserved(u64),
    /// Paid to the cardholder.
    Refunded(u64),
    /// Undone by a void, or taken by a completion.
    Replaced,
    /// A void or an inquiry: no money of its own.
    Noted,
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
    /// What a void or a completion replaced, by its own trace number.
    replaced: BTreeMap<String, (String, Booking)>,
    /// Field 39 of the answer to totals; then what follows from them.
    pub(super) totals: &'static str,
    /// What was told about batches: the type and what field 88 or field 90 says.
    pub(super) told: Vec<(u16, String)>,
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
            replaced: BTreeMap::new(),
            totals: "00",
            told: Vec::new(),
        }
    }

    /// Takes one message and does as told.
    pub(super) fn receive(&mut self, message: &Message) -> Result<Answer, LinkError> {
        let number = message.message_type.number();
        let request = matches!(number, 100 | 200);
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
            let part = amount(message).saturating_sub(1000);
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
            100 | 200 => {
                assert_eq!(booked, None, "charged twice: {trace_number}");
                let booking = self.booking(message);
                self.ledger.insert(trace_number, booking);
                "00"
            }
            320 => {
                self.told.push((320, text(message, 90)[4..10].to_owned()));
                "00"
            }
            500 => {
                self.told.push((500, text(message, 88)));
                self.totals
            }
            520 => {
                self.told.push((520, text(message, 88)));
                if self.totals == "95" {
                    "00"
                } else {
                    self.totals
                }
            }
            220 | 221 => match booked {
                Some(Booking::Charged(_)) => "94",
                Some(other) => panic!("an advice after {other:?}: {trace_number}"),
                None => {
                    let charged = Booking::Charged(amount(message));
                    self.ledger.insert(trace_number, charged);
                    "00"
                }
            },
            420 | 421 => {
                let original = text(message, 90);
                let named = ["0100", "0200"].map(|number| format!("{number}{trace_number}"));
                assert!(
                    named.iter().any(|name| original.starts_with(name)),
                    "{original}"
                );
                match booked {
                    Some(Booking::Reversed) => "94",
                    Some(_) => {
                        if let Some((original, booking)) = self.replaced.remove(&trace_number) {
                            self.ledger.insert(original, booking);
                        }
                        self.ledger.insert(trace_number, Booking::Reversed);
                        "00"
                    }
                    None => "25",
                }
            }
            other => panic!("message type {other}"),
        }
    }

    /// What a request does to money.
    fn booking(&mut self, message: &Message) -> Booking {
        let (code, original) = (text(message, 3), text(message, 90));
        let minor = amount(message);
        let original = original.get(4..10).map(str::to_owned);
        match (message.message_type.number(), &code[..2], original) {
            (100, "31", None) => Booking::Noted,
            (100, "00", None) => Booking::Reserved(minor),
            (200, "20", Some(_)) => Booking::Refunded(minor),
            (200, "02", Some(original)) => {
                let voided = self.replace(message, original);
                assert_eq!(voided, Booking::Charged(minor));
                Booking::Noted
            }
            (200, "00", Some(original)) => {
                let reserved = self.replace(message, original);
                let enough = |reserved| reserved >= minor;
                assert!(matches!(reserved, Booking::Reserved(all) if enough(all)));
                Booking::Charged(minor)
            }
            (200, "00" | "09", None) => Booking::Charged(minor),
            other => panic!("{other:?}"),
        }
    }

    fn replace(&mut self, message: &Message, original: String) -> Booking {
        let booking = self.ledger.insert(original.clone(), Booking::Replaced);
        let booking = booking.expect("an original");
        let own = text(message, 11);
        self.replaced.insert(own, (original, booking));
        booking
    }

    /// A message may come again, but only marked as a repeat, and never with a PIN or track 2.
    fn check_repeat(&mut self, message: &Message) {
        let number = message.message_type.number();
        if matches!(number, 100 | 200) {
            return;
        }
        assert_eq!(message.field(35), None, "track 2 in {number}");
        assert_eq!(message.field(52), None, "a PIN in {number}");
        if matches!(number, 320 | 500 | 520) {
            return;
        }
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
    if text(message, 3).starts_with("31") {
        answer.set(54, "3002554C000000008750");
    }
    if matches!(number, 110 | 210) {
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
