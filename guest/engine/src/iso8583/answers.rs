//! Whether an answer belongs to its request, and what it says.
//!
//! An answer that fails any of these rules is no answer: it is never applied.

use super::fields::number as field;
use super::{Codec, Decoded, Message};
use crate::chip_data::{self, IssuerData};
use crate::money::Amount;
use crate::outcome::{AcquirerAnswer, Balance};

/// What the acquirer decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// What is reported of it.
    pub(crate) answer: AcquirerAnswer,
    /// Fields 37 and 38 as they came, for a reversal to name.
    pub(crate) references: Vec<(u8, Vec<u8>)>,
    /// Field 39.
    pub(crate) code: [u8; 2],
    /// Field 39 says approved, for the whole amount.
    pub(crate) approved: bool,
    /// Field 39 says approved for a part of it: for so much.
    pub(crate) partial: Option<Amount>,
    /// Field 39 says neither approved nor plainly declined, or says declined beside an authorisation
    /// code: what the acquirer did is not beyond doubt.
    pub(crate) unclear: bool,
    /// What field 55 brought for the card.
    pub(crate) issuer: IssuerData,
    /// What field 54 says that the account holds.
    pub(crate) balance: Option<Balance>,
}

/// Why an answer is not one to this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// The header's addresses.
    Header,
    /// It cannot be read.
    Format,
    /// The message type.
    MessageType,
    /// Terminal, trace number, processing code, currency or amount.
    Field(u8),
}

/// ISO 8583:1987 field 39 for a partial approval.
const PARTIAL: &[u8] = b"10";

/// Codes after which the acquirer has certainly moved no money. What is missing on purpose: the
/// approvals that a dialect does not take (08, 11, 16), 09 (in progress), 68 (a late answer) and 94
/// (seen before).
const DECLINED_CODES: &[&[u8]] = &[
    b"01", b"02", b"03", b"04", b"05", b"06", b"07", b"12", b"13", b"14", b"15", b"19", b"20",
    b"21", b"25", b"30", b"31", b"33", b"34", b"35", b"36", b"37", b"38", b"39", b"40", b"41",
    b"42", b"43", b"44", b"51", b"52", b"53", b"54", b"55", b"56", b"57", b"58", b"59", b"60",
    b"61", b"62", b"63", b"64", b"65", b"66", b"67", b"75", b"76", b"77", b"78", b"90", b"91",
    b"92", b"93", b"96",
];

/// Answers to a reversal after which nothing is left to reverse, besides those that approve: no
/// such transaction, and received before.
const REVERSED_CODES: &[&[u8]] = &[b"00", b"25", b"94"];

/// Answers to an advice after which the acquirer has it, besides those that approve: received
/// before. An acquirer that knows no such transaction does not have it.
const ADVISED_CODES: &[&[u8]] = &[b"00", b"94"];

/// Matches an answer with its request, authentication apart.
pub(crate) fn matches(request: &Message, answer: &Message) -> Result<(), Mismatch> {
    if answer.message_type.number() != answer_type(request.message_type.number()) {
        // Some hosts answer 0400 with 0430.
        let reversal = (400..=401).contains(&request.message_type.number());
        if !(reversal && answer.message_type.number() == 430) {
            return Err(Mismatch::MessageType);
        }
    }
    for number in [field::TERMINAL_ID, field::TRACE_NUMBER] {
        if answer.field(number) != request.field(number) {
            return Err(Mismatch::Field(number));
        }
    }
    for number in [field::PROCESSING_CODE, field::CURRENCY] {
        if answer
            .field(number)
            .is_some_and(|value| Some(value) != request.field(number))
        {
            return Err(Mismatch::Field(number));
        }
    }
    amount_matches(request, answer)
}

/// What a financial answer says. `None` when it has no response code of two characters, or field
/// 55 cannot be read.
pub(crate) fn verdict(codec: &Codec, answer: &Message) -> Option<Verdict> {
    let code: [u8; 2] = answer.field(field::RESPONSE_CODE)?.try_into().ok()?;
    let text = |number| {
        answer
            .field(number)
            .map(|value| String::from_utf8_lossy(value).trim_end().to_owned())
    };
    let approved = codec
        .dialect()
        .approved_codes
        .iter()
        .any(|approved| approved.as_bytes() == code);
    let issuer = match answer.field(field::CHIP_DATA) {
        Some(data) => chip_data::parse_issuer_data(data)?,
        None => IssuerData::default(),
    };
    let references = [field::RETRIEVAL_REFERENCE, field::AUTHORISATION_CODE]
        .into_iter()
        .filter_map(|number| Some((number, answer.field(number)?.to_vec())));
    let plainly_declined =
        DECLINED_CODES.contains(&&code[..]) && answer.field(field::AUTHORISATION_CODE).is_none();
    Some(Verdict {
        answer: AcquirerAnswer {
            response_code: text(field::RESPONSE_CODE)?,
            authorisation_code: text(field::AUTHORISATION_CODE),
            retrieval_reference: text(field::RETRIEVAL_REFERENCE),
        },
        references: references.collect(),
        code,
        approved: approved && code != PARTIAL,
        partial: (code == PARTIAL).then(|| amount(answer).unwrap_or_default()),
        unclear: !approved && code != PARTIAL && !plainly_declined,
        issuer,
        balance: answer.field(field::ADDITIONAL_AMOUNTS).and_then(balance),
    })
}

/// Field 54: entries of twenty characters, of which the first that tells an available amount counts
/// (ISO 8583:1987, field 54: account, amount type 02, currency, C or D, amount).
fn balance(field: &[u8]) -> Option<Balance> {
    field.chunks_exact(20).find_map(|entry| {
        let entry = core::str::from_utf8(entry).ok()?;
        let (kind, currency) = (entry.get(2..4)?, entry.get(4..7)?);
        let (sign, amount) = (entry.get(7..8)?, entry.get(8..)?);
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if kind != "02" || !digits(currency) || !digits(amount) {
            return None;
        }
        let minor: i64 = amount.parse().ok()?;
        Some(Balance {
            currency: currency.parse().ok()?,
            minor: match sign {
                "C" => minor,
                "D" => minor.checked_neg()?,
                _ => return None,
            },
        })
    })
}

/// Field 4, where it is one.
fn amount(message: &Message) -> Option<Amount> {
    let text = core::str::from_utf8(message.field(field::AMOUNT)?).ok()?;
    text.parse().ok().and_then(Amount::from_minor)
}

/// Whether the answer to a reversal leaves nothing to reverse.
pub(crate) fn reversed(codec: &Codec, answer: &Message) -> bool {
    accepted(codec, answer, REVERSED_CODES)
}

/// Whether the answer to an advice says that the acquirer has it.
pub(crate) fn advised(codec: &Codec, answer: &Message) -> bool {
    accepted(codec, answer, ADVISED_CODES)
}

fn accepted(codec: &Codec, answer: &Message, known: &[&[u8]]) -> bool {
    let approved = &codec.dialect().approved_codes;
    answer.field(field::RESPONSE_CODE).is_some_and(|code| {
        known.contains(&code) || approved.iter().any(|approved| approved.as_bytes() == code)
    })
}

/// The authentication code of an answer and the bytes it covers. `None` when there is none.
pub(crate) fn authentication(decoded: &Decoded) -> Option<(&[u8], &[u8])> {
    let code = decoded.message.field(decoded.message.mac_field())?;
    Some((decoded.authenticated.as_ref()?.as_slice(), code))
}

/// The type that answers a request: its third digit up by one, and never marked as a repeat.
fn answer_type(request: u16) -> u16 {
    (request & !1).saturating_add(10)
}

/// Field 4 must come back unchanged; only a partial approval lowers it.
fn amount_matches(request: &Message, answer: &Message) -> Result<(), Mismatch> {
    let partial = answer.field(field::RESPONSE_CODE) == Some(PARTIAL);
    let approves = (100..220).contains(&request.message_type.number());
    let fits = match (amount(request), amount(answer)) {
        (Some(asked), Some(answered)) if partial => answered <= asked,
        (Some(asked), Some(answered)) => asked == answered,
        // Only an answer that may approve must say for how much.
        (Some(asked), None) => !approves || asked.minor() == 0,
        (None, None) => true,
        (None, Some(_)) => false,
    };
    fits.then_some(()).ok_or(Mismatch::Field(field::AMOUNT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso8583::requests::message_type;
    use crate::iso8583::{MessageType, fields};

    fn message(number: u16, set: &[(u8, &str)]) -> Message {
        let mut message = Message::new(message_type(number));
        for (field, value) in set {
            message.set(*field, value);
        }
        message
    }

    const REQUEST: &[(u8, &str)] = &[
        (3, "000000"),
        (4, "000000002500"),
        (11, "000007"),
        (41, "TERM0001"),
        (49, "554"),
    ];

    #[test]
    fn an_answer_has_the_type_of_its_request() {
        for (request, answer, fits) in [
            (200, 210, true),
            (200, 230, false),
            (200, 200, false),
            (220, 230, true),
            (221, 230, true),
            (400, 410, true),
            (400, 430, true),
            (401, 410, true),
            (420, 430, true),
            (421, 430, true),
            (421, 431, false),
            (420, 410, false),
        ] {
            let matched = matches(&message(request, REQUEST), &message(answer, REQUEST));
            assert_eq!(matched.is_ok(), fits, "{request} {answer}");
        }
    }

    #[test]
    fn a_partial_approval_alone_may_be_for_less() {
        for (code, amount, fits) in [
            ("00", "000000002500", true),
            ("00", "000000002400", false),
            ("10", "000000002400", true),
            ("10", "000000002600", false),
            ("05", "000000002400", false),
            ("00", "00000000250A", false),
        ] {
            let mut answer = message(210, REQUEST);
            answer.set(39, code);
            answer.set(4, amount);
            let matched = matches(&message(200, REQUEST), &answer);
            assert_eq!(matched.is_ok(), fits, "{code} {amount}");
        }
    }

    #[test]
    fn what_settles_a_reversal_does_not_always_settle_an_advice() {
        let codec = Codec::new(fields::built_in()).expect("the built-in table");
        for (code, reversal, advice) in [
            (Some("00"), true, true),
            (Some("94"), true, true),
            (Some("25"), true, false),
            (Some("05"), false, false),
            (Some("91"), false, false),
            (Some("96"), false, false),
            (Some(""), false, false),
            (None, false, false),
        ] {
            let mut answer = message(430, REQUEST);
            if let Some(code) = code {
                answer.set(39, code);
            }
            assert_eq!(reversed(&codec, &answer), reversal, "{code:?}");
            assert_eq!(advised(&codec, &answer), advice, "{code:?}");
        }
    }

    #[test]
    fn a_reversal_names_its_original_as_the_acquirer_wrote_it() {
        let codec = Codec::new(fields::built_in()).expect("the built-in table");
        let answer = message(210, &[(37, " 1 "), (38, "12345 "), (39, "00")]);
        let verdict = verdict(&codec, &answer).expect("a verdict");
        let references = [(37, b" 1 ".to_vec()), (38, b"12345 ".to_vec())];
        assert_eq!(verdict.references, references);
        let reported = verdict.answer.authorisation_code;
        assert_eq!(reported.as_deref(), Some("12345"));
    }

    #[test]
    fn only_the_dialects_codes_approve() {
        let mut dialect = fields::built_in();
        dialect.approved_codes = vec!["00".into(), "08".into(), "10".into()];
        let codec = Codec::new(dialect).expect("a valid table");
        for (code, approved, partial, unclear) in [
            ("00", true, false, false),
            ("08", true, false, false),
            // Never as a whole, whatever the table says.
            ("10", false, true, false),
            ("55", false, false, false),
            ("91", false, false, false),
            ("11", false, false, true),
            ("68", false, false, true),
            ("94", false, false, true),
            ("0 ", false, false, true),
            ("  ", false, false, true),
            ("zz", false, false, true),
            ("Y1", false, false, true),
        ] {
            let answer = verdict(&codec, &message(210, &[(39, code)])).expect("a verdict");
            assert_eq!(
                (answer.approved, answer.partial.is_some(), answer.unclear),
                (approved, partial, unclear),
                "{code}"
            );
            // A decline with an authorisation code contradicts itself.
            let both = message(210, &[(38, "123456"), (39, code)]);
            let answer = verdict(&codec, &both).expect("a verdict");
            assert_eq!(answer.unclear, !approved && !partial, "{code}");
        }
        assert_eq!(verdict(&codec, &message(210, REQUEST)), None);
    }

    #[test]
    fn the_available_amount_is_the_balance() {
        let told = |field: &str| {
            let answer = message(110, &[(39, "00"), (54, field)]);
            let codec = Codec::new(fields::built_in()).expect("a valid table");
            verdict(&codec, &answer).expect("a verdict").balance
        };
        let balance = |minor| {
            Some(Balance {
                currency: 554,
                minor,
            })
        };
        assert_eq!(told("3002554C000000008750"), balance(8750));
        assert_eq!(told("3002554D000000000100"), balance(-100));
        // A ledger balance is none that can be spent.
        assert_eq!(
            told("3001554C0000000099993002554C000000008750"),
            balance(8750)
        );
        for none in [
            "",
            "3001554C000000008750",
            "3002554X000000008750",
            "3002554C00000000875",
        ] {
            assert_eq!(told(none), None, "{none}");
        }
        assert_eq!(MessageType::new(10_000), None);
    }
}
