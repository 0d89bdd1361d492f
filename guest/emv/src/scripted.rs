//! Ports that answer from a script, for tests and for `vectors`.

use std::collections::VecDeque;

use num_bigint::BigUint;

use crate::identity::{Identity, Pan};
use crate::parameters::{CaPublicKey, EccCaPublicKey};
use crate::ports::{
    Card, CardFault, Cardholder, Interruption, OfflinePinEntry, OfflinePinMethod, PinEntry,
    PinPrompt, Tools,
};
use crate::trace::Event;

/// A card that expects one command after the other, and a cardholder with a list of entries.
#[derive(Default)]
pub(crate) struct Scripted {
    /// Commands expected, each with its answer.
    pub(crate) card: VecDeque<(Vec<u8>, Vec<u8>)>,
    /// Answers in order to commands not looked at; used when `card` is empty.
    pub(crate) answers: VecDeque<Vec<u8>>,
    /// Commands seen.
    pub(crate) sent: Vec<Vec<u8>>,
    /// The last answer given.
    pub(crate) answered: Option<Vec<u8>>,
    /// The first command that was not the expected one.
    pub(crate) unexpected: Option<String>,
    /// What came of each PIN entry: `ok`, `failed`, `bypassed`, `pin_pad_not_working` or
    /// `try_limit`.
    pub(crate) attempts: VecDeque<String>,
    pub(crate) ca_keys: Vec<CaPublicKey>,
    pub(crate) ecc_ca_keys: Vec<EccCaPublicKey>,
    /// Revoked certificates: RID, index, serial number.
    pub(crate) revoked: Vec<([u8; 5], u8, [u8; 3])>,
    pub(crate) events: Vec<Event>,
}

impl Card for Scripted {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardFault> {
        self.sent.push(command.to_vec());
        if let Some((expected, answer)) = self.card.pop_front() {
            if command == expected {
                self.answered = Some(answer.clone());
                return Ok(answer);
            }
            let (number, sent, expected) = (self.sent.len(), hex(command), hex(&expected));
            self.unexpected
                .get_or_insert(format!("command {number} is {sent} instead of {expected}"));
            return Err(CardFault::Unresponsive);
        }
        self.answers.pop_front().ok_or(CardFault::Removed)
    }
}

impl Cardholder for Scripted {
    fn choose_application(&mut self, _labels: &[Vec<u8>]) -> Result<usize, Interruption> {
        Ok(0)
    }

    fn enter_online_pin(&mut self) -> Result<PinEntry, Interruption> {
        match self.attempts.pop_front().as_deref() {
            Some("ok") => Ok(PinEntry::Entered),
            Some("bypassed") => Ok(PinEntry::Bypassed),
            Some("pin_pad_not_working") => Ok(PinEntry::Unavailable),
            _ => Err(Interruption::TimedOut),
        }
    }

    fn verify_offline_pin(
        &mut self,
        _prompt: PinPrompt,
        _method: &OfflinePinMethod,
    ) -> Result<OfflinePinEntry, Interruption> {
        match self.attempts.pop_front().as_deref() {
            Some("ok") => Ok(OfflinePinEntry::Answered(0x9000)),
            // The one failure that sets no TVR bit and goes on.
            Some("failed") => Ok(OfflinePinEntry::ChallengeRefused),
            Some("try_limit") => Ok(OfflinePinEntry::Answered(0x6983)),
            Some("bypassed") => Ok(OfflinePinEntry::Bypassed),
            Some("pin_pad_not_working") => Ok(OfflinePinEntry::Unavailable),
            _ => Err(Interruption::TimedOut),
        }
    }
}

impl Tools for Scripted {
    fn rsa_recover(&mut self, modulus: &[u8], exponent: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let modulus_number = BigUint::from_bytes_be(modulus);
        // A key of a broken case must neither panic nor take for ever.
        if modulus_number == BigUint::ZERO || modulus.len() > 512 || exponent.len() > 4 {
            return None;
        }
        let recovered =
            BigUint::from_bytes_be(data).modpow(&BigUint::from_bytes_be(exponent), &modulus_number);
        let digits = recovered.to_bytes_be();
        let missing = modulus.len().checked_sub(digits.len())?;
        Some([vec![0; missing], digits].concat())
    }

    fn unpredictable_number(&mut self) -> [u8; 4] {
        [0xDE, 0xAD, 0xBE, 0xEF]
    }

    fn ca_public_key(&mut self, rid: &[u8; 5], index: u8) -> Option<CaPublicKey> {
        self.ca_keys
            .iter()
            .find(|key| key.rid == *rid && key.index == index)
            .cloned()
    }

    /// Whichever there is: the kernel has to see that it is the right one.
    fn ecc_ca_public_key(&mut self, _rid: &[u8; 5], _index: u8) -> Option<EccCaPublicKey> {
        self.ecc_ca_keys.first().cloned()
    }

    fn issuer_certificate_revoked(&mut self, rid: &[u8; 5], index: u8, serial: [u8; 3]) -> bool {
        self.revoked.contains(&(*rid, index, serial))
    }

    fn on_exception_file(&mut self, _pan: &Pan, _sequence_number: Option<u8>) -> bool {
        false
    }

    fn card_identified(&mut self, _identity: &Identity) {}

    fn record(&mut self, event: Event) {
        self.events.push(event);
    }
}

/// Bytes as upper-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| {
        digits + &format!("{byte:02X}")
    })
}
