//! Messages about a batch and about the line: reconciliation, upload, network management.
//!
//! The engine runs no network management yet; the dialect covers it, and so does its builder.

use super::fields::number as field;
use super::requests::{known_only, message_type, original_data, set_batch, set_time, storable};
use super::{Codec, Message};
use crate::moment::Moment;
use crate::outcome::BatchTotals;

/// 0320: tells the acquirer one transaction of a batch.
const UPLOAD: u16 = 320;
/// 0500: asks whether the acquirer's totals are the same.
const RECONCILIATION_REQUEST: u16 = 500;
/// 0520: says what the totals are, after every transaction was told.
const RECONCILIATION_ADVICE: u16 = 520;
/// 0800: a network management request.
const NETWORK_MANAGEMENT_REQUEST: u16 = 800;

/// Who sends a message that belongs to no card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Field 41: eight characters.
    pub terminal_id: String,
    /// Field 42: fifteen characters, filled with spaces on the right.
    pub merchant_id: String,
    /// Field 32: up to eleven digits.
    pub acquirer_id: String,
    /// Field 24: three digits.
    pub network_id: String,
}

/// What names one message about a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    /// Field 11.
    pub(crate) trace_number: u32,
    pub(crate) batch_number: u32,
    pub(crate) now: Moment,
}

/// How totals are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Totals {
    /// The acquirer compares them.
    Compare,
    /// The acquirer has been told every transaction, and closes the batch.
    Close,
}

/// What a network management message is for: field 70 (ISO 8583:1987, field 70).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkCode {
    /// The terminal begins its day.
    SignOn,
    /// The terminal ends its day.
    SignOff,
    /// The terminal asks for new keys.
    KeyChange,
    /// The acquirer is asked whether it is there.
    EchoTest,
}

impl NetworkCode {
    /// Field 70.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignOn => "001",
            Self::SignOff => "002",
            Self::KeyChange => "101",
            Self::EchoTest => "301",
        }
    }
}

/// 0500 or 0520: the terminal's totals of one currency. Refunds are credits to cardholders, sales are
/// debits. `None` when a total has more digits than its field.
pub(crate) fn reconciliation(
    codec: &Codec,
    origin: &Origin,
    kind: Totals,
    totals: BatchTotals,
    numbers: Numbers,
) -> Option<Message> {
    let amount = |minor: u64| (minor <= 9_999_999_999_999_999).then(|| format!("{minor:016}"));
    let number = match kind {
        Totals::Compare => RECONCILIATION_REQUEST,
        Totals::Close => RECONCILIATION_ADVICE,
    };
    let mut message = from_terminal(number, origin, numbers.trace_number, &numbers.now);
    set_batch(&mut message, codec, numbers.batch_number);
    message.set(field::CURRENCY, format!("{:03}", totals.currency));
    message.set(field::CREDIT_COUNT, format!("{:010}", totals.credit_count));
    message.set(field::DEBIT_COUNT, format!("{:010}", totals.debit_count));
    message.set(field::CREDIT_AMOUNT, amount(totals.credit_minor)?);
    message.set(field::DEBIT_AMOUNT, amount(totals.debit_minor)?);
    let net = amount(totals.debit_minor.abs_diff(totals.credit_minor))?;
    let sign = if totals.credit_minor > totals.debit_minor {
        'C'
    } else {
        'D'
    };
    message.set(field::NET_AMOUNT, format!("{sign}{net}"));
    Some(known_only(codec, &message))
}

/// 0320: one transaction of a batch, as `request` asked for it and the acquirer approved it.
pub(crate) fn upload(
    codec: &Codec,
    request: &Message,
    response_code: &str,
    numbers: Numbers,
) -> Message {
    let mut message = storable(request);
    message.message_type = message_type(UPLOAD);
    message.set(field::ORIGINAL_DATA, original_data(request));
    message.set(field::RESPONSE_CODE, response_code);
    message.set(field::TRANSMISSION_TIME, numbers.now.transmission_time());
    message.set(field::TRACE_NUMBER, format!("{:06}", numbers.trace_number));
    set_batch(&mut message, codec, numbers.batch_number);
    known_only(codec, &message)
}

/// 0800.
pub fn network_management_request(
    codec: &Codec,
    origin: &Origin,
    code: NetworkCode,
    trace_number: u32,
    now: &Moment,
) -> Message {
    let mut message = from_terminal(NETWORK_MANAGEMENT_REQUEST, origin, trace_number, now);
    message.set(field::NETWORK_CODE, code.code());
    known_only(codec, &message)
}

fn from_terminal(number: u16, origin: &Origin, trace_number: u32, now: &Moment) -> Message {
    let mut message = Message::new(message_type(number));
    set_time(&mut message, now);
    message.set(field::TRACE_NUMBER, format!("{trace_number:06}"));
    message.set(field::NETWORK_ID, &origin.network_id);
    message.set(field::ACQUIRER_ID, &origin.acquirer_id);
    message.set(field::TERMINAL_ID, &origin.terminal_id);
    message.set(field::MERCHANT_ID, &origin.merchant_id);
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso8583::fields;
    use crate::moment::MomentParts;

    fn codec() -> Codec {
        Codec::new(fields::built_in()).expect("the built-in table")
    }

    fn origin() -> Origin {
        Origin {
            terminal_id: "TERM0001".into(),
            merchant_id: "MERCHANT0000001".into(),
            acquirer_id: "123456".into(),
            network_id: "001".into(),
        }
    }

    fn now() -> Moment {
        let parts = MomentParts {
            year: 2026,
            month: 11,
            day: 21,
            hour: 10,
            minute: 5,
            second: 51,
            utc_offset_minutes: 0,
        };
        Moment::parse(parts).expect("a moment")
    }

    fn numbers() -> Numbers {
        Numbers {
            trace_number: 7,
            batch_number: 4,
            now: now(),
        }
    }

    fn shown(message: &Message) -> Vec<(u8, String)> {
        let bytes = codec().encode(message).expect("encodes");
        let decoded = codec().decode(&bytes).expect("decodes").message;
        assert_eq!(&decoded, message);
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        decoded
            .fields()
            .map(|(number, value)| (number, text(value)))
            .filter(|(number, _)| ![7, 11, 12, 13, 24, 32, 41, 42].contains(number))
            .collect()
    }

    #[test]
    fn network_management_names_its_purpose_and_its_terminal() {
        for (code, text) in [
            (NetworkCode::SignOn, "001"),
            (NetworkCode::SignOff, "002"),
            (NetworkCode::KeyChange, "101"),
            (NetworkCode::EchoTest, "301"),
        ] {
            let message = network_management_request(&codec(), &origin(), code, 7, &now());
            assert_eq!(message.message_type.number(), 800);
            assert_eq!(shown(&message), [(70, text.to_owned())]);
            assert_eq!(message.field(7), Some(&b"1121100551"[..]));
            assert_eq!(message.field(11), Some(&b"000007"[..]));
            assert_eq!(message.field(41), Some(&b"TERM0001"[..]));
        }
    }

    #[test]
    fn reconciliation_sums_debits_and_credits() {
        let totals = |debit_minor, credit_minor| BatchTotals {
            currency: 554,
            debit_count: 12,
            debit_minor,
            credit_count: 3,
            credit_minor,
        };
        let told = |kind, totals| reconciliation(&codec(), &origin(), kind, totals, numbers());
        for (debit_minor, credit_minor, net) in [
            (30_000, 10_000, "D0000000000020000"),
            (10_000, 30_000, "C0000000000020000"),
            (5, 5, "D0000000000000000"),
        ] {
            for (kind, number) in [(Totals::Compare, 500), (Totals::Close, 520)] {
                let message = told(kind, totals(debit_minor, credit_minor)).expect("fits");
                assert_eq!(message.message_type.number(), number);
                assert_eq!(
                    shown(&message),
                    [
                        (49, "554".to_owned()),
                        (60, "000004".to_owned()),
                        (74, "0000000003".to_owned()),
                        (76, "0000000012".to_owned()),
                        (86, format!("{credit_minor:016}")),
                        (88, format!("{debit_minor:016}")),
                        (97, net.to_owned()),
                    ]
                );
            }
        }
        let beyond = totals(10_000_000_000_000_000, 0);
        assert_eq!(told(Totals::Compare, beyond), None);
    }

    #[test]
    fn an_upload_names_the_transaction_and_no_secret() {
        let mut request = Message::new(message_type(200));
        for (number, value) in [
            (2, "4761739001010010"),
            (4, "000000002500"),
            (7, "1121090000"),
            (11, "000003"),
            (35, "4761739001010010=30122011184380"),
            (38, "123456"),
            (52, "PINBLOCK"),
        ] {
            request.set(number, value);
        }
        let told = upload(&codec(), &request, "00", numbers());
        assert_eq!(told.message_type.number(), 320);
        assert_eq!(told.field(11), Some(&b"000007"[..]));
        assert_eq!(told.field(38), Some(&b"123456"[..]));
        assert_eq!(told.field(39), Some(&b"00"[..]));
        let named = b"020000000311210900000000000000000000000000";
        assert_eq!(told.field(90), Some(&named[..]));
        assert!([35, 52].iter().all(|secret| told.field(*secret).is_none()));
    }
}
