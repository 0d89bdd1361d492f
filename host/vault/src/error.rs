//! Why a key could not be used.

/// Why a key could not be used. The cases are those of `wit/deps/crypto.wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No key is loaded for this purpose and scheme. Nothing was used up.
    #[error("no key is loaded for this purpose and scheme")]
    KeyMissing,
    /// The key has reached its last use. It must be replaced by [`crate::Vault::load_key`].
    #[error("the key has reached its last use")]
    KeyExhausted,
    /// An input has a length or a digit the operation does not accept. Nothing was used up, a PIN
    /// given by value apart.
    #[error("an input has a length or a digit the operation does not accept")]
    InvalidInput,
    /// The sealed file cannot be read or written, or was tampered with, or the random generator
    /// failed. A DUKPT counter may have been used up; its key was not used.
    #[error("the sealed file or the random generator failed, or tampering was detected")]
    Fault,
}
