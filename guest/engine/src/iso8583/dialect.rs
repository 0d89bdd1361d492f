//! How one acquirer writes ISO 8583: data, so that a variant is not code.
//!
//! The records are those of `wit/deps/parameters.wit`. [`super::Codec::new`] checks them.

/// How digits, characters or bytes are written in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// One ASCII character each.
    Ascii,
    /// Two digits a byte.
    Bcd,
    /// Bytes as they are.
    Binary,
    /// Two ASCII characters a byte, hexadecimal.
    HexAscii,
    /// One EBCDIC character each (code page 037).
    Ebcdic,
}

/// What a field may hold (ISO 8583:1987, 4.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Digits (`n`).
    Numeric,
    /// Letters, digits and special characters (`an`, `ans`).
    Characters,
    /// A sign, C or D, and digits (`x+n`).
    SignedNumeric,
    /// Track 2 or 3 (`z`): digits and the separator `=`.
    Track,
    /// Bytes (`b`).
    Binary,
}

/// How the length of a field is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldLength {
    /// Always so many digits, characters or bytes.
    Fixed(u16),
    /// A prefix tells.
    Prefixed(LengthPrefix),
}

/// The prefix of a field of variable length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LengthPrefix {
    /// Two for LLVAR, three for LLLVAR.
    pub digits: u8,
    /// How the prefix is written: ASCII and EBCDIC take one byte a digit, BCD half a byte, binary
    /// one byte up to a length of 255 and two beyond.
    pub encoding: Encoding,
    /// The longest content, in digits, characters or bytes.
    pub length_max: u16,
    /// Whether the prefix counts encoded bytes instead of digits.
    pub counts_bytes: bool,
}

/// Where a value shorter than its field, or an odd digit, is filled up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// On the left, with zeros.
    ZerosLeft,
    /// On the right, with zeros.
    ZerosRight,
    /// On the right, with spaces.
    SpacesRight,
    /// On the right, with the digit F.
    FRight,
}

/// One field of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldFormat {
    /// 2 to 128.
    pub number: u8,
    /// What it may hold.
    pub content: Content,
    /// How it is written.
    pub encoding: Encoding,
    /// How long it is.
    pub length: FieldLength,
    /// How it is filled up.
    pub padding: Padding,
}

/// How a message authentication code is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacAlgorithm {
    /// ISO 9797-1 algorithm 3 with TDES, padding method 1, eight bytes.
    RetailPadding1,
    /// ISO 9797-1 algorithm 3 with TDES, padding method 2, eight bytes.
    RetailPadding2,
    /// CMAC with AES (NIST SP 800-38B), sixteen bytes.
    CmacAes,
}

/// The message authentication code in the last field of the last bitmap: 64, or 128 when a
/// field above 64 is present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MacFormat {
    /// How it is made.
    pub algorithm: MacAlgorithm,
    /// How many of its bytes are sent, from the left: 4 to 8.
    pub length: u8,
    /// Binary, or ASCII hexadecimal characters.
    pub encoding: Encoding,
    /// The field with the key serial number, when the dialect sends one.
    pub key_serial_number_field: Option<u8>,
}

/// A PIN block format (ISO 9564-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinBlockFormat {
    /// Format 0: bound to the PAN, eight bytes, TDES.
    Iso0,
    /// Format 1: bound to a random number, eight bytes, TDES.
    Iso1,
    /// Format 3: as format 0 with random fill, eight bytes, TDES.
    Iso3,
    /// Format 4: bound to the PAN, sixteen bytes, AES.
    Iso4,
}

/// The PIN block in field 52.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinFormat {
    /// ISO 9564-1 format: 0, 1, 3 or 4.
    pub block_format: u8,
    /// The field with the key serial number, when the dialect sends one.
    pub key_serial_number_field: Option<u8>,
}

/// Field 3 for one use each: six digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessingCodes {
    /// A sale.
    pub sale: String,
    /// A sale with cashback.
    pub sale_with_cashback: String,
    /// A refund.
    pub refund: String,
    /// A balance inquiry.
    pub balance_inquiry: String,
    /// A pre-authorisation.
    pub pre_auth: String,
    /// The completion of a pre-authorisation.
    pub pre_auth_complete: String,
    /// The void of an earlier transaction.
    pub void: String,
}

/// Field 22, its first two digits, by how the card was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryModes {
    /// Typed by hand.
    pub manual: String,
    /// A magnetic stripe.
    pub magstripe: String,
    /// The magnetic stripe of a card whose chip could not be used.
    pub magstripe_fallback: String,
    /// A chip in the contact slot.
    pub contact: String,
    /// A chip in the contactless field.
    pub contactless: String,
}

/// The whole table of one acquirer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// A name for logs.
    pub name: String,
    /// Bytes before the message type, such as a TPDU; empty for none.
    pub header: Vec<u8>,
    /// Whether the addresses of a TPDU come back exchanged.
    pub header_is_tpdu: bool,
    /// How the message type is written: ASCII, BCD or EBCDIC.
    pub message_type_encoding: Encoding,
    /// How the bitmaps are written: binary or hexadecimal ASCII.
    pub bitmap_encoding: Encoding,
    /// Every field the dialect knows.
    pub fields: Vec<FieldFormat>,
    /// Message authentication, when the dialect has it.
    pub mac: Option<MacFormat>,
    /// How a PIN travels, when online PIN is possible.
    pub pin: Option<PinFormat>,
    /// Field 3.
    pub processing_codes: ProcessingCodes,
    /// Field 22.
    pub entry_modes: EntryModes,
    /// The tags sent in field 55, in this order.
    pub chip_data_tags: Vec<u32>,
    /// Values of field 39 that mean approved.
    pub approved_codes: Vec<String>,
    /// Whether reversals are advices (0420) or requests (0400).
    pub reversal_is_advice: bool,
    /// The field with the number of the batch, six digits, when the dialect sends one.
    pub batch_number_field: Option<u8>,
}
