//! The device stops at any moment, or its storage fails: no key serial number is used twice.

use std::collections::BTreeSet;

use vault::{Error, KeyPurpose, MacAlgorithm, NewKey, Pin, PinBlockFormat, Protected, Vault};
use zeroize::Zeroizing;

use crate::memory::{Memory, Replace};

const PAN: [u8; 8] = [0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11];

type Use = fn(&mut Vault) -> Result<Protected, Error>;

/// Every way to spend a key.
const USES: [Use; 3] = [
    |vault| {
        let pin = Pin::from_digits(Zeroizing::new(vec![1, 2, 3, 4])).unwrap();
        vault.encrypt_pin(pin, &PAN, PinBlockFormat::Iso0)
    },
    |vault| vault.generate_mac(b"message", MacAlgorithm::CmacAes),
    |vault| vault.encrypt_data(b"data"),
];

fn loaded(memory: &Memory) -> Vault {
    let mut vault = memory.open().unwrap();
    let tdes = |set| NewKey::TdesDukpt {
        initial_key: Zeroizing::new([1; 16]),
        initial_ksn: [0xFF, set, 0, 0, 0, 0, 0, 0, 0, 0],
    };
    let aes = NewKey::AesDukpt {
        initial_key: Zeroizing::new([2; 16]),
        initial_key_id: [3; 8],
    };
    vault.load_key(KeyPurpose::PinEncryption, tdes(1)).unwrap();
    vault
        .load_key(KeyPurpose::MessageAuthentication, aes)
        .unwrap();
    vault.load_key(KeyPurpose::DataEncryption, tdes(2)).unwrap();
    vault
}

#[test]
fn no_serial_number_repeats_whatever_fails_and_whenever_the_device_stops() {
    // What the storage does, and whether the device stops after it.
    let events = [
        (Replace::Works, false),
        (Replace::Works, true),
        (Replace::FailsBefore, false),
        (Replace::FailsBefore, true),
        (Replace::FailsAfter, false),
        (Replace::FailsAfter, true),
    ];
    for operation in USES {
        // Every sequence of three steps, and a use that works after each.
        for sequence in 0..events.len().pow(3) {
            let memory = Memory::new();
            let mut vault = loaded(&memory);
            let mut seen = BTreeSet::new();
            for place in 0..3 {
                let (replace, stops) = events[sequence / events.len().pow(place) % events.len()];
                memory.state().replace = replace;
                let outcome = operation(&mut vault);
                assert_eq!(outcome.is_ok(), replace == Replace::Works);
                memory.state().replace = Replace::Works;
                if stops {
                    vault = memory.open().unwrap();
                }
                let after = operation(&mut vault).unwrap();
                for protected in outcome.into_iter().chain([after]) {
                    assert!(
                        seen.insert(protected.key_serial_number),
                        "sequence {sequence}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_file_is_ahead_of_every_key_that_was_used() {
    for operation in USES {
        let memory = Memory::new();
        let mut vault = loaded(&memory);
        for _ in 0..40 {
            let used = operation(&mut vault).unwrap();
            // As if the device had stopped right after the use.
            let mut restarted = memory.open().unwrap();
            let file = memory.state().file.clone();
            let next = operation(&mut restarted).unwrap();
            assert!(next.key_serial_number > used.key_serial_number);
            memory.state().file = file;
        }
    }
}

#[test]
fn a_use_that_fails_gives_no_key_away() {
    for operation in USES {
        let memory = Memory::new();
        let mut vault = loaded(&memory);
        memory.state().replace = Replace::FailsBefore;
        assert_eq!(operation(&mut vault).err(), Some(Error::Fault));
    }
}
