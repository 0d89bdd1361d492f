//! What each operation gives, checked by the acquirer's side of it, and what it refuses.

use vault::dukpt::{aes, tdes};
use vault::mac::{self, Padding};
use vault::{
    AesKey, AesLength, DeviceKey, Error, KeyPurpose, MacAlgorithm, NewKey, Pan, Pin,
    PinBlockFormat, Protected, TdesKey, Vault, pin_block, rsa_recover,
};
use zeroize::Zeroizing;

use crate::memory::{Memory, Replace};

const INITIAL_KEY: [u8; 16] = *b"initial key test";
const PAN: [u8; 8] = [0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11];
const PURPOSES: [KeyPurpose; 3] = [
    KeyPurpose::PinEncryption,
    KeyPurpose::MessageAuthentication,
    KeyPurpose::DataEncryption,
];

fn pin() -> Pin {
    Pin::from_digits(Zeroizing::new(vec![9, 8, 7, 6, 5])).unwrap()
}

fn tdes_key(set: u8) -> NewKey {
    let initial_ksn = [0xFF, 0xFF, set, 0, 0, 0, 0, 0xE0, 0, 0];
    NewKey::TdesDukpt {
        initial_key: Zeroizing::new(INITIAL_KEY),
        initial_ksn,
    }
}

fn aes_key(set: u8) -> NewKey {
    NewKey::AesDukpt {
        initial_key: Zeroizing::new(INITIAL_KEY),
        initial_key_id: [set; 8],
    }
}

/// A vault with a key of its own for each purpose.
fn loaded(key: fn(u8) -> NewKey) -> (Memory, Vault) {
    let memory = Memory::new();
    let mut vault = memory.open().unwrap();
    for (purpose, set) in PURPOSES.into_iter().zip(1..) {
        assert!(!vault.has_key(purpose));
        vault.load_key(purpose, key(set)).unwrap();
        assert!(vault.has_key(purpose));
    }
    (memory, vault)
}

fn tdes_keys(protected: &Protected) -> tdes::TransactionKeys {
    let ksn = tdes::KeySerialNumber::parse(&protected.key_serial_number).unwrap();
    tdes::derive(&TdesKey::double(&INITIAL_KEY), ksn).unwrap()
}

fn aes_keys(protected: &Protected) -> aes::TransactionKeys {
    let ksn = aes::KeySerialNumber::parse(&protected.key_serial_number).unwrap();
    aes::derive(&AesKey::parse(&INITIAL_KEY).unwrap(), ksn).unwrap()
}

#[test]
fn the_acquirer_reads_the_pin_in_every_format() {
    let pan = Pan::from_bcd(&PAN).unwrap();
    let (_, mut vault) = loaded(tdes_key);
    for format in [
        PinBlockFormat::Iso0,
        PinBlockFormat::Iso1,
        PinBlockFormat::Iso3,
    ] {
        let protected = vault.encrypt_pin(pin(), &PAN, format).unwrap();
        let key = tdes_keys(&protected).pin_encryption();
        let clear = pin_block::decipher(&key, &protected.bytes).unwrap();
        let read = match format {
            PinBlockFormat::Iso0 => pin_block::decode_iso0(&clear, &pan),
            PinBlockFormat::Iso1 => pin_block::decode_iso1(&clear),
            PinBlockFormat::Iso3 => pin_block::decode_iso3(&clear, &pan),
            PinBlockFormat::Iso4 => panic!("format 4 is read below"),
        };
        assert!(read.unwrap().matches(&pin()), "{format:?}");
    }
    let (_, mut vault) = loaded(aes_key);
    let protected = vault
        .encrypt_pin(pin(), &PAN, PinBlockFormat::Iso4)
        .unwrap();
    let key = aes_keys(&protected)
        .aes(aes::KeyUsage::PinEncryption, AesLength::Aes128)
        .unwrap();
    assert!(
        pin_block::decipher_iso4(&key, &protected.bytes, &pan)
            .unwrap()
            .matches(&pin())
    );
}

#[test]
fn both_sides_authenticate_each_other() {
    let (_, mut vault) = loaded(tdes_key);
    for (algorithm, padding) in [
        (MacAlgorithm::RetailPadding1, Padding::Method1),
        (MacAlgorithm::RetailPadding2, Padding::Method2),
    ] {
        let protected = vault.generate_mac(b"request", algorithm).unwrap();
        let keys = tdes_keys(&protected);
        let request = mac::retail(&keys.mac_request(), padding, b"request").unwrap();
        assert_eq!(protected.bytes, request);
        let answer = mac::retail(&keys.mac_response(), padding, b"answer").unwrap();
        verify_every_length(&mut vault, &protected, &answer, algorithm);
    }
    let (_, mut vault) = loaded(aes_key);
    let protected = vault
        .generate_mac(b"request", MacAlgorithm::CmacAes)
        .unwrap();
    let key = |usage| aes_keys(&protected).aes(usage, AesLength::Aes128).unwrap();
    assert_eq!(
        protected.bytes,
        mac::cmac_aes(&key(aes::KeyUsage::MacGeneration), b"request")
    );
    let answer = mac::cmac_aes(&key(aes::KeyUsage::MacVerification), b"answer");
    verify_every_length(&mut vault, &protected, &answer, MacAlgorithm::CmacAes);
}

fn verify_every_length(
    vault: &mut Vault,
    protected: &Protected,
    answer: &[u8],
    algorithm: MacAlgorithm,
) {
    let ksn = &protected.key_serial_number;
    for length in 0..=answer.len().saturating_add(1) {
        let code: Vec<u8> = answer.iter().copied().chain([0]).take(length).collect();
        let verified = vault.verify_mac(b"answer", &code, ksn, algorithm);
        let allowed = (4..=answer.len()).contains(&length);
        assert_eq!(
            verified,
            if allowed {
                Ok(true)
            } else {
                Err(Error::InvalidInput)
            }
        );
        if allowed {
            assert_eq!(
                vault.verify_mac(b"answerX", &code, ksn, algorithm),
                Ok(false)
            );
            for place in 0..length {
                let mut wrong = code.clone();
                wrong[place] ^= 1;
                assert_eq!(
                    vault.verify_mac(b"answer", &wrong, ksn, algorithm),
                    Ok(false)
                );
            }
        }
    }
    // A terminal's own code is no answer: the two directions have two keys.
    let reflected = vault.verify_mac(b"request", &protected.bytes, ksn, algorithm);
    assert_eq!(reflected, Ok(false));
}

#[test]
fn only_the_last_transaction_can_be_verified() {
    let (memory, mut vault) = loaded(tdes_key);
    let algorithm = MacAlgorithm::RetailPadding1;
    let first = vault.generate_mac(b"first", algorithm).unwrap();
    let answer = |protected: &Protected| {
        mac::retail(
            &tdes_keys(protected).mac_response(),
            Padding::Method1,
            b"answer",
        )
        .unwrap()
    };
    let second = vault.generate_mac(b"second", algorithm).unwrap();
    let verify = |vault: &mut Vault, protected: &Protected, algorithm| {
        vault.verify_mac(
            b"answer",
            &answer(protected),
            &protected.key_serial_number,
            algorithm,
        )
    };
    assert_eq!(
        verify(&mut vault, &first, algorithm),
        Err(Error::KeyMissing)
    );
    assert_eq!(verify(&mut vault, &second, algorithm), Ok(true));
    assert_eq!(verify(&mut vault, &second, algorithm), Ok(true));
    assert_eq!(
        verify(&mut vault, &second, MacAlgorithm::CmacAes),
        Err(Error::KeyMissing)
    );
    let mut reopened = memory.open().unwrap();
    assert_eq!(
        verify(&mut reopened, &second, algorithm),
        Err(Error::KeyMissing)
    );
    vault
        .load_key(KeyPurpose::MessageAuthentication, tdes_key(9))
        .unwrap();
    assert_eq!(
        verify(&mut vault, &second, algorithm),
        Err(Error::KeyMissing)
    );
}

#[test]
fn the_acquirer_reads_the_data() {
    for length in [1, 8, 15, 16, 37, 4096] {
        let data = vec![0xDF; length];
        let (_, mut vault) = loaded(tdes_key);
        let protected = vault.encrypt_data(&data).unwrap();
        let key = tdes_keys(&protected).data_request();
        assert!(
            tdes::decrypt_data(&key, &protected.bytes)
                .unwrap()
                .starts_with(&data)
        );
        let (_, mut vault) = loaded(aes_key);
        let protected = vault.encrypt_data(&data).unwrap();
        let usage = aes::KeyUsage::DataEncryption;
        let key = aes_keys(&protected).aes(usage, AesLength::Aes128).unwrap();
        assert!(
            aes::decrypt_data(&key, &protected.bytes)
                .unwrap()
                .starts_with(&data)
        );
    }
}

#[test]
fn refused_inputs_use_nothing_up() {
    let (memory, mut vault) = loaded(tdes_key);
    let written = memory.state().replaced;
    let mut refused = |pan: &[u8], format| vault.encrypt_pin(pin(), pan, format).err();
    let twelve_digits = [0x41, 0x11, 0x11, 0x11, 0x11, 0x11];
    assert_eq!(
        refused(&[], PinBlockFormat::Iso0),
        Some(Error::InvalidInput)
    );
    assert_eq!(
        refused(&[0x4A; 8], PinBlockFormat::Iso0),
        Some(Error::InvalidInput)
    );
    assert_eq!(
        refused(&[0x41; 11], PinBlockFormat::Iso1),
        Some(Error::InvalidInput)
    );
    assert_eq!(
        refused(&twelve_digits, PinBlockFormat::Iso0),
        Some(Error::InvalidInput)
    );
    assert_eq!(
        refused(&twelve_digits, PinBlockFormat::Iso3),
        Some(Error::InvalidInput)
    );
    assert_eq!(refused(&PAN, PinBlockFormat::Iso4), Some(Error::KeyMissing));
    assert_eq!(vault.encrypt_data(&[]), Err(Error::InvalidInput));
    assert_eq!(vault.encrypt_data(&[0; 4097]), Err(Error::InvalidInput));
    let other_scheme = vault.generate_mac(b"m", MacAlgorithm::CmacAes);
    assert_eq!(other_scheme, Err(Error::KeyMissing));
    assert_eq!(memory.state().replaced, written);
    // The counters still stand at one.
    let first = vault
        .encrypt_pin(pin(), &twelve_digits, PinBlockFormat::Iso1)
        .unwrap();
    assert_eq!(first.key_serial_number[9], 1);
}

#[test]
fn without_a_key_every_use_fails() {
    let mut vault = Memory::new().open().unwrap();
    let algorithm = MacAlgorithm::RetailPadding1;
    for format in [PinBlockFormat::Iso0, PinBlockFormat::Iso4] {
        assert_eq!(
            vault.encrypt_pin(pin(), &PAN, format),
            Err(Error::KeyMissing)
        );
    }
    assert_eq!(vault.generate_mac(b"", algorithm), Err(Error::KeyMissing));
    assert_eq!(
        vault.generate_mac(b"", MacAlgorithm::CmacAes),
        Err(Error::KeyMissing)
    );
    assert_eq!(
        vault.verify_mac(b"", &[0; 8], &[], algorithm),
        Err(Error::KeyMissing)
    );
    assert_eq!(vault.encrypt_data(b"d"), Err(Error::KeyMissing));
}

#[test]
fn a_key_set_is_loaded_once() {
    let (_, mut vault) = loaded(tdes_key);
    for purpose in PURPOSES {
        assert_eq!(
            vault.load_key(purpose, tdes_key(2)),
            Err(Error::InvalidInput),
            "{purpose:?}"
        );
    }
    vault
        .load_key(KeyPurpose::PinEncryption, tdes_key(4))
        .unwrap();
    vault
        .load_key(KeyPurpose::PinEncryption, aes_key(1))
        .unwrap();
    assert_eq!(
        vault.load_key(KeyPurpose::DataEncryption, aes_key(1)),
        Err(Error::InvalidInput)
    );
    let used = NewKey::TdesDukpt {
        initial_key: Zeroizing::new([1; 16]),
        initial_ksn: [1; 10],
    };
    assert_eq!(
        vault.load_key(KeyPurpose::PinEncryption, used),
        Err(Error::InvalidInput)
    );
}

#[test]
fn a_load_that_cannot_be_stored_leaves_the_former_key() {
    let (memory, mut vault) = loaded(tdes_key);
    memory.state().replace = Replace::FailsBefore;
    assert_eq!(
        vault.load_key(KeyPurpose::PinEncryption, aes_key(1)),
        Err(Error::Fault)
    );
    memory.state().replace = Replace::Works;
    assert!(vault.encrypt_pin(pin(), &PAN, PinBlockFormat::Iso0).is_ok());
    let mut empty = Memory::new();
    empty.state().replace = Replace::FailsBefore;
    let mut vault = empty.open().unwrap();
    assert_eq!(
        vault.load_key(KeyPurpose::PinEncryption, aes_key(1)),
        Err(Error::Fault)
    );
    assert!(!vault.has_key(KeyPurpose::PinEncryption));
    empty = Memory::new();
    assert!(!empty.open().unwrap().has_key(KeyPurpose::PinEncryption));
}

#[test]
fn a_file_that_cannot_be_read_is_never_an_empty_vault() {
    let (memory, vault) = loaded(tdes_key);
    drop(vault);
    let whole = memory.state().file.clone().unwrap();
    assert!(memory.open().is_ok());
    for file in [
        &[],
        &whole[..7],
        &whole[..8],
        &whole[..whole.len() - 1],
        b"{}",
    ] {
        memory.state().file = Some(file.to_vec());
        assert_eq!(memory.open().err(), Some(Error::Fault));
    }
    memory.state().file = Some(whole);
    let other_device = DeviceKey(Zeroizing::new([0xD8; 32]));
    let opened = Vault::open(Box::new(memory.clone()), other_device);
    assert_eq!(opened.err(), Some(Error::Fault));
    memory.state().readable = false;
    assert_eq!(memory.open().err(), Some(Error::Fault));
}

#[test]
fn the_card_gets_its_verify_commands() {
    let vault = Memory::new().open().unwrap();
    let plain = vault.plaintext_verify(pin());
    assert_eq!(
        plain[..9],
        [0x00, 0x20, 0x00, 0x80, 8, 0x25, 0x98, 0x76, 0x5F]
    );
    let modulus = [0xFF; 128];
    let command = || {
        vault
            .enciphered_verify(pin(), &modulus, &[1, 0, 1], &[3; 8])
            .unwrap()
    };
    assert_eq!(command()[..5], [0x00, 0x20, 0x00, 0x88, 128]);
    // The padding is random, so the same PIN never looks the same.
    assert_ne!(command(), command());
    let refused = vault.enciphered_verify(pin(), &modulus, &[1, 0, 1], &[3; 7]);
    assert_eq!(refused.err(), Some(Error::InvalidInput));
    assert_eq!(
        rsa_recover(&modulus, &[4], &[0; 128]),
        Err(Error::InvalidInput)
    );
}

#[test]
fn seals_and_tags_for_its_host() {
    let (memory, vault) = loaded(tdes_key);
    let sealed = vault.seal("journal", b"1", b"content").unwrap();
    assert_eq!(sealed.len(), 7 + 28);
    let reopened = memory.open().unwrap();
    assert_eq!(
        *reopened.unseal("journal", b"1", &sealed).unwrap(),
        b"content"
    );
    assert_eq!(vault.tag("code", &[b"a"]), reopened.tag("code", &[b"a"]));
    // The host cannot name the context of the sealed file itself.
    let file = memory.state().file.clone().unwrap();
    assert_eq!(
        vault.unseal("sealed file", &file[..8], &file[8..]).err(),
        Some(Error::Fault)
    );
    let (mut left, mut right) = ([0; 32], [0; 32]);
    vault.random(&mut left).unwrap();
    vault.random(&mut right).unwrap();
    assert_ne!(left, right);
}
