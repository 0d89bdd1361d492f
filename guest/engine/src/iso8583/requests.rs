//! Builds the terminal's messages about a transaction. Fields the dialect does not know are left out.

use super::dialect::ProcessingCodes;
use super::fields::number as field;
use super::{Codec, Message, MessageType};
use crate::card::{CardFacts, Reading};
use crate::configuration::Configuration;
use crate::moment::Moment;
use crate::money::Amount;
use crate::outcome::Original;
use crate::ports::Protected;

/// 0100: an authorisation request.
const AUTHORISATION_REQUEST: u16 = 100;
/// 0200: a financial request.
pub(crate) const FINANCIAL_REQUEST: u16 = 200;
/// 0220: an advice of something already decided.
pub(crate) const FINANCIAL_ADVICE: u16 = 220;
/// 0400: a reversal as a request.
const REVERSAL_REQUEST: u16 = 400;
/// 0420: a reversal as an advice.
const REVERSAL_ADVICE: u16 = 420;

/// The fields a reversal takes over from the original.
const REVERSAL_FIELDS: &[u8] = &[
    field::PAN,
    field::PROCESSING_CODE,
    field::AMOUNT,
    field::TRACE_NUMBER,
    field::EXPIRY,
    field::ENTRY_MODE,
    field::CARD_SEQUENCE,
    field::CONDITION_CODE,
    field::ACQUIRER_ID,
    field::RETRIEVAL_REFERENCE,
    field::AUTHORISATION_CODE,
    field::TERMINAL_ID,
    field::MERCHANT_ID,
    field::CURRENCY,
];

/// The fields that a void or a completion takes over from the request of its original.
const REFERRING_FIELDS: &[u8] = &[
    field::PAN,
    field::EXPIRY,
    field::ENTRY_MODE,
    field::CARD_SEQUENCE,
    field::NETWORK_ID,
    field::CONDITION_CODE,
    field::ACQUIRER_ID,
    field::TERMINAL_ID,
    field::MERCHANT_ID,
    field::CURRENCY,
];

/// The fields of a request that must not be kept once it was sent: track 2, the PIN block and
/// what belongs to it.
const NOT_STORED: &[u8] = &[field::TRACK_2, field::PIN_BLOCK, field::PIN_CAPTURE];

/// What a request asks the acquirer for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To take money.
    Sale,
    /// To reserve money.
    PreAuth,
    /// To take what was reserved, or a part of it.
    PreAuthComplete,
    /// To give money back.
    Refund,
    /// To undo a transaction of the open batch.
    Void,
    /// To say what an account holds.
    BalanceInquiry,
}

impl Purpose {
    /// What is only asked for, and moves no money yet, is an authorisation (ISO 8583:1987, 4.1.2).
    const fn message_type(self) -> u16 {
        match self {
            Self::PreAuth | Self::BalanceInquiry => AUTHORISATION_REQUEST,
            Self::Sale | Self::PreAuthComplete | Self::Refund | Self::Void => FINANCIAL_REQUEST,
        }
    }

    fn processing_code(self, codes: &ProcessingCodes, cashback: bool) -> &str {
        match self {
            Self::Sale if cashback => &codes.sale_with_cashback,
            Self::Sale => &codes.sale,
            Self::PreAuth => &codes.pre_auth,
            Self::PreAuthComplete => &codes.pre_auth_complete,
            Self::Refund => &codes.refund,
            Self::Void => &codes.void,
            Self::BalanceInquiry => &codes.balance_inquiry,
        }
    }
}

/// One request: what for, for how much, under which numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) purpose: Purpose,
    pub(crate) payment: Payment,
    /// Field 11.
    pub(crate) trace_number: u32,
    pub(crate) batch_number: u32,
    pub(crate) now: Moment,
}

/// What the merchant pays for, as messages need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Payment {
    /// Everything, tip and cashback included.
    pub(crate) total: Amount,
    /// The cashback in it.
    pub(crate) cashback: Amount,
    /// ISO 4217 numeric code.
    pub(crate) currency: u16,
}

/// Why a reversal is sent: field 39 of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReversalReason {
    /// No valid answer came.
    NoAnswer,
    /// The card or the terminal did not complete what the issuer approved.
    NotCompleted,
    /// The approval was for less than asked.
    PartialRefused,
    /// The terminal stopped after the request may have left.
    PowerLoss,
}

impl ReversalReason {
    /// Field 39.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::NoAnswer => "68",
            Self::NotCompleted => "17",
            Self::PartialRefused => "10",
            Self::PowerLoss => "96",
        }
    }
}

/// The message type of a number this module names.
pub(crate) const fn message_type(number: u16) -> MessageType {
    MessageType(number)
}

/// 0100 or 0200 for a card, without PIN and codes.
pub(crate) fn of_card(configuration: &Configuration, asked: &Asked, card: &CardFacts) -> Message {
    let codec = &configuration.codec;
    let mut message = Message::new(message_type(asked.purpose.message_type()));
    set_payment(&mut message, configuration, asked, card);
    set_numbers(&mut message, codec, asked);
    known_only(codec, &message)
}

/// 0200 for a card that is not presented again: a void or a completion of what `request` asked, and
/// the acquirer answered under `original`.
pub(crate) fn of_original(
    codec: &Codec,
    asked: &Asked,
    request: &Message,
    original: &Original,
) -> Message {
    let mut message = Message::new(message_type(asked.purpose.message_type()));
    for (number, value) in request.fields() {
        if REFERRING_FIELDS.contains(&number) {
            message.set(number, value);
        }
    }
    let dialect = codec.dialect();
    message.set(
        field::PROCESSING_CODE,
        asked
            .purpose
            .processing_code(&dialect.processing_codes, false),
    );
    message.set(field::AMOUNT, asked.payment.total.to_field());
    set_numbers(&mut message, codec, asked);
    if let Some(code) = &original.authorisation_code {
        message.set(field::AUTHORISATION_CODE, code);
    }
    message.set(field::ORIGINAL_DATA, original_data(request));
    known_only(codec, &message)
}

/// Names the original of a refund in field 90, as far as the host's records know it.
pub(crate) fn name_original(message: &mut Message, codec: &Codec, original: &Original) {
    let Some(trace_number) = original.trace_number else {
        return;
    };
    let mut named = Message::new(message_type(FINANCIAL_REQUEST));
    named.set(field::TRACE_NUMBER, format!("{trace_number:06}"));
    named.set(field::TRANSMISSION_TIME, original.began.transmission_time());
    if let Some(acquirer) = message.field(field::ACQUIRER_ID) {
        named.set(field::ACQUIRER_ID, acquirer);
    }
    if codec.knows(field::ORIGINAL_DATA) {
        message.set(field::ORIGINAL_DATA, original_data(&named));
    }
}

/// 0220 for an offline approval: no PIN, no authorisation code, field 39 as the card approved.
pub(crate) fn offline_advice(
    request: &Message,
    codec: &Codec,
    chip_data: &[u8],
    response_code: &str,
) -> Message {
    let mut advice = storable(request);
    advice.message_type = message_type(FINANCIAL_ADVICE);
    advice.set(field::CHIP_DATA, chip_data);
    advice.set(field::RESPONSE_CODE, response_code);
    known_only(codec, &advice)
}

/// 0420 or 0400 for what `original` asked. Its own time; no PIN and no track 2.
pub(crate) fn reversal(
    codec: &Codec,
    original: &Message,
    reason: ReversalReason,
    now: &Moment,
) -> Message {
    let advice = codec.dialect().reversal_is_advice;
    let number = if advice {
        REVERSAL_ADVICE
    } else {
        REVERSAL_REQUEST
    };
    let mut message = Message::new(message_type(number));
    for (number, value) in original.fields() {
        if REVERSAL_FIELDS.contains(&number) {
            message.set(number, value);
        }
    }
    set_time(&mut message, now);
    message.set(field::RESPONSE_CODE, reason.code());
    message.set(field::ORIGINAL_DATA, original_data(original));
    known_only(codec, &message)
}

/// The same message marked as a repeat: the last digit of its type becomes odd
/// (ISO 8583:1987, 4.1.4).
pub(crate) fn repeat(mut message: Message) -> Message {
    message.message_type = MessageType(message.message_type.0 | 1);
    message
}

/// The fields of a request the journal may keep.
pub(crate) fn storable(message: &Message) -> Message {
    let mut kept = Message::new(message.message_type);
    for (number, value) in message.fields() {
        if !NOT_STORED.contains(&number) && !matches!(number, 62..=64 | 128) {
            kept.set(number, value);
        }
    }
    kept
}

/// Adds an enciphered PIN.
pub(crate) fn set_pin(message: &mut Message, codec: &Codec, pin: &Protected) {
    message.set(field::PIN_BLOCK, &pin.bytes);
    if codec.knows(field::PIN_CAPTURE) {
        message.set(field::PIN_CAPTURE, "12");
    }
    let number = codec
        .dialect()
        .pin
        .and_then(|pin| pin.key_serial_number_field);
    if let (Some(number), false) = (number, pin.key_serial_number.is_empty()) {
        message.set(number, &pin.key_serial_number);
    }
}

fn set_payment(
    message: &mut Message,
    configuration: &Configuration,
    asked: &Asked,
    card: &CardFacts,
) {
    let payment = asked.payment;
    let codes = &configuration.codec.dialect().processing_codes;
    let cashback = payment.cashback.minor() > 0;
    message.set(
        field::PROCESSING_CODE,
        asked.purpose.processing_code(codes, cashback),
    );
    message.set(field::AMOUNT, payment.total.to_field());
    if cashback {
        // One entry: default account, cash back, currency, debit, amount.
        let entry = format!(
            "0040{:03}D{}",
            payment.currency,
            payment.cashback.to_field()
        );
        message.set(field::ADDITIONAL_AMOUNTS, entry);
    }
    message.set(field::CURRENCY, format!("{:03}", payment.currency));
    message.set(field::ENTRY_MODE, entry_mode(configuration, card.reading));
    message.set(field::NETWORK_ID, &configuration.network_id);
    message.set(field::CONDITION_CODE, "00");
    message.set(field::ACQUIRER_ID, &configuration.acquirer_id);
    message.set(field::TERMINAL_ID, configuration.terminal.terminal_id);
    message.set(field::MERCHANT_ID, configuration.terminal.merchant_id);
    // A stripe has none.
    if !card.chip_data.is_empty() {
        message.set(field::CHIP_DATA, &card.chip_data);
    }
    if let Some(payer) = &card.payer {
        message.set(field::PAN, payer.pan.digits());
        message.set(field::EXPIRY, &payer.expiry);
        if let Some(sequence) = payer.sequence_number.and_then(card_sequence) {
            message.set(field::CARD_SEQUENCE, sequence);
        }
        if let Some(track) = &payer.track_2 {
            message.set(field::TRACK_2, &**track);
        }
    }
}

/// The time, and the numbers that name the request.
fn set_numbers(message: &mut Message, codec: &Codec, asked: &Asked) {
    set_time(message, &asked.now);
    message.set(field::TRACE_NUMBER, format!("{:06}", asked.trace_number));
    message.set(
        field::RETRIEVAL_REFERENCE,
        asked.now.retrieval_reference(asked.trace_number),
    );
    set_batch(message, codec, asked.batch_number);
}

/// The batch, where the dialect has a field for it.
pub(super) fn set_batch(message: &mut Message, codec: &Codec, batch_number: u32) {
    if let Some(number) = codec.dialect().batch_number_field {
        message.set(number, format!("{batch_number:06}"));
    }
}

/// Field 23 of tag 5F34, which is two digits in BCD. `None` when a card gave something else: a field
/// that cannot be written would keep the message, and its reversal or advice, from the acquirer.
fn card_sequence(number: u8) -> Option<String> {
    let digits = format!("{number:03X}");
    digits
        .bytes()
        .all(|digit| digit.is_ascii_digit())
        .then_some(digits)
}

pub(super) fn set_time(message: &mut Message, now: &Moment) {
    message.set(field::TRANSMISSION_TIME, now.transmission_time());
    message.set(field::LOCAL_TIME, now.local_time());
    message.set(field::LOCAL_DATE, now.local_date());
}

/// Field 22: how the card was read, and whether a PIN could be taken.
fn entry_mode(configuration: &Configuration, reading: Reading) -> String {
    use emv::bits::TerminalCapabilities as Capabilities;
    let modes = &configuration.codec.dialect().entry_modes;
    let read = match reading {
        Reading::Contact => &modes.contact,
        Reading::Magstripe => &modes.magstripe,
        Reading::Fallback => &modes.magstripe_fallback,
    };
    let capable = configuration
        .terminal
        .capabilities
        .contains(Capabilities::ONLINE_PIN);
    format!("{read}{}", if capable { '1' } else { '2' })
}

/// Field 90: what names the original (ISO 8583:1987, field 90), 42 digits.
pub(super) fn original_data(original: &Message) -> String {
    let text = |number, width: usize| {
        let value = original.field(number).unwrap_or_default();
        format!("{:0>width$}", String::from_utf8_lossy(value))
    };
    format!(
        "{}{}{}{}{}",
        original.message_type.to_digits(),
        text(field::TRACE_NUMBER, 6),
        text(field::TRANSMISSION_TIME, 10),
        text(field::ACQUIRER_ID, 11),
        text(field::FORWARDER_ID, 11),
    )
}

pub(super) fn known_only(codec: &Codec, message: &Message) -> Message {
    let mut known = Message::new(message.message_type);
    for (number, value) in message.fields().filter(|(number, _)| codec.knows(*number)) {
        known.set(number, value);
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso8583::fields;
    use crate::moment::MomentParts;

    fn codec(reversal_is_advice: bool) -> Codec {
        let dialect = crate::iso8583::dialect::Dialect {
            reversal_is_advice,
            ..fields::built_in()
        };
        Codec::new(dialect).expect("a valid table")
    }

    fn now() -> Moment {
        let parts = MomentParts {
            year: 2026,
            month: 11,
            day: 22,
            hour: 1,
            minute: 2,
            second: 3,
            utc_offset_minutes: 0,
        };
        Moment::parse(parts).expect("a moment")
    }

    fn original() -> Message {
        let mut message = Message::new(message_type(FINANCIAL_REQUEST));
        for (number, value) in [
            (2, "4761739001010010"),
            (4, "000000002500"),
            (7, "1121100551"),
            (11, "000007"),
            (26, "12"),
            (32, "123456"),
            (33, "99"),
            (35, "4761739001010010=30122011184380"),
            (52, "PINBLOCK"),
            (55, "chip"),
            (62, "serial"),
            (63, "serial"),
            (64, "MACMACMA"),
        ] {
            message.set(number, value);
        }
        message
    }

    #[test]
    fn a_reversal_names_its_original_and_keeps_no_secret() {
        for (advice, first, again) in [(true, 420, 421), (false, 400, 401)] {
            let codec = codec(advice);
            let reversal = reversal(&codec, &original(), ReversalReason::NoAnswer, &now());
            assert_eq!(reversal.message_type.number(), first);
            let named = b"020000000711211005510000012345600000000099";
            assert_eq!(reversal.field(90), Some(&named[..]));
            assert_eq!(reversal.field(11), Some(&b"000007"[..]));
            assert_eq!(reversal.field(7), Some(&b"1122010203"[..]));
            assert_eq!(reversal.field(39), Some(&b"68"[..]));
            for secret in [26, 35, 52, 55, 62, 63, 64] {
                assert_eq!(reversal.field(secret), None, "{secret}");
            }
            let repeated = repeat(repeat(reversal.clone()));
            assert_eq!(repeated.message_type.number(), again);
            assert!(repeated.fields().eq(reversal.fields()));
        }
    }

    #[test]
    fn what_is_stored_holds_no_track_and_no_pin() {
        let numbers: Vec<u8> = storable(&original()).fields().map(|(n, _)| n).collect();
        assert_eq!(numbers, [2, 4, 7, 11, 32, 33, 55]);
    }

    #[test]
    fn a_card_sequence_number_keeps_its_digits() {
        for (number, digits) in [
            (0x00, Some("000")),
            (0x01, Some("001")),
            (0x12, Some("012")),
            (0x99, Some("099")),
            (0x1A, None),
            (0xFF, None),
        ] {
            assert_eq!(card_sequence(number).as_deref(), digits, "{number:02X}");
        }
    }

    #[test]
    fn an_advice_says_how_the_card_approved() {
        let advice = offline_advice(&original(), &codec(true), b"certificate", "Y3");
        assert_eq!(advice.message_type.number(), FINANCIAL_ADVICE);
        assert_eq!(advice.field(39), Some(&b"Y3"[..]));
        assert_eq!(advice.field(55), Some(&b"certificate"[..]));
        assert_eq!(advice.field(38), None);
        assert_eq!(advice.field(52), None);
    }

    #[test]
    fn each_reason_has_a_code_of_its_own() {
        use ReversalReason::{NoAnswer, NotCompleted, PartialRefused, PowerLoss};
        let codes = [NoAnswer, NotCompleted, PartialRefused, PowerLoss].map(ReversalReason::code);
        assert_eq!(codes, ["68", "17", "10", "96"]);
    }
}
