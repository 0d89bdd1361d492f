//! What an embedder hands to the host.

use std::{path::PathBuf, sync::Arc};

use crate::{
    acquirer_link::AcquirerLink, card_reader::CardReader, clock::Clock, display::Display,
    input::Input, observer::Observer, parameters::Parameters, pin_entry::Keypad, printer::Printer,
    recording::RecordingPolicy,
};

/// Everything the terminal is made of.
pub struct TerminalConfig {
    /// The engine, and the key that must have signed it.
    pub engine: EngineFile,
    /// A folder of the host's own: the native-code cache and the recordings lie there.
    pub files: cap_std::fs::Dir,
    /// The journal's database file. `SQLite` opens it by path.
    pub journal: PathBuf,
    /// The drivers that the engine reaches.
    pub devices: Devices,
    /// Asks the cardholder what a point of sale wants to know. No engine reaches it.
    pub input: Box<dyn Input>,
    /// The keys.
    pub vault: vault::Vault,
    /// What the acquirer and the merchant configured.
    pub parameters: Parameters,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Who is told of every point of a transaction.
    pub observer: Arc<dyn Observer>,
    /// What is kept to explain a transaction later; `None` keeps nothing.
    pub recordings: Option<RecordingPolicy>,
}

/// The hardware, one driver each.
pub struct Devices {
    /// The card reader.
    pub card_reader: Box<dyn CardReader>,
    /// The PIN keypad.
    pub keypad: Box<dyn Keypad>,
    /// The cardholder's display.
    pub display: Box<dyn Display>,
    /// The receipt printer.
    pub printer: Box<dyn Printer>,
    /// The link to the acquirer.
    pub acquirer_link: Box<dyn AcquirerLink>,
}

/// The engine as it was shipped.
pub struct EngineFile {
    /// The component.
    pub component: Vec<u8>,
    /// The detached Ed25519 signature over the component.
    pub signature: Vec<u8>,
    /// The public key that must have made it.
    pub trusted_key: [u8; 32],
}
