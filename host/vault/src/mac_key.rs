//! Keys that authenticate messages, by scheme.

use crate::mac::{self, Padding};
use crate::{AesKey, Error, MacAlgorithm, TdesKey};

/// The key under which the acquirer authenticates its answer to one transaction.
pub(crate) struct ResponseKey {
    pub(crate) key_serial_number: Vec<u8>,
    pub(crate) key: MacKey,
}

/// A key that authenticates messages.
pub(crate) enum MacKey {
    Tdes(TdesKey),
    Aes(AesKey),
}

impl MacKey {
    /// Fails with [`Error::KeyMissing`] when the algorithm is of the other scheme.
    pub(crate) fn authenticate(
        &self,
        message: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<Vec<u8>, Error> {
        match (self, algorithm) {
            (Self::Tdes(key), MacAlgorithm::RetailPadding1) => {
                mac::retail(key, Padding::Method1, message).map(Vec::from)
            }
            (Self::Tdes(key), MacAlgorithm::RetailPadding2) => {
                mac::retail(key, Padding::Method2, message).map(Vec::from)
            }
            (Self::Aes(key), MacAlgorithm::CmacAes) => Ok(mac::cmac_aes(key, message).to_vec()),
            (Self::Tdes(_), MacAlgorithm::CmacAes)
            | (Self::Aes(_), MacAlgorithm::RetailPadding1 | MacAlgorithm::RetailPadding2) => {
                Err(Error::KeyMissing)
            }
        }
    }
}
