//! The sealed file: the terminal's key sets, as they lie in storage.
//!
//! Layout: a magic number of seven bytes, one byte of version, then the sealed key sets. Magic
//! number and version are authenticated with them. In clear it is the mark, eight bytes, and then the
//! key sets, one after another and in order of purpose:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | purpose: 1 PIN encryption, 2 message authentication, 3 data encryption |
//! | 1 | scheme: 1 TDES DUKPT, 2 AES-128 DUKPT |
//! | 10 or 8 | TDES: initial key serial number; AES: initial key identifier |
//! | 4 | counter of the next transaction, zero after the last one |
//! | 4 | which registers hold a key, a bit each |
//! | 16 each | the keys, in order of the registers from the right |
//!
//! A change of layout takes a new version. Version 1 had no mark, and is read as one with the mark
//! zero; a file of any other version is refused, never guessed at.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::dukpt::{AesTerminal, FutureKeys, TdesTerminal, aes, tdes};
use crate::seal::Sealer;
use crate::{AesKey, Error, KeyPurpose, TdesKey};

/// Magic number and version.
const HEADER: &[u8; 8] = b"TNVAULT\x02";

/// Of the version before.
const HEADER_WITHOUT_MARK: &[u8; 8] = b"TNVAULT\x01";

/// What the file is sealed for.
const CONTEXT: &str = "sealed file";

/// More than a file can have: three key sets of 32 registers are less than 2 KiB.
const LENGTH_MAX: usize = 4096;

/// A key set by scheme.
pub(crate) enum KeySet {
    Tdes(TdesTerminal),
    Aes(AesTerminal),
}

impl KeySet {
    /// Whether both have one serial number, and so the same keys.
    pub(crate) fn is_same_set(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tdes(left), Self::Tdes(right)) => left.initial_ksn() == right.initial_ksn(),
            (Self::Aes(left), Self::Aes(right)) => left.initial_key_id() == right.initial_key_id(),
            (Self::Tdes(_), Self::Aes(_)) | (Self::Aes(_), Self::Tdes(_)) => false,
        }
    }
}

/// The key sets of a terminal, one for each purpose at most.
pub(crate) type KeySets = BTreeMap<KeyPurpose, KeySet>;

/// Makes the file's content. `mark` is the embedder's; see [`crate::Vault::set_mark`].
///
/// Fails with [`Error::Fault`] when the random generator does.
pub(crate) fn encode(seal: &Sealer, key_sets: &KeySets, mark: u64) -> Result<Vec<u8>, Error> {
    // Room for everything, so that no key is left behind when the buffer grows.
    let mut clear = Zeroizing::new(Vec::with_capacity(LENGTH_MAX));
    clear.extend_from_slice(&mark.to_be_bytes());
    for (purpose, key_set) in key_sets {
        clear.push(purpose_code(*purpose));
        match key_set {
            KeySet::Tdes(terminal) => {
                clear.push(SCHEME_TDES);
                clear.extend_from_slice(terminal.initial_ksn().as_bytes());
                let bytes = |key: &TdesKey| key.as_double().copied().map(Zeroizing::new);
                encode_future(&mut clear, terminal.future(), bytes)?;
            }
            KeySet::Aes(terminal) => {
                clear.push(SCHEME_AES);
                clear.extend_from_slice(&terminal.initial_key_id());
                let bytes = |key: &AesKey| key.bytes().try_into().ok().map(Zeroizing::new);
                encode_future(&mut clear, terminal.future(), bytes)?;
            }
        }
    }
    let content = seal.seal(CONTEXT, HEADER, &clear)?;
    Ok([HEADER.as_slice(), &content].concat())
}

/// Reads the file's content: the key sets and the mark.
///
/// Fails with [`Error::Fault`] when it is of another version, torn, sealed by another device or
/// changed.
pub(crate) fn decode(seal: &Sealer, content: &[u8]) -> Result<(KeySets, u64), Error> {
    let (header, sealed) = content.split_at_checked(HEADER.len()).ok_or(Error::Fault)?;
    let has_mark = header == HEADER;
    if sealed.len() > LENGTH_MAX || !(has_mark || header == HEADER_WITHOUT_MARK) {
        return Err(Error::Fault);
    }
    let clear = seal.unseal(CONTEXT, header, sealed)?;
    let mut rest = clear.as_slice();
    let mark = if has_mark {
        take(&mut rest)
    } else {
        Some([0; 8])
    };
    // What was sealed by this device is well formed; anything else is a fault of ours.
    let key_sets = decode_key_sets(rest).ok_or(Error::Fault)?;
    Ok((key_sets, u64::from_be_bytes(mark.ok_or(Error::Fault)?)))
}

const SCHEME_TDES: u8 = 1;
const SCHEME_AES: u8 = 2;

fn purpose_code(purpose: KeyPurpose) -> u8 {
    match purpose {
        KeyPurpose::PinEncryption => 1,
        KeyPurpose::MessageAuthentication => 2,
        KeyPurpose::DataEncryption => 3,
    }
}

fn purpose(code: u8) -> Option<KeyPurpose> {
    match code {
        1 => Some(KeyPurpose::PinEncryption),
        2 => Some(KeyPurpose::MessageAuthentication),
        3 => Some(KeyPurpose::DataEncryption),
        _ => None,
    }
}

fn encode_future<K>(
    clear: &mut Vec<u8>,
    future: &FutureKeys<K>,
    bytes: impl Fn(&K) -> Option<Zeroizing<[u8; 16]>>,
) -> Result<(), Error> {
    clear.extend_from_slice(&future.counter().unwrap_or(0).to_be_bytes());
    let held = future
        .registers()
        .keys()
        .filter_map(|bit| 1_u32.checked_shl(*bit));
    let held = held.fold(0, |held, bit| held | bit);
    clear.extend_from_slice(&held.to_be_bytes());
    for key in future.registers().values() {
        // A key of another length is never in a register.
        clear.extend_from_slice(&*bytes(key).ok_or(Error::Fault)?);
    }
    Ok(())
}

fn decode_key_sets(clear: &[u8]) -> Option<KeySets> {
    let mut rest = clear;
    let mut key_sets = BTreeMap::new();
    while !rest.is_empty() {
        let [purpose_code, scheme] = take(&mut rest)?;
        let key_set = match scheme {
            SCHEME_TDES => {
                let initial_ksn = tdes::KeySerialNumber::parse(&take::<10>(&mut rest)?)?;
                let key = |bytes: &[u8; 16]| Some(TdesKey::double(bytes));
                let future = decode_future(&mut rest, tdes::COUNTER, key)?;
                KeySet::Tdes(TdesTerminal::from_parts(initial_ksn, future)?)
            }
            SCHEME_AES => {
                let initial_key_id = take(&mut rest)?;
                let key = |bytes: &[u8; 16]| AesKey::parse(bytes);
                let future = decode_future(&mut rest, aes::COUNTER, key)?;
                KeySet::Aes(AesTerminal::from_parts(initial_key_id, future))
            }
            _ => return None,
        };
        if key_sets.insert(purpose(purpose_code)?, key_set).is_some() {
            return None;
        }
    }
    Some(key_sets)
}

fn decode_future<K>(
    rest: &mut &[u8],
    rule: crate::dukpt::CounterRule,
    key: impl Fn(&[u8; 16]) -> Option<K>,
) -> Option<FutureKeys<K>> {
    let counter = u32::from_be_bytes(take(rest)?);
    let held = u32::from_be_bytes(take(rest)?);
    let mut registers = BTreeMap::new();
    for bit in (0..u32::BITS).filter(|bit| held.checked_shr(*bit).is_some_and(|held| held & 1 == 1))
    {
        registers.insert(bit, key(&Zeroizing::new(take(rest)?))?);
    }
    FutureKeys::from_parts(rule, (counter != 0).then_some(counter), registers)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeviceKey;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&DeviceKey(Zeroizing::new([byte; 32])))
    }

    fn key_sets() -> KeySets {
        let mut tdes = TdesTerminal::load(&[1; 16], [0; 10]).unwrap();
        tdes.take().unwrap();
        let aes = AesTerminal::load(&[2; 16], [3; 8]).unwrap();
        BTreeMap::from([
            (KeyPurpose::PinEncryption, KeySet::Tdes(tdes)),
            (KeyPurpose::DataEncryption, KeySet::Aes(aes)),
        ])
    }

    #[test]
    fn reads_what_it_wrote() {
        let content = encode(&sealer(7), &key_sets(), u64::MAX - 1).unwrap();
        let (read, mark) = decode(&sealer(7), &content).unwrap();
        assert_eq!((read.len(), mark), (2, u64::MAX - 1));
        let KeySet::Tdes(terminal) = &read[&KeyPurpose::PinEncryption] else {
            panic!("another scheme was read");
        };
        assert_eq!(terminal.future().counter(), Some(2));
        // The key of counter 1 lay in the right-most register.
        assert_eq!(terminal.future().registers().keys().min(), Some(&1));
        let KeySet::Aes(terminal) = &read[&KeyPurpose::DataEncryption] else {
            panic!("another scheme was read");
        };
        assert_eq!(terminal.initial_key_id(), [3; 8]);
        assert_eq!(terminal.future().registers().len(), 32);
        let empty = encode(&sealer(7), &BTreeMap::new(), 5).unwrap();
        let (read, mark) = decode(&sealer(7), &empty).unwrap();
        assert!(read.is_empty() && mark == 5);
    }

    #[test]
    fn reads_the_version_before_which_had_no_mark() {
        let sealer = sealer(7);
        let new = encode(&sealer, &key_sets(), 9).unwrap();
        let clear = sealer.unseal(CONTEXT, HEADER, &new[8..]).unwrap();
        let content = sealer.seal(CONTEXT, HEADER_WITHOUT_MARK, &clear[8..]);
        let old = [HEADER_WITHOUT_MARK.as_slice(), &content.unwrap()].concat();
        let (read, mark) = decode(&sealer, &old).unwrap();
        assert_eq!((read.len(), mark), (2, 0));
        // The version is authenticated: the header of the other makes no mark out of keys.
        let mixed = [HEADER.as_slice(), &old[8..]].concat();
        assert!(decode(&sealer, &mixed).is_err());
    }

    #[test]
    fn refuses_every_torn_or_changed_file() {
        let sealer_7 = sealer(7);
        let content = encode(&sealer_7, &key_sets(), 9).unwrap();
        for length in 0..content.len() {
            assert!(decode(&sealer_7, &content[..length]).is_err(), "{length}");
        }
        for place in 0..content.len() {
            let mut tampered = content.clone();
            tampered[place] ^= 0x10;
            assert!(decode(&sealer_7, &tampered).is_err(), "{place}");
        }
        assert!(decode(&sealer(8), &content).is_err());
        assert!(decode(&sealer_7, &[content.as_slice(), &[0]].concat()).is_err());
    }

    #[test]
    fn refuses_other_versions_even_when_sealed_by_this_device() {
        let sealer_7 = sealer(7);
        for version in [0, 3, 255] {
            let header = [b"TNVAULT".as_slice(), &[version]].concat();
            let content = sealer_7.seal(CONTEXT, &header, &[]).unwrap();
            let refused = decode(&sealer_7, &[header, content].concat());
            assert_eq!(refused.err(), Some(Error::Fault), "{version}");
        }
    }

    #[test]
    fn refuses_contents_that_are_no_key_sets() {
        let whole = |purpose, scheme, ksn: &[u8], counter: u32, held: u32, keys: usize| {
            let key_bytes = vec![1; keys * 16];
            let (counter, held) = (counter.to_be_bytes(), held.to_be_bytes());
            [&[purpose, scheme], ksn, &counter, &held, &key_bytes].concat()
        };
        assert!(decode_key_sets(&whole(1, 1, &[0; 10], 1, 1, 1)).is_some());
        assert!(decode_key_sets(&whole(1, 1, &[0; 10], 0, 0, 0)).is_some());
        let cases = [
            ("purpose", whole(4, 1, &[0; 10], 1, 1, 1)),
            ("scheme", whole(1, 3, &[0; 10], 1, 1, 1)),
            (
                "serial number with a counter",
                whole(1, 1, &[1; 10], 1, 1, 1),
            ),
            (
                "register of the counter is empty",
                whole(1, 1, &[0; 10], 2, 1, 1),
            ),
            (
                "counter with too many ones",
                whole(1, 1, &[0; 10], 0x7FF, 1, 1),
            ),
            (
                "register out of range",
                whole(1, 1, &[0; 10], 1, 0x20_0001, 2),
            ),
            ("key missing", whole(1, 1, &[0; 10], 1, 1, 0)),
            ("bytes left over", whole(1, 1, &[0; 10], 1, 1, 2)),
            ("a purpose twice", whole(1, 1, &[0; 10], 1, 1, 1).repeat(2)),
        ];
        for (name, clear) in cases {
            assert!(decode_key_sets(&clear).is_none(), "{name}");
        }
    }
}
