//! EMV and ISO 8583 data explained, on the tables of the kernel and of the engine.
//!
//! **What it does.** Each function takes hexadecimal text and gives a [`Decoded`] tree: names,
//! values in words, and what is wrong and where. [`Decoded::to_text`] and [`Decoded::to_json`]
//! print it. What is malformed is decoded as far as it goes.
//!
//! **What it does not.** It decides nothing and reads or writes nothing. It is for people and
//! their tools; neither the engine nor a terminal's host links it.
//!
//! **What always holds.** No text makes it panic, and it ends. A tree holds no PIN block. Unless
//! [`Secrets::Revealed`] is asked for it holds no card number beyond the last four digits, nor
//! what else identifies the cardholder: values are veiled before they enter the tree. A number is
//! looked for in each value; one that wrong framing cuts into several objects is not found.
//!
//! Standards: EMV 4.4, ISO 8583:1987, ISO 7816-3:2006, ISO 7816-4:2005.

#![forbid(unsafe_code)]

mod answer;
mod apdu;
mod atr;
mod bits;
mod codes;
mod dol;
mod element;
mod explain;
mod hex;
mod iso8583;
mod node;

mod text;
mod tlv;
mod veil;
mod verification;

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "in a test an overflow fails"
)]
mod tests;

pub use apdu::{command, exchange, instruction, response};
pub use atr::atr;
pub use dol::dol;
pub use element::{Kind, element};
pub use explain::{Decision, Verdict, explain};
pub use hex::HexError;
pub use iso8583::iso8583;
pub use node::Decoded;
pub use text::Colours;
pub use tlv::tlv;
pub use veil::Secrets;

/// How a tree is made: passed down from function to function.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// What may be shown.
    secrets: Secrets,
    /// Whether the bits that are not set are listed too.
    all_bits: bool,
    /// How many levels may still be opened.
    depth: u8,
}

impl Reading {
    /// How many levels of templates and commands within each other are opened.
    const DEPTH_MAX: u8 = 12;

    const fn new(secrets: Secrets) -> Self {
        Self {
            secrets,
            all_bits: false,
            depth: Self::DEPTH_MAX,
        }
    }

    /// One level further down; `None` at the limit.
    fn deeper(self) -> Option<Self> {
        Some(Self {
            depth: self.depth.checked_sub(1)?,
            ..self
        })
    }
}
