//! The terminal host: what a terminal maker embeds in firmware.
//!
//! **What it does.** It runs payment transactions, one at a time, and survives whatever stops them. It
//! verifies, compiles and limits the engine, a signed WebAssembly component; gives it the terminal
//! through the interfaces of `wit/` and through nothing else; keeps the journal; and tells how each
//! transaction ended.
//!
//! **What it does not.** It decides nothing about a payment and reads no message of a card or an
//! acquirer: that is the engine's. It holds no key and no PIN digit: that is [`vault`]'s. It serves no
//! API, installs no update, and holds no device in software. EMV Level 1 is in the drivers.
//!
//! # How it is entered
//!
//! An embedder implements six driver traits ([`CardReader`](card_reader::CardReader),
//! [`Keypad`](pin_entry::Keypad), [`Display`](display::Display), [`Input`](input::Input),
//! [`Printer`](printer::Printer), [`AcquirerLink`](acquirer_link::AcquirerLink)), fills in a
//! [`TerminalConfig`], and calls [`TransactionService::start`]. From then on everything is asked of the [`TransactionService`].
//! `examples/embed.rs` is a whole one.
//!
//! # Invariants
//!
//! - Bytes that the trusted key did not sign are never compiled; native code that this host did not
//!   write is never loaded; a component that imports one name more than the world is refused.
//! - Each call of the engine has a sandbox of its own, with a limit on its memory, its stack, its
//!   computing, its calls of the host, its writes of the journal, and its time. A guest that breaks
//!   one costs its own transaction and nothing else, and so does a driver that panics.
//! - The journal is the judge. A request, its claim and its first entry are one commit; an outcome
//!   that contradicts the journal is not believed; content that was changed on the disk is a fault.
//! - Of an accepted abort and a permission to send only one is given.
//! - A point of sale shows, asks and prints only while no transaction runs. No question that it asks
//!   mentions a PIN or a card's data, and no answer that reads like a card number is taken.
//! - Text of a card or an engine is reduced to printable characters and a PAN to its last four digits
//!   before a driver, a watcher or a record sees it; text of a point of sale to printable characters.
//!
//! What it cannot keep by itself: the journal's file put back to an older state, or rows changed or
//! removed beside the sealed content, by someone who can write the storage. A device that must
//! withstand this keeps the file on storage with a replay-protected write counter.
//!
//! # Standards
//!
//! EMV 4.4 Books 1 to 4 where an interface touches them, ISO 7816-3 (lengths of APDUs), ISO 8583:1987
//! (fields named in records), ISO 4217, RFC 8032 (signatures), the WebAssembly component model.
#![deny(unsafe_code)]

pub mod acquirer_link;
pub mod batch;
pub mod bindings;
pub mod card_reader;
pub mod clock;
pub mod config;
mod crypto;
pub mod display;
#[cfg(test)]
mod empty_vault;
mod engine;
pub mod input;
mod interruption;
mod journal;
pub mod measure;
pub mod observer;
pub mod parameters;
pub mod pin_entry;
pub mod point_of_sale;
mod printable;
pub mod printer;
pub mod recording;
pub mod service;
mod terminal;
pub mod text;
pub mod trace;
pub mod transaction;

pub use config::{Devices, EngineFile, TerminalConfig};
pub use service::TransactionService;
pub use vault;
