//! Cryptography.

use engine::{iso8583::dialect::MacAlgorithm, ports::Protected};

use crate::bindings::terminal::crypto::crypto;

pub(crate) fn mac_algorithm(algorithm: MacAlgorithm) -> crypto::MacAlgorithm {
    match algorithm {
        MacAlgorithm::RetailPadding1 => crypto::MacAlgorithm::RetailMacPadding1,
        MacAlgorithm::RetailPadding2 => crypto::MacAlgorithm::RetailMacPadding2,
        MacAlgorithm::CmacAes => crypto::MacAlgorithm::CmacAes,
    }
}

pub(crate) fn protected(protected: crypto::Protected) -> Protected {
    Protected {
        bytes: protected.bytes,
        key_serial_number: protected.key_serial_number,
    }
}
