//! Card verification results and issuer application data (tag 9F10), read and written.

use crate::authorization::CryptogramInput;
use crate::personalization::CryptogramVersion;

/// A type of application cryptogram (EMV 4.4 Book 3, 6.5.5.4), in the order of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CryptogramType {
    /// The card declines.
    Aac,
    /// The card approves.
    Tc,
    /// The card asks its issuer.
    Arqc,
}

impl CryptogramType {
    /// The type in bits 8 and 7 of a reference control parameter. `None` for the reserved value.
    pub(crate) fn from_reference_control(byte: u8) -> Option<Self> {
        match byte & 0xC0 {
            0x00 => Some(Self::Aac),
            0x40 => Some(Self::Tc),
            0x80 => Some(Self::Arqc),
            _ => None,
        }
    }

    /// The cryptogram information data, tag 9F27.
    pub(crate) fn information(self) -> u8 {
        self.code() << 6
    }

    fn code(self) -> u8 {
        match self {
            Self::Aac => 0,
            Self::Tc => 1,
            Self::Arqc => 2,
        }
    }
}

/// What came of issuer authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum IssuerAuthentication {
    #[default]
    NotPerformed,
    Passed,
    Failed,
}

/// What the card tells its issuer about the transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VerificationResults {
    pub(crate) first: CryptogramType,
    /// `None` at the first GENERATE AC.
    pub(crate) second: Option<CryptogramType>,
    /// `None` when no offline PIN was verified, otherwise whether the last was right.
    pub(crate) pin: Option<bool>,
    pub(crate) pin_tries: u8,
    pub(crate) issuer_authentication: IssuerAuthentication,
    pub(crate) unable_to_go_online: bool,
    /// Script commands received in this transaction, and whether one failed.
    pub(crate) scripts: u8,
    pub(crate) script_failed: bool,
}

impl CryptogramVersion {
    /// The issuer application data, tag 9F10.
    pub(crate) fn issuer_application_data(self, results: VerificationResults) -> Vec<u8> {
        match self {
            // Length, derivation key index, cryptogram version, and results of length 3.
            Self::Visa10 => [&[0x06, 0x01, 0x0A, 0x03][..], &results.visa()].concat(),
            Self::Visa18 => [&[0x06, 0x01, 0x12, 0x03][..], &results.visa()].concat(),
            // Derivation key index, cryptogram version, results, data authentication code,
            // counters that this card does not keep.
            Self::MChip16 => [&[0x01, 0x10][..], &results.mchip(), &[0x00, 0x01], &[0; 8]].concat(),
            Self::MChip20 => [&[0x01, 0x14][..], &results.mchip(), &[0x00, 0x01], &[0; 8]].concat(),
        }
    }

    /// The part of the issuer application data that the cryptogram covers. `None` when the data is
    /// not of this version's shape.
    pub(crate) fn covered(self, issuer_application_data: &[u8]) -> Option<&[u8]> {
        let mchip = |version: u8| {
            let data = issuer_application_data;
            (data.get(1) == Some(&version))
                .then(|| self.input().covered(data))
                .flatten()
        };
        match self {
            Self::Visa10 | Self::Visa18 => self.input().covered(issuer_application_data),
            Self::MChip16 => mchip(0x10),
            Self::MChip20 => mchip(0x14),
        }
    }

    /// The scheme's choice of what is covered.
    pub(crate) const fn input(self) -> CryptogramInput {
        match self {
            Self::Visa10 => CryptogramInput::Visa10,
            Self::Visa18 => CryptogramInput::Visa18,
            Self::MChip16 | Self::MChip20 => CryptogramInput::MChip,
        }
    }
}

impl VerificationResults {
    fn types(self) -> u8 {
        // A second cryptogram not yet asked for is written as 10.
        let second = self.second.map_or(2, CryptogramType::code);
        (second << 6) | (self.first.code() << 4)
    }

    fn visa(self) -> [u8; 3] {
        let failed = self.issuer_authentication == IssuerAuthentication::Failed;
        let first = self.types()
            | flag(failed, 0x08)
            | flag(self.pin.is_some(), 0x04)
            | flag(self.pin == Some(false), 0x02)
            | flag(self.unable_to_go_online, 0x01);
        let scripts = (self.scripts.min(0x0F) << 4) | flag(self.script_failed, 0x08);
        [first, flag(self.pin_tries == 0, 0x40), scripts]
    }

    fn mchip(self) -> [u8; 6] {
        let passed = self.issuer_authentication == IssuerAuthentication::Passed;
        let failed = self.issuer_authentication == IssuerAuthentication::Failed;
        [
            self.types() | flag(self.pin.is_some(), 0x04) | flag(self.pin == Some(true), 0x01),
            flag(passed, 0x10),
            (self.scripts.min(0x0F) << 4) | self.pin_tries.min(0x0F),
            flag(self.unable_to_go_online, 0x40) | flag(self.pin == Some(false), 0x08),
            flag(failed, 0x02) | flag(self.script_failed, 0x01),
            0,
        ]
    }
}

fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> VerificationResults {
        VerificationResults {
            first: CryptogramType::Arqc,
            second: None,
            pin: None,
            pin_tries: 3,
            issuer_authentication: IssuerAuthentication::NotPerformed,
            unable_to_go_online: false,
            scripts: 0,
            script_failed: false,
        }
    }

    #[test]
    fn writes_what_happened() {
        let visa = |results| CryptogramVersion::Visa18.issuer_application_data(results);
        assert_eq!(visa(results()), [6, 1, 0x12, 3, 0xA0, 0, 0]);
        let second = VerificationResults {
            second: Some(CryptogramType::Aac),
            pin: Some(false),
            pin_tries: 0,
            issuer_authentication: IssuerAuthentication::Failed,
            scripts: 2,
            script_failed: true,
            ..results()
        };
        assert_eq!(visa(second), [6, 1, 0x12, 3, 0x2E, 0x40, 0x28]);
        let mchip = CryptogramVersion::MChip20.issuer_application_data(second);
        assert_eq!(mchip[..8], [1, 0x14, 0x24, 0, 0x20, 0x08, 0x03, 0]);
        assert_eq!(
            CryptogramVersion::MChip20.covered(&mchip),
            Some(&mchip[2..8])
        );
    }

    #[test]
    fn covers_nothing_of_another_shape() {
        let visa = CryptogramVersion::Visa18.issuer_application_data(results());
        assert_eq!(CryptogramVersion::Visa18.covered(&visa), Some(&visa[..]));
        assert_eq!(CryptogramVersion::MChip20.covered(&visa), None);
        assert_eq!(CryptogramVersion::Visa18.covered(&visa[..6]), None);
    }
}
