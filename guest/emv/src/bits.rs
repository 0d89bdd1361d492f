//! The bit strings of EMV as typed sets, each bit by its name.
//!
//! A set keeps bits the kernel has no name for, so that an action code of all ones, or a bit of a
//! later edition, survives a round trip.

use bitflags::bitflags;

bitflags! {
    /// Terminal Verification Results, tag 95 (EMV 4.4 Book 3, Annex C5). The action codes of
    /// issuer and terminal have the same bits.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Tvr: u64 {
        /// Byte 1 bit 8.
        const ODA_NOT_PERFORMED = 0x80_0000_0000;
        /// Byte 1 bit 7.
        const SDA_FAILED = 0x40_0000_0000;
        /// Byte 1 bit 6.
        const ICC_DATA_MISSING = 0x20_0000_0000;
        /// Byte 1 bit 5.
        const CARD_ON_EXCEPTION_FILE = 0x10_0000_0000;
        /// Byte 1 bit 4.
        const DDA_FAILED = 0x08_0000_0000;
        /// Byte 1 bit 3.
        const CDA_FAILED = 0x04_0000_0000;
        /// Byte 1 bit 2.
        const SDA_SELECTED = 0x02_0000_0000;
        /// Byte 1 bit 1.
        const XDA_SELECTED = 0x01_0000_0000;
        /// Byte 2 bit 8.
        const VERSIONS_DIFFER = 0x00_8000_0000;
        /// Byte 2 bit 7.
        const EXPIRED = 0x00_4000_0000;
        /// Byte 2 bit 6.
        const NOT_YET_EFFECTIVE = 0x00_2000_0000;
        /// Byte 2 bit 5.
        const SERVICE_NOT_ALLOWED = 0x00_1000_0000;
        /// Byte 2 bit 4.
        const NEW_CARD = 0x00_0800_0000;
        /// Byte 2 bit 2.
        const BIOMETRIC_SUCCESSFUL = 0x00_0200_0000;
        /// Byte 2 bit 1.
        const BIOMETRIC_FORMAT_NOT_SUPPORTED = 0x00_0100_0000;
        /// Byte 3 bit 8.
        const VERIFICATION_NOT_SUCCESSFUL = 0x00_0080_0000;
        /// Byte 3 bit 7.
        const UNRECOGNISED_CVM = 0x00_0040_0000;
        /// Byte 3 bit 6.
        const PIN_TRY_LIMIT_EXCEEDED = 0x00_0020_0000;
        /// Byte 3 bit 5.
        const PIN_PAD_ABSENT_OR_BROKEN = 0x00_0010_0000;
        /// Byte 3 bit 4.
        const PIN_NOT_ENTERED = 0x00_0008_0000;
        /// Byte 3 bit 3.
        const ONLINE_PIN_ENTERED = 0x00_0004_0000;
        /// Byte 3 bit 2.
        const BIOMETRIC_DEVICE_ABSENT = 0x00_0002_0000;
        /// Byte 3 bit 1.
        const BIOMETRIC_NOT_ENTERED = 0x00_0001_0000;
        /// Byte 4 bit 8.
        const FLOOR_LIMIT_EXCEEDED = 0x00_0000_8000;
        /// Byte 4 bit 7.
        const LOWER_OFFLINE_LIMIT_EXCEEDED = 0x00_0000_4000;
        /// Byte 4 bit 6.
        const UPPER_OFFLINE_LIMIT_EXCEEDED = 0x00_0000_2000;
        /// Byte 4 bit 5.
        const SELECTED_AT_RANDOM = 0x00_0000_1000;
        /// Byte 4 bit 4.
        const MERCHANT_FORCED_ONLINE = 0x00_0000_0800;
        /// Byte 4 bit 3.
        const BIOMETRIC_TRY_LIMIT_EXCEEDED = 0x00_0000_0400;
        /// Byte 4 bit 2.
        const BIOMETRIC_TYPE_NOT_SUPPORTED = 0x00_0000_0200;
        /// Byte 4 bit 1.
        const XDA_FAILED = 0x00_0000_0100;
        /// Byte 5 bit 8.
        const DEFAULT_TDOL_USED = 0x00_0000_0080;
        /// Byte 5 bit 7.
        const ISSUER_AUTHENTICATION_FAILED = 0x00_0000_0040;
        /// Byte 5 bit 6.
        const SCRIPT_FAILED_BEFORE_FINAL = 0x00_0000_0020;
        /// Byte 5 bit 5.
        const SCRIPT_FAILED_AFTER_FINAL = 0x00_0000_0010;
        /// Byte 5 bit 3.
        const CA_ECC_KEY_MISSING = 0x00_0000_0004;
        /// Byte 5 bit 2.
        const ECC_KEY_RECOVERY_FAILED = 0x00_0000_0002;
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

bitflags! {
    /// Transaction Status Information, tag 9B (EMV 4.4 Book 3, Annex C6).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Tsi: u16 {
        /// Byte 1 bit 8.
        const ODA_PERFORMED = 0x8000;
        /// Byte 1 bit 7.
        const CARDHOLDER_VERIFICATION_PERFORMED = 0x4000;
        /// Byte 1 bit 6.
        const CARD_RISK_MANAGEMENT_PERFORMED = 0x2000;
        /// Byte 1 bit 5.
        const ISSUER_AUTHENTICATION_PERFORMED = 0x1000;
        /// Byte 1 bit 4.
        const TERMINAL_RISK_MANAGEMENT_PERFORMED = 0x0800;
        /// Byte 1 bit 3.
        const SCRIPT_PROCESSING_PERFORMED = 0x0400;
    }

    /// Application Interchange Profile, tag 82 (EMV 4.4 Book 3, Annex C1).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Aip: u16 {
        /// Byte 1 bit 8.
        const XDA = 0x8000;
        /// Byte 1 bit 7.
        const SDA = 0x4000;
        /// Byte 1 bit 6.
        const DDA = 0x2000;
        /// Byte 1 bit 5.
        const CARDHOLDER_VERIFICATION = 0x1000;
        /// Byte 1 bit 4.
        const TERMINAL_RISK_MANAGEMENT = 0x0800;
        /// Byte 1 bit 3: by the EXTERNAL AUTHENTICATE command.
        const ISSUER_AUTHENTICATION = 0x0400;
        /// Byte 1 bit 1.
        const CDA = 0x0100;
    }

    /// Application Usage Control, tag 9F07 (EMV 4.4 Book 3, Annex C2).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Auc: u16 {
        /// Byte 1 bit 8.
        const DOMESTIC_CASH = 0x8000;
        /// Byte 1 bit 7.
        const INTERNATIONAL_CASH = 0x4000;
        /// Byte 1 bit 6.
        const DOMESTIC_GOODS = 0x2000;
        /// Byte 1 bit 5.
        const INTERNATIONAL_GOODS = 0x1000;
        /// Byte 1 bit 4.
        const DOMESTIC_SERVICES = 0x0800;
        /// Byte 1 bit 3.
        const INTERNATIONAL_SERVICES = 0x0400;
        /// Byte 1 bit 2.
        const AT_ATM = 0x0200;
        /// Byte 1 bit 1.
        const OTHER_THAN_ATM = 0x0100;
        /// Byte 2 bit 8.
        const DOMESTIC_CASHBACK = 0x0080;
        /// Byte 2 bit 7.
        const INTERNATIONAL_CASHBACK = 0x0040;
    }
}

two_bytes!(Tsi);
two_bytes!(Aip);
two_bytes!(Auc);

bitflags! {
    /// Terminal Capabilities, tag 9F33 (EMV 4.4 Book 4, Annex A2).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct TerminalCapabilities: u32 {
        /// Byte 1 bit 8.
        const MANUAL_KEY_ENTRY = 0x80_0000;
        /// Byte 1 bit 7.
        const MAGNETIC_STRIPE = 0x40_0000;
        /// Byte 1 bit 6.
        const CONTACT_CHIP = 0x20_0000;
        /// Byte 2 bit 8.
        const PLAINTEXT_OFFLINE_PIN = 0x00_8000;
        /// Byte 2 bit 7.
        const ONLINE_PIN = 0x00_4000;
        /// Byte 2 bit 6.
        const SIGNATURE = 0x00_2000;
        /// Byte 2 bit 5.
        const ENCIPHERED_OFFLINE_PIN = 0x00_1000;
        /// Byte 2 bit 4.
        const NO_CVM = 0x00_0800;
        /// Byte 2 bit 3.
        const ONLINE_BIOMETRIC = 0x00_0400;
        /// Byte 2 bit 2.
        const OFFLINE_BIOMETRIC = 0x00_0200;
        /// Byte 2 bit 1.
        const ECC_ENCIPHERED_OFFLINE_PIN = 0x00_0100;
        /// Byte 3 bit 8.
        const SDA = 0x00_0080;
        /// Byte 3 bit 7.
        const DDA = 0x00_0040;
        /// Byte 3 bit 6.
        const CARD_CAPTURE = 0x00_0020;
        /// Byte 3 bit 4.
        const CDA = 0x00_0008;
        /// Byte 3 bit 3.
        const XDA = 0x00_0004;
    }

    /// Additional Terminal Capabilities, tag 9F40 (EMV 4.4 Book 4, Annex A3).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct AdditionalTerminalCapabilities: u64 {
        /// Byte 1 bit 8.
        const CASH = 0x80_0000_0000;
        /// Byte 1 bit 7.
        const GOODS = 0x40_0000_0000;
        /// Byte 1 bit 6.
        const SERVICES = 0x20_0000_0000;
        /// Byte 1 bit 5.
        const CASHBACK = 0x10_0000_0000;
        /// Byte 4 bit 2.
        const CODE_TABLE_10 = 0x00_0000_0200;
        /// Byte 4 bit 1.
        const CODE_TABLE_9 = 0x00_0000_0100;
        /// Byte 5 bit 8. The tables below 8 follow in the bits below.
        const CODE_TABLE_8 = 0x00_0000_0080;
    }
}

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
}
