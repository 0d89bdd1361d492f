//! An EMV chip card and its issuer in software, with real RSA keys and real cryptograms.
//!
//! What it is not: a terminal kernel, or a card for production. It shares no code with the kernel on
//! purpose, so that two readings of the standard meet in the tests.
//!
//! A reader holds a [`Card`], one of the catalogue, one of its own text ([`Card::from_text`]) or one
//! changed by a test ([`Card::changed`]):
//! [`Card::insert`], then [`Card::transmit`] for each command. An acquirer asks
//! [`Issuer::for_pan`] about what came in field 55. A terminal that should accept these cards loads
//! [`ca_public_keys`].
//!
//! Invariants: a command of any bytes is answered and never panics; a cryptogram is never of a higher
//! type than was asked for; a card's counter never goes back; an issuer's command without the right
//! MAC changes nothing.
//!
//! Standards: EMV 4.4 Books 1 to 4, ISO 7816-4:2005, ISO 9564-1 format 2, ISO 9797-1 algorithm 3.
#![forbid(unsafe_code)]

mod alteration;
mod apdu;
mod application;
mod authorization;
mod card;
mod catalogue;
mod certificate;
pub mod cryptogram;
mod elliptic;
mod issued;
mod issuer;
mod keys;
mod language;
mod personalization;
mod pin;
mod quirk;
mod record;
mod rsa;
mod stripe;
mod tlv;
mod verification;

pub use authorization::{CryptogramInput, Elements};
pub use card::Card;
pub use catalogue::{CardInfo, catalogue};
pub use issuer::Issuer;
pub use keys::{CaPublicKey, EccCaPublicKey, ca_public_key, ca_public_keys, ecc_ca_public_keys};
pub use language::{APPLICATION_KEYWORDS, CARD_KEYWORDS, Error, Keyword, TEXT_BYTES_MAX};
pub use quirk::{Quirk, SignatureFault};
