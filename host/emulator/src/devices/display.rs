//! The display.

use async_trait::async_trait;
use terminal_host::display::{self, Message, Screen};

use crate::controls::{Controls, Key};

/// A display of a few lines of text.
pub(super) struct Display {
    controls: Controls,
}

impl Display {
    pub(super) fn new(controls: Controls) -> Self {
        Self { controls }
    }
}

#[async_trait]
impl display::Display for Display {
    fn show(&mut self, screen: &Screen) {
        let text = match screen {
            Screen::Idle => "WELCOME".to_owned(),
            Screen::PresentCard {
                amount_minor,
                currency,
            } => {
                format!(
                    "{}\nINSERT CARD",
                    self.controls.amount(*amount_minor, *currency)
                )
            }
            Screen::Message(message) => words(*message).to_owned(),
        };
        self.controls.show(text);
    }

    async fn choose(&mut self, labels: &[String]) -> Option<usize> {
        let mut lines = vec!["CHOOSE".to_owned()];
        lines.extend(
            labels
                .iter()
                .zip(1..)
                .map(|(label, number)| format!("{number} {label}")),
        );
        self.controls.show(lines.join("\n"));
        self.controls.choose_the_first();
        loop {
            let changed = self.controls.changed();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.controls.take_key() {
                Some(Key::Digit(digit)) => {
                    let index = usize::from(digit).checked_sub(1);
                    if let Some(index) = index.filter(|index| *index < labels.len()) {
                        return Some(index);
                    }
                }
                Some(Key::Cancel) => return None,
                Some(Key::Enter | Key::Clear) => {}
                None => changed.await,
            }
        }
    }
}

/// The message in words (EMV 4.4 Book 4, 11.2, table 8).
fn words(message: Message) -> &'static str {
    match message {
        Message::Approved => "APPROVED",
        Message::CardError => "CARD ERROR",
        Message::Declined => "DECLINED",
        Message::NotAccepted => "NOT ACCEPTED",
        Message::PleaseWait => "PLEASE WAIT",
        Message::ProcessingError => "PROCESSING ERROR",
        Message::RemoveCard => "REMOVE CARD",
        Message::UseMagstripe => "USE MAG STRIPE",
        Message::TryAgain => "TRY AGAIN",
        Message::Cancelled => "CANCELLED",
        Message::NoConnection => "DECLINED, NO CONNECTION",
    }
}
