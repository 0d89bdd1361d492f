//! A terminal's hardware and its acquirer in software.
//!
//! For development and tests, never for a production host: its keys are published, and it accepts
//! the engine that the published development key signed.
//!
//! # How it is entered
//!
//! [`Acquirer`](acquirer::Acquirer) runs an acquirer. [`Emulator::new`] gives the drivers that
//! `terminal_host` takes, and [`Controls`], which are the hands of cardholder and merchant:
//! they present and pull cards, press keys, answer questions, and see the screen and the paper. The same is served
//! over HTTP by [`Controls::router`]. [`PARAMETERS`] and [`provision`] make a terminal that goes
//! with both.
//!
//! # Invariants
//!
//! - Nobody has to press a key: the keypad types the card's PIN, the display takes the first choice,
//!   and [`Touch`] answers every question, unless they are told otherwise.
//! - Whatever a peer sends is bounded, and makes nothing panic.
//!
//! # Standards
//!
//! ISO 8583:1987, ISO 9564-1:2017 format 0, ANSI X9.24-1:2009, ISO 9797-1:2011 algorithm 3.
#![forbid(unsafe_code)]

pub mod acquirer;
mod cases;
mod controls;
mod keypad;
mod keys;
mod paper;
mod questions;
mod reader;
mod refused;
mod router;
mod screen;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, time::Duration};

use terminal_host::{Devices, acquirer_link::tcp::Tcp};

pub use cases::{CASES, Case, Step};
pub use controls::{Controls, Entry, Error, Key, KeypadMode, Shown};
pub use keys::{DATA_BASE_DERIVATION_KEY, provision};
pub use paper::PaperWidth;
pub use questions::{Asked, Touch};

/// The emulated terminal's parameters, for `Parameters::from_json`.
pub const PARAMETERS: &str = include_str!("../parameters.json");

/// The published key that signs engines under development.
pub const DEVELOPMENT_KEY: [u8; 32] = [
    0x84, 0x45, 0x8c, 0xe7, 0x73, 0x66, 0x77, 0x45, 0xc5, 0x84, 0x3d, 0xf1, 0x1c, 0x37, 0x86, 0x86,
    0x7a, 0xfa, 0xdf, 0xc3, 0x66, 0x01, 0x96, 0x58, 0x86, 0x5b, 0x54, 0x1b, 0x66, 0xba, 0xd9, 0x9a,
];

/// How long a connection to the acquirer may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How an emulator is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The card that is presented to every transaction by itself, fresh each time.
    pub card: Option<String>,
    /// Where the acquirer listens.
    pub acquirer: SocketAddr,
}

/// A terminal's hardware in software.
#[derive(Debug)]
pub struct Emulator;

impl Emulator {
    /// The drivers, and the hands that work them.
    ///
    /// Fails with [`Error::UnknownCard`].
    #[expect(
        clippy::new_ret_no_self,
        reason = "the parts go to the host, and the controls stay"
    )]
    pub fn new(options: Options) -> Result<(Devices, Controls), Error> {
        let controls = Controls::new(options.card)?;
        let devices = Devices {
            card_reader: Box::new(reader::Reader::new(controls.clone())),
            keypad: Box::new(keypad::Pad::new(controls.clone())),
            display: Box::new(screen::Panel::new(controls.clone())),
            printer: Box::new(paper::Roll::new(controls.clone())),
            acquirer_link: Box::new(Tcp::new(options.acquirer, CONNECT_TIMEOUT)),
        };
        Ok((devices, controls))
    }
}
