//! The engine's own dialect: ISO 8583:1987 in ASCII with binary bitmaps, as one table.

use super::dialect::{
    Content::{self, Binary, Characters, Numeric, SignedNumeric, Track},
    Dialect, Encoding, EntryModes, FieldFormat, FieldLength, LengthPrefix, MacAlgorithm, MacFormat,
    Padding, PinFormat, ProcessingCodes,
};

/// The names used for field numbers in this crate (ISO 8583:1987, table 1).
pub(crate) mod number {
    pub(crate) const PAN: u8 = 2;
    pub(crate) const PROCESSING_CODE: u8 = 3;
    pub(crate) const AMOUNT: u8 = 4;
    pub(crate) const TRANSMISSION_TIME: u8 = 7;
    pub(crate) const TRACE_NUMBER: u8 = 11;
    pub(crate) const LOCAL_TIME: u8 = 12;
    pub(crate) const LOCAL_DATE: u8 = 13;
    pub(crate) const EXPIRY: u8 = 14;
    pub(crate) const ENTRY_MODE: u8 = 22;
    pub(crate) const CARD_SEQUENCE: u8 = 23;
    pub(crate) const NETWORK_ID: u8 = 24;
    pub(crate) const CONDITION_CODE: u8 = 25;
    pub(crate) const PIN_CAPTURE: u8 = 26;
    pub(crate) const ACQUIRER_ID: u8 = 32;
    pub(crate) const FORWARDER_ID: u8 = 33;
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
    pub(crate) const NETWORK_CODE: u8 = 70;
    pub(crate) const CREDIT_COUNT: u8 = 74;
    pub(crate) const DEBIT_COUNT: u8 = 76;
    pub(crate) const CREDIT_AMOUNT: u8 = 86;
    pub(crate) const DEBIT_AMOUNT: u8 = 88;
    pub(crate) const ORIGINAL_DATA: u8 = 90;
    pub(crate) const NET_AMOUNT: u8 = 97;
}

/// How long a field of the table is.
enum Length {
    /// Fixed.
    Fixed(u16),
    /// LLVAR, up to so much.
    Llvar(u16),
    /// LLLVAR, up to so much.
    Lllvar(u16),
}

use Length::{Fixed, Lllvar, Llvar};

/// A field: its number, content, length, and its name in ISO 8583:1987, table 1.
type Row = (u8, Content, Length, &'static str);

/// Every field of the built-in dialect but 64 and 128, which message authentication adds.
#[rustfmt::skip]
const FIELDS: &[Row] = &[
    (number::PAN, Numeric, Llvar(19), "Primary account number (PAN)"),
    (number::PROCESSING_CODE, Numeric, Fixed(6), "Processing code"),
    (number::AMOUNT, Numeric, Fixed(12), "Amount, transaction"),
    (number::TRANSMISSION_TIME, Numeric, Fixed(10), "Transmission date and time"),
    (number::TRACE_NUMBER, Numeric, Fixed(6), "Systems trace audit number"),
    (number::LOCAL_TIME, Numeric, Fixed(6), "Time, local transaction"),
    (number::LOCAL_DATE, Numeric, Fixed(4), "Date, local transaction"),
    (number::EXPIRY, Numeric, Fixed(4), "Date, expiration"),
    (15, Numeric, Fixed(4), "Date, settlement"),
    (number::ENTRY_MODE, Numeric, Fixed(3), "Point of service entry mode"),
    (number::CARD_SEQUENCE, Numeric, Fixed(3), "Card sequence number"),
    (number::NETWORK_ID, Numeric, Fixed(3), "Network international identifier"),
    (number::CONDITION_CODE, Numeric, Fixed(2), "Point of service condition code"),
    (number::PIN_CAPTURE, Numeric, Fixed(2), "Point of service PIN capture code"),
    (28, SignedNumeric, Fixed(9), "Amount, transaction fee"),
    (number::ACQUIRER_ID, Numeric, Llvar(11), "Acquiring institution identification code"),
    (number::FORWARDER_ID, Numeric, Llvar(11), "Forwarding institution identification code"),
    (number::TRACK_2, Track, Llvar(37), "Track 2 data"),
    (number::RETRIEVAL_REFERENCE, Characters, Fixed(12), "Retrieval reference number"),
    (number::AUTHORISATION_CODE, Characters, Fixed(6), "Authorisation identification response"),
    (number::RESPONSE_CODE, Characters, Fixed(2), "Response code"),
    (number::TERMINAL_ID, Characters, Fixed(8), "Card acceptor terminal identification"),
    (number::MERCHANT_ID, Characters, Fixed(15), "Card acceptor identification code"),
    (43, Characters, Fixed(40), "Card acceptor name/location"),
    (44, Characters, Llvar(25), "Additional response data"),
    (45, Characters, Llvar(76), "Track 1 data"),
    (48, Characters, Lllvar(999), "Additional data, private"),
    (number::CURRENCY, Numeric, Fixed(3), "Currency code, transaction"),
    (number::PIN_BLOCK, Binary, Fixed(8), "PIN data"),
    (53, Numeric, Fixed(16), "Security related control information"),
    (number::ADDITIONAL_AMOUNTS, Characters, Lllvar(120), "Additional amounts"),
    (number::CHIP_DATA, Binary, Lllvar(255), "Integrated circuit card data"),
    (60, Characters, Lllvar(999), "Reserved for private use"),
    (61, Characters, Lllvar(999), "Reserved for private use"),
    (62, Binary, Lllvar(999), "Reserved for private use"),
    (63, Binary, Lllvar(999), "Reserved for private use"),
    (66, Numeric, Fixed(1), "Settlement code"),
    (number::NETWORK_CODE, Numeric, Fixed(3), "Network management information code"),
    (number::CREDIT_COUNT, Numeric, Fixed(10), "Credits, number"),
    (75, Numeric, Fixed(10), "Credits, reversal number"),
    (number::DEBIT_COUNT, Numeric, Fixed(10), "Debits, number"),
    (77, Numeric, Fixed(10), "Debits, reversal number"),
    (number::CREDIT_AMOUNT, Numeric, Fixed(16), "Credits, amount"),
    (87, Numeric, Fixed(16), "Credits, reversal amount"),
    (number::DEBIT_AMOUNT, Numeric, Fixed(16), "Debits, amount"),
    (89, Numeric, Fixed(16), "Debits, reversal amount"),
    (number::ORIGINAL_DATA, Numeric, Fixed(42), "Original data elements"),
    (95, Characters, Fixed(42), "Replacement amounts"),
    (number::NET_AMOUNT, SignedNumeric, Fixed(17), "Amount, net settlement"),
];

/// The tags of field 55 (EMV 4.4 Book 4, 12.1.1).
const CHIP_DATA_TAGS: &[u32] = &[
    0x9F26, 0x9F27, 0x9F10, 0x9F37, 0x9F36, 0x95, 0x9A, 0x9C, 0x9F02, 0x5F2A, 0x82, 0x9F1A, 0x9F03,
    0x9F33, 0x9F34, 0x9F35, 0x9F1E, 0x84, 0x9F09, 0x9F41, 0x5F34,
];

/// The engine's own dialect. It covers 0100, 0200, 0220, 0320, 0400, 0420, 0500, 0520, 0800 and their
/// answers.
pub fn built_in() -> Dialect {
    Dialect {
        name: "built-in".into(),
        header: Vec::new(),
        header_is_tpdu: false,
        message_type_encoding: Encoding::Ascii,
        bitmap_encoding: Encoding::Binary,
        fields: FIELDS.iter().map(format_of).collect(),
        mac: Some(MacFormat {
            algorithm: MacAlgorithm::RetailPadding1,
            length: 8,
            encoding: Encoding::Binary,
            key_serial_number_field: Some(63),
        }),
        pin: Some(PinFormat {
            block_format: 0,
            key_serial_number_field: Some(62),
        }),
        processing_codes: ProcessingCodes {
            sale: "000000".into(),
            sale_with_cashback: "090000".into(),
            refund: "200000".into(),
            balance_inquiry: "310000".into(),
            pre_auth: "000000".into(),
            pre_auth_complete: "000000".into(),
            void: "020000".into(),
        },
        entry_modes: EntryModes {
            manual: "01".into(),
            magstripe: "02".into(),
            magstripe_fallback: "80".into(),
            contact: "05".into(),
            contactless: "07".into(),
        },
        chip_data_tags: CHIP_DATA_TAGS.to_vec(),
        approved_codes: vec!["00".into()],
        reversal_is_advice: true,
        batch_number_field: Some(60),
    }
}

/// What ISO 8583:1987 calls a field of the built-in dialect.
pub fn name(number: u8) -> Option<&'static str> {
    match number {
        64 | 128 => Some("Message authentication code"),
        _ => FIELDS
            .iter()
            .find(|(field, ..)| *field == number)
            .map(|(.., name)| *name),
    }
}

fn format_of((number, content, length, _): &Row) -> FieldFormat {
    let prefixed = |digits, length_max| {
        FieldLength::Prefixed(LengthPrefix {
            digits,
            encoding: Encoding::Ascii,
            length_max,
            counts_bytes: true,
        })
    };
    FieldFormat {
        number: *number,
        content: *content,
        encoding: match content {
            Binary => Encoding::Binary,
            Numeric | Characters | SignedNumeric | Track => Encoding::Ascii,
        },
        length: match length {
            Fixed(length) => FieldLength::Fixed(*length),
            Llvar(length_max) => prefixed(2, *length_max),
            Lllvar(length_max) => prefixed(3, *length_max),
        },
        padding: match content {
            Numeric | SignedNumeric => Padding::ZerosLeft,
            Characters | Track | Binary => Padding::SpacesRight,
        },
    }
}
