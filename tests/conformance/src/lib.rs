//! The conformance suite of the contact kernel: cases that a person can read, and what they cover.
//!
//! **What it does.** Each case puts a card of [`virtual_card`], changed in one way, into a terminal
//! around the kernel, plays the cardholder and the issuer, and says what must come of it. A case is
//! named by area, rule and number, such as `CV-05-03`, and lies in `cases/CV/CV-05.txt`.
//!
//! The cases of `configurations` are run at every terminal that is listed there, each with what is
//! right for it.
//!
//! **What it does not.** It is not a type approval, and no text of one is copied. It says nothing of
//! levels below the APDU, nor of what people see beyond what the kernel asks of them.
//!
//! **How it is entered.** `cargo test --package conformance` runs it; `make conformance` does so
//! and writes the matrix of rules and cases to `docs/conformance.md`.
//!
//! **What always holds.** A line that is not understood is an error. So is what a case prepares and
//! nobody wants: a PIN, a choice, an answer of the card, an issuer that is not asked.
//!
//! Standards: EMV 4.4 Books 1 to 4.

#![forbid(unsafe_code)]

mod bench;
mod case;
mod command;
mod configuration;
mod expectation;
mod fault;
mod issuer;
mod matrix;
mod run;
mod suite;
mod surroundings;
mod syntax;
pub mod terminal;
mod terminals;
mod values;

pub use case::Case;
pub use configuration::{Claimed, Configuration, configurations};
pub use fault::Fault;
pub use matrix::{Rule, document, rules};
pub use run::Run;
pub use suite::{Error, folder, load};
