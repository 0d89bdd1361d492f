//! PIN entry and cryptography.

use emv::ports::{OfflinePinMethod, PinPrompt};
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
        pin_entry::enter_pin(pin_entry::PinRules {
            prompt: match rules.prompt {
                PinPrompt::Enter => pin_entry::Prompt::EnterPin,
                PinPrompt::Incorrect => pin_entry::Prompt::IncorrectPin,
                PinPrompt::LastTry => pin_entry::Prompt::LastTry,
            },
            amount_minor: rules.amount.minor(),
            currency: rules.currency,
            digits_min: rules.digits_min,
            digits_max: rules.digits_max,
            allow_bypass: rules.allow_bypass,
            key_timeout_ms: rules.key_timeout_ms,
        })
        .map_err(entry_error)
    }

    fn verify_offline(
        &mut self,
        pin: Self::Pin,
        card: &card_reader::Card,
        method: &OfflinePinMethod,
    ) -> Result<u16, PinEntryError> {
        let method = match method {
            OfflinePinMethod::Plaintext => pin_entry::OfflineMethod::Plaintext,
            OfflinePinMethod::Enciphered { modulus, exponent } => {
                pin_entry::OfflineMethod::Enciphered(pin_entry::CardPublicKey {
                    modulus: modulus.clone(),
                    exponent: exponent.clone(),
                })
            }
        };
        pin_entry::verify_offline(pin, card, &method).map_err(entry_error)
    }
}

fn entry_error(error: pin_entry::ErrorCode) -> PinEntryError {
    match error {
        pin_entry::ErrorCode::TimedOut => PinEntryError::TimedOut,
        pin_entry::ErrorCode::Cancelled => PinEntryError::Cancelled,
        pin_entry::ErrorCode::Aborted => PinEntryError::Aborted,
        pin_entry::ErrorCode::Bypassed => PinEntryError::Bypassed,
        pin_entry::ErrorCode::CardRemoved => PinEntryError::CardRemoved,
        pin_entry::ErrorCode::ChallengeRefused => PinEntryError::ChallengeRefused,
        pin_entry::ErrorCode::KeypadFault => PinEntryError::KeypadFault,
    }
}

impl Crypto for Imports {
    fn encrypt_pin(
        &mut self,
        pin: Self::Pin,
        pan: &[u8],
        format: PinBlockFormat,
    ) -> Result<Protected, CryptoError> {
        let format = match format {
            PinBlockFormat::Iso0 => crypto::PinBlockFormat::Iso0,
            PinBlockFormat::Iso1 => crypto::PinBlockFormat::Iso1,
            PinBlockFormat::Iso3 => crypto::PinBlockFormat::Iso3,
            PinBlockFormat::Iso4 => crypto::PinBlockFormat::Iso4,
        };
        crypto::encrypt_pin(pin, pan, format)
            .map(convert::crypto::protected)
            .map_err(crypto_error)
    }

    fn next_key_serial_number(&mut self, algorithm: MacAlgorithm) -> Result<Vec<u8>, CryptoError> {
        crypto::next_key_serial_number(convert::crypto::mac_algorithm(algorithm))
            .map_err(crypto_error)
    }

    fn generate_mac(
        &mut self,
        message: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<Protected, CryptoError> {
        crypto::generate_mac(message, convert::crypto::mac_algorithm(algorithm))
            .map(convert::crypto::protected)
            .map_err(crypto_error)
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
        .map_err(crypto_error)
    }

    fn rsa_recover(&mut self, modulus: &[u8], exponent: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        crypto::rsa_recover(modulus, exponent, data).ok()
    }

    fn random(&mut self, length: u32) -> Vec<u8> {
        crypto::random(length)
    }
}

fn crypto_error(error: crypto::ErrorCode) -> CryptoError {
    match error {
        crypto::ErrorCode::KeyMissing => CryptoError::KeyMissing,
        crypto::ErrorCode::KeyExhausted => CryptoError::KeyExhausted,
        crypto::ErrorCode::InvalidInput => CryptoError::InvalidInput,
        crypto::ErrorCode::VaultFault => CryptoError::VaultFault,
    }
}
