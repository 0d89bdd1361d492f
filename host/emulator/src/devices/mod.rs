//! The devices: one driver each, over the state that [`Controls`] moves.

mod display;
mod keypad;
mod printer;
mod reader;

use std::{net::SocketAddr, time::Duration};

use terminal_host::{Devices, acquirer_link::tcp::Tcp, parameters::Currency};

use crate::controls::Controls;

/// How long the link waits for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How the emulator starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// A card of the catalogue that is presented to every transaction by itself.
    pub card: Option<String>,
    /// Where the acquirer listens.
    pub acquirer: SocketAddr,
    /// The currencies whose amounts the display can write.
    pub currencies: Vec<Currency>,
}

/// The drivers of an emulated terminal, and the hand that works them.
pub struct Emulator {
    /// For a `TerminalConfig`.
    pub devices: Devices,
    /// Presents cards, presses keys, reads the screen.
    pub controls: Controls,
}

impl Emulator {
    /// Makes the devices of one terminal.
    ///
    /// Fails when the card is not in the catalogue.
    pub fn new(options: Options) -> Result<Self, crate::UnknownCard> {
        let controls = Controls::new(options.card, options.currencies)?;
        let devices = Devices {
            card_reader: Box::new(reader::Reader::new(controls.clone())),
            keypad: Box::new(keypad::Keypad::new(controls.clone())),
            display: Box::new(display::Display::new(controls.clone())),
            printer: Box::new(printer::Printer::new(controls.clone())),
            acquirer_link: Box::new(Tcp::new(options.acquirer, CONNECT_TIMEOUT)),
        };
        Ok(Self { devices, controls })
    }
}
