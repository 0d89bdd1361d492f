//! The EMV Level 2 kernel for contact cards, EMV 4.4 Books 1 to 4.
//!
//! **What it does.** Application selection, initiation, reading, SDA, DDA and CDA with RSA, XDA
//! with elliptic curves, processing restrictions, cardholder verification with online, plaintext
//! and RSA-enciphered offline PIN, signature and no CVM, terminal risk management, action
//! analysis, both GENERATE AC, issuer authentication and issuer scripts.
//!
//! **What it does not.** Biometrics, PINs enciphered with elliptic curves, and contactless. Tag
//! 9F33 does not claim them, and a card that wants them is treated as by any terminal without them.
//!
//! **How it is entered.** [`contact::start`] runs to the first cryptogram. When that asks for the
//! issuer, the caller asks, and [`OnlineRequest::complete`] finishes. The kernel reaches the card,
//! the cardholder and the terminal through [`ports`] and nothing else: it has no clock, no random
//! source and no input or output of its own, so the same inputs give the same decisions. The
//! features `vectors` and `parsers`, which no engine has, run single steps for the tests.
//!
//! **What always holds.** A card may lower what the terminal asks for, never raise it. A TVR bit
//! once set stays set, and none is set without a line in the trace. A cryptogram that had to be
//! signed and is not, or not validly, approves nothing without the issuer. At most two GENERATE AC
//! and one EXTERNAL AUTHENTICATE are sent. Whatever the card answers, a transaction takes a bounded
//! number of commands and ends.

#![forbid(unsafe_code)]

mod action;
mod afl;
mod apdu;
mod application_selection;
mod authentication;
pub mod bits;
pub mod ca_keys;
mod card_action;
mod card_data;
mod certificate;
pub mod contact;
mod cryptogram;
mod cvm;
mod date;
mod dialogue;
pub mod dol;
mod ecc_certificate;
mod elliptic;
mod extended;
mod identity;
mod key_chain;
mod mandatory_data;
mod online;
mod outcome;
pub mod parameters;
#[cfg(feature = "parsers")]
pub mod parsers;
pub mod ports;
mod records;
mod restrictions;
mod risk;
mod rules;
mod script;
mod selection;
mod signed_answer;
pub mod tag;
mod terminal_data;
mod terms;
pub mod tlv;
pub mod trace;
mod transaction;
mod verification;
pub mod words;

#[cfg(any(test, feature = "vectors"))]
mod scripted;
#[cfg(any(test, feature = "vectors"))]
mod specimen;
#[cfg(feature = "vectors")]
pub mod vectors;

pub use card_data::{CardData, CryptogramType, Method, Verification};
pub use identity::{Identity, Pan, Track2};
pub use online::OnlineRequest;
pub use outcome::{
    Cause, Completed, Decision, Decliner, Ended, HostAnswer, Misbehaviour, NotAccepted,
};
pub use tag::Tag;
pub use transaction::{Transaction, TransactionType};
