//! A terminal maker's firmware in one file: six drivers, a vault, a configuration, one sale. After
//! `make build`: `target/debug/examples/embed`. No card is there: it ends as cancelled.
#![expect(clippy::print_stderr, reason = "the example's devices")]

use std::{future::pending, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use cap_std::{ambient_authority, fs::Dir};
use terminal_host::{
    Devices, EngineFile, TerminalConfig, TransactionService, acquirer_link, card_reader, clock,
    display, input, observer, parameters, pin_entry, printer, service::Begun, vault,
};
use {acquirer_link::Fault as Lost, card_reader::Presented as Card, card_reader::Technologies};
use {observer::Observer, parameters::Parameters, pin_entry::PinPrompt};

const SIGNER: &[u8; 32] = b"\x84\x45\x8c\xe7\x73\x66\x77\x45\xc5\x84\x3d\xf1\x1c\x37\x86\x86\
    \x7a\xfa\xdf\xc3\x66\x01\x96\x58\x86\x5b\x54\x1b\x66\xba\xd9\x9a";
/// The board: in firmware each driver has its own handle of the hardware.
struct Board;
#[async_trait]
impl card_reader::CardReader for Board {
    async fn wait_for_card(&mut self, _: Technologies) -> Result<Card, card_reader::Fault> {
        Err(card_reader::Fault::Cancelled) // The slot's switch and the contactless field.
    }
}
#[async_trait]
impl pin_entry::Keypad for Board {
    async fn enter_pin(&mut self, _: &PinPrompt) -> Result<vault::Pin, pin_entry::Fault> {
        Err(pin_entry::Fault::Keypad) // The digits come as a `Pin` from the secure processor.
    }
}
#[async_trait]
impl display::Display for Board {
    fn show(&mut self, screen: &display::Screen) {
        eprintln!("display: {screen:?}"); // The frame buffer.
    }
    async fn choose(&mut self, _: &[String]) -> Option<usize> {
        pending().await // The keys beside the display.
    }
}
#[async_trait]
impl input::Input for Board {
    async fn ask(&mut self, _: &input::Question, _: bool) -> Result<input::Given, input::Fault> {
        Err(input::Fault::NotSupported) // The touch screen, outside the secure area.
    }
}
#[async_trait]
impl printer::Printer for Board {
    async fn print(&mut self, _: &[printer::Line], _: bool) -> Result<(), printer::Fault> {
        Err(printer::Fault::OutOfPaper) // The print head.
    }
}
#[async_trait]
impl acquirer_link::AcquirerLink for Board {
    async fn exchange(&mut self, _: &[u8], _: Duration, _: &dyn Observer) -> Result<Vec<u8>, Lost> {
        Err(Lost::Unreachable) // The modem; `acquirer_link::tcp` is for a socket.
    }
}
impl vault::Storage for Board {
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(None) // Storage with a replay-protected write counter. No key was injected yet.
    }
    fn replace(&self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = TerminalConfig {
        engine: EngineFile {
            component: std::fs::read("target/guest/engine.wasm")?,
            signature: std::fs::read("target/guest/engine.wasm.sig")?,
            trusted_key: *SIGNER, // Here the development key of `make guest`.
        },
        files: Dir::open_ambient_dir("target/guest", ambient_authority())?,
        journal: "target/guest/embed.sqlite".into(),
        devices: Devices {
            card_reader: Box::new(Board),
            keypad: Box::new(Board),
            display: Box::new(Board),
            printer: Box::new(Board),
            acquirer_link: Box::new(Board),
        },
        input: Box::new(Board),
        vault: vault::Vault::open(Box::new(Board), vault::DeviceKey([7; 32].into()))?,
        parameters: Parameters::from_json(include_str!("../tests/parameters.json"))?,
        clock: Arc::new(clock::SystemClock),
        observer: Arc::new(observer::NoObserver),
        recordings: None,
    };
    let terminal = TransactionService::start(config).await?;
    let sale = serde_json::from_str(include_str!("../tests/sale.json"))?;
    let (Begun::Started(id) | Begun::Known(id)) = terminal.begin(sale, None).await?;
    eprintln!("{:?}", terminal.ended(&id).await);
    terminal.shut_down().await;
    Ok(())
}
