//! `terminal:display` for the guest.

use std::time::Duration;

use wasmtime::{Result, bail};

use super::{Message, Screen};
use crate::{
    bindings::terminal::display::display as wit, interruption::Interruption,
    printable::printable_bytes, terminal::Terminal,
};

/// The most labels offered at a time.
const LABELS_MAX: usize = 16;

/// The longest application label or preferred name (EMV 4.4 Book 1, 12.2.4).
const LABEL_LENGTH_MAX: usize = 16;

impl wit::Host for Terminal {
    async fn show(&mut self, message: wit::Message) -> Result<()> {
        self.devices
            .lock()
            .await
            .display
            .show(&Screen::Message(message.into()));
        Ok(())
    }

    async fn present_card(&mut self, amount_minor: u64, currency: u16) -> Result<()> {
        let screen = Screen::PresentCard {
            amount_minor,
            currency,
        };
        self.devices.lock().await.display.show(&screen);
        Ok(())
    }

    async fn choose_application(
        &mut self,
        labels: Vec<Vec<u8>>,
        timeout_ms: u32,
    ) -> Result<std::result::Result<u32, wit::ErrorCode>> {
        if labels.is_empty() || labels.len() > LABELS_MAX {
            bail!("the guest offers no application or too many");
        }
        let texts: Vec<String> = labels
            .iter()
            .map(|label| printable_bytes(label, LABEL_LENGTH_MAX))
            .collect();
        let mut devices = self.devices.lock().await;
        let choice = devices.display.choose(&texts);
        match self
            .abort
            .bound(Duration::from_millis(timeout_ms.into()), choice)
            .await
        {
            // A driver that answers with no label of the list has taken no choice.
            Ok(Some(index)) if index < texts.len() => Ok(Ok(u32::try_from(index)?)),
            Ok(_) => Ok(Err(wit::ErrorCode::Cancelled)),
            Err(Interruption::TimedOut) => Ok(Err(wit::ErrorCode::TimedOut)),
            Err(Interruption::Aborted) => Ok(Err(wit::ErrorCode::Aborted)),
        }
    }
}

impl From<wit::Message> for Message {
    fn from(message: wit::Message) -> Self {
        match message {
            wit::Message::Approved => Self::Approved,
            wit::Message::CardError => Self::CardError,
            wit::Message::Declined => Self::Declined,
            wit::Message::NotAccepted => Self::NotAccepted,
            wit::Message::PleaseWait => Self::PleaseWait,
            wit::Message::ProcessingError => Self::ProcessingError,
            wit::Message::RemoveCard => Self::RemoveCard,
            wit::Message::UseChipReader => Self::UseChipReader,
            wit::Message::UseMagstripe => Self::UseMagstripe,
            wit::Message::TryAgain => Self::TryAgain,
            wit::Message::CardRemoved => Self::CardRemoved,
            wit::Message::Cancelled => Self::Cancelled,
            wit::Message::NoConnection => Self::NoConnection,
        }
    }
}
