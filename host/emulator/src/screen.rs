//! The cardholder's display, in words.

use async_trait::async_trait;
use terminal_host::display::{Display, Message, Screen};

use crate::controls::{Controls, Key, KeypadMode, Press, State};

/// The display's driver.
pub(crate) struct Panel {
    controls: Controls,
}

impl Panel {
    pub(crate) fn new(controls: Controls) -> Self {
        Self { controls }
    }
}

#[async_trait]
impl Display for Panel {
    fn show(&mut self, screen: &Screen) {
        self.controls.show(words(screen));
    }

    async fn choose(&mut self, labels: &[String]) -> Option<usize> {
        let numbered = labels.iter().enumerate();
        let lines = numbered.map(|(index, label)| format!("\n{} {label}", index.saturating_add(1)));
        self.controls
            .show(format!("SELECT{}", lines.collect::<String>()));
        let count = labels.len();
        match self.controls.until(|state| choice(state, count)).await {
            Choice::Label(index) => Some(index),
            Choice::Cancelled => None,
        }
    }
}

/// What the cardholder chose.
enum Choice {
    Label(usize),
    Cancelled,
}

/// What was chosen, when something was. A digit that names no label does nothing.
fn choice(state: &mut State, count: usize) -> Option<Choice> {
    while let Some(press) = state.presses.pop_front() {
        match press {
            Press::Key(Key::Cancel) => return Some(Choice::Cancelled),
            Press::Key(Key::Enter | Key::Clear) => {}
            Press::Digit(digit) => {
                let index = usize::from(digit).checked_sub(1);
                if let Some(index) = index.filter(|index| *index < count) {
                    // The enter that belongs to the digit is not one for the PIN entry after it.
                    if matches!(state.presses.front(), Some(Press::Key(Key::Enter))) {
                        state.presses.pop_front();
                    }
                    return Some(Choice::Label(index));
                }
            }
        }
    }
    (state.keypad_mode == KeypadMode::Automatic && count > 0).then_some(Choice::Label(0))
}

fn words(screen: &Screen) -> String {
    match screen {
        Screen::Idle => "WELCOME".to_owned(),
        Screen::PresentCard {
            amount_minor,
            currency,
        } => {
            format!("{}\nINSERT CARD", amount(*amount_minor, *currency))
        }
        Screen::Message(message) => sentence(*message).to_owned(),
        Screen::Text(lines) => {
            let lines: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
            lines.join("\n")
        }
    }
}

/// EMV 4.4 Book 4, 11.2, table 8, and the terminal's own.
fn sentence(message: Message) -> &'static str {
    match message {
        Message::Approved => "APPROVED",
        Message::CardError => "CARD ERROR",
        Message::Declined => "DECLINED",
        Message::NotAccepted => "NOT ACCEPTED",
        Message::PleaseWait => "PLEASE WAIT",
        Message::ProcessingError => "PROCESSING ERROR",
        Message::RemoveCard => "REMOVE CARD",
        Message::UseChipReader => "USE CHIP READER",
        Message::UseMagstripe => "USE MAG STRIPE",
        Message::TryAgain => "TRY AGAIN",
        Message::CardRemoved => "CARD REMOVED TOO EARLY",
        Message::Cancelled => "CANCELLED",
        Message::NoConnection => "NO CONNECTION",
    }
}

/// An amount as people write it, `NZD 25.00`, with as many decimals as the currency has
/// (ISO 4217). A code that ISO 4217 does not know stands as its number.
pub(crate) fn amount(minor: u64, currency: u16) -> String {
    let known = iso_currency::Currency::from_numeric(currency);
    let code = known.map_or_else(|| format!("{currency:03}"), |known| known.code().to_owned());
    let exponent = known
        .and_then(iso_currency::Currency::exponent)
        .unwrap_or_default();
    let decimals = usize::from(exponent);
    if decimals == 0 {
        return format!("{code} {minor}");
    }
    let digits = format!("{minor:0>width$}", width = decimals.saturating_add(1));
    let (major, fraction) = digits.split_at(digits.len().saturating_sub(decimals));
    format!("{code} {major}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        for (minor, currency, expected) in [
            (2500, 554, "NZD 25.00"),
            (5, 36, "AUD 0.05"),
            (0, 840, "USD 0.00"),
            (2500, 392, "JPY 2500"),
            (2500, 414, "KWD 2.500"),
            (25, 1, "001 25"),
        ] {
            assert_eq!(amount(minor, currency), expected);
        }
    }

    #[test]
    fn screens_are_words() {
        let present = Screen::PresentCard {
            amount_minor: 2500,
            currency: 554,
        };
        assert_eq!(words(&present), "NZD 25.00\nINSERT CARD");
        assert_eq!(
            words(&Screen::Message(Message::NoConnection)),
            "NO CONNECTION"
        );
    }
}
