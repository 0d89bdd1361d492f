//! The card reader.

use async_trait::async_trait;
use terminal_host::card_reader::{Card, CardReader, Fault, Presented, Technologies};

use crate::controls::{Controls, State};

/// The reader's driver.
pub(crate) struct Reader {
    controls: Controls,
}

impl Reader {
    pub(crate) fn new(controls: Controls) -> Self {
        Self { controls }
    }
}

#[async_trait]
impl CardReader for Reader {
    async fn wait_for_card(&mut self, accepted: Technologies) -> Result<Presented, Fault> {
        let waiting = Waiting::start(&self.controls);
        let taken = waiting
            .0
            .until(|state| {
                if state.wait_cancelled {
                    return Some(Err(Fault::Cancelled));
                }
                // The virtual cards have contacts only.
                let number = if accepted.contact {
                    take_card(state)
                } else {
                    None
                };
                number.map(Ok)
            })
            .await;
        let controls = self.controls.clone();
        taken.map(|number| Presented::Contact(Box::new(SlotCard { controls, number })))
    }
}

/// The card in the slot that was not read yet, or a fresh automatic one, powered up.
fn take_card(state: &mut State) -> Option<u64> {
    if state.slot.as_ref().is_none_or(|inserted| inserted.in_use) {
        let name = state.automatic_card.clone()?;
        let card = virtual_card::Card::named(&name)?;
        state.insert(card, false);
    }
    let inserted = state.slot.as_mut()?;
    inserted.in_use = true;
    inserted.card.insert();
    Some(inserted.number)
}

/// Marks the reader as waiting for as long as it lives: the host stops a wait by dropping it.
struct Waiting<'controls>(&'controls Controls);

impl<'controls> Waiting<'controls> {
    fn start(controls: &'controls Controls) -> Self {
        let mut state = controls.state();
        state.reader_waits = true;
        state.wait_cancelled = false;
        drop(state);
        Self(controls)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.reader_waits = false;
        state.wait_cancelled = false;
    }
}

/// The card that the terminal reads. When it is dropped, the card leaves the slot.
struct SlotCard {
    controls: Controls,
    number: u64,
}

#[async_trait]
impl Card for SlotCard {
    async fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut state = self.controls.state();
        let inserted = state.slot.as_mut();
        let inserted = inserted.filter(|inserted| inserted.number == self.number);
        let response = inserted.ok_or(Fault::CardRemoved)?.card.transmit(command);
        if response.is_empty() {
            state.slot = None;
            return Err(Fault::CardRemoved);
        }
        Ok(response)
    }
}

impl Drop for SlotCard {
    fn drop(&mut self) {
        self.controls.change(|state| {
            if state
                .slot
                .as_ref()
                .is_some_and(|inserted| inserted.number == self.number)
            {
                state.slot = None;
            }
        });
    }
}
