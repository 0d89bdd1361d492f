//! Tags, and the one table of data elements.
//!
//! Everything the kernel knows of a data element stands in its row of the table: number, format,
//! length, who gives it, whether it identifies the cardholder, and its name. Filling a DOL,
//! checking what a card sent and masking the trace read the row and nothing else.
//!
//! EMV 4.4 Book 3, Annex A.

use core::fmt;
use core::ops::RangeInclusive;

/// A BER-TLV tag of one to four bytes, as a number: tag `9F02` is `0x9F02`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u32);

impl Tag {
    /// The tag with this number. Whether the bytes form a tag is the caller's to know; the TLV
    /// parser gives only well-formed ones.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number, as the trace and the messages to the acquirer show it.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The bytes on the wire: between one and four.
    pub fn to_bytes(self) -> Vec<u8> {
        let bytes = self.0.to_be_bytes();
        let leading = bytes.iter().take(3).take_while(|byte| **byte == 0).count();
        bytes.get(leading..).unwrap_or_default().to_vec()
    }

    /// Whether the value is a sequence of data objects (EMV 4.4 Book 3, Annex B1).
    pub const fn is_constructed(self) -> bool {
        let first = match self.0.to_be_bytes() {
            [0, 0, 0, first] | [0, 0, first, _] | [0, first, ..] | [first, ..] => first,
        };
        first & 0x20 != 0
    }

    /// The row of the table, when the kernel knows the element.
    pub fn element(self) -> Option<&'static Element> {
        ELEMENTS
            .binary_search_by_key(&self, |element| element.tag)
            .ok()
            .and_then(|position| ELEMENTS.get(position))
    }

    /// The name of a tag that a biometric template gives another meaning (EMV 4.4 Book 3, Annex A);
    /// its row, when it has one, is then not about it.
    pub fn name_within(self, template: Self) -> Option<&'static str> {
        WITHIN
            .iter()
            .find(|(outer, number, _)| *outer == template && Self(*number) == self)
            .map(|(_, _, name)| *name)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:02X}", self.0)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:02X}", self.0)
    }
}

/// How the value of an element is written (EMV 4.4 Book 3, 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Letters.
    A,
    /// Letters and digits.
    An,
    /// Letters, digits and special characters.
    Ans,
    /// Bytes.
    B,
    /// Digits, two a byte, left-justified, filled with F.
    Cn,
    /// Digits, two a byte, right-justified, filled with 0.
    N,
    /// Anything else.
    Var,
}

/// Who gives an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The card.
    Card,
    /// The terminal.
    Terminal,
    /// The issuer, or the terminal in its place.
    Issuer,
}

/// Whether an element identifies the cardholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensitivity {
    /// It may be shown.
    Open,
    /// It is masked or left out wherever it is shown.
    Sensitive,
}

/// What the kernel knows of one data element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Its number.
    pub tag: Tag,
    /// How its value is written.
    pub format: Format,
    /// The lengths allowed, in bytes. A variable length the standard leaves open is limited to
    /// what one APDU carries.
    pub length: RangeInclusive<u16>,
    /// Who gives it.
    pub source: Source,
    /// Whether it identifies the cardholder.
    pub sensitivity: Sensitivity,
    /// The name in EMV 4.4 Book 3, Annex A.
    pub name: &'static str,
}

impl Element {
    /// Whether a value of `length` bytes is allowed.
    pub fn allows(&self, length: usize) -> bool {
        u16::try_from(length).is_ok_and(|length| self.length.contains(&length))
    }
}

macro_rules! elements {
    ($($constant:ident = $number:literal, $format:ident, $length:expr, $source:ident,
       $sensitivity:ident, $name:literal;)*) => {
        $(
            #[doc = $name]
            pub const $constant: Tag = Tag::new($number);
        )*

        /// The table, in the order of the tag numbers.
        pub static ELEMENTS: &[Element] = &[$(
            Element {
                tag: $constant,
                format: Format::$format,
                length: $length,
                source: Source::$source,
                sensitivity: Sensitivity::$sensitivity,
                name: $name,
            },
        )*];
    };
}

elements! {
    IIN = 0x42, N, 3..=3, Card, Open, "Issuer Identification Number (IIN)";
    ADF_NAME = 0x4F, B, 5..=16, Card, Open, "Application Dedicated File (ADF) Name";
    APPLICATION_LABEL = 0x50, Ans, 1..=16, Card, Open, "Application Label";
    // Tags 56 and 9F6B are of contactless cards and of some schemes; a row says that they are secret.
    TRACK_1_DATA = 0x56, Ans, 0..=252, Card, Sensitive, "Track 1 Data";
    TRACK_2_EQUIVALENT_DATA = 0x57, B, 0..=19, Card, Sensitive, "Track 2 Equivalent Data";
    PAN = 0x5A, Cn, 1..=10, Card, Sensitive, "Application Primary Account Number (PAN)";
    APPLICATION_TEMPLATE = 0x61, B, 0..=252, Card, Open, "Application Template";
    FCI_TEMPLATE = 0x6F, Var, 0..=252, Card, Open, "File Control Information (FCI) Template";
    RECORD_TEMPLATE = 0x70, Var, 0..=252, Card, Open, "READ RECORD Response Message Template";
    ISSUER_SCRIPT_TEMPLATE_1 = 0x71, B, 0..=65535, Issuer, Open, "Issuer Script Template 1";
    ISSUER_SCRIPT_TEMPLATE_2 = 0x72, B, 0..=65535, Issuer, Open, "Issuer Script Template 2";
    DIRECTORY_DISCRETIONARY_TEMPLATE = 0x73, Var, 0..=252, Card, Open, "Directory Discretionary Template";
    RESPONSE_TEMPLATE_2 = 0x77, Var, 0..=252, Card, Open, "Response Message Template Format 2";
    RESPONSE_TEMPLATE_1 = 0x80, Var, 0..=252, Card, Open, "Response Message Template Format 1";
    AMOUNT_AUTHORISED_BINARY = 0x81, B, 4..=4, Terminal, Open, "Amount, Authorised (Binary)";
    AIP = 0x82, B, 2..=2, Card, Open, "Application Interchange Profile";
    COMMAND_TEMPLATE = 0x83, B, 0..=252, Terminal, Open, "Command Template";
    DF_NAME = 0x84, B, 5..=16, Card, Open, "Dedicated File (DF) Name";
    ISSUER_SCRIPT_COMMAND = 0x86, B, 0..=261, Issuer, Open, "Issuer Script Command";
    APPLICATION_PRIORITY_INDICATOR = 0x87, B, 1..=1, Card, Open, "Application Priority Indicator";
    SFI = 0x88, B, 1..=1, Card, Open, "Short File Identifier (SFI)";
    AUTHORISATION_CODE = 0x89, Var, 6..=6, Issuer, Open, "Authorisation Code";
    AUTHORISATION_RESPONSE_CODE = 0x8A, An, 2..=2, Issuer, Open, "Authorisation Response Code";
    CDOL1 = 0x8C, B, 0..=252, Card, Open, "Card Risk Management Data Object List 1 (CDOL1)";
    CDOL2 = 0x8D, B, 0..=252, Card, Open, "Card Risk Management Data Object List 2 (CDOL2)";
    // A list without a rule has eight bytes; it is treated as absent (EMV 4.4 Book 3, 10.5).
    CVM_LIST = 0x8E, B, 8..=252, Card, Open, "Cardholder Verification Method (CVM) List";
    CA_PUBLIC_KEY_INDEX_CARD = 0x8F, B, 1..=1, Card, Open, "Certification Authority Public Key Index (Card)";
    ISSUER_PUBLIC_KEY_CERTIFICATE = 0x90, B, 0..=252, Card, Open, "Issuer Public Key Certificate";
    ISSUER_AUTHENTICATION_DATA = 0x91, B, 8..=16, Issuer, Open, "Issuer Authentication Data";
    ISSUER_PUBLIC_KEY_REMAINDER = 0x92, B, 0..=252, Card, Open, "Issuer Public Key Remainder";
    SIGNED_STATIC_APPLICATION_DATA = 0x93, B, 0..=252, Card, Open, "Signed Static Application Data";
    AFL = 0x94, Var, 0..=252, Card, Open, "Application File Locator (AFL)";
    TVR = 0x95, B, 5..=5, Terminal, Open, "Terminal Verification Results";
    TDOL = 0x97, B, 0..=252, Card, Open, "Transaction Certificate Data Object List (TDOL)";
    TC_HASH_VALUE = 0x98, B, 20..=20, Terminal, Open, "Transaction Certificate (TC) Hash Value";
    PIN_DATA = 0x99, B, 0..=252, Terminal, Sensitive, "Transaction Personal Identification Number (PIN) Data";
    TRANSACTION_DATE = 0x9A, N, 3..=3, Terminal, Open, "Transaction Date";
    TSI = 0x9B, B, 2..=2, Terminal, Open, "Transaction Status Information";
    TRANSACTION_TYPE = 0x9C, N, 1..=1, Terminal, Open, "Transaction Type";
    DDF_NAME = 0x9D, B, 5..=16, Card, Open, "Directory Definition File (DDF) Name";
    BIOMETRIC_HEADER_TEMPLATE = 0xA1, B, 0..=65535, Card, Open, "Biometric Header Template (BHT)";
    FCI_PROPRIETARY_TEMPLATE = 0xA5, Var, 0..=252, Card, Open, "File Control Information (FCI) Proprietary Template";
    CARDHOLDER_NAME = 0x5F20, Ans, 2..=26, Card, Sensitive, "Cardholder Name";
    APPLICATION_EXPIRATION_DATE = 0x5F24, N, 3..=3, Card, Open, "Application Expiration Date";
    APPLICATION_EFFECTIVE_DATE = 0x5F25, N, 3..=3, Card, Open, "Application Effective Date";
    ISSUER_COUNTRY_CODE = 0x5F28, N, 2..=2, Card, Open, "Issuer Country Code";
    TRANSACTION_CURRENCY_CODE = 0x5F2A, N, 2..=2, Terminal, Open, "Transaction Currency Code";
    LANGUAGE_PREFERENCE = 0x5F2D, An, 2..=8, Card, Open, "Language Preference";
    SERVICE_CODE = 0x5F30, N, 2..=2, Card, Open, "Service Code";
    PAN_SEQUENCE_NUMBER = 0x5F34, N, 1..=1, Card, Open, "Application Primary Account Number (PAN) Sequence Number";
    TRANSACTION_CURRENCY_EXPONENT = 0x5F36, N, 1..=1, Terminal, Open, "Transaction Currency Exponent";
    ISSUER_URL = 0x5F50, Ans, 0..=252, Card, Open, "Issuer URL";
    IBAN = 0x5F53, Var, 0..=34, Card, Sensitive, "International Bank Account Number (IBAN)";
    BIC = 0x5F54, Var, 8..=11, Card, Open, "Bank Identifier Code (BIC)";
    ISSUER_COUNTRY_ALPHA_2 = 0x5F55, A, 2..=2, Card, Open, "Issuer Country Code (alpha2 format)";
    ISSUER_COUNTRY_ALPHA_3 = 0x5F56, A, 3..=3, Card, Open, "Issuer Country Code (alpha3 format)";
    ACCOUNT_TYPE = 0x5F57, N, 1..=1, Terminal, Open, "Account Type";
    BIOMETRIC_INFORMATION_TEMPLATE = 0x7F60, B, 0..=65535, Card, Open, "Biometric Information Template (BIT)";
    ACQUIRER_IDENTIFIER = 0x9F01, N, 6..=6, Terminal, Open, "Acquirer Identifier";
    AMOUNT_AUTHORISED = 0x9F02, N, 6..=6, Terminal, Open, "Amount, Authorised (Numeric)";
    AMOUNT_OTHER = 0x9F03, N, 6..=6, Terminal, Open, "Amount, Other (Numeric)";
    AMOUNT_OTHER_BINARY = 0x9F04, B, 4..=4, Terminal, Open, "Amount, Other (Binary)";
    APPLICATION_DISCRETIONARY_DATA = 0x9F05, B, 1..=32, Card, Open, "Application Discretionary Data";
    AID = 0x9F06, B, 5..=16, Terminal, Open, "Application Identifier (AID) - terminal";
    APPLICATION_USAGE_CONTROL = 0x9F07, B, 2..=2, Card, Open, "Application Usage Control";
    APPLICATION_VERSION_CARD = 0x9F08, B, 2..=2, Card, Open, "Application Version Number (ICC)";
    APPLICATION_VERSION_TERMINAL = 0x9F09, B, 2..=2, Terminal, Open, "Application Version Number (Terminal)";
    APPLICATION_SELECTION_PROPRIETARY_DATA = 0x9F0A, B, 0..=252, Card, Open, "Application Selection Registered Proprietary Data (ASRPD)";
    CARDHOLDER_NAME_EXTENDED = 0x9F0B, Ans, 27..=45, Card, Sensitive, "Cardholder Name Extended";
    IIN_EXTENDED = 0x9F0C, N, 3..=4, Card, Open, "Issuer Identification Number Extended (IINE)";
    IAC_DEFAULT = 0x9F0D, B, 5..=5, Card, Open, "Issuer Action Code - Default";
    IAC_DENIAL = 0x9F0E, B, 5..=5, Card, Open, "Issuer Action Code - Denial";
    IAC_ONLINE = 0x9F0F, B, 5..=5, Card, Open, "Issuer Action Code - Online";
    ISSUER_APPLICATION_DATA = 0x9F10, B, 0..=32, Card, Open, "Issuer Application Data";
    ISSUER_CODE_TABLE_INDEX = 0x9F11, N, 1..=1, Card, Open, "Issuer Code Table Index";
    APPLICATION_PREFERRED_NAME = 0x9F12, Ans, 1..=16, Card, Open, "Application Preferred Name";
    LAST_ONLINE_ATC = 0x9F13, B, 2..=2, Card, Open, "Last Online Application Transaction Counter (ATC) Register";
    LOWER_CONSECUTIVE_OFFLINE_LIMIT = 0x9F14, B, 1..=1, Card, Open, "Lower Consecutive Offline Limit";
    MERCHANT_CATEGORY_CODE = 0x9F15, N, 2..=2, Terminal, Open, "Merchant Category Code";
    MERCHANT_IDENTIFIER = 0x9F16, An, 15..=15, Terminal, Open, "Merchant Identifier";
    PIN_TRY_COUNTER = 0x9F17, B, 1..=1, Card, Open, "Personal Identification Number (PIN) Try Counter";
    ISSUER_SCRIPT_IDENTIFIER = 0x9F18, B, 4..=4, Issuer, Open, "Issuer Script Identifier";
    TOKEN_REQUESTOR_ID = 0x9F19, N, 6..=6, Card, Sensitive, "Token Requestor ID";
    TERMINAL_COUNTRY_CODE = 0x9F1A, N, 2..=2, Terminal, Open, "Terminal Country Code";
    TERMINAL_FLOOR_LIMIT = 0x9F1B, B, 4..=4, Terminal, Open, "Terminal Floor Limit";
    TERMINAL_IDENTIFICATION = 0x9F1C, An, 8..=8, Terminal, Open, "Terminal Identification";
    TERMINAL_RISK_MANAGEMENT_DATA = 0x9F1D, B, 1..=8, Terminal, Open, "Terminal Risk Management Data";
    IFD_SERIAL_NUMBER = 0x9F1E, An, 8..=8, Terminal, Open, "Interface Device (IFD) Serial Number";
    TRACK_1_DISCRETIONARY_DATA = 0x9F1F, Ans, 0..=252, Card, Sensitive, "Track 1 Discretionary Data";
    TRACK_2_DISCRETIONARY_DATA = 0x9F20, Cn, 0..=252, Card, Sensitive, "Track 2 Discretionary Data";
    TRANSACTION_TIME = 0x9F21, N, 3..=3, Terminal, Open, "Transaction Time";
    CA_PUBLIC_KEY_INDEX_TERMINAL = 0x9F22, B, 1..=1, Terminal, Open, "Certification Authority Public Key Index (Terminal)";
    UPPER_CONSECUTIVE_OFFLINE_LIMIT = 0x9F23, B, 1..=1, Card, Open, "Upper Consecutive Offline Limit";
    PAYMENT_ACCOUNT_REFERENCE = 0x9F24, An, 29..=29, Card, Sensitive, "Payment Account Reference (PAR)";
    PAN_LAST_FOUR = 0x9F25, N, 2..=2, Card, Sensitive, "Last 4 Digits of PAN";
    APPLICATION_CRYPTOGRAM = 0x9F26, B, 8..=8, Card, Open, "Application Cryptogram";
    CRYPTOGRAM_INFORMATION_DATA = 0x9F27, B, 1..=1, Card, Open, "Cryptogram Information Data";
    ICC_PIN_KEY_CERTIFICATE = 0x9F2D, B, 0..=252, Card, Open, "ICC PIN Encipherment Public Key Certificate";
    ICC_PIN_KEY_EXPONENT = 0x9F2E, B, 1..=3, Card, Open, "ICC PIN Encipherment Public Key Exponent";
    ICC_PIN_KEY_REMAINDER = 0x9F2F, B, 0..=252, Card, Open, "ICC PIN Encipherment Public Key Remainder";
    BIOMETRIC_TERMINAL_CAPABILITIES = 0x9F30, B, 3..=3, Terminal, Open, "Biometric Terminal Capabilities";
    CARD_BIT_GROUP_TEMPLATE = 0x9F31, B, 0..=65535, Card, Open, "Card BIT Group Template";
    ISSUER_PUBLIC_KEY_EXPONENT = 0x9F32, B, 1..=3, Card, Open, "Issuer Public Key Exponent";
    TERMINAL_CAPABILITIES = 0x9F33, B, 3..=3, Terminal, Open, "Terminal Capabilities";
    CVM_RESULTS = 0x9F34, B, 3..=3, Terminal, Open, "Cardholder Verification Method (CVM) Results";
    TERMINAL_TYPE = 0x9F35, N, 1..=1, Terminal, Open, "Terminal Type";
    ATC = 0x9F36, B, 2..=2, Card, Open, "Application Transaction Counter (ATC)";
    UNPREDICTABLE_NUMBER = 0x9F37, B, 4..=4, Terminal, Open, "Unpredictable Number";
    PDOL = 0x9F38, B, 0..=252, Card, Open, "Processing Options Data Object List (PDOL)";
    POS_ENTRY_MODE = 0x9F39, N, 1..=1, Terminal, Open, "Point-of-Service (POS) Entry Mode";
    AMOUNT_REFERENCE_CURRENCY = 0x9F3A, B, 4..=4, Terminal, Open, "Amount, Reference Currency";
    APPLICATION_REFERENCE_CURRENCY = 0x9F3B, N, 2..=8, Card, Open, "Application Reference Currency";
    TRANSACTION_REFERENCE_CURRENCY_CODE = 0x9F3C, N, 2..=2, Terminal, Open, "Transaction Reference Currency Code";
    TRANSACTION_REFERENCE_CURRENCY_EXPONENT = 0x9F3D, N, 1..=1, Terminal, Open, "Transaction Reference Currency Exponent";
    ADDITIONAL_TERMINAL_CAPABILITIES = 0x9F40, B, 5..=5, Terminal, Open, "Additional Terminal Capabilities";
    TRANSACTION_SEQUENCE_COUNTER = 0x9F41, N, 2..=4, Terminal, Open, "Transaction Sequence Counter";
    APPLICATION_CURRENCY_CODE = 0x9F42, N, 2..=2, Card, Open, "Application Currency Code";
    APPLICATION_REFERENCE_CURRENCY_EXPONENT = 0x9F43, N, 1..=4, Card, Open, "Application Reference Currency Exponent";
    APPLICATION_CURRENCY_EXPONENT = 0x9F44, N, 1..=1, Card, Open, "Application Currency Exponent";
    DATA_AUTHENTICATION_CODE = 0x9F45, B, 2..=2, Card, Open, "Data Authentication Code";
    ICC_PUBLIC_KEY_CERTIFICATE = 0x9F46, B, 0..=252, Card, Open, "Integrated Circuit Card (ICC) Public Key Certificate";
    ICC_PUBLIC_KEY_EXPONENT = 0x9F47, B, 1..=3, Card, Open, "Integrated Circuit Card (ICC) Public Key Exponent";
    ICC_PUBLIC_KEY_REMAINDER = 0x9F48, B, 0..=252, Card, Open, "Integrated Circuit Card (ICC) Public Key Remainder";
    DDOL = 0x9F49, B, 0..=252, Card, Open, "Dynamic Data Authentication Data Object List (DDOL)";
    SDA_TAG_LIST = 0x9F4A, Var, 0..=252, Card, Open, "Static Data Authentication Tag List";
    SIGNED_DYNAMIC_APPLICATION_DATA = 0x9F4B, B, 0..=252, Card, Open, "Signed Dynamic Application Data";
    ICC_DYNAMIC_NUMBER = 0x9F4C, B, 2..=8, Card, Open, "ICC Dynamic Number";
    LOG_ENTRY = 0x9F4D, B, 2..=2, Card, Open, "Log Entry";
    MERCHANT_NAME_AND_LOCATION = 0x9F4E, Ans, 0..=252, Terminal, Open, "Merchant Name and Location";
    LOG_FORMAT = 0x9F4F, B, 0..=252, Card, Open, "Log Format";
    ISSUER_SCRIPT_RESULTS = 0x9F5B, B, 0..=255, Terminal, Open, "Issuer Script Results";
    TRACK_2_DATA = 0x9F6B, B, 0..=252, Card, Sensitive, "Track 2 Data";
    FCI_ISSUER_DISCRETIONARY_DATA = 0xBF0C, Var, 0..=222, Card, Open, "File Control Information (FCI) Issuer Discretionary Data";
    OFFLINE_BIT_GROUP_TEMPLATE = 0xBF4A, B, 0..=65535, Card, Open, "Offline BIT Group Template";
    ONLINE_BIT_GROUP_TEMPLATE = 0xBF4B, B, 0..=65535, Card, Open, "Online BIT Group Template";
    BIOMETRIC_TRY_COUNTERS_TEMPLATE = 0xBF4C, B, 0..=65535, Card, Open, "Biometric Try Counters Template";
    PREFERRED_ATTEMPTS_TEMPLATE = 0xBF4D, B, 0..=65535, Card, Open, "Preferred Attempts Template";
    BIOMETRIC_VERIFICATION_TEMPLATE = 0xBF4E, B, 0..=65535, Terminal, Open, "Biometric Verification Data Template";
    // Private class: no standard has a tag for it, and a trace must show it.
    RANDOM_SELECTION_NUMBER = 0x00DF_FF01, N, 1..=1, Terminal, Open, "Random Number of Transaction Selection (this kernel's own tag)";
}

/// Tags that mean something else within a biometric template: template, tag, name.
#[rustfmt::skip]
const WITHIN: &[(Tag, u32, &str)] = &[
    (BIOMETRIC_HEADER_TEMPLATE, 0x81, "Biometric Type"),
    (BIOMETRIC_HEADER_TEMPLATE, 0x82, "Biometric Subtype"),
    (BIOMETRIC_HEADER_TEMPLATE, 0x90, "Biometric Solution ID"),
    (BIOMETRIC_TRY_COUNTERS_TEMPLATE, 0xDF50, "Facial Try Counter"),
    (BIOMETRIC_TRY_COUNTERS_TEMPLATE, 0xDF51, "Finger Try Counter"),
    (BIOMETRIC_TRY_COUNTERS_TEMPLATE, 0xDF52, "Iris Try Counter"),
    (BIOMETRIC_TRY_COUNTERS_TEMPLATE, 0xDF53, "Palm Try Counter"),
    (BIOMETRIC_TRY_COUNTERS_TEMPLATE, 0xDF54, "Voice Try Counter"),
    (PREFERRED_ATTEMPTS_TEMPLATE, 0xDF50, "Preferred Facial Attempts"),
    (PREFERRED_ATTEMPTS_TEMPLATE, 0xDF51, "Preferred Finger Attempts"),
    (PREFERRED_ATTEMPTS_TEMPLATE, 0xDF52, "Preferred Iris Attempts"),
    (PREFERRED_ATTEMPTS_TEMPLATE, 0xDF53, "Preferred Palm Attempts"),
    (PREFERRED_ATTEMPTS_TEMPLATE, 0xDF54, "Preferred Voice Attempts"),
    (BIOMETRIC_VERIFICATION_TEMPLATE, 0x81, "Biometric Type"),
    (BIOMETRIC_VERIFICATION_TEMPLATE, 0x90, "Biometric Solution ID"),
    (BIOMETRIC_VERIFICATION_TEMPLATE, 0xDF50, "Enciphered Biometric Key Seed"),
    (BIOMETRIC_VERIFICATION_TEMPLATE, 0xDF51, "Enciphered Biometric Data"),
    (BIOMETRIC_VERIFICATION_TEMPLATE, 0xDF52, "MAC of Enciphered Biometric Data"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_every_tag_has_one_row() {
        for pair in ELEMENTS.windows(2) {
            assert!(
                pair[0].tag < pair[1].tag,
                "{} before {}",
                pair[0].tag,
                pair[1].tag
            );
        }
        for element in ELEMENTS {
            assert_eq!(element.tag.element(), Some(element));
            assert!(
                element.length.start() <= element.length.end(),
                "{}",
                element.tag
            );
        }
    }

    #[test]
    fn tags_keep_their_bytes() {
        for (tag, bytes, constructed) in [
            (AIP, &[0x82][..], false),
            (AMOUNT_AUTHORISED, &[0x9F, 0x02], false),
            (FCI_ISSUER_DISCRETIONARY_DATA, &[0xBF, 0x0C], true),
            (Tag::new(0x00DF_8129), &[0xDF, 0x81, 0x29], false),
        ] {
            assert_eq!(tag.to_bytes(), bytes);
            assert_eq!(tag.is_constructed(), constructed);
        }
    }

    #[test]
    fn the_elements_that_name_the_cardholder_are_sensitive() {
        for tag in [
            PAN,
            TRACK_2_EQUIVALENT_DATA,
            CARDHOLDER_NAME,
            TRACK_1_DISCRETIONARY_DATA,
        ] {
            let element = tag.element().expect("known");
            assert_eq!(element.sensitivity, Sensitivity::Sensitive, "{tag}");
        }
    }
    #[test]
    fn a_biometric_template_gives_tags_its_own_names() {
        let finger = Tag::new(0xDF51);
        for (template, name) in [
            (BIOMETRIC_TRY_COUNTERS_TEMPLATE, Some("Finger Try Counter")),
            (
                PREFERRED_ATTEMPTS_TEMPLATE,
                Some("Preferred Finger Attempts"),
            ),
            (BIOMETRIC_HEADER_TEMPLATE, None),
            (AIP, None),
        ] {
            assert_eq!(finger.name_within(template), name, "{template}");
        }
        assert_eq!(AIP.name_within(PREFERRED_ATTEMPTS_TEMPLATE), None);
    }
}
