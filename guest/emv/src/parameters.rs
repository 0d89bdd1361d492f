//! What the acquirer configured, parsed once before a transaction begins.

use crate::bits::{AdditionalTerminalCapabilities, TerminalCapabilities, Tvr};

/// Who and where the terminal is, and what it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminal {
    /// Tag 9F1C: eight characters.
    pub terminal_id: [u8; 8],
    /// Tag 9F16: fifteen characters, filled with spaces on the right.
    pub merchant_id: [u8; 15],
    /// Tag 9F4E, at most 252 bytes are used.
    pub merchant_name_and_location: Vec<u8>,
    /// Tag 9F15, up to four digits.
    pub merchant_category_code: u16,
    /// Tag 9F1A, ISO 3166-1 numeric.
    pub country: u16,
    /// Tag 9F35.
    pub kind: TerminalType,
    /// Tag 9F33.
    pub capabilities: TerminalCapabilities,
    /// Tag 9F40.
    pub additional_capabilities: AdditionalTerminalCapabilities,
    /// Tag 9F1E: eight characters.
    pub interface_device_serial_number: [u8; 8],
    /// ISO 639 codes in lower case, best first. The first is used when the card prefers none.
    pub languages: Vec<[u8; 2]>,
    /// Where combined signatures are asked for, when tag 9F33 says that the terminal knows them.
    pub cda_mode: CdaMode,
}

/// On which GENERATE AC a terminal asks for a combined signature (EMV 4.4 Book 2, Annex D4).
///
/// Where the card may approve without its issuer, all modes ask: for a TC on the first GENERATE
/// AC, and on the second when the issuer could not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CdaMode {
    /// For an ARQC, and for a TC after the issuer approved.
    #[default]
    Mode1,
    /// For an ARQC only.
    Mode2,
    /// For neither.
    Mode3,
    /// For a TC after the issuer approved only.
    Mode4,
}

/// Tag 9F35 (EMV 4.4 Book 4, Annex A1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalType {
    /// Who operates the terminal.
    pub operator: Operator,
    /// Whether an attendant is there.
    pub attended: bool,
    /// Whether it decides alone, asks, or can do both.
    pub connection: Connection,
}

/// Who operates a terminal: the first digit of tag 9F35.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// A financial institution.
    FinancialInstitution,
    /// A merchant.
    Merchant,
    /// The cardholder.
    Cardholder,
}

/// How a terminal decides: from the second digit of tag 9F35.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// Every transaction goes online.
    OnlineOnly,
    /// The terminal decides alone or goes online.
    OfflineWithOnline,
    /// The terminal decides alone.
    OfflineOnly,
}

impl TerminalType {
    /// Reads tag 9F35, such as `0x22`. `None` for a value the standard does not know.
    pub const fn parse(byte: u8) -> Option<Self> {
        let operator = match byte >> 4 {
            1 => Operator::FinancialInstitution,
            2 => Operator::Merchant,
            3 => Operator::Cardholder,
            _ => return None,
        };
        let (attended, connection) = match byte & 0x0F {
            1 => (true, Connection::OnlineOnly),
            2 => (true, Connection::OfflineWithOnline),
            3 => (true, Connection::OfflineOnly),
            4 => (false, Connection::OnlineOnly),
            5 => (false, Connection::OfflineWithOnline),
            6 => (false, Connection::OfflineOnly),
            _ => return None,
        };
        Some(Self {
            operator,
            attended,
            connection,
        })
    }

    /// Tag 9F35.
    pub const fn to_byte(self) -> u8 {
        let operator = match self.operator {
            Operator::FinancialInstitution => 0x10,
            Operator::Merchant => 0x20,
            Operator::Cardholder => 0x30,
        };
        let environment = match (self.attended, self.connection) {
            (true, Connection::OnlineOnly) => 1,
            (true, Connection::OfflineWithOnline) => 2,
            (true, Connection::OfflineOnly) => 3,
            (false, Connection::OnlineOnly) => 4,
            (false, Connection::OfflineWithOnline) => 5,
            (false, Connection::OfflineOnly) => 6,
        };
        operator | environment
    }
}

/// One application the terminal accepts, and the scheme's rules for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Tag 9F06.
    pub aid: Aid,
    /// Whether a longer name on the card matches too (EMV 4.4 Book 1, 12.3.1).
    pub partial_selection: bool,
    /// Tag 9F09.
    pub version: u16,
    /// Terminal Action Code - Default.
    pub tac_default: Tvr,
    /// Terminal Action Code - Denial.
    pub tac_denial: Tvr,
    /// Terminal Action Code - Online.
    pub tac_online: Tvr,
    /// Tag 9F1B, in minor units. What does not fit its four bytes is sent as all ones.
    pub floor_limit: u64,
    /// Random transaction selection (EMV 4.4 Book 3, 10.6.2).
    pub random_selection: RandomSelection,
    /// The DDOL used when the card has none; empty when the terminal has none either.
    pub default_ddol: Vec<u8>,
    /// The TDOL used when the card has none; empty when the terminal has none either.
    pub default_tdol: Vec<u8>,
}

/// How many transactions below the floor limit go online by chance
/// (EMV 4.4 Book 3, 10.6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RandomSelection {
    /// From this amount on the chance grows, in minor units.
    pub threshold: u64,
    /// The chance below the threshold, 0 to 99.
    pub target_percent: u8,
    /// The chance at the floor limit, 0 to 99.
    pub target_percent_max: u8,
}

/// An application identifier of five to sixteen bytes (ISO 7816-5).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Aid(Vec<u8>);

impl Aid {
    /// `None` when `bytes` are fewer than five or more than sixteen.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        (5..=16)
            .contains(&bytes.len())
            .then(|| Self(bytes.to_vec()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The registered application provider identifier: the first five bytes.
    pub fn rid(&self) -> [u8; 5] {
        self.0.first_chunk().copied().unwrap_or_default()
    }
}

/// A certification authority's public key on an elliptic curve (EMV 4.4 Book 2, 12.2).
///
/// How it comes to the terminal unchanged is the loader's business: it has no check value here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EccCaPublicKey {
    /// Registered application provider identifier.
    pub rid: [u8; 5],
    /// Tag 8F.
    pub index: u8,
    /// Its curve, and how it signs.
    pub suite: AlgorithmSuite,
    /// The x-coordinate of the key's point, most significant byte first: 32 bytes on P-256, 66 on
    /// P-521. Of the two points with it the key is the one with the lower y.
    pub x: Vec<u8>,
    /// Last day of use as YYMMDD, three BCD bytes, when there is one.
    pub expires: Option<[u8; 3]>,
}

/// A way to sign with elliptic curves (EMV 4.4 Book 2, Annex B2.4, those that cards may have).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlgorithmSuite {
    /// Suite 10: EC-SDSA with SHA-256 on P-256.
    EcSdsaSha256P256,
    /// Suite 11: EC-SDSA with SHA-512 on P-521.
    EcSdsaSha512P521,
}

impl AlgorithmSuite {
    /// Reads the Algorithm Suite Indicator. `None` for a suite that is not known here.
    pub const fn from_indicator(indicator: u8) -> Option<Self> {
        match indicator {
            0x10 => Some(Self::EcSdsaSha256P256),
            0x11 => Some(Self::EcSdsaSha512P521),
            _ => None,
        }
    }
}

/// A certification authority's public key (EMV 4.4 Book 2, 11.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaPublicKey {
    /// Registered application provider identifier.
    pub rid: [u8; 5],
    /// Tag 8F.
    pub index: u8,
    /// Most significant byte first, at most 248 bytes.
    pub modulus: Vec<u8>,
    /// 3 or 65537, most significant byte first.
    pub exponent: Vec<u8>,
    /// SHA-1 over RID, index, modulus and exponent.
    pub checksum: [u8; 20],
    /// Last day of use as YYMMDD, three BCD bytes, when there is one.
    pub expires: Option<[u8; 3]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_types_keep_their_byte() {
        let known: Vec<u8> = (0..=0xFF)
            .filter(|byte| TerminalType::parse(*byte).is_some())
            .collect();
        assert_eq!(known.len(), 18);
        for byte in known {
            assert_eq!(
                TerminalType::parse(byte).map(TerminalType::to_byte),
                Some(byte)
            );
        }
    }

    #[test]
    fn an_aid_has_five_to_sixteen_bytes() {
        for (length, allowed) in [(0, false), (4, false), (5, true), (16, true), (17, false)] {
            assert_eq!(
                Aid::parse(&vec![0xA0; length]).is_some(),
                allowed,
                "{length}"
            );
        }
    }
    #[test]
    fn two_algorithm_suites_are_known() {
        for (indicator, suite) in [
            (0x10, Some(AlgorithmSuite::EcSdsaSha256P256)),
            (0x11, Some(AlgorithmSuite::EcSdsaSha512P521)),
            (0x00, None),
            (0x12, None),
        ] {
            assert_eq!(AlgorithmSuite::from_indicator(indicator), suite);
        }
    }
}
