//! The terminal host: what an OEM embeds.
#![deny(unsafe_code)]

pub mod acquirer_link;
pub mod bindings;
pub mod card_reader;
pub mod clock;
pub mod config;
mod crypto;
pub mod display;
mod engine;
mod interruption;
mod journal;
pub mod observer;
pub mod parameters;
pub mod pin_entry;
mod point_of_sale;
mod printable;
pub mod printer;
pub mod service;
mod terminal;
pub mod trace;
pub mod transaction;

pub use config::{Devices, EngineFile, TerminalConfig};
pub use service::TransactionService;
pub use vault;
