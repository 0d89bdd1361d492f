//! Messages beside the sale: authorisation without capture, reconciliation, network management.
//!
//! The engine runs none of these yet; the dialect covers them, and so do these builders.

use super::fields::number as field;
use super::requests::{known_only, message_type, set_time};
use super::{Codec, Message};
use crate::moment::Moment;
use crate::outcome::BatchTotals;

/// 0100: an authorisation request.
const AUTHORISATION_REQUEST: u16 = 100;
/// 0500: an acquirer reconciliation request.
const RECONCILIATION_REQUEST: u16 = 500;
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

/// 0100: asks for what `financial` asks for, without taking the money. Cashback cannot be
/// reserved, so a message with one gives `None`.
pub fn authorisation_request(codec: &Codec, financial: &Message) -> Option<Message> {
    if financial.field(field::ADDITIONAL_AMOUNTS).is_some() {
        return None;
    }
    let mut message = financial.clone();
    message.message_type = message_type(AUTHORISATION_REQUEST);
    let code = &codec.dialect().processing_codes.pre_auth;
    message.set(field::PROCESSING_CODE, code);
    Some(known_only(codec, &message))
}

/// 0500: the terminal's totals of one currency. Refunds are credits to cardholders, sales are
/// debits. `None` when a total has more digits than its field.
pub fn reconciliation_request(
    codec: &Codec,
    origin: &Origin,
    totals: BatchTotals,
    trace_number: u32,
    now: &Moment,
) -> Option<Message> {
    let amount = |minor: u64| (minor <= 9_999_999_999_999_999).then(|| format!("{minor:016}"));
    let mut message = from_terminal(RECONCILIATION_REQUEST, origin, trace_number, now);
    message.set(field::CURRENCY, format!("{:03}", totals.currency));
    message.set(field::CREDIT_COUNT, format!("{:010}", totals.refund_count));
    message.set(field::DEBIT_COUNT, format!("{:010}", totals.sale_count));
    message.set(field::CREDIT_AMOUNT, amount(totals.refund_minor)?);
    message.set(field::DEBIT_AMOUNT, amount(totals.sale_minor)?);
    let net = amount(totals.sale_minor.abs_diff(totals.refund_minor))?;
    let sign = if totals.refund_minor > totals.sale_minor {
        'C'
    } else {
        'D'
    };
    message.set(field::NET_AMOUNT, format!("{sign}{net}"));
    Some(known_only(codec, &message))
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
        let totals = |sale_minor, refund_minor| BatchTotals {
            currency: 554,
            sale_count: 12,
            sale_minor,
            refund_count: 3,
            refund_minor,
        };
        let request = |totals| reconciliation_request(&codec(), &origin(), totals, 7, &now());
        for (sale_minor, refund_minor, net) in [
            (30_000, 10_000, "D0000000000020000"),
            (10_000, 30_000, "C0000000000020000"),
            (5, 5, "D0000000000000000"),
        ] {
            let message = request(totals(sale_minor, refund_minor)).expect("fits");
            assert_eq!(message.message_type.number(), 500);
            assert_eq!(
                shown(&message),
                [
                    (49, "554".to_owned()),
                    (74, "0000000003".to_owned()),
                    (76, "0000000012".to_owned()),
                    (86, format!("{refund_minor:016}")),
                    (88, format!("{sale_minor:016}")),
                    (97, net.to_owned()),
                ]
            );
        }
        assert_eq!(request(totals(10_000_000_000_000_000, 0)), None);
    }

    #[test]
    fn an_authorisation_takes_no_money_and_hands_out_no_cash() {
        let mut financial = Message::new(message_type(200));
        financial.set(3, "000000");
        financial.set(4, "000000002500");
        financial.set(11, "000007");
        let mut dialect = fields::built_in();
        dialect.processing_codes.pre_auth = "300000".into();
        let codec = Codec::new(dialect).expect("a valid table");
        let message = authorisation_request(&codec, &financial).expect("no cashback");
        assert_eq!(message.message_type.number(), 100);
        assert_eq!(message.field(3), Some(&b"300000"[..]));
        assert_eq!(message.field(4), financial.field(4));
        financial.set(54, "0040554D000000000200");
        assert_eq!(authorisation_request(&codec, &financial), None);
    }
}
