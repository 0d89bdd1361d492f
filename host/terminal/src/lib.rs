//! The terminal host: what an OEM embeds.

pub mod acquirer_link;
pub mod bindings;
pub mod card_reader;
pub mod clock;
pub mod config;
pub mod display;
pub mod observer;
pub mod parameters;
pub mod pin_entry;
pub mod printer;
pub mod service;
pub mod trace;
pub mod transaction;

pub use config::{Devices, EngineFile, TerminalConfig};
pub use service::TransactionService;
pub use vault;
