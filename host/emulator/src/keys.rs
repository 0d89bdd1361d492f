//! Published keys. Nothing here is secret, and nothing here may be used outside the emulator.

use terminal_host::vault::{DeviceKey, Error, KeyPurpose, NewKey, Vault};
use zeroize::Zeroizing;

/// The public half of the development signing key: what the emulator lets an engine be signed with.
pub const DEVELOPMENT_KEY: [u8; 32] = [
    0x84, 0x45, 0x8c, 0xe7, 0x73, 0x66, 0x77, 0x45, 0xc5, 0x84, 0x3d, 0xf1, 0x1c, 0x37, 0x86, 0x86,
    0x7a, 0xfa, 0xdf, 0xc3, 0x66, 0x01, 0x96, 0x58, 0x86, 0x5b, 0x54, 0x1b, 0x66, 0xba, 0xd9, 0x9a,
];

/// Base derivation key for PIN encryption: the test key of ANSI X9.24-1.
pub(crate) const PIN_BDK: [u8; 16] = [
    0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10,
];

/// Base derivation key for message authentication.
pub(crate) const MAC_BDK: [u8; 16] = [
    0x4D, 0x41, 0x43, 0x20, 0x54, 0x45, 0x4E, 0x4F, 0x4E, 0x20, 0x54, 0x45, 0x53, 0x54, 0x20, 0x31,
];

/// The key set that a terminal is given for one purpose: derived from a base derivation key above.
struct KeySet {
    purpose: KeyPurpose,
    initial_key: [u8; 16],
    initial_ksn: [u8; 10],
}

const KEY_SETS: [KeySet; 2] = [
    KeySet {
        purpose: KeyPurpose::PinEncryption,
        initial_key: [
            0x6A, 0xC2, 0x92, 0xFA, 0xA1, 0x31, 0x5B, 0x4D, 0x85, 0x8A, 0xB3, 0xA3, 0xD7, 0xD5,
            0x93, 0x3A,
        ],
        initial_ksn: [0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0x00, 0x00],
    },
    KeySet {
        purpose: KeyPurpose::MessageAuthentication,
        initial_key: MAC_INITIAL_KEY,
        initial_ksn: [0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x11, 0x00, 0x00, 0x00],
    },
];

/// Derived from [`MAC_BDK`].
const MAC_INITIAL_KEY: [u8; 16] = [
    0xA1, 0x89, 0x80, 0x60, 0xEF, 0xE5, 0xF9, 0xA0, 0x22, 0x07, 0xC2, 0xB1, 0xD7, 0xF2, 0x9C, 0x1B,
];

/// Gives a vault the emulator's keys, where it has none.
///
/// Fails with the vault's own error when the sealed file cannot be written.
pub fn provision(vault: &mut Vault) -> Result<(), Error> {
    for set in &KEY_SETS {
        if !vault.has_key(set.purpose) {
            vault.load_key(
                set.purpose,
                NewKey::TdesDukpt {
                    initial_key: Zeroizing::new(set.initial_key),
                    initial_ksn: set.initial_ksn,
                },
            )?;
        }
    }
    Ok(())
}

/// The device key of an emulated terminal. A real one has it from hardware.
pub fn device_key() -> DeviceKey {
    DeviceKey(Zeroizing::new(*b"tenon emulated device key no. 01"))
}

#[cfg(test)]
mod tests {
    use terminal_host::vault::{TdesKey, dukpt::tdes};

    use super::*;

    #[test]
    fn the_key_sets_are_derived_from_the_base_keys() {
        for (set, base) in KEY_SETS.iter().zip([PIN_BDK, MAC_BDK]) {
            let ksn = tdes::KeySerialNumber::parse(&set.initial_ksn).unwrap();
            let derived = tdes::initial_key(&TdesKey::double(&base), ksn).unwrap();
            assert!(
                derived.matches(&TdesKey::double(&set.initial_key)),
                "{:?}",
                set.purpose
            );
        }
    }
}
