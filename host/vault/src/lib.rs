//! The terminal's keys and PINs: the only code that holds either in clear.
//!
//! # What leaves the vault, and what never does
//!
//! | leaves | never leaves |
//! |---|---|
//! | enciphered PIN blocks, authentication codes, enciphered data, each with its key serial number | a key, in any form |
//! | a VERIFY command APDU for the card, which holds the PIN as EMV prescribes | a PIN in any other form: not printed, not compared by a caller digit by digit |
//! | bytes it was given to seal, to the caller who names the same context | the device key, or a key derived from it |
//!
//! The one plaintext PIN that leaves is [`Vault::plaintext_verify`]: the command of a card that
//! knows no enciphered VERIFY. It goes to the reader and nowhere else, in a buffer that wipes
//! itself.
//!
//! # How it is entered
//!
//! An embedder gives [`Vault::open`] a [`Storage`] and a [`DeviceKey`], injects keys with
//! [`Vault::load_key`], and then names them by [`KeyPurpose`]. The acquirer's side of the same
//! methods, for emulators, tests and host security modules in software, is public in [`dukpt`],
//! [`pin_block`], [`mac`] and [`verify_command`]; none of it can reach into a [`Vault`].
//!
//! # Invariants
//!
//! - A DUKPT key is used once. The sealed file names the next counter, and no longer holds the
//!   key, before the key is used; a crash in between skips a serial number and never repeats one.
//! - The keys on the device say nothing about the keys used before: a used key is erased, and the
//!   initial key is erased when it is loaded.
//! - A sealed file that is there and cannot be read is a [`Error::Fault`], never an empty vault.
//! - Secrets are wiped when dropped, print a mask, and cannot be cloned or serialized by a caller.
//!
//! What it cannot keep by itself: see [`Storage`] on an older file put back in place. What it does
//! not wipe: the inner state of `ring`'s ciphers and of the big-integer library, which the
//! enciphered VERIFY goes through.
//!
//! # Standards
//!
//! ANSI X9.24-1:2009 and X9.24-3:2017 (DUKPT), ISO 9564-1:2017 (PIN blocks), ISO 9797-1:2011 and
//! NIST SP 800-38B (authentication codes), EMV 4.4 Books 2 and 3 (VERIFY, RSA), NIST SP 800-38D
//! and RFC 5869 (sealing).
#![forbid(unsafe_code)]

pub mod dukpt;
mod error;
mod key;
pub mod mac;
mod mac_key;
mod pan;
mod pin;
pub mod pin_block;
mod rsa;
mod seal;
mod sealed_file;
mod storage;
mod vault;
pub mod verify_command;

pub use error::Error;
pub use key::{AesKey, AesLength, KeyPurpose, NewKey, TdesKey, TdesLength};
pub use mac::MacAlgorithm;
pub use pan::Pan;
pub use pin::Pin;
pub use pin_block::PinBlockFormat;
pub use rsa::rsa_recover;
pub use seal::DeviceKey;
pub use storage::Storage;
pub use vault::{Protected, Vault};
