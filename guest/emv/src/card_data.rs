//! The data elements of one transaction: what the card gave, and what the terminal made of it.

use core::fmt;
use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::bits::{Aip, Tsi, Tvr};
use crate::identity::Identity;
use crate::tag::{self, Tag};
use crate::tlv;

/// The data elements of one transaction, by tag. Wiped when dropped; `Debug` shows tags only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CardData {
    elements: BTreeMap<Tag, Zeroizing<Vec<u8>>>,
    identity: Option<Identity>,
    verification: Option<Verification>,
    language: Option<[u8; 2]>,
}

/// How the cardholder was verified (EMV 4.4 Book 3, 10.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verification {
    /// The method of the rule that succeeded.
    pub method: Method,
    /// Whether the cardholder entered a PIN for the issuer: the engine holds it, to spend on a
    /// PIN block. True even when a later rule was used.
    pub online_pin_entered: bool,
}

/// What cardholder verification came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// No rule succeeded, or verification was broken off.
    Failed,
    /// No verification was needed.
    NoCvm,
    /// A PIN for the issuer to check.
    OnlinePin,
    /// A PIN the card checked.
    OfflinePin,
    /// A PIN the card checked, and a signature on the receipt.
    OfflinePinAndSignature,
    /// A signature on the receipt.
    Signature,
}

/// A card's decision (EMV 4.4 Book 3, 6.5.5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CryptogramType {
    /// Application authentication cryptogram: declined.
    Aac,
    /// Authorisation request cryptogram: online authorisation requested.
    Arqc,
    /// Transaction certificate: approved.
    Tc,
}

impl CryptogramType {
    /// Reads bits 8 and 7 of the Cryptogram Information Data. `None` for the reserved value.
    pub const fn from_cid(cid: u8) -> Option<Self> {
        match cid >> 6 {
            0 => Some(Self::Aac),
            1 => Some(Self::Tc),
            2 => Some(Self::Arqc),
            _ => None,
        }
    }

    /// The bits in P1 of GENERATE AC (EMV 4.4 Book 3, 6.5.5.2).
    pub(crate) const fn to_reference_control(self) -> u8 {
        match self {
            Self::Aac => 0x00,
            Self::Tc => 0x40,
            Self::Arqc => 0x80,
        }
    }
}

impl CardData {
    /// The value of an element, when there is one.
    pub fn value(&self, tag: Tag) -> Option<&[u8]> {
        self.elements.get(&tag).map(|value| value.as_slice())
    }

    /// The TLVs of those `tags` that are present, in the order given, for ISO 8583 field 55.
    /// A tag named twice is written once.
    pub fn encode(&self, tags: &[Tag]) -> Vec<u8> {
        let mut encoded = Vec::new();
        for (position, tag) in tags.iter().enumerate() {
            let repeated = tags
                .get(..position)
                .is_some_and(|before| before.contains(tag));
            if let (false, Some(value)) = (repeated, self.value(*tag)) {
                tlv::encode(*tag, value, &mut encoded);
            }
        }
        encoded
    }

    /// Who the card belongs to, once its records have been read.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Tag 95.
    pub fn tvr(&self) -> Tvr {
        self.array(tag::TVR)
            .map(Tvr::from_bytes)
            .unwrap_or_default()
    }

    /// Tag 9B.
    pub fn tsi(&self) -> Tsi {
        self.array(tag::TSI)
            .map(Tsi::from_bytes)
            .unwrap_or_default()
    }

    /// How the cardholder was verified; `None` before, and when the card does not ask for it.
    pub fn verification(&self) -> Option<Verification> {
        self.verification
    }

    /// The first language the card prefers that the terminal speaks (ISO 639, lower case);
    /// `None` when they share none and the terminal's own is used.
    pub fn language(&self) -> Option<[u8; 2]> {
        self.language
    }

    /// The type of the last cryptogram (tag 9F27), when the card made one.
    pub fn cryptogram_type(&self) -> Option<CryptogramType> {
        self.value(tag::CRYPTOGRAM_INFORMATION_DATA)?
            .first()
            .copied()
            .and_then(CryptogramType::from_cid)
    }

    /// The value of an element of exactly `N` bytes.
    pub(crate) fn array<const N: usize>(&self, tag: Tag) -> Option<[u8; N]> {
        self.value(tag)?.try_into().ok()
    }

    /// Tag 82.
    pub(crate) fn aip(&self) -> Aip {
        self.array(tag::AIP)
            .map(Aip::from_bytes)
            .unwrap_or_default()
    }

    /// Whether there is a value.
    pub(crate) fn contains(&self, tag: Tag) -> bool {
        self.elements.contains_key(&tag)
    }

    /// Sets or replaces the value of an element.
    pub(crate) fn set(&mut self, tag: Tag, value: &[u8]) {
        self.elements.insert(tag, Zeroizing::new(value.to_vec()));
    }

    /// Forgets an element.
    pub(crate) fn remove(&mut self, tag: Tag) {
        self.elements.remove(&tag);
    }

    /// Sets who the card belongs to.
    pub(crate) fn set_identity(&mut self, identity: Identity) {
        self.identity = Some(identity);
    }

    /// Sets the language to speak with the cardholder.
    pub(crate) fn set_language(&mut self, language: Option<[u8; 2]>) {
        self.language = language;
    }

    /// Sets how the cardholder was verified.
    pub(crate) fn set_verification(&mut self, verification: Verification) {
        self.verification = Some(verification);
    }
}

impl fmt::Debug for CardData {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.elements.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> CardData {
        let mut data = CardData::default();
        data.set(tag::PAN, &[0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10]);
        data.set(tag::AIP, &[0x18, 0x00]);
        data.set(tag::ATC, &[0x00, 0x2A]);
        data
    }

    #[test]
    fn encode_writes_what_is_there_once_and_in_order() {
        let tags = [tag::ATC, tag::TVR, tag::AIP, tag::ATC];
        assert_eq!(
            data().encode(&tags),
            [0x9F, 0x36, 0x02, 0x00, 0x2A, 0x82, 0x02, 0x18, 0x00]
        );
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(format!("{:?}", data()), "{5A, 82, 9F36}");
    }

    #[test]
    fn the_cryptogram_type_is_in_the_two_highest_bits() {
        for (cid, kind) in [
            (0x00, Some(CryptogramType::Aac)),
            (0x0A, Some(CryptogramType::Aac)),
            (0x40, Some(CryptogramType::Tc)),
            (0x80, Some(CryptogramType::Arqc)),
            (0xC0, None),
        ] {
            assert_eq!(CryptogramType::from_cid(cid), kind, "{cid:02X}");
        }
    }
}
