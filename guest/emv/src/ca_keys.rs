//! Certification authorities' RSA keys: what a set must be like to be loaded, and a key to be used.
//!
//! A set is loaded whole or not at all: of a set with one wrong key nobody knows what else went
//! wrong on its way. Of the keys loaded, one that has ended is not used, and neither is one longer
//! than EMV allows: published lists hold such keys, and they are no fault of the set.
//!
//! EMV 4.4 Book 2, 11.2.

use std::collections::BTreeSet;

use sha1::{Digest, Sha1};

use crate::date::Date;
use crate::parameters::CaPublicKey;

/// The largest modulus of EMV, in bytes (EMV 4.4 Book 2, Annex D).
const MODULUS_LENGTH_MAX: usize = 248;

/// Why a set is refused: the first key that is wrong, counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Which key.
    pub position: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is no modulus.
    Modulus,
    /// The exponent is neither 3 nor 65537.
    Exponent,
    /// The checksum is not the one over RID, index, modulus and exponent.
    Checksum,
    /// The last day of use is no date.
    Expiry,
    /// A key before it has the same RID and index.
    Repeated,
}

/// Checks a set of keys (EMV 4.4 Book 2, 11.2.2). Fails when any is wrong: none may be loaded then.
pub fn check(keys: &[CaPublicKey]) -> Result<(), Refused> {
    let mut seen = BTreeSet::new();
    for (position, key) in keys.iter().enumerate() {
        let refused = |fault| Refused { position, fault };
        check_key(key).map_err(refused)?;
        if !seen.insert((key.rid, key.index)) {
            return Err(refused(Fault::Repeated));
        }
    }
    Ok(())
}

/// Whether a key is the one asked for, intact, and may be used today.
pub(crate) fn usable(key: &CaPublicKey, rid: [u8; 5], index: u8, today: Date) -> bool {
    let in_date = key
        .expires
        .is_none_or(|last| Date::parse(last).is_some_and(|last| today <= last));
    (key.rid, key.index) == (rid, index)
        && key.modulus.len() <= MODULUS_LENGTH_MAX
        && in_date
        && check_key(key).is_ok()
}

/// EMV 4.4 Book 2, Annex B2.1: 3 or 2^16 + 1.
pub(crate) fn exponent_allowed(exponent: &[u8]) -> bool {
    matches!(exponent, [0x03] | [0x01, 0x00, 0x01])
}

fn check_key(key: &CaPublicKey) -> Result<(), Fault> {
    if key.modulus.is_empty() {
        return Err(Fault::Modulus);
    }
    if !exponent_allowed(&key.exponent) {
        return Err(Fault::Exponent);
    }
    if checksum(key) != key.checksum {
        return Err(Fault::Checksum);
    }
    if key.expires.is_some_and(|last| Date::parse(last).is_none()) {
        return Err(Fault::Expiry);
    }
    Ok(())
}

/// What the checksum of a key must be (EMV 4.4 Book 2, 11.2.1).
pub(crate) fn checksum(key: &CaPublicKey) -> [u8; 20] {
    let data = [&key.rid[..], &[key.index], &key.modulus, &key.exponent].concat();
    Sha1::digest(data).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RID: [u8; 5] = [0xA0, 0, 0, 0, 0x03];

    /// A key whose checksum is right.
    fn key(index: u8, modulus: &[u8], exponent: &[u8]) -> CaPublicKey {
        let checksum = Sha1::digest([&RID[..], &[index], modulus, exponent].concat()).into();
        CaPublicKey {
            rid: RID,
            index,
            modulus: modulus.to_vec(),
            exponent: exponent.to_vec(),
            checksum,
            expires: None,
        }
    }

    #[test]
    fn a_set_is_refused_for_its_first_wrong_key() {
        let good = key(1, &[0xC1; 128], &[0x03]);
        let other = key(2, &[0xC1; 128], &[0x01, 0x00, 0x01]);
        let expiring = |expires| CaPublicKey {
            expires: Some(expires),
            ..other.clone()
        };
        let damaged = CaPublicKey {
            checksum: [0; 20],
            ..other.clone()
        };
        for (second, fault) in [
            (other.clone(), None),
            (expiring([0x10, 0x12, 0x31]), None),
            (expiring([0x00, 0x00, 0x00]), Some(Fault::Expiry)),
            (expiring([0x30, 0x1A, 0x01]), Some(Fault::Expiry)),
            (damaged, Some(Fault::Checksum)),
            (key(2, &[], &[0x03]), Some(Fault::Modulus)),
            (key(2, &[0xC1; 128], &[0x02]), Some(Fault::Exponent)),
            (key(2, &[0xC1; 128], &[0x00, 0x03]), Some(Fault::Exponent)),
            (key(2, &[0xC1; 128], &[]), Some(Fault::Exponent)),
            (key(1, &[0xC3; 128], &[0x03]), Some(Fault::Repeated)),
        ] {
            let refused = fault.map(|fault| Refused { position: 1, fault });
            assert_eq!(check(&[good.clone(), second]).err(), refused);
        }
        assert_eq!(check(&[]), Ok(()));
    }

    #[test]
    fn a_key_is_used_for_its_own_cards_until_it_ends() {
        let today = Date::parse([0x26, 0x11, 0x21]).expect("a date");
        let usual = key(1, &[0xC1; 248], &[0x03]);
        let expiring = |expires| CaPublicKey {
            expires: Some(expires),
            ..usual.clone()
        };
        let damaged = CaPublicKey {
            checksum: [0; 20],
            ..usual.clone()
        };
        for (key, rid, index, used) in [
            (usual.clone(), RID, 1, true),
            (usual.clone(), RID, 2, false),
            (usual.clone(), [0xA0, 0, 0, 0, 0x04], 1, false),
            (expiring([0x26, 0x11, 0x21]), RID, 1, true),
            (expiring([0x26, 0x11, 0x20]), RID, 1, false),
            (damaged, RID, 1, false),
            (key(1, &[0xC1; 249], &[0x03]), RID, 1, false),
        ] {
            assert_eq!(usable(&key, rid, index, today), used, "{:?}", key.expires);
        }
    }
}
