//! A dialect table is checked once, before any message is built of it.

use std::collections::BTreeMap;

use super::Codec;
use super::dialect::{Content, Dialect, Encoding, FieldFormat, FieldLength, MacFormat, Padding};

/// Why a table is not a dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialectError {
    /// A field's number is not from 2 to 128, or is 65.
    FieldNumber(u8),
    /// A field is named twice, or is the place of the authentication code.
    FieldRepeated(u8),
    /// A length of zero, or a prefix that cannot tell the longest one.
    FieldLength(u8),
    /// An encoding its content cannot have.
    FieldEncoding(u8),
    /// The header is no TPDU, or longer than 64 bytes.
    Header,
    /// The message type or a bitmap has an encoding it cannot have.
    Encoding,
    /// Message authentication or the PIN is described in a way no message can follow.
    Security,
    /// A processing code is not six digits.
    ProcessingCode,
    /// A value of field 22 is not two digits.
    EntryMode,
    /// No code means approved, or one is not two characters.
    ApprovedCodes,
}

impl Codec {
    /// Checks a table and takes it.
    pub fn new(dialect: Dialect) -> Result<Self, DialectError> {
        check_framing(&dialect)?;
        let mut fields = BTreeMap::new();
        for format in &dialect.fields {
            check_field(format)?;
            if fields.insert(format.number, *format).is_some() {
                return Err(DialectError::FieldRepeated(format.number));
            }
        }
        if let Some(mac) = dialect.mac {
            check_mac(mac)?;
            for number in [64, 128] {
                fields.insert(number, mac_field(mac, number));
            }
        }
        check_security(&dialect, &fields)?;
        check_codes(&dialect)?;
        Ok(Self { dialect, fields })
    }
}

fn check_framing(dialect: &Dialect) -> Result<(), DialectError> {
    let length = dialect.header.len();
    if length > 64 || (dialect.header_is_tpdu && length < 5) {
        return Err(DialectError::Header);
    }
    let message_type = matches!(
        dialect.message_type_encoding,
        Encoding::Ascii | Encoding::Bcd | Encoding::Ebcdic
    );
    let bitmap = matches!(
        dialect.bitmap_encoding,
        Encoding::Binary | Encoding::HexAscii
    );
    (message_type && bitmap)
        .then_some(())
        .ok_or(DialectError::Encoding)
}

fn check_field(format: &FieldFormat) -> Result<(), DialectError> {
    let number = format.number;
    if !(2..=128).contains(&number) || number == 65 {
        return Err(DialectError::FieldNumber(number));
    }
    let binary = matches!(format.encoding, Encoding::Binary | Encoding::HexAscii);
    let packed = format.encoding == Encoding::Bcd;
    let fits = match format.content {
        Content::Binary => binary,
        Content::Characters | Content::SignedNumeric => !binary && !packed,
        Content::Numeric | Content::Track => !binary,
    };
    if !fits {
        return Err(DialectError::FieldEncoding(number));
    }
    let length_fits = match format.length {
        FieldLength::Fixed(length) => (1..=999).contains(&length),
        FieldLength::Prefixed(prefix) => {
            // A binary prefix holds any length; a decimal one as many digits as it has.
            let binary = matches!(prefix.encoding, Encoding::Binary | Encoding::HexAscii);
            let most = 10_u32.saturating_pow(u32::from(prefix.digits));
            (1..=4).contains(&prefix.digits)
                && prefix.length_max > 0
                && (binary || u32::from(prefix.length_max) < most)
                // Zeros do not show where an odd number of digits ends.
                && !(prefix.counts_bytes && packed && format.padding != Padding::FRight)
        }
    };
    length_fits
        .then_some(())
        .ok_or(DialectError::FieldLength(number))
}

fn check_mac(mac: MacFormat) -> Result<(), DialectError> {
    let encoding = matches!(mac.encoding, Encoding::Binary | Encoding::HexAscii);
    (encoding && (4..=8).contains(&mac.length))
        .then_some(())
        .ok_or(DialectError::Security)
}

fn mac_field(mac: MacFormat, number: u8) -> FieldFormat {
    FieldFormat {
        number,
        content: Content::Binary,
        encoding: mac.encoding,
        length: FieldLength::Fixed(u16::from(mac.length)),
        padding: Padding::ZerosRight,
    }
}

fn check_security(
    dialect: &Dialect,
    fields: &BTreeMap<u8, FieldFormat>,
) -> Result<(), DialectError> {
    let serial_numbers = [
        dialect.mac.and_then(|mac| mac.key_serial_number_field),
        dialect.pin.and_then(|pin| pin.key_serial_number_field),
    ];
    let known = serial_numbers.iter().flatten().all(|number| {
        fields
            .get(number)
            .is_some_and(|format| format.content == Content::Binary)
    });
    let format = dialect
        .pin
        .is_none_or(|pin| matches!(pin.block_format, 0 | 1 | 3 | 4));
    (known && format)
        .then_some(())
        .ok_or(DialectError::Security)
}

fn check_codes(dialect: &Dialect) -> Result<(), DialectError> {
    let codes = &dialect.processing_codes;
    let six_digits = |code: &&String| code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit());
    let all = [
        &codes.sale,
        &codes.sale_with_cashback,
        &codes.refund,
        &codes.balance_inquiry,
        &codes.pre_auth,
        &codes.pre_auth_complete,
    ];
    if !all.iter().all(six_digits) {
        return Err(DialectError::ProcessingCode);
    }
    let modes = &dialect.entry_modes;
    let two_digits = |mode: &&String| mode.len() == 2 && mode.bytes().all(|b| b.is_ascii_digit());
    let all = [
        &modes.manual,
        &modes.magstripe,
        &modes.magstripe_fallback,
        &modes.contact,
        &modes.contactless,
    ];
    if !all.iter().all(two_digits) {
        return Err(DialectError::EntryMode);
    }
    let two = |code: &String| code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphanumeric());
    let approved = !dialect.approved_codes.is_empty() && dialect.approved_codes.iter().all(two);
    approved.then_some(()).ok_or(DialectError::ApprovedCodes)
}
