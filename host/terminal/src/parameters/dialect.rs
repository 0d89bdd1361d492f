//! How an acquirer writes ISO 8583: data, so that a variant is not code.

use serde::Deserialize;

use super::HexBytes;

/// How one acquirer writes ISO 8583.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// A name for logs: one to forty characters.
    pub name: String,
    /// Bytes before the message type, such as a TPDU; at most sixteen.
    pub header: HexBytes,
    /// Whether the addresses of a TPDU come back exchanged. Needs a header of five bytes.
    pub header_is_tpdu: bool,
    /// How the message type is written.
    pub message_type_encoding: Encoding,
    /// How the bitmaps are written: `binary` or `hex_ascii`.
    pub bitmap_encoding: Encoding,
    /// Every field the dialect knows, each number once; 4, 11, 39 and 41 among them.
    pub fields: Vec<FieldFormat>,
    /// Message authentication, when the dialect has it.
    pub mac: Option<MacFormat>,
    /// How a PIN travels, when online PIN is possible.
    pub pin: Option<PinFormat>,
    /// Field 3, six digits for each use.
    pub processing_codes: ProcessingCodes,
    /// Field 22: its first two digits, by how the card was read.
    #[serde(default)]
    pub entry_modes: EntryModes,
    /// The tags sent in field 55, in this order.
    pub chip_data_tags: Vec<u32>,
    /// Values of field 39 that mean approved: one or more of two characters.
    pub approved_codes: Vec<String>,
    /// Whether reversals are advices (0420) or requests (0400).
    pub reversal_is_advice: bool,
    /// The field with the number of the batch, six digits; none when left out.
    #[serde(default)]
    pub batch_number_field: Option<u8>,
}

/// How digits, characters or bytes are written in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// One ASCII character each.
    Ascii,
    /// Two digits a byte.
    Bcd,
    /// Bytes as they are.
    Binary,
    /// Two ASCII characters a byte, hexadecimal.
    HexAscii,
    /// One EBCDIC character each.
    Ebcdic,
}

/// What a field may hold (ISO 8583:1987, 4.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Digits (`n`).
    Numeric,
    /// Letters, digits and special characters (`an`, `ans`).
    Characters,
    /// A sign, C or D, and digits (`x+n`).
    SignedNumeric,
    /// Track 2 or 3 (`z`).
    Track,
    /// Bytes (`b`).
    Binary,
}

/// How the length of a field is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldLength {
    /// Always so many digits, characters or bytes.
    Fixed(u16),
    /// A prefix tells.
    Prefixed(LengthPrefix),
}

/// The prefix of a field of variable length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LengthPrefix {
    /// Two for LLVAR, three for LLLVAR.
    pub digits: u8,
    /// How the prefix is written.
    pub encoding: Encoding,
    /// The longest content, in digits, characters or bytes.
    pub length_max: u16,
    /// Whether the prefix counts encoded bytes instead of digits.
    pub counts_bytes: bool,
}

/// Where a value shorter than its field, or an odd digit, is filled up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldFormat {
    /// 2 to 128; 65 is the third bitmap's and refused.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MacKind {
    /// ISO 9797-1 algorithm 3, padding method 1.
    #[serde(rename = "retail_padding_1")]
    RetailPadding1,
    /// ISO 9797-1 algorithm 3, padding method 2.
    #[serde(rename = "retail_padding_2")]
    RetailPadding2,
    /// CMAC with AES.
    CmacAes,
}

/// The message authentication code in the last field of the last bitmap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MacFormat {
    /// How it is made.
    pub kind: MacKind,
    /// How many of its bytes are sent, from the left: 4 to 8.
    pub length: u8,
    /// Bytes as they are, or ASCII hexadecimal characters.
    pub encoding: Encoding,
    /// The field of bytes with the key serial number, when the dialect sends one.
    pub key_serial_number_field: Option<u8>,
}

/// The PIN block in field 52.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinFormat {
    /// ISO 9564-1 format: 0, 1, 3 or 4.
    pub block_format: u8,
    /// The field of bytes with the key serial number, when the dialect sends one.
    pub key_serial_number_field: Option<u8>,
}

/// Field 3 for one use, six digits each.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// The void of an earlier transaction: usually `020000`.
    #[serde(default = "usual_void")]
    pub void: String,
}

fn usual_void() -> String {
    "020000".to_owned()
}

/// Field 22, its first two digits, by how the card was read. Those left out are the usual ones.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EntryModes {
    /// Typed by hand: `01`.
    pub manual: String,
    /// A magnetic stripe: `02`.
    pub magstripe: String,
    /// The magnetic stripe of a card whose chip could not be used: `80`.
    pub magstripe_fallback: String,
    /// A chip in the contact slot: `05`.
    pub contact: String,
    /// A chip in the contactless field: `07`.
    pub contactless: String,
}

impl Default for EntryModes {
    fn default() -> Self {
        Self {
            manual: "01".to_owned(),
            magstripe: "02".to_owned(),
            magstripe_fallback: "80".to_owned(),
            contact: "05".to_owned(),
            contactless: "07".to_owned(),
        }
    }
}
