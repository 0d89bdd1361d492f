//! PIN entry: moves a PIN from the keypad to the vault, keeps none.

mod host;

use async_trait::async_trait;
use vault::Pin;

/// A keypad inside the terminal's secure area.
#[async_trait]
pub trait Keypad: Send {
    /// Shows the prompt and waits until the cardholder ends entry. The digits leave only as a
    /// [`Pin`]. Dropping the future ends the entry and clears the prompt. The driver keeps
    /// `prompt.key_timeout_ms` itself.
    async fn enter_pin(&mut self, prompt: &PinPrompt) -> Result<Pin, Fault>;
}

/// What the keypad shows and accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinPrompt {
    /// What is asked.
    pub text: PromptText,
    /// The amount shown with it, in minor units.
    pub amount_minor: u64,
    /// ISO 4217 numeric code of the amount.
    pub currency: u16,
    /// Fewest digits accepted, 4 or more.
    pub digits_min: u8,
    /// Most digits accepted, 12 or fewer.
    pub digits_max: u8,
    /// Whether enter without a digit ends entry as bypassed.
    pub allow_bypass: bool,
    /// Longest wait for each key.
    pub key_timeout_ms: u32,
}

/// The fixed texts above the digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptText {
    /// Enter PIN.
    EnterPin,
    /// Incorrect PIN; another try is left.
    IncorrectPin,
    /// The last try before the card blocks its PIN.
    LastTry,
}

/// Why a keypad driver took no PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No key was pressed in time.
    #[error("no key was pressed in time")]
    TimedOut,
    /// The cardholder pressed cancel.
    #[error("the cardholder pressed cancel")]
    Cancelled,
    /// Enter was pressed without a digit, where that is allowed.
    #[error("PIN entry was bypassed")]
    Bypassed,
    /// The keypad failed.
    #[error("the keypad failed")]
    Keypad,
}

/// The PIN a guest holds and cannot look into.
pub struct EnteredPin {
    pub(crate) pin: Pin,
}
