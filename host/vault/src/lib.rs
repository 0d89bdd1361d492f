//! To be written: the contract that the host and the emulator build on. Names and signatures stay.
#![forbid(unsafe_code)]

use zeroize::Zeroizing;

/// Where the sealed key file lies. Given by the embedder.
pub trait Storage: Send {
    /// Reads the whole file; `None` when there is none yet.
    fn read(&self) -> std::io::Result<Option<Vec<u8>>>;
    /// Replaces the whole file. Durable and atomic: after a crash the old or the new bytes are
    /// there.
    fn replace(&self, content: &[u8]) -> std::io::Result<()>;
}

/// The key of the device itself, from hardware where there is some. Seals everything else.
pub struct DeviceKey(pub Zeroizing<[u8; 32]>);

/// A PIN of four to twelve digits. Wiped on drop, never printed.
pub struct Pin {
    _digits: Zeroizing<Vec<u8>>,
}

impl Pin {
    /// Takes the digits, each 0 to 9. `None` when there are fewer than 4 or more than 12, or when
    /// one is no digit.
    pub fn from_digits(digits: Zeroizing<Vec<u8>>) -> Option<Self> {
        Some(Self { _digits: digits })
    }
}

/// The purpose of a key. One live key per purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "see wit/deps/crypto.wit")]
pub enum KeyPurpose {
    PinEncryption,
    MessageAuthentication,
    DataEncryption,
}

/// A key as it is injected: the initial key of a DUKPT set. Wiped on drop.
pub enum NewKey {
    /// ANSI X9.24-1: double-length initial key and the ten-byte KSN with counter zero.
    TdesDukpt {
        /// 16 bytes.
        initial_key: Zeroizing<[u8; 16]>,
        /// 10 bytes; the low 21 bits are zero.
        initial_ksn: [u8; 10],
    },
    /// ANSI X9.24-3, AES-128.
    AesDukpt {
        /// 16 bytes.
        initial_key: Zeroizing<[u8; 16]>,
        /// 8 bytes.
        initial_key_id: [u8; 8],
    },
}

/// A PIN block format (ISO 9564-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "see wit/deps/crypto.wit")]
pub enum PinBlockFormat {
    Iso0,
    Iso1,
    Iso3,
    Iso4,
}

/// How a message authentication code is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "see wit/deps/crypto.wit")]
pub enum MacAlgorithm {
    RetailPadding1,
    RetailPadding2,
    CmacAes,
}

/// A result, and the key serial number the acquirer needs to follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    /// The enciphered bytes, or the authentication code.
    pub bytes: Vec<u8>,
    /// The DUKPT key serial number.
    pub key_serial_number: Vec<u8>,
}

/// Why a key could not be used. The cases are those of `wit/deps/crypto.wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// No key is loaded for this purpose and scheme.
    KeyMissing,
    /// The key has reached its last use.
    KeyExhausted,
    /// An input has a length or a digit the operation does not accept.
    InvalidInput,
    /// The sealed file cannot be read or written, or was tampered with.
    Fault,
}

/// The terminal's keys. All methods leave the sealed file consistent: a DUKPT counter is durable
/// before the key it names is used.
pub struct Vault {}

#[expect(unused_variables, missing_docs, reason = "stub")]
impl Vault {
    /// Opens the sealed file, or begins an empty one.
    pub fn open(storage: Box<dyn Storage>, device_key: DeviceKey) -> Result<Self, Error> {
        Ok(Self {})
    }
    /// Injects a key, in place of the one the purpose had.
    pub fn load_key(&mut self, purpose: KeyPurpose, key: NewKey) -> Result<(), Error> {
        Err(Error::Fault)
    }
    /// Whether a key is loaded for the purpose.
    pub fn has_key(&self, purpose: KeyPurpose) -> bool {
        false
    }
    /// `pan` as in tag 5A (BCD, F-padded).
    pub fn encrypt_pin(&mut self, pin: Pin, pan: &[u8], format: PinBlockFormat) -> Result<Protected, Error> {
        Err(Error::Fault)
    }
    pub fn generate_mac(&mut self, message: &[u8], algorithm: MacAlgorithm) -> Result<Protected, Error> {
        Err(Error::Fault)
    }
    pub fn verify_mac(
        &mut self,
        message: &[u8],
        mac: &[u8],
        key_serial_number: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<bool, Error> {
        Err(Error::Fault)
    }
    pub fn encrypt_data(&mut self, data: &[u8]) -> Result<Protected, Error> {
        Err(Error::Fault)
    }
    /// The plaintext VERIFY command APDU (EMV 4.4 Book 3, 6.5.12). Wiped on drop.
    pub fn plaintext_verify(&self, pin: Pin) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(Vec::new())
    }
    /// The enciphered VERIFY command APDU (EMV 4.4 Book 2, 7.2), given the card's challenge.
    pub fn enciphered_verify(
        &self,
        pin: Pin,
        modulus: &[u8],
        exponent: &[u8],
        challenge: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        Err(Error::Fault)
    }
    /// Seals bytes for storage under a key derived from the device key for `context`
    /// (AES-256-GCM, random nonce in front); `associated` is authenticated with them.
    pub fn seal(&self, context: &str, associated: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        Err(Error::Fault)
    }
    /// Opens what `seal` made, or fails with `Fault`.
    pub fn unseal(&self, context: &str, associated: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        Err(Error::Fault)
    }
    /// HMAC-SHA-256 over `parts`, each length-prefixed, under a key derived for `context`.
    pub fn tag(&self, context: &str, parts: &[&[u8]]) -> [u8; 32] {
        [0; 32]
    }
    /// Fills `bytes` from the random generator.
    pub fn random(&self, bytes: &mut [u8]) -> Result<(), Error> {
        Err(Error::Fault)
    }
}

/// Applies an RSA public key (EMV 4.4 Book 2, Annex B2.1): modulus up to 256 bytes, exponent 3 or
/// 65537, data as long as the modulus.
pub fn rsa_recover(modulus: &[u8], exponent: &[u8], data: &[u8]) -> Result<Vec<u8>, Error> {
    let _ = (modulus, exponent, data);
    Err(Error::InvalidInput)
}
