//! The acquirer in software.
//!
//! It checks what a real one checks: format, message authentication code, PIN block, the card's
//! cryptogram, duplicates. It charges a card at most once, whatever it is sent, and keeps a
//! [`Ledger`]. The amount chooses its answer; see [`amounts`].
//!
//! Its ISO 8583 is an implementation of its own, for the engine's built-in dialect only: two
//! programs written apart meet on the wire.

pub mod amounts;
mod chip_data;
mod fields;
mod host;
mod ledger;
mod message;
mod security;
mod server;

pub use ledger::{Authorisation, Ledger, State};
pub use server::{Acquirer, AcquirerHandle, Books};
