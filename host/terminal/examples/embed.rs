//! A terminal maker's firmware in one file: five drivers, a vault, a configuration, one sale.
//!
//! Run after `make guest`: `cargo run --package terminal-host --example embed`. Comments say where a
//! driver would reach the hardware; there is no card, so the sale ends as cancelled.
#![expect(clippy::print_stderr, reason = "the example's devices")]

use std::{future::pending, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use cap_std::{ambient_authority, fs::Dir};
use terminal_host::{
    Devices, EngineFile, TerminalConfig, TransactionService, acquirer_link,
    card_reader::{self, Presented, Technologies},
    clock, display, observer,
    parameters::Parameters,
    pin_entry, printer,
    service::Begun,
    vault,
};

/// Who signs engines for this terminal: here the development key of `make guest`.
const SIGNER: &[u8; 32] = b"\x84\x45\x8c\xe7\x73\x66\x77\x45\xc5\x84\x3d\xf1\x1c\x37\x86\x86\
    \x7a\xfa\xdf\xc3\x66\x01\x96\x58\x86\x5b\x54\x1b\x66\xba\xd9\x9a";

/// The board: in firmware each driver has its own handle of the hardware.
struct Board;

#[async_trait]
impl card_reader::CardReader for Board {
    async fn wait_for_card(&mut self, _: Technologies) -> Result<Presented, card_reader::Fault> {
        Err(card_reader::Fault::Cancelled) // The slot's switch and the contactless field.
    }
}
#[async_trait]
impl pin_entry::Keypad for Board {
    async fn enter_pin(
        &mut self,
        _: &pin_entry::PinPrompt,
    ) -> Result<vault::Pin, pin_entry::Fault> {
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
impl printer::Printer for Board {
    async fn print(&mut self, _: &[printer::Line]) -> Result<(), printer::Fault> {
        Err(printer::Fault::OutOfPaper) // The print head.
    }
}
#[async_trait]
impl acquirer_link::AcquirerLink for Board {
    async fn exchange(
        &mut self,
        _request: &[u8],
        _timeout: Duration,
        _observer: &dyn observer::Observer,
    ) -> Result<Vec<u8>, acquirer_link::Fault> {
        Err(acquirer_link::Fault::Unreachable) // The modem; `acquirer_link::tcp` is for a socket.
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
    // The device key comes from where tamper erases it.
    let vault = vault::Vault::open(Box::new(Board), vault::DeviceKey([7; 32].into()));
    let (card_reader, keypad, display) = (Box::new(Board), Box::new(Board), Box::new(Board));
    let (printer, acquirer_link) = (Box::new(Board), Box::new(Board));
    let config = TerminalConfig {
        engine: EngineFile {
            component: std::fs::read("target/guest/engine.wasm")?,
            signature: std::fs::read("target/guest/engine.wasm.sig")?,
            trusted_key: *SIGNER,
        },
        files: Dir::open_ambient_dir("target/guest", ambient_authority())?,
        journal: "target/guest/embed.sqlite".into(),
        devices: Devices {
            card_reader,
            keypad,
            display,
            printer,
            acquirer_link,
        },
        vault: vault.map_err(|error| anyhow::anyhow!("{error:?}"))?,
        parameters: Parameters::from_json(include_str!("../tests/parameters.json"))?,
        clock: Arc::new(clock::SystemClock),
        observer: Arc::new(observer::NoObserver),
    };
    let terminal = TransactionService::start(config).await?;
    let sale = serde_json::from_str(include_str!("../tests/sale.json"))?;
    let (Begun::Started(id) | Begun::Known(id)) = terminal.begin(sale, None).await?;
    eprintln!("{:?}", terminal.ended(&id).await);
    terminal.shut_down().await;
    Ok(())
}
