//! PIN entry and cryptography.

use emv::ports::OfflinePinMethod;
use engine::{
    iso8583::dialect::{MacAlgorithm, PinBlockFormat},
    ports::{Crypto, CryptoError, PinEntry, PinEntryError, PinRules, Protected},
};

use super::Imports;
use crate::{
    bindings::terminal::{card_reader::card_reader, crypto::crypto, pin_entry::pin_entry},
    convert,
};

impl PinEntry for Imports {
    type Pin = pin_entry::EnteredPin;

    fn enter_pin(&mut self, rules: PinRules) -> Result<Self::Pin, PinEntryError> {
        pin_entry::enter_pin(convert::pin_entry::rules(rules)).map_err(convert::errors::pin_entry)
    }

    fn verify_offline(
        &mut self,
        pin: Self::Pin,
        card: &card_reader::Card,
        method: &OfflinePinMethod,
    ) -> Result<u16, PinEntryError> {
        pin_entry::verify_offline(pin, card, &convert::pin_entry::method(method))
            .map_err(convert::errors::pin_entry)
    }
}

impl Crypto for Imports {
    fn encrypt_pin(
        &mut self,
        pin: Self::Pin,
        pan: &[u8],
        format: PinBlockFormat,
    ) -> Result<Protected, CryptoError> {
        crypto::encrypt_pin(pin, pan, convert::crypto::pin_block_format(format))
            .map(convert::crypto::protected)
            .map_err(convert::errors::crypto)
    }

    fn encrypt_data(&mut self, data: &[u8]) -> Result<Protected, CryptoError> {
        crypto::encrypt_data(data)
            .map(convert::crypto::protected)
            .map_err(convert::errors::crypto)
    }

    fn next_key_serial_number(&mut self, algorithm: MacAlgorithm) -> Result<Vec<u8>, CryptoError> {
        crypto::next_key_serial_number(convert::crypto::mac_algorithm(algorithm))
            .map_err(convert::errors::crypto)
    }

    fn generate_mac(
        &mut self,
        message: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<Protected, CryptoError> {
        crypto::generate_mac(message, convert::crypto::mac_algorithm(algorithm))
            .map(convert::crypto::protected)
            .map_err(convert::errors::crypto)
    }

    fn verify_mac(
        &mut self,
        message: &[u8],
        mac: &[u8],
        key_serial_number: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<bool, CryptoError> {
        crypto::verify_mac(
            message,
            mac,
            key_serial_number,
            convert::crypto::mac_algorithm(algorithm),
        )
        .map_err(convert::errors::crypto)
    }

    fn rsa_recover(&mut self, modulus: &[u8], exponent: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        crypto::rsa_recover(modulus, exponent, data).ok()
    }

    fn random(&mut self, length: u32) -> Vec<u8> {
        crypto::random(length)
    }
}
