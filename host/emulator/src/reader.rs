//! The card reader.

use async_trait::async_trait;
use terminal_host::card_reader::{Card, CardReader, Fault, Presented, Technologies, Tracks};

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
                let chip = if accepted.contact {
                    insert(state)
                } else {
                    None
                };
                chip.or_else(|| {
                    let track = if accepted.magstripe {
                        swipe(state)
                    } else {
                        None
                    };
                    track.map(|track| Ok(Taken::Stripe(track)))
                })
            })
            .await;
        let controls = self.controls.clone();
        taken.map(|taken| match taken {
            Taken::Chip(number) => Presented::Contact(Box::new(SlotCard { controls, number })),
            Taken::Stripe(track) => Presented::Magstripe(Tracks {
                track_1: None,
                track_2: Some(track.into_bytes()),
            }),
        })
    }
}

/// What the reader took.
enum Taken {
    /// The card of this number, in the slot and powered up.
    Chip(u64),
    /// Track 2.
    Stripe(String),
}

/// The card in the slot that was not read yet, or a fresh automatic one, powered up. A chip that
/// does not answer to reset is a fault, and the card leaves the slot.
fn insert(state: &mut State) -> Option<Result<Taken, Fault>> {
    if state.slot.as_ref().is_none_or(|inserted| inserted.in_use) {
        let card = automatic(state).filter(|card| card.has_chip() && state.swiped.is_none())?;
        state.insert(card, false);
    }
    let inserted = state.slot.as_mut()?;
    inserted.in_use = true;
    if inserted.card.insert().is_empty() {
        state.slot = None;
        return Some(Err(Fault::CardUnresponsive));
    }
    Some(Ok(Taken::Chip(inserted.number)))
}

/// Track 2 of the card that was swiped, or of the automatic one.
fn swipe(state: &mut State) -> Option<String> {
    let card = state.swiped.take().or_else(|| automatic(state))?;
    Some(state.read_stripe(&card))
}

/// The card that is presented to every transaction, fresh.
fn automatic(state: &State) -> Option<virtual_card::Card> {
    state.automatic_card.clone()
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
        let card = &mut inserted.ok_or(Fault::CardRemoved)?.card;
        let response = card.transmit(command);
        if !response.is_empty() {
            return Ok(response);
        }
        if card.is_silent() {
            return Err(Fault::CardUnresponsive);
        }
        state.slot = None;
        Err(Fault::CardRemoved)
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
