//! The terminal's side of DUKPT: one key set, as the vault holds it.

use super::{FutureKeys, aes, tdes};
use crate::{AesKey, Error, TdesKey};

/// A terminal's TDES key set.
pub(crate) struct TdesTerminal {
    /// With counter zero: what names the set.
    initial_ksn: tdes::KeySerialNumber,
    future: FutureKeys<TdesKey>,
}

impl TdesTerminal {
    /// Fails with [`Error::InvalidInput`] when the counter of `initial_ksn` is not zero.
    pub(crate) fn load(initial_key: &[u8; 16], initial_ksn: [u8; 10]) -> Result<Self, Error> {
        let initial_ksn = tdes::KeySerialNumber::parse(&initial_ksn)
            .filter(|ksn| ksn.counter() == 0)
            .ok_or(Error::InvalidInput)?;
        let initial_key = TdesKey::double(initial_key);
        let derive =
            |key: &_, counter| tdes::derive_future_key(key, initial_ksn.with_counter(counter));
        let future = FutureKeys::load(tdes::COUNTER, &initial_key, derive)?;
        Ok(Self {
            initial_ksn,
            future,
        })
    }

    /// `None` when the parts do not belong together.
    pub(crate) fn from_parts(
        initial_ksn: tdes::KeySerialNumber,
        future: FutureKeys<TdesKey>,
    ) -> Option<Self> {
        (initial_ksn.counter() == 0).then_some(Self {
            initial_ksn,
            future,
        })
    }

    pub(crate) fn initial_ksn(&self) -> tdes::KeySerialNumber {
        self.initial_ksn
    }

    pub(crate) fn future(&self) -> &FutureKeys<TdesKey> {
        &self.future
    }

    /// The serial number of the keys that `take` gives next.
    pub(crate) fn next_ksn(&self) -> Result<tdes::KeySerialNumber, Error> {
        Ok(self.initial_ksn.with_counter(self.future.next_counter()?))
    }

    /// Takes the keys of the next transaction; see [`FutureKeys::take`].
    pub(crate) fn take(&mut self) -> Result<(tdes::KeySerialNumber, tdes::TransactionKeys), Error> {
        let ksn = self.initial_ksn;
        let derive = |key: &_, counter| tdes::derive_future_key(key, ksn.with_counter(counter));
        let (counter, key) = self.future.take(derive)?;
        Ok((
            ksn.with_counter(counter),
            tdes::TransactionKeys::from_transaction_key(key)?,
        ))
    }
}

/// A terminal's AES-128 key set.
pub(crate) struct AesTerminal {
    /// With counter zero: what names the set.
    initial_ksn: aes::KeySerialNumber,
    future: FutureKeys<AesKey>,
}

impl AesTerminal {
    pub(crate) fn load(initial_key: &[u8; 16], initial_key_id: [u8; 8]) -> Result<Self, Error> {
        let initial_ksn = aes::KeySerialNumber::new(initial_key_id, 0);
        let initial_key = AesKey::parse(initial_key).ok_or(Error::InvalidInput)?;
        let derive =
            |key: &_, counter| aes::derive_future_key(key, initial_ksn.with_counter(counter));
        let future = FutureKeys::load(aes::COUNTER, &initial_key, derive)?;
        Ok(Self {
            initial_ksn,
            future,
        })
    }

    pub(crate) fn from_parts(initial_key_id: [u8; 8], future: FutureKeys<AesKey>) -> Self {
        Self {
            initial_ksn: aes::KeySerialNumber::new(initial_key_id, 0),
            future,
        }
    }

    pub(crate) fn initial_key_id(&self) -> [u8; 8] {
        self.initial_ksn.initial_key_id()
    }

    pub(crate) fn future(&self) -> &FutureKeys<AesKey> {
        &self.future
    }

    /// The serial number of the keys that `take` gives next.
    pub(crate) fn next_ksn(&self) -> Result<aes::KeySerialNumber, Error> {
        Ok(self.initial_ksn.with_counter(self.future.next_counter()?))
    }

    /// Takes the keys of the next transaction; see [`FutureKeys::take`].
    pub(crate) fn take(&mut self) -> Result<(aes::KeySerialNumber, aes::TransactionKeys), Error> {
        let initial = self.initial_ksn;
        let derive = |key: &_, counter| aes::derive_future_key(key, initial.with_counter(counter));
        let (counter, key) = self.future.take(derive)?;
        let ksn = initial.with_counter(counter);
        Ok((ksn, aes::TransactionKeys::new(key, ksn)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_has_the_acquirers_tdes_keys() {
        let ksn = [0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0, 0];
        let initial_key = [0x5A; 16];
        let mut terminal = TdesTerminal::load(&initial_key, ksn).unwrap();
        for number in 1..=3000 {
            let (ksn, keys) = terminal.take().unwrap();
            let derived = tdes::derive(&TdesKey::double(&initial_key), ksn).unwrap();
            assert!(
                keys.transaction_key().matches(derived.transaction_key()),
                "{number}"
            );
        }
    }

    #[test]
    fn the_terminal_has_the_acquirers_aes_keys() {
        let mut terminal = AesTerminal::load(&[0x5A; 16], [1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        let initial_key = AesKey::parse(&[0x5A; 16]).unwrap();
        for number in 1..=3000 {
            let (ksn, keys) = terminal.take().unwrap();
            assert_eq!(ksn.counter(), number);
            let derived = aes::derive(&initial_key, ksn).unwrap();
            assert!(
                keys.transaction_key().matches(derived.transaction_key()),
                "{number}"
            );
        }
    }

    #[test]
    fn an_initial_serial_number_has_counter_zero() {
        let used = [0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0, 1];
        assert_eq!(
            TdesTerminal::load(&[1; 16], used).err(),
            Some(Error::InvalidInput)
        );
    }
}
