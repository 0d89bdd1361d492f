//! What a PIN is asked for with, and how it travels.

use emv::ports::{OfflinePinMethod, PinPrompt};
use engine::ports::PinRules;

use crate::bindings::terminal::pin_entry::pin_entry;

pub(crate) fn rules(rules: PinRules) -> pin_entry::PinRules {
    pin_entry::PinRules {
        prompt: match rules.prompt {
            PinPrompt::Enter => pin_entry::Prompt::EnterPin,
            PinPrompt::Incorrect => pin_entry::Prompt::IncorrectPin,
            PinPrompt::LastTry => pin_entry::Prompt::LastTry,
        },
        amount_minor: rules.amount.minor(),
        currency: rules.currency,
        digits_min: rules.digits_min,
        digits_max: rules.digits_max,
        allow_bypass: rules.allow_bypass,
        key_timeout_ms: rules.key_timeout_ms,
    }
}

pub(crate) fn method(method: &OfflinePinMethod) -> pin_entry::OfflineMethod {
    match method {
        OfflinePinMethod::Plaintext => pin_entry::OfflineMethod::Plaintext,
        OfflinePinMethod::Enciphered { modulus, exponent } => {
            pin_entry::OfflineMethod::Enciphered(pin_entry::CardPublicKey {
                modulus: modulus.clone(),
                exponent: exponent.clone(),
            })
        }
    }
}
