//! Cryptography.

use engine::{
    iso8583::dialect::{MacAlgorithm, PinBlockFormat},
    ports::Protected,
};

use crate::bindings::terminal::crypto::crypto;

/// As it is handed on to the point of sale.
pub(crate) fn handed_on(protected: &Protected) -> crypto::Protected {
    crypto::Protected {
        bytes: protected.bytes.clone(),
        key_serial_number: protected.key_serial_number.clone(),
    }
}

pub(crate) fn mac_algorithm(algorithm: MacAlgorithm) -> crypto::MacAlgorithm {
    match algorithm {
        MacAlgorithm::RetailPadding1 => crypto::MacAlgorithm::RetailMacPadding1,
        MacAlgorithm::RetailPadding2 => crypto::MacAlgorithm::RetailMacPadding2,
        MacAlgorithm::CmacAes => crypto::MacAlgorithm::CmacAes,
    }
}

pub(crate) fn pin_block_format(format: PinBlockFormat) -> crypto::PinBlockFormat {
    match format {
        PinBlockFormat::Iso0 => crypto::PinBlockFormat::Iso0,
        PinBlockFormat::Iso1 => crypto::PinBlockFormat::Iso1,
        PinBlockFormat::Iso3 => crypto::PinBlockFormat::Iso3,
        PinBlockFormat::Iso4 => crypto::PinBlockFormat::Iso4,
    }
}

pub(crate) fn protected(protected: crypto::Protected) -> Protected {
    Protected {
        bytes: protected.bytes,
        key_serial_number: protected.key_serial_number,
    }
}
