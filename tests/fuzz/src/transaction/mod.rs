//! Whole transactions with a card, a cardholder, a terminal and an issuer that do as they like.

mod bench;
mod bytes;
mod change;
mod deck;
mod laws;
pub mod play;
mod reached;
mod stage;

use play::{Command, Play, Setting};
pub use stage::Run;

/// How many cards there are for [`Play::card`].
pub const CARDS: usize = deck::size();

/// Makes the keys of cards and authorities, which takes longer than a fuzzer waits for one input.
pub fn prepare() {
    drop(Play::default().run());
}

/// A transaction that these bytes describe.
pub fn transaction(data: &[u8]) {
    let broken = Play::from_bytes(data).run().broken_laws();
    assert!(broken.is_empty(), "{broken:#?}");
}
