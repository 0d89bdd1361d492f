//! The card, the PIN, and the keys.

use crate::iso8583::dialect::{MacAlgorithm, PinBlockFormat};
use crate::money::Amount;

/// The ways of presenting a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Technologies {
    /// A chip in the contact slot.
    pub contact: bool,
    /// A chip in the contactless field.
    pub contactless: bool,
    /// A magnetic stripe.
    pub magstripe: bool,
}

/// Why a reader call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardReaderError {
    /// Nothing was presented before the timeout.
    TimedOut,
    /// The cardholder pressed cancel.
    Cancelled,
    /// The point of sale asked for an abort.
    Aborted,
    /// The card left the slot or the field.
    CardRemoved,
    /// The card did not answer, or broke the transmission protocol.
    CardUnresponsive,
    /// More than one card was in the field.
    CardCollision,
    /// The reader itself failed.
    ReaderFault,
}

/// A card, however it was presented. Of a stripe's tracks the engine takes the second alone.
pub enum PresentedCard<C> {
    /// A chip in the contact slot, ready for SELECT.
    Contact(C),
    /// A chip in the contactless field, ready for SELECT.
    Contactless(C),
    /// A magnetic stripe: track 2 (ISO/IEC 7813) without sentinels and LRC, when it could be read.
    Magstripe(Option<zeroize::Zeroizing<Vec<u8>>>),
}

/// `terminal:card-reader`.
pub trait CardReader {
    /// An activated chip card. Dropping it powers the card down.
    type Card;
    /// Blocks until a card of an accepted technology is presented.
    fn wait_for_card(
        &mut self,
        accepted: Technologies,
        timeout_ms: u32,
    ) -> Result<PresentedCard<Self::Card>, CardReaderError>;
    /// Sends one command APDU and returns the response APDU.
    fn transmit(&mut self, card: &Self::Card, command: &[u8]) -> Result<Vec<u8>, CardReaderError>;
}

/// Why a PIN was not taken or not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinEntryError {
    /// No key was pressed before the timeout.
    TimedOut,
    /// The cardholder pressed cancel.
    Cancelled,
    /// The point of sale asked for an abort.
    Aborted,
    /// Enter was pressed without a digit, and that was allowed.
    Bypassed,
    /// The card left, or stopped answering. The PIN is spent.
    CardRemoved,
    /// The card gave no challenge to encipher the PIN with. The PIN is spent.
    ChallengeRefused,
    /// The keypad or the secure area failed.
    KeypadFault,
}

/// What the keypad should show and accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinRules {
    /// What is asked.
    pub prompt: emv::ports::PinPrompt,
    /// The amount shown with it.
    pub amount: Amount,
    /// ISO 4217 numeric code of the amount.
    pub currency: u16,
    /// Fewest digits accepted, 4 or more.
    pub digits_min: u8,
    /// Most digits accepted, 12 or fewer.
    pub digits_max: u8,
    /// Whether enter without a digit ends entry.
    pub allow_bypass: bool,
    /// Longest wait for each key.
    pub key_timeout_ms: u32,
}

/// `terminal:pin-entry`.
pub trait PinEntry: CardReader {
    /// A PIN in the secure area, spent by value.
    type Pin;
    /// Shows the PIN prompt and blocks until the cardholder ends entry.
    fn enter_pin(&mut self, rules: PinRules) -> Result<Self::Pin, PinEntryError>;
    /// Spends `pin` on a VERIFY command to `card` and returns SW1-SW2.
    fn verify_offline(
        &mut self,
        pin: Self::Pin,
        card: &Self::Card,
        method: &emv::ports::OfflinePinMethod,
    ) -> Result<u16, PinEntryError>;
}

/// Why a key could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CryptoError {
    /// No key is loaded for this purpose and scheme.
    KeyMissing,
    /// The key has reached its last use.
    KeyExhausted,
    /// An input the operation does not accept.
    InvalidInput,
    /// The secure area failed or has detected tampering.
    VaultFault,
}

/// A result, and the key serial number the acquirer needs to follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    /// The enciphered bytes, or the authentication code.
    pub bytes: Vec<u8>,
    /// The DUKPT key serial number (ANSI X9.24), empty for a fixed key.
    pub key_serial_number: Vec<u8>,
}

/// `terminal:crypto`.
pub trait Crypto: PinEntry {
    /// Spends `pin` on one PIN block for `pan`, given as in tag 5A.
    fn encrypt_pin(
        &mut self,
        pin: Self::Pin,
        pan: &[u8],
        format: PinBlockFormat,
    ) -> Result<Protected, CryptoError>;
    /// Enciphers card data for the acquirer.
    fn encrypt_data(&mut self, data: &[u8]) -> Result<Protected, CryptoError>;
    /// The key serial number that the next `generate_mac` will use. Uses nothing up.
    fn next_key_serial_number(&mut self, algorithm: MacAlgorithm) -> Result<Vec<u8>, CryptoError>;
    /// Authenticates a message to the acquirer.
    fn generate_mac(
        &mut self,
        message: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<Protected, CryptoError>;
    /// Checks the code of an answer under the key of `key_serial_number`.
    fn verify_mac(
        &mut self,
        message: &[u8],
        mac: &[u8],
        key_serial_number: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<bool, CryptoError>;
    /// Applies an RSA public key. `None` when the sizes do not fit.
    fn rsa_recover(&mut self, modulus: &[u8], exponent: &[u8], data: &[u8]) -> Option<Vec<u8>>;
    /// Returns `length` random bytes, at most 256.
    fn random(&mut self, length: u32) -> Vec<u8>;
}
