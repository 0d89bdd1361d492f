//! The issuer's side: cryptograms checked, ARPCs and scripts made (EMV 4.4 Book 2, 8 and 9).
//!
//! `elements` is always what field 55 held, tag to value. Needed for a cryptogram are 9F26, 9F27, 9F10,
//! 9F37, 9F36, 95, 9A, 9C, 9F02, 5F2A, 82 and 9F1A; 9F03 counts as zero when absent. The MAC covers 9F02 9F03
//! 9F1A 95 5F2A 9A 9C 9F37 82 9F36 and the part of 9F10 that its cryptogram version says.

use std::fmt;
use std::sync::Arc;

use crate::authorization::{Elements, application_cryptogram, script_mac};
use crate::card::Card;
use crate::cryptogram::{Block, TdesKey, equal};
use crate::issued::icc_master_key;
use crate::keys::Purpose;
use crate::personalization::{self, ApplicationData, Chip, Personalization};
use crate::tlv;

/// Response codes on which a card with issuer scripts is blocked: lost (41) and stolen (43).
const BLOCKING: [[u8; 2]; 2] = [*b"41", *b"43"];

/// The identifier of every script (tag 9F18).
const SCRIPT_IDENTIFIER: [u8; 4] = [0x54, 0x45, 0x4E, 0x31];

/// The issuer of one card, who knows its PIN and keys.
#[derive(Clone)]
pub struct Issuer {
    card: Arc<Personalization>,
    application: ApplicationData,
}

impl Issuer {
    /// The issuer of the card with this number, digits only. `None` when no card has it.
    pub fn for_pan(pan_digits: &str) -> Option<Self> {
        let mut cards = personalization::all().iter();
        let card = cards.find(|card| card.pan == pan_digits)?;
        Self::new(Arc::new(card.clone()))
    }

    /// Whether the card has this number, digits only.
    pub fn issued(&self, pan_digits: &str) -> bool {
        self.card.pan == pan_digits
    }

    /// Whether both cards have the same number.
    pub fn has_number_of(&self, other: &Self) -> bool {
        self.card.pan == other.card.pan
    }

    /// The issuer of this card, whatever was changed on it.
    pub fn of(card: &Card) -> Option<Self> {
        Self::new(Arc::clone(card.personalization()))
    }

    /// The applications of one card share keys, numbers and cryptogram version.
    fn new(card: Arc<Personalization>) -> Option<Self> {
        let application = card.applications.first();
        if application.is_none() && card.chip == Chip::Contact {
            return None;
        }
        let application = application.cloned().unwrap_or_default();
        Some(Self { card, application })
    }

    /// Whether tag 9F26 is a cryptogram that this card made over the other elements: an ARQC, TC or AAC.
    /// `false` too when an element is missing or of the wrong length.
    pub fn verify_cryptogram(&self, elements: &Elements) -> bool {
        let master = self.master(Purpose::ApplicationCryptogram);
        let expected = application_cryptogram(&master, self.application.cryptogram, elements);
        match (expected, elements.get(&0x9F26)) {
            (Some(expected), Some(cryptogram)) => equal(&expected, cryptogram),
            (None, _) | (_, None) => false,
        }
    }

    /// The value of tag 91 for an answer with the authorisation response code `arc` in ASCII: the ARPC of
    /// method 1 (EMV 4.4 Book 2, 8.2.1) with the key of its version, eight bytes, and `arc`. Empty without a
    /// cryptogram and an ATC to answer to.
    pub fn authentication_data(&self, elements: &Elements, arc: [u8; 2]) -> Vec<u8> {
        let Some((cryptogram, counter)) = request(elements) else {
            return Vec::new();
        };
        let master = self.master(Purpose::ApplicationCryptogram);
        let key = self.application.cryptogram.response_key(&master, counter);
        [&key.arpc_method_1(cryptogram, arc)[..], &arc].concat()
    }

    /// The script templates 71 and 72, ready to stand after tag 91 in field 55. Empty for cards without
    /// issuer scripts. A lost or stolen card (`arc` 41 or 43) is blocked; an approved one gets a new
    /// consecutive offline limit before, and its PIN unblocked after the second GENERATE AC.
    pub fn scripts(&self, elements: &Elements, arc: [u8; 2]) -> Vec<u8> {
        let Some((cryptogram, counter)) =
            request(elements).filter(|_| self.application.issuer_scripts)
        else {
            return Vec::new();
        };
        let command = |nth, header, data: &[u8]| {
            self.script_command((cryptogram, counter), nth, header, data)
        };
        if BLOCKING.contains(&arc) {
            return script(0x72, &command(0, [0x84, 0x1E, 0x00, 0x00], &[]));
        }
        if arc != *b"00" {
            return Vec::new();
        }
        let put_data = command(0, [0x04, 0xDA, 0x9F, 0x14], &[0x07]);
        let pin_unblock = command(1, [0x84, 0x24, 0x00, 0x00], &[]);
        [script(0x71, &put_data), script(0x72, &pin_unblock)].concat()
    }

    /// A script command with its MAC: `header` is its first four bytes, `data` what it carries, `nth`
    /// its place among all script commands of the transaction, from 0. Empty without a cryptogram and
    /// an ATC to answer to.
    pub fn signed_command(
        &self,
        elements: &Elements,
        nth: u8,
        header: [u8; 4],
        data: &[u8],
    ) -> Vec<u8> {
        request(elements).map_or_else(Vec::new, |request| {
            self.script_command(request, nth, header, data)
        })
    }

    /// Whether `pin` is the cardholder's.
    pub fn pin_matches(&self, pin: &str) -> bool {
        equal(self.card.pin.as_bytes(), pin.as_bytes())
    }

    /// Whether `track` is what the issuer wrote on the stripe.
    pub fn track_2_matches(&self, track: &str) -> bool {
        equal(self.card.track_2().as_bytes(), track.as_bytes())
    }

    /// Whether the stripe says that there is a chip beside it.
    pub fn stripe_names_chip(&self) -> bool {
        self.card.service_code().starts_with(['2', '6'])
    }

    /// The last month of validity as year and month, `2812` for December 2028: field 14.
    pub fn expiry(&self) -> &str {
        self.card.expiry.get(..4).unwrap_or_default()
    }

    /// A command with its MAC. The nth command of a transaction counts from 0 over both templates.
    fn script_command(
        &self,
        (arqc, counter): (Block, [u8; 2]),
        nth: u8,
        [class, instruction, p1, p2]: [u8; 4],
        data: &[u8],
    ) -> Vec<u8> {
        let length = u8::try_from(data.len())
            .unwrap_or(u8::MAX)
            .saturating_add(8);
        let header = [class, instruction, p1, p2, length];
        let master = self.master(Purpose::ScriptMac);
        let version = self.application.cryptogram;
        let key = version.script_key(&master, (arqc, counter), nth);
        let mac = script_mac(&key, header, counter, data);
        [&header[..], data, &mac].concat()
    }

    fn master(&self, purpose: Purpose) -> TdesKey {
        icc_master_key(&self.card, self.application.rid(), purpose)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({})", self.card.name)
    }
}

/// The cryptogram and the ATC that an answer is for.
fn request(elements: &Elements) -> Option<(Block, [u8; 2])> {
    let cryptogram = elements.get(&0x9F26)?.as_slice().try_into().ok()?;
    let counter = elements.get(&0x9F36)?.as_slice().try_into().ok()?;
    Some((cryptogram, counter))
}

/// An issuer script template (EMV 4.4 Book 3, 10.10).
fn script(tag: u32, command: &[u8]) -> Vec<u8> {
    tlv::template(
        tag,
        &[
            tlv::object(0x9F18, &SCRIPT_IDENTIFIER),
            tlv::object(0x86, command),
        ],
    )
}
