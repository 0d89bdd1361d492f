//! The fields of the built-in dialect: one table.

/// What a field may hold (ISO 8583:1987, 4.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// `n`: digits.
    Numeric,
    /// `an`, `ans`: printable ASCII.
    Characters,
    /// `z`: digits and the separator `=`.
    Track,
    /// `b`: bytes.
    Binary,
}

/// How long a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// Always so many characters or bytes.
    Fixed(usize),
    /// Two ASCII digits tell, up to so many.
    TwoDigits(usize),
    /// Three ASCII digits tell, up to so many.
    ThreeDigits(usize),
}

/// The fields by their names in ISO 8583:1987, as far as the acquirer reads or writes them.
pub(super) mod number {
    pub(crate) const PAN: u8 = 2;
    pub(crate) const PROCESSING_CODE: u8 = 3;
    pub(crate) const AMOUNT: u8 = 4;
    pub(crate) const TRANSMISSION_TIME: u8 = 7;
    pub(crate) const TRACE_NUMBER: u8 = 11;
    pub(crate) const LOCAL_TIME: u8 = 12;
    pub(crate) const LOCAL_DATE: u8 = 13;
    pub(crate) const EXPIRY: u8 = 14;
    pub(crate) const ENTRY_MODE: u8 = 22;
    pub(crate) const TRACK_2: u8 = 35;
    pub(crate) const RETRIEVAL_REFERENCE: u8 = 37;
    pub(crate) const AUTHORISATION_CODE: u8 = 38;
    pub(crate) const RESPONSE_CODE: u8 = 39;
    pub(crate) const TERMINAL_ID: u8 = 41;
    pub(crate) const MERCHANT_ID: u8 = 42;
    pub(crate) const CURRENCY: u8 = 49;
    pub(crate) const PIN_BLOCK: u8 = 52;
    pub(crate) const ADDITIONAL_AMOUNTS: u8 = 54;
    pub(crate) const CHIP_DATA: u8 = 55;
    pub(crate) const BATCH: u8 = 60;
    pub(crate) const PIN_KEY_SERIAL_NUMBER: u8 = 62;
    pub(crate) const MAC_KEY_SERIAL_NUMBER: u8 = 63;
    pub(crate) const MAC: u8 = 64;
    pub(crate) const SETTLEMENT_CODE: u8 = 66;
    pub(crate) const NETWORK_CODE: u8 = 70;
    pub(crate) const CREDITS: u8 = 74;
    pub(crate) const DEBITS: u8 = 76;
    pub(crate) const CREDITS_AMOUNT: u8 = 86;
    pub(crate) const DEBITS_AMOUNT: u8 = 88;
    pub(crate) const ORIGINAL_DATA: u8 = 90;
    pub(crate) const REPLACEMENT_AMOUNTS: u8 = 95;
    pub(crate) const MAC_SECONDARY: u8 = 128;
}

use Content::{Binary, Characters, Numeric, Track};
use Length::{Fixed, ThreeDigits, TwoDigits};

/// Number, content and length (ISO 8583:1987, 4.4; fields 60 to 63 are private use).
const FIELDS: &[(u8, Content, Length)] = &[
    (2, Numeric, TwoDigits(19)),
    (3, Numeric, Fixed(6)),
    (4, Numeric, Fixed(12)),
    (7, Numeric, Fixed(10)),
    (11, Numeric, Fixed(6)),
    (12, Numeric, Fixed(6)),
    (13, Numeric, Fixed(4)),
    (14, Numeric, Fixed(4)),
    (22, Numeric, Fixed(3)),
    (23, Numeric, Fixed(3)),
    (24, Numeric, Fixed(3)),
    (25, Numeric, Fixed(2)),
    (26, Numeric, Fixed(2)),
    (32, Numeric, TwoDigits(11)),
    (33, Numeric, TwoDigits(11)),
    (35, Track, TwoDigits(37)),
    (37, Characters, Fixed(12)),
    (38, Characters, Fixed(6)),
    (39, Characters, Fixed(2)),
    (41, Characters, Fixed(8)),
    (42, Characters, Fixed(15)),
    (49, Numeric, Fixed(3)),
    (52, Binary, Fixed(8)),
    (53, Numeric, Fixed(16)),
    (54, Characters, ThreeDigits(120)),
    (55, Binary, ThreeDigits(255)),
    (60, Characters, ThreeDigits(999)),
    (61, Characters, ThreeDigits(999)),
    (62, Binary, ThreeDigits(999)),
    (63, Binary, ThreeDigits(999)),
    (64, Binary, Fixed(8)),
    (66, Numeric, Fixed(1)),
    (70, Numeric, Fixed(3)),
    (74, Numeric, Fixed(10)),
    (75, Numeric, Fixed(10)),
    (76, Numeric, Fixed(10)),
    (77, Numeric, Fixed(10)),
    (86, Numeric, Fixed(16)),
    (87, Numeric, Fixed(16)),
    (88, Numeric, Fixed(16)),
    (89, Numeric, Fixed(16)),
    (90, Numeric, Fixed(42)),
    (95, Characters, Fixed(42)),
    (97, Characters, Fixed(17)),
    (128, Binary, Fixed(8)),
];

/// The format of a field. `None` when the dialect does not know it.
pub(super) fn format_of(number: u8) -> Option<(Content, Length)> {
    FIELDS
        .iter()
        .find(|(known, _, _)| *known == number)
        .map(|(_, content, length)| (*content, *length))
}

/// Whether every byte is one that the content allows.
pub(super) fn allows(content: Content, value: &[u8]) -> bool {
    value.iter().all(|byte| match content {
        Numeric => byte.is_ascii_digit(),
        Characters => matches!(byte, b' '..=b'~'),
        Track => byte.is_ascii_digit() || *byte == b'=',
        Binary => true,
    })
}
