//! `terminal:crypto` for the guest.

use vault::Vault;
use wasmtime::{Result, bail, component::Resource};

use crate::{bindings::terminal::crypto::crypto as wit, pin_entry::EnteredPin, terminal::Terminal};

/// The most random bytes at a time.
const RANDOM_LENGTH_MAX: usize = 256;

type Answer<T> = Result<std::result::Result<T, wit::ErrorCode>>;

impl wit::Host for Terminal {
    async fn encrypt_pin(
        &mut self,
        pin: Resource<EnteredPin>,
        pan: Vec<u8>,
        format: wit::PinBlockFormat,
    ) -> Answer<wit::Protected> {
        let EnteredPin { pin } = self.table.delete(pin)?;
        let made = self.with_vault(|vault| vault.encrypt_pin(pin, &pan, format.into()));
        Ok(made.map(|block| {
            let block = wit::Protected::from(block);
            self.enciphered.pin_block(&block, format);
            block
        }))
    }

    async fn next_key_serial_number(&mut self, algorithm: wit::MacAlgorithm) -> Answer<Vec<u8>> {
        Ok(self.with_vault(|vault| vault.next_mac_key_serial_number(algorithm.into())))
    }

    async fn generate_mac(
        &mut self,
        message: Vec<u8>,
        algorithm: wit::MacAlgorithm,
    ) -> Answer<wit::Protected> {
        let Ok(head) = self.journal.head() else {
            return Ok(Err(wit::ErrorCode::VaultFault));
        };
        Ok(self
            .with_vault(|vault| {
                // Durable with the key's counter, before the message can leave.
                vault.set_mark(head);
                vault.generate_mac(&message, algorithm.into())
            })
            .map(Into::into))
    }

    async fn verify_mac(
        &mut self,
        message: Vec<u8>,
        mac: Vec<u8>,
        key_serial_number: Vec<u8>,
        algorithm: wit::MacAlgorithm,
    ) -> Answer<bool> {
        Ok(self.with_vault(|vault| {
            vault.verify_mac(&message, &mac, &key_serial_number, algorithm.into())
        }))
    }

    async fn encrypt_data(&mut self, data: Vec<u8>) -> Answer<wit::Protected> {
        let made = self.with_vault(|vault| vault.encrypt_data(&data));
        Ok(made.map(|data| {
            let data = wit::Protected::from(data);
            self.enciphered.data(&data);
            data
        }))
    }

    async fn rsa_recover(
        &mut self,
        modulus: Vec<u8>,
        exponent: Vec<u8>,
        data: Vec<u8>,
    ) -> Answer<Vec<u8>> {
        Ok(vault::rsa_recover(&modulus, &exponent, &data).map_err(Into::into))
    }

    async fn random(&mut self, length: u32) -> Result<Vec<u8>> {
        let length = usize::try_from(length)?;
        if length > RANDOM_LENGTH_MAX {
            bail!("the guest asks for too many random bytes");
        }
        let mut bytes = vec![0; length];
        match self.with_vault(|vault| vault.random(&mut bytes)) {
            Ok(()) => Ok(bytes),
            // The interface has no error here, and a number that is not random must not be used.
            Err(_) => bail!("the random generator failed"),
        }
    }
}

impl Terminal {
    fn with_vault<T>(
        &self,
        call: impl FnOnce(&mut Vault) -> std::result::Result<T, vault::Error>,
    ) -> std::result::Result<T, wit::ErrorCode> {
        // A panic inside the vault leaves a key counter in doubt: the vault is not used again.
        let mut vault = self.vault.lock().map_err(|_| wit::ErrorCode::VaultFault)?;
        call(&mut vault).map_err(|error| {
            tracing::warn!(?error, "the vault refused");
            error.into()
        })
    }
}

impl From<wit::PinBlockFormat> for vault::PinBlockFormat {
    fn from(format: wit::PinBlockFormat) -> Self {
        match format {
            wit::PinBlockFormat::Iso0 => Self::Iso0,
            wit::PinBlockFormat::Iso1 => Self::Iso1,
            wit::PinBlockFormat::Iso3 => Self::Iso3,
            wit::PinBlockFormat::Iso4 => Self::Iso4,
        }
    }
}

impl From<wit::MacAlgorithm> for vault::MacAlgorithm {
    fn from(algorithm: wit::MacAlgorithm) -> Self {
        match algorithm {
            wit::MacAlgorithm::RetailMacPadding1 => Self::RetailPadding1,
            wit::MacAlgorithm::RetailMacPadding2 => Self::RetailPadding2,
            wit::MacAlgorithm::CmacAes => Self::CmacAes,
        }
    }
}

impl From<vault::Protected> for wit::Protected {
    fn from(protected: vault::Protected) -> Self {
        Self {
            bytes: protected.bytes,
            key_serial_number: protected.key_serial_number,
        }
    }
}

impl From<vault::Error> for wit::ErrorCode {
    fn from(error: vault::Error) -> Self {
        match error {
            vault::Error::KeyMissing => Self::KeyMissing,
            vault::Error::KeyExhausted => Self::KeyExhausted,
            vault::Error::InvalidInput => Self::InvalidInput,
            vault::Error::Fault => Self::VaultFault,
        }
    }
}
