//! The keypad: types the card's PIN when nobody does.

use std::time::Duration;

use async_trait::async_trait;
use terminal_host::{
    pin_entry::{Fault, Keypad, PinPrompt, PromptText},
    vault::Pin,
};
use tokio::time;
use zeroize::Zeroizing;

use crate::{
    controls::{Controls, Key, KeypadMode, Press, State},
    screen,
};

/// The keypad's driver.
pub(crate) struct Pad {
    controls: Controls,
}

/// What the cardholder does next.
enum Next {
    Press(Press),
    /// The whole PIN, by itself.
    Pin(Zeroizing<String>),
}

impl Pad {
    pub(crate) fn new(controls: Controls) -> Self {
        Self { controls }
    }

    fn prompt(&self, prompt: &PinPrompt, digits: usize) {
        let text = match prompt.text {
            PromptText::EnterPin => "ENTER PIN",
            PromptText::IncorrectPin => "INCORRECT PIN, ENTER PIN",
            PromptText::LastTry => "LAST PIN TRY, ENTER PIN",
        };
        let amount = screen::amount(prompt.amount_minor, prompt.currency);
        self.controls
            .show(format!("{amount}\n{text}\n{}", "*".repeat(digits)));
    }
}

#[async_trait]
impl Keypad for Pad {
    async fn enter_pin(&mut self, prompt: &PinPrompt) -> Result<Pin, Fault> {
        let key_timeout = Duration::from_millis(u64::from(prompt.key_timeout_ms));
        let mut digits = Zeroizing::new(Vec::with_capacity(Pin::DIGITS_MAX));
        loop {
            self.prompt(prompt, digits.len());
            let next = time::timeout(key_timeout, self.controls.until(next)).await;
            match next.map_err(|_| Fault::TimedOut)? {
                Next::Pin(pin) => {
                    digits.clear();
                    digits.extend(pin.bytes().map(|byte| byte.wrapping_sub(b'0')));
                    self.prompt(prompt, digits.len());
                    return Pin::from_digits(digits).ok_or(Fault::Keypad);
                }
                Next::Press(Press::Digit(digit)) => {
                    if digits.len() < usize::from(prompt.digits_max).min(Pin::DIGITS_MAX) {
                        digits.push(digit);
                    }
                }
                Next::Press(Press::Key(Key::Cancel)) => return Err(Fault::Cancelled),
                Next::Press(Press::Key(Key::Clear)) => digits.clear(),
                Next::Press(Press::Key(Key::Enter)) => {
                    if digits.is_empty() && prompt.allow_bypass {
                        return Err(Fault::Bypassed);
                    }
                    if digits.len() >= usize::from(prompt.digits_min).max(Pin::DIGITS_MIN) {
                        return Pin::from_digits(digits).ok_or(Fault::Keypad);
                    }
                    // Too few digits: enter does nothing, as on any keypad.
                }
            }
        }
    }
}

fn next(state: &mut State) -> Option<Next> {
    if let Some(press) = state.presses.pop_front() {
        return Some(Next::Press(press));
    }
    match state.keypad_mode {
        KeypadMode::Automatic => state.card_pin().map(Next::Pin),
        KeypadMode::Silent => None,
    }
}
