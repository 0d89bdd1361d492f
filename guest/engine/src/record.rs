//! The content of a journal entry: the engine's own versioned binary record. What engines before
//! this one wrote is read too: an update must not leave their reversals behind.
//!
//! Layout: version, reason, when it was refused, message (number, count, then number, length and
//! value of each field), then the outcome. Numbers are big-endian; texts have a length of two bytes
//! before them. The decoder is total and takes exactly what the encoder writes.

use zeroize::Zeroizing;

use crate::iso8583::requests::ReversalReason;
use crate::iso8583::{Message, MessageType};
use crate::moment::Minute;
use crate::outcome::{
    AcquirerAnswer, Balance, CancelReason, CardDetails, CardholderVerification, CryptogramType,
    DeclineReason, Ending, Failure, Outcome, ReversalState,
};
use crate::parameters::Scheme;
use crate::ports::EntryMode;

/// The version written.
const VERSION: u8 = 3;

/// The version before: an outcome has no balance.
const VERSION_WITHOUT_BALANCE: u8 = 2;

/// The one before that: it also says whether a message was refused, and not when.
const VERSION_WITHOUT_TIME: u8 = 1;

/// What one entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// How the transaction stands, or would end if nothing more happened.
    pub(crate) outcome: Outcome,
    /// What the acquirer may still have to hear of. Of an approval it is the request: until its batch
    /// is closed it may be voided, completed, or told once more.
    pub(crate) open: Option<Open>,
}

/// A message the acquirer may have seen, or must see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    /// The request to reverse, or the advice to deliver. Without track 2 and PIN.
    pub(crate) message: Message,
    /// Why it would be reversed.
    pub(crate) reason: ReversalReason,
    /// When the acquirer last answered it with a code that settles nothing.
    pub(crate) refused: Option<Minute>,
}

/// Why a record cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Error {
    /// Another version of the engine wrote it.
    UnknownVersion(u8),
    /// It is not what the encoder writes.
    Malformed,
}

const REASONS: [ReversalReason; 4] = [
    ReversalReason::NoAnswer,
    ReversalReason::NotCompleted,
    ReversalReason::PartialRefused,
    ReversalReason::PowerLoss,
];

const ENDINGS: [Ending; 16] = [
    Ending::Approved,
    Ending::Declined(DeclineReason::Card),
    Ending::Declined(DeclineReason::Terminal),
    Ending::Declined(DeclineReason::Acquirer),
    Ending::Cancelled(CancelReason::Cardholder),
    Ending::Cancelled(CancelReason::PointOfSale),
    Ending::Cancelled(CancelReason::NoCard),
    Ending::Cancelled(CancelReason::Interrupted),
    Ending::Failed(Failure::CardUnreadable),
    Ending::Failed(Failure::CardNotAccepted),
    Ending::Failed(Failure::AcquirerUnreachable),
    Ending::Failed(Failure::AnswerLost),
    Ending::Failed(Failure::DeviceFault),
    Ending::Completed,
    Ending::Failed(Failure::OtherCard),
    Ending::Cancelled(CancelReason::NoDecision),
];

const REVERSALS: [ReversalState; 3] = [
    ReversalState::None,
    ReversalState::Pending,
    ReversalState::Confirmed,
];

const ENTRY_MODES: [EntryMode; 4] = [
    EntryMode::Contact,
    EntryMode::Contactless,
    EntryMode::Magstripe,
    EntryMode::Manual,
];

const SCHEMES: [Scheme; 8] = [
    Scheme::Visa,
    Scheme::Mastercard,
    Scheme::Amex,
    Scheme::Discover,
    Scheme::Jcb,
    Scheme::UnionPay,
    Scheme::Eftpos,
    Scheme::Other,
];

const CRYPTOGRAMS: [CryptogramType; 3] = [
    CryptogramType::Tc,
    CryptogramType::Arqc,
    CryptogramType::Aac,
];

const VERIFICATIONS: [CardholderVerification; 5] = [
    CardholderVerification::Pin,
    CardholderVerification::Signature,
    CardholderVerification::Device,
    CardholderVerification::None,
    CardholderVerification::Failed,
];

impl Record {
    /// A record with nothing open.
    pub(crate) const fn closed(outcome: Outcome) -> Self {
        Self {
            outcome,
            open: None,
        }
    }

    /// Writes it.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut output = Writer(Zeroizing::new(vec![VERSION]));
        output.option(self.open.as_ref(), |output, open| {
            output.index(&REASONS, &open.reason);
            output.option(open.refused, |output, minute| {
                output.number(minute.number());
            });
            output.number(u64::from(open.message.message_type.number()));
            let count = open.message.fields().count();
            output.byte(u8::try_from(count).unwrap_or(u8::MAX));
            for (number, value) in open.message.fields() {
                output.byte(number);
                output.text(value);
            }
        });
        output.outcome(&self.outcome);
        output.0
    }

    /// Reads it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        match bytes.split_first() {
            Some((version @ &(VERSION_WITHOUT_TIME..=VERSION), rest)) => {
                let mut input = Reader {
                    bytes: rest,
                    version: *version,
                };
                let record = input.record().ok_or(Error::Malformed)?;
                input
                    .bytes
                    .is_empty()
                    .then_some(record)
                    .ok_or(Error::Malformed)
            }
            Some((version, _)) => Err(Error::UnknownVersion(*version)),
            None => Err(Error::Malformed),
        }
    }
}

struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    /// At most 65535 bytes; no value of the engine's comes near it.
    fn text(&mut self, text: &[u8]) {
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend(text.iter().take(usize::from(length)));
    }

    fn index<V: PartialEq>(&mut self, values: &[V], value: &V) {
        let position = values.iter().position(|known| known == value);
        self.byte(
            position
                .and_then(|position| u8::try_from(position).ok())
                .unwrap_or(u8::MAX),
        );
    }

    fn option<V>(&mut self, value: Option<V>, write: impl FnOnce(&mut Self, V)) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn outcome(&mut self, outcome: &Outcome) {
        self.index(&ENDINGS, &outcome.ending);
        self.index(&REVERSALS, &outcome.reversal);
        self.number(outcome.approved_minor);
        self.option(outcome.trace_number, |output, number| {
            output.number(u64::from(number));
        });
        self.option(outcome.answer.as_ref(), |output, answer| {
            output.text(answer.response_code.as_bytes());
            for text in [&answer.authorisation_code, &answer.retrieval_reference] {
                output.option(text.as_ref(), |output, text| output.text(text.as_bytes()));
            }
        });
        self.option(outcome.card.as_ref(), Self::card);
        self.option(outcome.balance, |output, balance| {
            output.number(u64::from(balance.currency));
            output.0.extend_from_slice(&balance.minor.to_be_bytes());
        });
    }

    fn card(&mut self, card: &CardDetails) {
        self.index(&ENTRY_MODES, &card.entry_mode);
        self.index(&SCHEMES, &card.scheme);
        for text in [&card.masked_pan, &card.aid, &card.application_label] {
            self.text(text);
        }
        self.0.extend_from_slice(&card.tvr);
        self.0.extend_from_slice(&card.tsi);
        self.option(card.cryptogram, |output, kind| {
            output.index(&CRYPTOGRAMS, &kind);
        });
        self.option(card.verification, |output, method| {
            output.index(&VERIFICATIONS, &method);
        });
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    version: u8,
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.bytes.split_first_chunk::<N>()?;
        self.bytes = rest;
        Some(*array)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn text(&mut self) -> Option<Vec<u8>> {
        let length = self.array().map(u16::from_be_bytes)?;
        let (text, rest) = self.bytes.split_at_checked(usize::from(length))?;
        self.bytes = rest;
        Some(text.to_vec())
    }

    fn string(&mut self) -> Option<String> {
        String::from_utf8(self.text()?).ok()
    }

    fn index<V: Copy>(&mut self, values: &[V]) -> Option<V> {
        let position = self.byte()?;
        values.get(usize::from(position)).copied()
    }

    #[expect(
        clippy::option_option,
        reason = "the outer one is whether it could be read, the inner one what was written"
    )]
    fn option<V>(&mut self, read: impl FnOnce(&mut Self) -> Option<V>) -> Option<Option<V>> {
        match self.byte()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }

    fn record(&mut self) -> Option<Record> {
        let open = self.option(Self::open)?;
        Some(Record {
            open,
            outcome: self.outcome()?,
        })
    }

    fn open(&mut self) -> Option<Open> {
        let reason = self.index(&REASONS)?;
        let refused = if self.version == VERSION_WITHOUT_TIME {
            // When it was refused is not known: long ago.
            let refused = self.index(&[false, true])?;
            refused.then(|| Minute::from_number(0))
        } else {
            self.option(|input| input.number().map(Minute::from_number))?
        };
        let number = u16::try_from(self.number()?).ok()?;
        let mut message = Message::new(MessageType::new(number)?);
        let mut above = 1;
        for _ in 0..self.byte()? {
            let field = self.byte()?;
            // The encoder writes each field once, in rising order.
            if field <= above || field > 128 {
                return None;
            }
            above = field;
            message.set(field, Zeroizing::new(self.text()?));
        }
        Some(Open {
            message,
            reason,
            refused,
        })
    }

    fn outcome(&mut self) -> Option<Outcome> {
        Some(Outcome {
            ending: self.index(&ENDINGS)?,
            reversal: self.index(&REVERSALS)?,
            approved_minor: self.number()?,
            trace_number: self.option(|input| u32::try_from(input.number()?).ok())?,
            answer: self.option(Self::answer)?,
            card: self.option(Self::card)?,
            balance: if self.version <= VERSION_WITHOUT_BALANCE {
                None
            } else {
                self.option(Self::balance)?
            },
        })
    }

    fn balance(&mut self) -> Option<Balance> {
        Some(Balance {
            currency: u16::try_from(self.number()?).ok()?,
            minor: i64::from_be_bytes(self.array()?),
        })
    }

    fn answer(&mut self) -> Option<AcquirerAnswer> {
        Some(AcquirerAnswer {
            response_code: self.string()?,
            authorisation_code: self.option(Self::string)?,
            retrieval_reference: self.option(Self::string)?,
        })
    }

    fn card(&mut self) -> Option<CardDetails> {
        Some(CardDetails {
            entry_mode: self.index(&ENTRY_MODES)?,
            scheme: self.index(&SCHEMES)?,
            masked_pan: self.text()?,
            aid: self.text()?,
            application_label: self.text()?,
            tvr: self.array()?,
            tsi: self.array()?,
            cryptogram: self.option(|input| input.index(&CRYPTOGRAMS))?,
            verification: self.option(|input| input.index(&VERIFICATIONS))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn card() -> impl Strategy<Value = CardDetails> {
        let texts = [
            vec(any::<u8>(), 0..20),
            vec(any::<u8>(), 0..17),
            vec(any::<u8>(), 0..17),
        ];
        (
            select(&ENTRY_MODES[..]),
            select(&SCHEMES[..]),
            texts,
            any::<([u8; 5], [u8; 2])>(),
            option::of(select(&CRYPTOGRAMS[..])),
            option::of(select(&VERIFICATIONS[..])),
        )
            .prop_map(
                |(entry_mode, scheme, texts, (tvr, tsi), cryptogram, verification)| {
                    let [masked_pan, aid, application_label] = texts;
                    CardDetails {
                        entry_mode,
                        scheme,
                        masked_pan,
                        aid,
                        application_label,
                        tvr,
                        tsi,
                        cryptogram,
                        verification,
                    }
                },
            )
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        let answer = (".{0,2}", option::of(".{0,6}"), option::of(".{0,12}"));
        (
            select(&ENDINGS[..]),
            select(&REVERSALS[..]),
            any::<u64>(),
            any::<Option<u32>>(),
            option::of(answer),
            option::of(card()),
            option::of(any::<(u16, i64)>()),
        )
            .prop_map(
                |(ending, reversal, approved_minor, trace_number, answer, card, balance)| Outcome {
                    ending,
                    reversal,
                    approved_minor,
                    trace_number,
                    answer: answer.map(
                        |(response_code, authorisation_code, retrieval_reference)| AcquirerAnswer {
                            response_code,
                            authorisation_code,
                            retrieval_reference,
                        },
                    ),
                    card,
                    balance: balance.map(|(currency, minor)| Balance { currency, minor }),
                },
            )
    }

    fn open() -> impl Strategy<Value = Open> {
        let fields = vec((2_u8..=128, vec(any::<u8>(), 0..300)), 0..40);
        (
            0_u16..=9999,
            fields,
            select(&REASONS[..]),
            any::<Option<u64>>(),
        )
            .prop_map(|(number, fields, reason, refused)| {
                let mut message = Message::new(MessageType::new(number).expect("four digits"));
                for (field, value) in fields {
                    message.set(field, value);
                }
                Open {
                    message,
                    reason,
                    refused: refused.map(Minute::from_number),
                }
            })
    }

    proptest! {
        #[test]
        fn a_record_comes_back(outcome in outcome(), open in option::of(open())) {
            let record = Record { outcome, open };
            prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
        }

        #[test]
        fn a_damaged_record_is_refused_or_written_the_same(
            outcome in outcome(),
            open in option::of(open()),
            position in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut bytes = Record { outcome, open }.encode().to_vec();
            // The version comes first; what it does is said below.
            let position = position.index(bytes.len().saturating_sub(1)).saturating_add(1);
            bytes[position] = byte;
            if let Ok(record) = Record::decode(&bytes) {
                prop_assert_eq!(&*record.encode(), &bytes);
            }
            prop_assert!(Record::decode(&bytes[..position]).is_err());
        }

        #[test]
        fn a_record_under_another_version_is_refused_or_means_one_thing(
            outcome in outcome(),
            open in option::of(open()),
            version in 0..=VERSION + 1,
        ) {
            let mut bytes = Record { outcome, open }.encode().to_vec();
            bytes[0] = version;
            match Record::decode(&bytes) {
                Ok(record) => {
                    prop_assert!((VERSION_WITHOUT_TIME..=VERSION).contains(&version));
                    prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
                }
                Err(Error::UnknownVersion(named)) => prop_assert_eq!(named, version),
                Err(Error::Malformed) => prop_assert!(version < VERSION),
            }
        }

        #[test]
        fn noise_is_refused_or_written_the_same(noise in vec(any::<u8>(), 0..400)) {
            let bytes = [&[VERSION], &noise[..]].concat();
            if let Ok(record) = Record::decode(&bytes) {
                prop_assert_eq!(&*record.encode(), &bytes);
            }
        }
    }

    #[test]
    fn a_field_that_comes_twice_is_refused() {
        let mut message = Message::new(MessageType::new(200).expect("four digits"));
        message.set(3, "000000");
        message.set(4, "000000");
        let record = Record {
            outcome: Outcome::without_card(Ending::Approved),
            open: Some(Open {
                message,
                reason: ReversalReason::NoAnswer,
                refused: None,
            }),
        };
        let mut bytes = record.encode().to_vec();
        let second = bytes.windows(3).rposition(|bytes| bytes == [4, 0, 6]);
        bytes[second.expect("field 4")] = 3;
        assert_eq!(Record::decode(&bytes), Err(Error::Malformed));
    }

    #[test]
    fn what_the_versions_before_wrote_is_read() {
        for (refused, minute) in [(0, None), (1, Some(Minute::from_number(0)))] {
            let mut message = Message::new(MessageType::new(200).expect("four digits"));
            message.set(3, "000000");
            let record = Record {
                outcome: Outcome::without_card(Ending::Failed(Failure::AnswerLost)),
                open: Some(Open {
                    message,
                    reason: ReversalReason::NoAnswer,
                    refused: None,
                }),
            };
            // The byte after version, presence and reason; the last says that there is no balance.
            let mut bytes = record.encode().to_vec();
            bytes.pop();
            (bytes[0], bytes[3]) = (VERSION_WITHOUT_TIME, refused);
            let read = Record::decode(&bytes).expect("a record");
            assert_eq!(read.open.expect("open").refused, minute);
            assert_eq!(read.outcome, record.outcome);
            let mut bytes = record.encode().to_vec();
            bytes.pop();
            bytes[0] = VERSION_WITHOUT_BALANCE;
            assert_eq!(Record::decode(&bytes), Ok(record));
        }
    }

    #[test]
    fn another_version_is_named() {
        let outcome = Outcome::without_card(Ending::Approved);
        let mut bytes = Record::closed(outcome).encode().to_vec();
        bytes[0] = VERSION + 1;
        assert_eq!(
            Record::decode(&bytes),
            Err(Error::UnknownVersion(VERSION + 1))
        );
        assert_eq!(Record::decode(&[]), Err(Error::Malformed));
        bytes[0] = VERSION;
        bytes.push(0);
        assert_eq!(Record::decode(&bytes), Err(Error::Malformed));
    }

    #[test]
    fn a_pan_is_in_no_debug_text() {
        let mut message = Message::new(MessageType::new(200).expect("four digits"));
        message.set(2, "4761739001010010");
        let open = Open {
            message,
            reason: ReversalReason::NoAnswer,
            refused: None,
        };
        assert!(!format!("{open:?}").contains("4761739"));
    }
}
