//! The engine against a terminal in memory.
//!
//! [`world`] is what survives a loss of power and the host that runs the engine, [`terminal`] the
//! devices, whose power can fail at any call, [`journal`] keeps the host's rules, and [`acquirer`]
//! is the other side of the [`line`], with a ledger of its own. They check by themselves what must
//! hold at every moment; the tests look at what remains.

mod acquirer;
mod crash;
mod granular;
mod journal;
mod kinds;
mod line;
mod presenting;
mod receipts;
mod shown;
mod terminal;
mod transactions;
mod world;
