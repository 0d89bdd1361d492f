//! The bit strings of EMV as typed sets, each bit by its name and in words.
//!
//! A set keeps bits the kernel has no name for, so that an action code of all ones, or a bit of a
//! later edition, survives a round trip. What a bit is called in code and what it means in words
//! stand in one row; a bit that only contactless cards use is there, so that it has words, and no
//! rule of the kernel reads it.

use bitflags::bitflags;

use crate::tag::{self, Tag};

/// What one bit of a bit string means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bit {
    /// Its place in the string, read as one number.
    pub mask: u64,
    /// What it says when it is set.
    pub words: &'static str,
}

/// A bit string's rows, for whoever explains a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BitString {
    /// How many bytes it has.
    pub length: u8,
    /// Where its bits are defined.
    pub section: &'static str,
    /// The bits with a meaning, from the first to the last. The others are reserved.
    pub bits: &'static [Bit],
}

impl BitString {
    /// The rows for the value of an element; `None` when it is no bit string.
    pub const fn of(tag: Tag) -> Option<&'static Self> {
        match tag {
            tag::TVR | tag::IAC_DEFAULT | tag::IAC_DENIAL | tag::IAC_ONLINE => Some(&Tvr::ROWS),
            tag::TSI => Some(&Tsi::ROWS),
            tag::AIP => Some(&Aip::ROWS),
            tag::APPLICATION_USAGE_CONTROL => Some(&Auc::ROWS),
            tag::TERMINAL_CAPABILITIES => Some(&TerminalCapabilities::ROWS),
            tag::ADDITIONAL_TERMINAL_CAPABILITIES => Some(&AdditionalTerminalCapabilities::ROWS),
            _ => None,
        }
    }
}

macro_rules! bit_strings {
    ($($(#[$attribute:meta])* $set:ident: $number:ty, $length:literal bytes, $section:literal {
        $($name:ident = $mask:literal, $words:literal;)*
    })*) => {$(
        bitflags! {
            $(#[$attribute])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
            pub struct $set: $number {
                $(
                    #[doc = concat!($words, ".")]
                    const $name = $mask;
                )*
            }
        }

        impl $set {
            /// What each bit means.
            pub const ROWS: BitString = BitString {
                length: $length,
                section: concat!("EMV 4.4 ", $section),
                bits: &[$(Bit { mask: $mask, words: $words },)*],
            };
        }
    )*};
}

bit_strings! {
    /// Terminal Verification Results, tag 95 (EMV 4.4 Book 3, Annex C5). The action codes of
    /// issuer and terminal have the same bits.
    Tvr: u64, 5 bytes, "Book 3, Annex C5" {
        ODA_NOT_PERFORMED = 0x80_0000_0000, "Offline data authentication was not performed";
        SDA_FAILED = 0x40_0000_0000, "SDA failed";
        ICC_DATA_MISSING = 0x20_0000_0000, "ICC data missing";
        CARD_ON_EXCEPTION_FILE = 0x10_0000_0000, "Card appears on terminal exception file";
        DDA_FAILED = 0x08_0000_0000, "DDA failed";
        CDA_FAILED = 0x04_0000_0000, "CDA failed";
        SDA_SELECTED = 0x02_0000_0000, "SDA selected";
        XDA_SELECTED = 0x01_0000_0000, "XDA selected";
        VERSIONS_DIFFER = 0x00_8000_0000, "ICC and terminal have different application versions";
        EXPIRED = 0x00_4000_0000, "Expired application";
        NOT_YET_EFFECTIVE = 0x00_2000_0000, "Application not yet effective";
        SERVICE_NOT_ALLOWED = 0x00_1000_0000, "Requested service not allowed for card product";
        NEW_CARD = 0x00_0800_0000, "New card";
        BIOMETRIC_SUCCESSFUL = 0x00_0200_0000, "Biometric performed and successful";
        BIOMETRIC_FORMAT_NOT_SUPPORTED = 0x00_0100_0000, "Biometric template format not supported";
        VERIFICATION_NOT_SUCCESSFUL = 0x00_0080_0000, "Cardholder verification was not successful";
        UNRECOGNISED_CVM = 0x00_0040_0000, "Unrecognised CVM";
        PIN_TRY_LIMIT_EXCEEDED = 0x00_0020_0000, "PIN Try Limit exceeded";
        PIN_PAD_ABSENT_OR_BROKEN = 0x00_0010_0000, "PIN entry required and PIN pad not present or not working";
        PIN_NOT_ENTERED = 0x00_0008_0000, "PIN entry required, PIN pad present, but PIN was not entered";
        ONLINE_PIN_ENTERED = 0x00_0004_0000, "Online CVM captured (online PIN entered)";
        BIOMETRIC_DEVICE_ABSENT = 0x00_0002_0000, "Biometric required but capture device not working";
        BIOMETRIC_NOT_ENTERED = 0x00_0001_0000, "Biometric required, capture device present, but not entered";
        FLOOR_LIMIT_EXCEEDED = 0x00_0000_8000, "Transaction exceeds floor limit";
        LOWER_OFFLINE_LIMIT_EXCEEDED = 0x00_0000_4000, "Lower consecutive offline limit exceeded";
        UPPER_OFFLINE_LIMIT_EXCEEDED = 0x00_0000_2000, "Upper consecutive offline limit exceeded";
        SELECTED_AT_RANDOM = 0x00_0000_1000, "Transaction selected randomly for online processing";
        MERCHANT_FORCED_ONLINE = 0x00_0000_0800, "Merchant forced transaction online";
        BIOMETRIC_TRY_LIMIT_EXCEEDED = 0x00_0000_0400, "Biometric Try Limit exceeded";
        BIOMETRIC_TYPE_NOT_SUPPORTED = 0x00_0000_0200, "A selected biometric type is not supported";
        XDA_FAILED = 0x00_0000_0100, "XDA signature verification failed";
        DEFAULT_TDOL_USED = 0x00_0000_0080, "Default TDOL used";
        ISSUER_AUTHENTICATION_FAILED = 0x00_0000_0040, "Issuer authentication failed";
        SCRIPT_FAILED_BEFORE_FINAL = 0x00_0000_0020, "Script processing failed before final GENERATE AC";
        SCRIPT_FAILED_AFTER_FINAL = 0x00_0000_0010, "Script processing failed after final GENERATE AC";
        CA_ECC_KEY_MISSING = 0x00_0000_0004, "CA ECC key missing";
        ECC_KEY_RECOVERY_FAILED = 0x00_0000_0002, "ECC key recovery failed";
    }

    /// Transaction Status Information, tag 9B (EMV 4.4 Book 3, Annex C6).
    Tsi: u16, 2 bytes, "Book 3, Annex C6" {
        ODA_PERFORMED = 0x8000, "Offline data authentication was performed";
        CARDHOLDER_VERIFICATION_PERFORMED = 0x4000, "Cardholder verification was performed";
        CARD_RISK_MANAGEMENT_PERFORMED = 0x2000, "Card risk management was performed";
        ISSUER_AUTHENTICATION_PERFORMED = 0x1000, "Issuer authentication was performed";
        TERMINAL_RISK_MANAGEMENT_PERFORMED = 0x0800, "Terminal risk management was performed";
        SCRIPT_PROCESSING_PERFORMED = 0x0400, "Script processing was performed";
    }

    /// Application Interchange Profile, tag 82 (EMV 4.4 Book 3, Annex C1).
    Aip: u16, 2 bytes, "Book 3, Annex C1" {
        XDA = 0x8000, "XDA supported";
        SDA = 0x4000, "SDA supported";
        DDA = 0x2000, "DDA supported";
        CARDHOLDER_VERIFICATION = 0x1000, "Cardholder verification is supported";
        TERMINAL_RISK_MANAGEMENT = 0x0800, "Terminal risk management is to be performed";
        ISSUER_AUTHENTICATION = 0x0400, "Issuer authentication by EXTERNAL AUTHENTICATE is supported";
        ON_DEVICE_VERIFICATION = 0x0200, "On-device cardholder verification is supported (contactless)";
        CDA = 0x0100, "CDA supported";
        EMV_MODE = 0x0080, "EMV mode is supported (contactless)";
        RELAY_RESISTANCE = 0x0001, "Relay resistance protocol is supported (contactless)";
    }

    /// Application Usage Control, tag 9F07 (EMV 4.4 Book 3, Annex C2).
    Auc: u16, 2 bytes, "Book 3, Annex C2" {
        DOMESTIC_CASH = 0x8000, "Valid for domestic cash transactions";
        INTERNATIONAL_CASH = 0x4000, "Valid for international cash transactions";
        DOMESTIC_GOODS = 0x2000, "Valid for domestic goods";
        INTERNATIONAL_GOODS = 0x1000, "Valid for international goods";
        DOMESTIC_SERVICES = 0x0800, "Valid for domestic services";
        INTERNATIONAL_SERVICES = 0x0400, "Valid for international services";
        AT_ATM = 0x0200, "Valid at ATMs";
        OTHER_THAN_ATM = 0x0100, "Valid at terminals other than ATMs";
        DOMESTIC_CASHBACK = 0x0080, "Domestic cashback allowed";
        INTERNATIONAL_CASHBACK = 0x0040, "International cashback allowed";
    }

    /// Terminal Capabilities, tag 9F33 (EMV 4.4 Book 4, Annex A2).
    TerminalCapabilities: u32, 3 bytes, "Book 4, Annex A2" {
        MANUAL_KEY_ENTRY = 0x80_0000, "Manual key entry";
        MAGNETIC_STRIPE = 0x40_0000, "Magnetic stripe";
        CONTACT_CHIP = 0x20_0000, "IC with contacts";
        PLAINTEXT_OFFLINE_PIN = 0x00_8000, "Plaintext PIN for ICC verification";
        ONLINE_PIN = 0x00_4000, "Enciphered PIN for online verification";
        SIGNATURE = 0x00_2000, "Signature";
        ENCIPHERED_OFFLINE_PIN = 0x00_1000, "Enciphered PIN for offline verification (RSA)";
        NO_CVM = 0x00_0800, "No CVM required";
        ONLINE_BIOMETRIC = 0x00_0400, "Online biometric";
        OFFLINE_BIOMETRIC = 0x00_0200, "Offline biometric";
        ECC_ENCIPHERED_OFFLINE_PIN = 0x00_0100, "Enciphered PIN for offline verification (ECC)";
        SDA = 0x00_0080, "SDA";
        DDA = 0x00_0040, "DDA";
        CARD_CAPTURE = 0x00_0020, "Card capture";
        CDA = 0x00_0008, "CDA";
        XDA = 0x00_0004, "XDA";
    }

    /// Additional Terminal Capabilities, tag 9F40 (EMV 4.4 Book 4, Annex A3).
    AdditionalTerminalCapabilities: u64, 5 bytes, "Book 4, Annex A3" {
        CASH = 0x80_0000_0000, "Cash";
        GOODS = 0x40_0000_0000, "Goods";
        SERVICES = 0x20_0000_0000, "Services";
        CASHBACK = 0x10_0000_0000, "Cashback";
        INQUIRY = 0x08_0000_0000, "Inquiry";
        TRANSFER = 0x04_0000_0000, "Transfer";
        PAYMENT = 0x02_0000_0000, "Payment";
        ADMINISTRATIVE = 0x01_0000_0000, "Administrative";
        CASH_DEPOSIT = 0x00_8000_0000, "Cash deposit";
        NUMERIC_KEYS = 0x00_0080_0000, "Numeric keys";
        ALPHABETIC_KEYS = 0x00_0040_0000, "Alphabetic and special character keys";
        COMMAND_KEYS = 0x00_0020_0000, "Command keys";
        FUNCTION_KEYS = 0x00_0010_0000, "Function keys";
        PRINT_ATTENDANT = 0x00_0000_8000, "Print, attendant";
        PRINT_CARDHOLDER = 0x00_0000_4000, "Print, cardholder";
        DISPLAY_ATTENDANT = 0x00_0000_2000, "Display, attendant";
        DISPLAY_CARDHOLDER = 0x00_0000_1000, "Display, cardholder";
        CODE_TABLE_10 = 0x00_0000_0200, "Code table 10";
        CODE_TABLE_9 = 0x00_0000_0100, "Code table 9";
        CODE_TABLE_8 = 0x00_0000_0080, "Code table 8";
        CODE_TABLE_7 = 0x00_0000_0040, "Code table 7";
        CODE_TABLE_6 = 0x00_0000_0020, "Code table 6";
        CODE_TABLE_5 = 0x00_0000_0010, "Code table 5";
        CODE_TABLE_4 = 0x00_0000_0008, "Code table 4";
        CODE_TABLE_3 = 0x00_0000_0004, "Code table 3";
        CODE_TABLE_2 = 0x00_0000_0002, "Code table 2";
        CODE_TABLE_1 = 0x00_0000_0001, "Code table 1";
    }
}

impl Tvr {
    /// Five bytes, as in tag 95 and in an action code.
    pub const fn from_bytes(bytes: [u8; 5]) -> Self {
        let [first, second, third, fourth, fifth] = bytes;
        Self::from_bits_retain(u64::from_be_bytes([
            0, 0, 0, first, second, third, fourth, fifth,
        ]))
    }

    /// Five bytes, as in tag 95.
    pub const fn to_bytes(self) -> [u8; 5] {
        let [_, _, _, first, second, third, fourth, fifth] = self.bits().to_be_bytes();
        [first, second, third, fourth, fifth]
    }
}

/// Derives the conversions of a set that is two or three bytes on the wire.
macro_rules! two_bytes {
    ($set:ident) => {
        impl $set {
            /// The two bytes on the wire.
            pub const fn from_bytes(bytes: [u8; 2]) -> Self {
                Self::from_bits_retain(u16::from_be_bytes(bytes))
            }

            /// The two bytes on the wire.
            pub const fn to_bytes(self) -> [u8; 2] {
                self.bits().to_be_bytes()
            }
        }
    };
}

two_bytes!(Tsi);
two_bytes!(Aip);
two_bytes!(Auc);

impl TerminalCapabilities {
    /// Three bytes, as in tag 9F33.
    pub const fn from_bytes(bytes: [u8; 3]) -> Self {
        let [a, b, c] = bytes;
        Self::from_bits_retain(u32::from_be_bytes([0, a, b, c]))
    }

    /// Three bytes, as in tag 9F33.
    pub const fn to_bytes(self) -> [u8; 3] {
        let [_, a, b, c] = self.bits().to_be_bytes();
        [a, b, c]
    }
}

impl AdditionalTerminalCapabilities {
    /// Five bytes, as in tag 9F40.
    pub const fn from_bytes(bytes: [u8; 5]) -> Self {
        let [first, second, third, fourth, fifth] = bytes;
        Self::from_bits_retain(u64::from_be_bytes([
            0, 0, 0, first, second, third, fourth, fifth,
        ]))
    }

    /// Five bytes, as in tag 9F40.
    pub const fn to_bytes(self) -> [u8; 5] {
        let [_, _, _, first, second, third, fourth, fifth] = self.bits().to_be_bytes();
        [first, second, third, fourth, fifth]
    }

    /// Whether the display can show code table `index` of ISO 8859, 1 to 10
    /// (EMV 4.4 Book 4, Annex A3, table 30).
    pub fn supports_code_table(self, index: u8) -> bool {
        (1..=10).contains(&index)
            && 1_u64
                .checked_shl(u32::from(index.saturating_sub(1)))
                .is_some_and(|bit| self.bits() & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tvr_bit_stands_where_annex_c5_puts_it() {
        for (bit, bytes) in [
            (Tvr::ODA_NOT_PERFORMED, [0x80, 0, 0, 0, 0]),
            (Tvr::SERVICE_NOT_ALLOWED, [0, 0x10, 0, 0, 0]),
            (Tvr::ONLINE_PIN_ENTERED, [0, 0, 0x04, 0, 0]),
            (Tvr::SELECTED_AT_RANDOM, [0, 0, 0, 0x10, 0]),
            (Tvr::SCRIPT_FAILED_AFTER_FINAL, [0, 0, 0, 0, 0x10]),
        ] {
            assert_eq!(bit.to_bytes(), bytes);
            assert_eq!(Tvr::from_bytes(bytes), bit);
        }
    }

    #[test]
    fn bits_without_a_name_survive() {
        assert_eq!(Tvr::from_bytes([0xFF; 5]).to_bytes(), [0xFF; 5]);
        assert_eq!(Aip::from_bytes([0xFF; 2]).to_bytes(), [0xFF; 2]);
        assert_eq!(
            TerminalCapabilities::from_bytes([0xFF; 3]).to_bytes(),
            [0xFF; 3]
        );
    }

    #[test]
    fn code_tables_are_counted_from_the_right() {
        let capabilities = AdditionalTerminalCapabilities::from_bytes([0xF0, 0, 0xF0, 0xA2, 0x01]);
        for (index, supported) in [(0, false), (1, true), (2, false), (9, false), (10, true)] {
            assert_eq!(
                capabilities.supports_code_table(index),
                supported,
                "{index}"
            );
        }
    }

    #[test]
    fn every_bit_has_one_row_within_its_string_and_rows_go_down() {
        for tag in [
            tag::TVR,
            tag::TSI,
            tag::AIP,
            tag::APPLICATION_USAGE_CONTROL,
            tag::TERMINAL_CAPABILITIES,
            tag::ADDITIONAL_TERMINAL_CAPABILITIES,
        ] {
            let rows = BitString::of(tag).expect("a bit string");
            let element = tag.element().expect("known");
            assert!(element.allows(usize::from(rows.length)), "{tag}");
            for bit in rows.bits {
                assert_eq!(bit.mask.count_ones(), 1, "{tag} {}", bit.words);
                assert!(bit.mask >> (8 * u32::from(rows.length)) == 0, "{tag}");
            }
            for pair in rows.bits.windows(2) {
                assert!(pair[0].mask > pair[1].mask, "{tag} {}", pair[1].words);
            }
        }
        assert_eq!(BitString::of(tag::PAN), None);
    }
}
