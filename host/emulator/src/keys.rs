//! The emulator's keys: published, worth nothing, and only ever known to the emulator.

use vault::{KeyPurpose, NewKey, Vault};
use zeroize::Zeroizing;

/// The base derivation key of PIN keys: the published test key of ANSI X9.24-1:2009, annex A.
pub(crate) const PIN_BASE_DERIVATION_KEY: [u8; 16] = [
    0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10,
];

/// The base derivation key of message authentication keys.
pub(crate) const MAC_BASE_DERIVATION_KEY: [u8; 16] = [
    0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10, 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF,
];

/// The base derivation key of the keys for card data: a point of sale that tries granular mode reads
/// track 2 with it.
pub const DATA_BASE_DERIVATION_KEY: [u8; 16] = [
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF,
];

/// The terminal's first PIN key serial number.
pub(crate) const PIN_KEY_SERIAL_NUMBER: [u8; 10] =
    [0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0x00, 0x00];

/// The terminal's first message authentication key serial number.
pub(crate) const MAC_KEY_SERIAL_NUMBER: [u8; 10] =
    [0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x20, 0xE0, 0x00, 0x00];

/// The terminal's first serial number of a key for card data.
const DATA_KEY_SERIAL_NUMBER: [u8; 10] =
    [0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x30, 0xE0, 0x00, 0x00];

/// The initial key of [`PIN_KEY_SERIAL_NUMBER`]: also published in ANSI X9.24-1:2009, annex A.
const PIN_INITIAL_KEY: [u8; 16] = [
    0x6A, 0xC2, 0x92, 0xFA, 0xA1, 0x31, 0x5B, 0x4D, 0x85, 0x8A, 0xB3, 0xA3, 0xD7, 0xD5, 0x93, 0x3A,
];

/// The initial key of [`MAC_KEY_SERIAL_NUMBER`].
const MAC_INITIAL_KEY: [u8; 16] = [
    0x87, 0xA1, 0x69, 0xE7, 0xCA, 0x03, 0x57, 0xFF, 0xAE, 0x4C, 0x40, 0x3F, 0x3C, 0x2D, 0x27, 0x69,
];

/// The initial key of [`DATA_KEY_SERIAL_NUMBER`].
const DATA_INITIAL_KEY: [u8; 16] = [
    0x5F, 0xF2, 0x96, 0xE6, 0xB8, 0x4C, 0x7F, 0xA9, 0x3F, 0xA9, 0x2C, 0x6F, 0xF9, 0x69, 0xF8, 0x07,
];

/// Loads the emulator's initial keys for the purposes for which `vault` has none. A vault that was
/// provisioned keeps its keys and goes on counting.
///
/// Fails when the vault does.
pub fn provision(vault: &mut Vault) -> Result<(), vault::Error> {
    let sets = [
        (
            KeyPurpose::PinEncryption,
            PIN_INITIAL_KEY,
            PIN_KEY_SERIAL_NUMBER,
        ),
        (
            KeyPurpose::MessageAuthentication,
            MAC_INITIAL_KEY,
            MAC_KEY_SERIAL_NUMBER,
        ),
        (
            KeyPurpose::DataEncryption,
            DATA_INITIAL_KEY,
            DATA_KEY_SERIAL_NUMBER,
        ),
    ];
    for (purpose, initial_key, initial_ksn) in sets {
        if !vault.has_key(purpose) {
            let initial_key = Zeroizing::new(initial_key);
            vault.load_key(
                purpose,
                NewKey::TdesDukpt {
                    initial_key,
                    initial_ksn,
                },
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use vault::{
        TdesKey,
        dukpt::tdes::{self, KeySerialNumber},
    };

    use super::*;

    #[test]
    fn the_initial_keys_come_from_the_base_derivation_keys() {
        for (base, serial_number, expected) in [
            (
                PIN_BASE_DERIVATION_KEY,
                PIN_KEY_SERIAL_NUMBER,
                PIN_INITIAL_KEY,
            ),
            (
                MAC_BASE_DERIVATION_KEY,
                MAC_KEY_SERIAL_NUMBER,
                MAC_INITIAL_KEY,
            ),
            (
                DATA_BASE_DERIVATION_KEY,
                DATA_KEY_SERIAL_NUMBER,
                DATA_INITIAL_KEY,
            ),
        ] {
            let serial_number = KeySerialNumber::parse(&serial_number).expect("ten bytes");
            let key = tdes::initial_key(&TdesKey::double(&base), serial_number).expect("a key");
            assert!(key.matches(&TdesKey::double(&expected)));
        }
    }
}
