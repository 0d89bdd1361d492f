//! The vault: the operations a terminal's host may ask of its keys.

use std::collections::BTreeMap;
use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::dukpt::{AesTerminal, TdesTerminal, aes, tdes};
use crate::mac_key::{MacKey, ResponseKey};
use crate::seal::Sealer;
use crate::sealed_file::{self, KeySet, KeySets};
use crate::{
    AesLength, DeviceKey, Error, KeyPurpose, MacAlgorithm, NewKey, Pan, Pin, PinBlockFormat,
    Storage, pin_block, verify_command,
};

/// Most bytes that [`Vault::encrypt_data`] takes.
const DATA_MAX: usize = 4096;

/// Fewest bytes of an authentication code that [`Vault::verify_mac`] takes.
const MAC_MIN: usize = 4;

/// A result, and the key serial number the acquirer needs to follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    /// The enciphered bytes, or the authentication code.
    pub bytes: Vec<u8>,
    /// The DUKPT key serial number: 10 bytes under TDES, 12 under AES.
    pub key_serial_number: Vec<u8>,
}

/// The terminal's keys. All methods leave the sealed file consistent: a DUKPT counter is durable
/// before the key it names is used.
pub struct Vault {
    storage: Box<dyn Storage>,
    sealer: Sealer,
    key_sets: KeySets,
    /// See [`Vault::set_mark`].
    mark: u64,
    /// Of the last [`Vault::generate_mac`]; in memory only, so a restart forgets it.
    response_key: Option<ResponseKey>,
}

impl Vault {
    /// Opens the sealed file, or begins an empty one when the storage has none. Nothing is written.
    ///
    /// Fails with [`Error::Fault`] when the file is there and cannot be read, is of another version,
    /// of another device, torn or changed. The vault never begins an empty file in place of such a
    /// one: that would lose the counters. Restore the file, or remove it and inject keys of *new*
    /// key sets.
    pub fn open(storage: Box<dyn Storage>, device_key: DeviceKey) -> Result<Self, Error> {
        let sealer = Sealer::new(&device_key);
        // Wiped here: what is kept cannot be turned back into it.
        drop(device_key);
        let (key_sets, mark) = match storage.read().map_err(|_| Error::Fault)? {
            Some(content) => sealed_file::decode(&sealer, &content)?,
            None => (BTreeMap::new(), 0),
        };
        Ok(Self {
            storage,
            sealer,
            key_sets,
            mark,
            response_key: None,
        })
    }

    /// Notes how far the embedder's journal is, durable with the next use of a key: a journal that is
    /// not as far at the next start was lost or put back. A smaller mark than before is ignored.
    pub fn set_mark(&mut self, mark: u64) {
        self.mark = self.mark.max(mark);
    }

    /// The last mark that became durable, or was set since the vault was opened.
    pub fn mark(&self) -> u64 {
        self.mark
    }

    /// Injects a key, in place of the one the purpose had. The initial key itself is not kept.
    ///
    /// Fails with [`Error::InvalidInput`] when a TDES serial number has a counter that is not zero,
    /// or when the same key set is loaded already, for whichever purpose: loaded again it would
    /// repeat serial numbers and keys. Fails with [`Error::Fault`] when the file cannot be written;
    /// the key the purpose had is there as before.
    pub fn load_key(&mut self, purpose: KeyPurpose, key: NewKey) -> Result<(), Error> {
        let key_set = match key {
            NewKey::TdesDukpt {
                initial_key,
                initial_ksn,
            } => KeySet::Tdes(TdesTerminal::load(&initial_key, initial_ksn)?),
            NewKey::AesDukpt {
                initial_key,
                initial_key_id,
            } => KeySet::Aes(AesTerminal::load(&initial_key, initial_key_id)?),
        };
        if self
            .key_sets
            .values()
            .any(|loaded| loaded.is_same_set(&key_set))
        {
            return Err(Error::InvalidInput);
        }
        let replaced = self.key_sets.insert(purpose, key_set);
        let stored = self.store();
        if stored.is_err() {
            self.key_sets.remove(&purpose);
            self.key_sets
                .extend(replaced.map(|key_set| (purpose, key_set)));
        } else if purpose == KeyPurpose::MessageAuthentication {
            self.response_key = None;
        }
        stored
    }

    /// Whether a key is loaded for the purpose. It may have reached its last use.
    pub fn has_key(&self, purpose: KeyPurpose) -> bool {
        self.key_sets.contains_key(&purpose)
    }

    /// Enciphers the PIN as a PIN block for `pan`, given as in tag 5A (BCD, F-padded). Formats 0, 1
    /// and 3 need a TDES key, format 4 an AES key.
    ///
    /// Fails with [`Error::InvalidInput`] when the PAN is not 8 to 19 digits, or fewer than 13 in
    /// formats 0 and 3; with [`Error::KeyMissing`], [`Error::KeyExhausted`] or [`Error::Fault`].
    /// The PIN is spent either way.
    pub fn encrypt_pin(
        &mut self,
        pin: Pin,
        pan: &[u8],
        format: PinBlockFormat,
    ) -> Result<Protected, Error> {
        let pan = Pan::from_bcd(pan)?;
        let random = self.random_block()?;
        // All that can be refused is refused before a key is used up.
        let block = match format {
            PinBlockFormat::Iso0 => pin_block::encode_iso0(&pin, &pan),
            PinBlockFormat::Iso1 => Ok(pin_block::encode_iso1(&pin, &random)),
            PinBlockFormat::Iso3 => {
                pin_block::encode_iso3(&pin, &pan, &pin_block::letters(*random))
            }
            PinBlockFormat::Iso4 => return self.encrypt_pin_iso4(&pin, &pan, *random),
        };
        let block = block.map_err(|_| Error::InvalidInput)?;
        drop(pin);
        let (ksn, keys) = self.take_tdes(KeyPurpose::PinEncryption)?;
        let bytes = pin_block::encipher(&keys.pin_encryption(), &block).to_vec();
        Ok(Protected {
            bytes,
            key_serial_number: ksn.as_bytes().to_vec(),
        })
    }

    /// The key serial number that the next [`Vault::generate_mac`] will use, for a message whose code
    /// covers that number. Uses nothing up.
    ///
    /// Fails with [`Error::KeyMissing`] or [`Error::KeyExhausted`].
    pub fn next_mac_key_serial_number(&self, algorithm: MacAlgorithm) -> Result<Vec<u8>, Error> {
        let key_set = self.key_sets.get(&KeyPurpose::MessageAuthentication);
        match (algorithm, key_set) {
            (
                MacAlgorithm::RetailPadding1 | MacAlgorithm::RetailPadding2,
                Some(KeySet::Tdes(terminal)),
            ) => Ok(terminal.next_ksn()?.as_bytes().to_vec()),
            (MacAlgorithm::CmacAes, Some(KeySet::Aes(terminal))) => {
                Ok(terminal.next_ksn()?.to_bytes())
            }
            (_, Some(_) | None) => Err(Error::KeyMissing),
        }
    }

    /// Authenticates a message to the acquirer. Retail MACs need a TDES key, CMAC an AES key. The
    /// code has its whole length: 8 bytes, or 16.
    ///
    /// Fails with [`Error::KeyMissing`], [`Error::KeyExhausted`] or [`Error::Fault`].
    pub fn generate_mac(
        &mut self,
        message: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<Protected, Error> {
        let purpose = KeyPurpose::MessageAuthentication;
        let (request, response, key_serial_number) = match algorithm {
            MacAlgorithm::RetailPadding1 | MacAlgorithm::RetailPadding2 => {
                let (ksn, keys) = self.take_tdes(purpose)?;
                let (request, response) = (keys.mac_request(), keys.mac_response());
                (
                    MacKey::Tdes(request),
                    MacKey::Tdes(response),
                    ksn.as_bytes().to_vec(),
                )
            }
            MacAlgorithm::CmacAes => {
                let (ksn, keys) = self.take_aes(purpose)?;
                let request = keys.aes(aes::KeyUsage::MacGeneration, AesLength::Aes128)?;
                let response = keys.aes(aes::KeyUsage::MacVerification, AesLength::Aes128)?;
                (MacKey::Aes(request), MacKey::Aes(response), ksn.to_bytes())
            }
        };
        let bytes = request.authenticate(message, algorithm)?;
        self.response_key = Some(ResponseKey {
            key_serial_number: key_serial_number.clone(),
            key: response,
        });
        Ok(Protected {
            bytes,
            key_serial_number,
        })
    }

    /// Checks the code of an answer: `mac` is the left part of the code, of four bytes or more, that
    /// the acquirer made with the response key of `key_serial_number`. Takes the same time for every
    /// wrong code of a length.
    ///
    /// Fails with [`Error::InvalidInput`] when `mac` is shorter than four bytes or longer than the
    /// algorithm's code; with [`Error::KeyMissing`] when the serial number is not that of the last
    /// [`Vault::generate_mac`] since the vault was opened, or its key is of another scheme.
    pub fn verify_mac(
        &mut self,
        message: &[u8],
        mac: &[u8],
        key_serial_number: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<bool, Error> {
        if !(MAC_MIN..=algorithm.code_length()).contains(&mac.len()) {
            return Err(Error::InvalidInput);
        }
        let held = self.response_key.as_ref();
        let held = held.filter(|held| held.key_serial_number == key_serial_number);
        let expected = held
            .ok_or(Error::KeyMissing)?
            .key
            .authenticate(message, algorithm)?;
        let expected = expected.get(..mac.len()).ok_or(Error::InvalidInput)?;
        Ok(expected.ct_eq(mac).into())
    }

    /// Enciphers card data for the acquirer, in cipher block chaining mode from a zero initial
    /// vector under a key used for nothing else. Zeros fill the last block, so the data must say
    /// itself where it ends, as TLV and track 2 do.
    ///
    /// Fails with [`Error::InvalidInput`] when `data` is empty or longer than 4096 bytes; with
    /// [`Error::KeyMissing`], [`Error::KeyExhausted`] or [`Error::Fault`].
    pub fn encrypt_data(&mut self, data: &[u8]) -> Result<Protected, Error> {
        if data.is_empty() || data.len() > DATA_MAX {
            return Err(Error::InvalidInput);
        }
        let purpose = KeyPurpose::DataEncryption;
        match self.key_sets.get(&purpose).ok_or(Error::KeyMissing)? {
            KeySet::Tdes(_) => {
                let (ksn, keys) = self.take_tdes(purpose)?;
                let bytes = tdes::encrypt_data(&keys.data_request(), data);
                Ok(Protected {
                    bytes,
                    key_serial_number: ksn.as_bytes().to_vec(),
                })
            }
            KeySet::Aes(_) => {
                let (ksn, keys) = self.take_aes(purpose)?;
                let key = keys.aes(aes::KeyUsage::DataEncryption, AesLength::Aes128)?;
                let bytes = aes::encrypt_data(&key, data);
                Ok(Protected {
                    bytes,
                    key_serial_number: ksn.to_bytes(),
                })
            }
        }
    }

    /// The plaintext VERIFY command APDU (EMV 4.4 Book 3, 6.5.12). Wiped on drop.
    #[expect(clippy::needless_pass_by_value, reason = "the PIN is spent")]
    pub fn plaintext_verify(&self, pin: Pin) -> Zeroizing<Vec<u8>> {
        verify_command::plaintext(&pin)
    }

    /// The enciphered VERIFY command APDU (EMV 4.4 Book 2, 7.2), given the card's challenge.
    ///
    /// Fails with [`Error::InvalidInput`] when the challenge is not 8 bytes long, the modulus is not
    /// 64 to 248 bytes long with its first bit and its last bit set, or the exponent is not 3 or
    /// 65537; with [`Error::Fault`] when the random generator does. The PIN is spent either way.
    #[expect(clippy::needless_pass_by_value, reason = "the PIN is spent")]
    pub fn enciphered_verify(
        &self,
        pin: Pin,
        modulus: &[u8],
        exponent: &[u8],
        challenge: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let random = |padding: &mut [u8]| self.sealer.fill_random(padding);
        verify_command::enciphered(&pin, modulus, exponent, challenge, random)
    }

    /// Seals bytes for storage under a key derived from the device key for `context`
    /// (AES-256-GCM, random nonce in front); `associated` is authenticated with them. What comes
    /// back is 28 bytes longer than `plaintext`.
    ///
    /// Fails with [`Error::Fault`] when the random generator does.
    pub fn seal(
        &self,
        context: &str,
        associated: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        self.sealer
            .seal(&embedder_context(context), associated, plaintext)
    }

    /// Opens what `seal` made, or fails with [`Error::Fault`].
    pub fn unseal(
        &self,
        context: &str,
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.sealer
            .unseal(&embedder_context(context), associated, sealed)
    }

    /// HMAC-SHA-256 over `parts`, each length-prefixed, under a key derived for `context`.
    pub fn tag(&self, context: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.sealer.tag(&embedder_context(context), parts)
    }

    /// Fills `bytes` from the random generator.
    ///
    /// Fails with [`Error::Fault`] when the generator does; `bytes` are then not to be used.
    pub fn random(&self, bytes: &mut [u8]) -> Result<(), Error> {
        self.sealer.fill_random(bytes)
    }

    fn encrypt_pin_iso4(
        &mut self,
        pin: &Pin,
        pan: &Pan,
        random: [u8; 8],
    ) -> Result<Protected, Error> {
        let (ksn, keys) = self.take_aes(KeyPurpose::PinEncryption)?;
        let key = keys.aes(aes::KeyUsage::PinEncryption, AesLength::Aes128)?;
        let bytes = pin_block::encipher_iso4(&key, pin, pan, &random).to_vec();
        Ok(Protected {
            bytes,
            key_serial_number: ksn.to_bytes(),
        })
    }

    /// Takes the next keys of a TDES key set, and makes the file forget them before they are given
    /// out.
    fn take_tdes(
        &mut self,
        purpose: KeyPurpose,
    ) -> Result<(tdes::KeySerialNumber, tdes::TransactionKeys), Error> {
        let Some(KeySet::Tdes(terminal)) = self.key_sets.get_mut(&purpose) else {
            return Err(Error::KeyMissing);
        };
        let taken = terminal.take()?;
        // When this fails, the counter in memory is ahead of the one in the file, the taken keys
        // are dropped unused, and a serial number is skipped. None is repeated.
        self.store()?;
        Ok(taken)
    }

    /// As `take_tdes`, of an AES key set.
    fn take_aes(
        &mut self,
        purpose: KeyPurpose,
    ) -> Result<(aes::KeySerialNumber, aes::TransactionKeys), Error> {
        let Some(KeySet::Aes(terminal)) = self.key_sets.get_mut(&purpose) else {
            return Err(Error::KeyMissing);
        };
        let taken = terminal.take()?;
        self.store()?;
        Ok(taken)
    }

    fn store(&self) -> Result<(), Error> {
        let content = sealed_file::encode(&self.sealer, &self.key_sets, self.mark)?;
        self.storage.replace(&content).map_err(|_| Error::Fault)
    }

    fn random_block(&self) -> Result<Zeroizing<[u8; 8]>, Error> {
        let mut block = Zeroizing::new([0; 8]);
        self.sealer.fill_random(&mut *block)?;
        Ok(block)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let purposes: Vec<_> = self.key_sets.keys().collect();
        f.debug_struct("Vault")
            .field("purposes", &purposes)
            .finish_non_exhaustive()
    }
}

/// Keeps the embedder's contexts apart from the vault's own.
fn embedder_context(context: &str) -> String {
    format!("embedder {context}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TdesKey;
    use crate::dukpt::FutureKeys;

    struct NoFile;

    impl Storage for NoFile {
        fn read(&self) -> std::io::Result<Option<Vec<u8>>> {
            Ok(None)
        }

        fn replace(&self, _content: &[u8]) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A vault whose data key has one use left: the counter with the ten left-most bits set.
    fn with_one_use_left(ksn: tdes::KeySerialNumber, initial_key: &TdesKey) -> Vault {
        let last = tdes::derive(initial_key, ksn.with_counter(0x1F_F800)).unwrap();
        let key = TdesKey::double(last.transaction_key().as_double().unwrap());
        let registers = BTreeMap::from([(11, key)]);
        let future = FutureKeys::from_parts(tdes::COUNTER, Some(0x1F_F800), registers).unwrap();
        let terminal = TdesTerminal::from_parts(ksn, future).unwrap();
        let device_key = DeviceKey(Zeroizing::new([1; 32]));
        let mut vault = Vault::open(Box::new(NoFile), device_key).unwrap();
        vault
            .key_sets
            .insert(KeyPurpose::DataEncryption, KeySet::Tdes(terminal));
        vault
    }

    #[test]
    fn the_last_key_works_once_and_then_the_set_is_exhausted() {
        let ksn = tdes::KeySerialNumber::parse(&[0xFF, 2, 3, 4, 5, 6, 7, 0, 0, 0]).unwrap();
        let initial_key = TdesKey::double(b"initial key test");
        let mut vault = with_one_use_left(ksn, &initial_key);
        let last = vault.encrypt_data(b"data").unwrap();
        assert_eq!(last.key_serial_number[7..], [0x1F, 0xF8, 0x00]);
        let ksn = tdes::KeySerialNumber::parse(&last.key_serial_number).unwrap();
        let key = tdes::derive(&initial_key, ksn).unwrap().data_request();
        assert_eq!(last.bytes, tdes::encrypt_data(&key, b"data"));
        for _ in 0..2 {
            assert_eq!(vault.encrypt_data(b"data"), Err(Error::KeyExhausted));
        }
        // The exhausted set is still there, stored and read back as such.
        assert!(vault.has_key(KeyPurpose::DataEncryption));
        let content = sealed_file::encode(&vault.sealer, &vault.key_sets, vault.mark).unwrap();
        (vault.key_sets, _) = sealed_file::decode(&vault.sealer, &content).unwrap();
        assert_eq!(vault.encrypt_data(b"data"), Err(Error::KeyExhausted));
        let aes = NewKey::AesDukpt {
            initial_key: Zeroizing::new([1; 16]),
            initial_key_id: [1; 8],
        };
        vault.load_key(KeyPurpose::DataEncryption, aes).unwrap();
        assert!(vault.encrypt_data(b"data").is_ok());
    }
}
