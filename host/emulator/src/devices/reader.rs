//! The card reader.

use async_trait::async_trait;
use terminal_host::card_reader::{Card, CardReader, Fault, Presented, Technologies};

use crate::controls::{Controls, Presentation, Taken};

/// A reader with one contact slot.
pub(super) struct Reader {
    controls: Controls,
}

impl Reader {
    pub(super) fn new(controls: Controls) -> Self {
        Self { controls }
    }
}

#[async_trait]
impl CardReader for Reader {
    async fn wait_for_card(&mut self, accepted: Technologies) -> Result<Presented, Fault> {
        loop {
            // Enrolled before the slot is looked at, so that no change falls between the two.
            let changed = self.controls.changed();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.controls.take_cancel() {
                return Err(Fault::Cancelled);
            }
            if let Some(taken) = self.controls.take_card(accepted.contact) {
                return Ok(match taken.presentation {
                    Presentation::Contact => {
                        Presented::Contact(Box::new(SlotCard::new(self.controls.clone(), taken)))
                    }
                });
            }
            changed.await;
        }
    }
}

/// The card in the slot, powered.
struct SlotCard {
    controls: Controls,
    taken: Taken,
}

impl SlotCard {
    fn new(controls: Controls, mut taken: Taken) -> Self {
        taken.card.insert();
        Self { controls, taken }
    }
}

#[async_trait]
impl Card for SlotCard {
    async fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Fault> {
        if !self.controls.is_in_slot(self.taken.number) {
            return Err(Fault::CardRemoved);
        }
        let response = self.taken.card.transmit(command);
        // The virtual card's way of saying that it was pulled.
        if response.is_empty() {
            self.controls.remove(self.taken.number);
            return Err(Fault::CardRemoved);
        }
        Ok(response)
    }
}

impl Drop for SlotCard {
    /// The cardholder takes the card as soon as the terminal lets go of it.
    fn drop(&mut self) {
        self.controls.remove(self.taken.number);
    }
}
