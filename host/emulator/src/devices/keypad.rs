//! The keypad.

use std::time::Duration;

use async_trait::async_trait;
use terminal_host::{
    pin_entry::{self, Fault, PinPrompt, PromptText},
    vault::Pin,
};
use zeroize::Zeroizing;

use crate::controls::{Controls, Key};

/// A keypad that types the card's own PIN when nobody does.
pub(super) struct Keypad {
    controls: Controls,
}

impl Keypad {
    pub(super) fn new(controls: Controls) -> Self {
        Self { controls }
    }

    /// Waits for one key.
    async fn key(&self, timeout: Duration) -> Result<Key, Fault> {
        let pressed = async {
            loop {
                let changed = self.controls.changed();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if let Some(key) = self.controls.take_key() {
                    return key;
                }
                changed.await;
            }
        };
        tokio::time::timeout(timeout, pressed)
            .await
            .map_err(|_| Fault::TimedOut)
    }
}

#[async_trait]
impl pin_entry::Keypad for Keypad {
    async fn enter_pin(&mut self, prompt: &PinPrompt) -> Result<Pin, Fault> {
        let text = match prompt.text {
            PromptText::EnterPin => "ENTER PIN",
            PromptText::IncorrectPin => "INCORRECT PIN, ENTER PIN",
            PromptText::LastTry => "LAST TRY, ENTER PIN",
        };
        let amount = self.controls.amount(prompt.amount_minor, prompt.currency);
        self.controls.show(format!("{amount}\n{text}"));
        self.controls.type_the_pin();
        let timeout = Duration::from_millis(prompt.key_timeout_ms.into());
        // The whole room at once: growing would leave digits behind in memory.
        let mut digits = Zeroizing::new(Vec::with_capacity(usize::from(prompt.digits_max)));
        loop {
            match self.key(timeout).await? {
                Key::Digit(digit) if digits.len() < usize::from(prompt.digits_max) => {
                    digits.push(digit);
                }
                Key::Digit(_) => {}
                Key::Clear => digits.clear(),
                Key::Cancel => return Err(Fault::Cancelled),
                Key::Enter if digits.is_empty() && prompt.allow_bypass => {
                    return Err(Fault::Bypassed);
                }
                Key::Enter if digits.len() >= usize::from(prompt.digits_min) => {
                    return Pin::from_digits(digits).ok_or(Fault::Keypad);
                }
                // Too few digits: the cardholder goes on.
                Key::Enter => {}
            }
        }
    }
}
