//! The terminal's hardware and its acquirer, in software.
//!
//! **What it does.** A card reader with virtual cards, a keypad, a display, a printer, and an acquirer
//! that checks everything a real one would: message format, message authentication code, PIN block,
//! the card's cryptogram. [`Controls`] is the hand that presents cards and presses keys; its
//! [`Controls::router`] does the same over HTTP.
//!
//! **What it is not.** Part of a terminal. Every key in it is published; a production host does not
//! link this crate, and a test over the dependency graph keeps it so.
//!
//! **How it is entered.** [`Emulator::new`] gives the drivers for a `TerminalConfig` and the controls.
//! [`acquirer::Acquirer::start`] gives an acquirer on a thread of its own.
#![forbid(unsafe_code)]

pub mod acquirer;
mod controls;
mod devices;
mod keys;
mod parameters;
mod router;

pub use controls::{Controls, Key, Presentation, Shown, Typing, UnknownCard};
pub use devices::{Emulator, Options};
pub use keys::{DEVELOPMENT_KEY, device_key, provision};
pub use parameters::{parameters, with_answer_timeout};
