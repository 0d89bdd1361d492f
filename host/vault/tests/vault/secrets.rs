//! Nothing secret is printed, and nothing secret lies in the file.

use vault::dukpt::{aes, tdes};
use vault::{AesKey, DeviceKey, KeyPurpose, NewKey, Pan, Pin, Protected, TdesKey, pin_block};
use zeroize::Zeroizing;

use crate::memory::Memory;

/// A key in which every byte shows, in decimal and in hexadecimal.
const SECRET: [u8; 16] = [0xA7; 16];
const MARKS: [&str; 4] = ["167", "a7", "A7", "\\xa7"];

#[test]
fn no_public_type_prints_a_secret() {
    let tdes_key = TdesKey::double(&SECRET);
    let aes_key = AesKey::parse(&SECRET).unwrap();
    let ksn = tdes::KeySerialNumber::parse(&[0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 1]).unwrap();
    let aes_ksn = aes::KeySerialNumber::new([0; 8], 1);
    let printed = [
        format!("{:?}", DeviceKey(Zeroizing::new([0xA7; 32]))),
        format!("{tdes_key:?} {tdes_key:#?}"),
        format!("{aes_key:?} {aes_key:#?}"),
        format!("{:?}", tdes::derive(&tdes_key, ksn).unwrap()),
        format!("{:?}", aes::derive(&aes_key, aes_ksn).unwrap()),
        format!(
            "{:?}",
            NewKey::TdesDukpt {
                initial_key: Zeroizing::new(SECRET),
                initial_ksn: [0; 10]
            }
        ),
        format!(
            "{:?}",
            NewKey::AesDukpt {
                initial_key: Zeroizing::new(SECRET),
                initial_key_id: [0; 8]
            }
        ),
    ];
    for text in printed {
        for mark in MARKS {
            assert!(!text.contains(mark), "{text} shows {mark}");
        }
    }
    let pin = Pin::from_digits(Zeroizing::new(vec![7; 12])).unwrap();
    let pan = Pan::from_digits(Zeroizing::new(vec![7; 16])).unwrap();
    let block = pin_block::encode_iso0(&pin, &pan);
    for text in [
        format!("{pin:?} {pin:#?}"),
        format!("{pan:?} {pan:#?}"),
        format!("{block:?}"),
    ] {
        assert!(!text.contains('7') && !text.contains("12"), "{text}");
    }
}

#[test]
fn neither_the_vault_nor_its_file_shows_a_key() {
    let memory = Memory::new();
    let mut vault = memory.open().unwrap();
    let key = NewKey::AesDukpt {
        initial_key: Zeroizing::new(SECRET),
        initial_key_id: [0; 8],
    };
    vault
        .load_key(KeyPurpose::MessageAuthentication, key)
        .unwrap();
    let text = format!("{vault:?}");
    assert_eq!(text, "Vault { purposes: [MessageAuthentication], .. }");
    let file = memory.state().file.clone().unwrap();
    assert!(!file.windows(4).any(|window| window == &SECRET[..4]));
    // What is made public says nothing about the key either; it can be printed.
    let protected = vault
        .generate_mac(b"m", vault::MacAlgorithm::CmacAes)
        .unwrap();
    let printed = Protected {
        bytes: vec![1],
        ..protected
    };
    assert!(format!("{printed:?}").starts_with("Protected { bytes: [1]"));
}

/// Compiles only while a type has none of the traits: where it has one, two implementations answer
/// and the compiler cannot choose.
macro_rules! assert_lacks {
    ($($type:ty),+ ; $bound:path) => {
        $(
            const _: fn() = || {
                trait Answers<Which> {
                    fn answer() {}
                }
                struct Lacks;
                struct Has;
                impl<T: ?Sized> Answers<Lacks> for T {}
                impl<T: ?Sized + $bound> Answers<Has> for T {}
                let _ = <$type as Answers<_>>::answer;
            };
        )+
    };
}

assert_lacks!(Pin, Pan, TdesKey, AesKey, DeviceKey, NewKey, vault::Vault; Clone);
assert_lacks!(Pin, Pan, TdesKey, AesKey, DeviceKey, NewKey, vault::Vault; std::fmt::Display);
assert_lacks!(tdes::TransactionKeys, aes::TransactionKeys, pin_block::ClearBlock<8>; Clone);
assert_lacks!(tdes::TransactionKeys, aes::TransactionKeys, pin_block::ClearBlock<8>; std::fmt::Display);
