//! The kernel's view of the world: a card, a cardholder, and the terminal's tools.
//!
//! The kernel holds no socket, no clock and no random source. Whatever it needs comes through
//! these traits or as an argument, so the same inputs give the same decisions.

use crate::identity::{Identity, Pan};
use crate::parameters::{CaPublicKey, EccCaPublicKey};
use crate::trace::Event;

/// Everything the kernel needs, in one object.
pub trait Ports: Card + Cardholder + Tools {}

impl<P: Card + Cardholder + Tools> Ports for P {}

/// The activated card, at the level of APDUs (EMV 4.4 Book 1, 11).
pub trait Card {
    /// Sends a command APDU and returns the response APDU, SW1-SW2 included.
    ///
    /// A status word other than 9000 is an answer, not a fault.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardFault>;
}

/// Why the card gave no answer. The card is gone in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardFault {
    /// The card left the slot or the field.
    Removed,
    /// The card stopped answering or broke the transmission protocol.
    Unresponsive,
    /// The reader failed.
    Reader,
}

/// The person with the card.
pub trait Cardholder {
    /// Offers application labels, as the card gave them, and returns the index chosen.
    fn choose_application(&mut self, labels: &[Vec<u8>]) -> Result<usize, Interruption>;

    /// Whether there is a cardholder who can be asked for an application. Without one, as at a
    /// gate, none that needs a confirmation is used (EMV 4.4 Book 1, 12.4).
    fn chooses_applications(&self) -> bool {
        true
    }

    /// The application that the cardholder chose cannot be used, and the others are offered next:
    /// the cardholder is told to try again (EMV 4.4 Book 1, 12.4).
    fn choice_refused(&mut self) {}

    /// Takes a PIN for the issuer. The PIN itself stays behind the port, for the engine to spend.
    fn enter_online_pin(&mut self) -> Result<PinEntry, Interruption>;

    /// Takes a PIN and spends it on a VERIFY command to the card.
    fn verify_offline_pin(
        &mut self,
        prompt: PinPrompt,
        method: &OfflinePinMethod,
    ) -> Result<OfflinePinEntry, Interruption>;
}

/// Why the cardholder's part ended early. Nothing was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// The cardholder pressed cancel.
    Cancelled,
    /// The point of sale asked for an abort.
    Aborted,
    /// Nobody pressed a key in time.
    TimedOut,
    /// The card left during the dialogue.
    Card(CardFault),
}

/// How the entry of an online PIN ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinEntry {
    /// A PIN was taken.
    Entered,
    /// Enter was pressed without a digit, and the terminal allows it.
    Bypassed,
    /// The keypad is absent or broken.
    Unavailable,
}

/// How an offline PIN verification ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfflinePinEntry {
    /// The card answered VERIFY with this SW1-SW2.
    Answered(u16),
    /// The card gave no challenge to encipher the PIN with (EMV 4.4 Book 2, 7.2).
    ChallengeRefused,
    /// Enter was pressed without a digit, and the terminal allows it.
    Bypassed,
    /// The keypad is absent or broken.
    Unavailable,
}

/// What the cardholder is told when a PIN is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinPrompt {
    /// The first time.
    Enter,
    /// The PIN before was wrong.
    Incorrect,
    /// The PIN before was wrong and one try is left.
    LastTry,
}

/// How a PIN travels to the card (EMV 4.4 Book 3, 6.5.12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfflinePinMethod {
    /// As a plaintext PIN block.
    Plaintext,
    /// Enciphered under an RSA key of the card (EMV 4.4 Book 2, 7.1).
    Enciphered {
        /// Most significant byte first.
        modulus: Vec<u8>,
        /// Most significant byte first.
        exponent: Vec<u8>,
    },
}

/// What the terminal does for the kernel.
pub trait Tools {
    /// Applies an RSA public key (EMV 4.4 Book 2, Annex B2.1). `None` when the sizes do not fit.
    fn rsa_recover(&mut self, modulus: &[u8], exponent: &[u8], data: &[u8]) -> Option<Vec<u8>>;

    /// A fresh unpredictable number (tag 9F37).
    fn unpredictable_number(&mut self) -> [u8; 4];

    /// The certification authority's public key for `rid` and tag 8F, when the terminal holds it
    /// (EMV 4.4 Book 2, 11.2.1).
    fn ca_public_key(&mut self, rid: &[u8; 5], index: u8) -> Option<CaPublicKey>;

    /// The certification authority's elliptic-curve key for `rid` and tag 8F, when the terminal
    /// holds it (EMV 4.4 Book 2, 12.2). A terminal without such keys answers `None`.
    fn ecc_ca_public_key(&mut self, _rid: &[u8; 5], _index: u8) -> Option<EccCaPublicKey> {
        None
    }

    /// Whether the issuer certificate is on the revocation list (EMV 4.4 Book 2, 5.1.2). A
    /// terminal without a list answers `false`.
    fn issuer_certificate_revoked(&mut self, _rid: &[u8; 5], _index: u8, _serial: [u8; 3]) -> bool {
        false
    }

    /// Whether the card is on the terminal's exception file (EMV 4.4 Book 4, 6.5.5). A terminal
    /// without one answers `false`.
    fn on_exception_file(&mut self, _pan: &Pan, _sequence_number: Option<u8>) -> bool {
        false
    }

    /// The amount of the latest approved transaction of the same card in the terminal's log, in
    /// minor units (EMV 4.4 Book 3, 10.6.1). A terminal without a log answers zero.
    fn logged_amount(&mut self, _pan: &Pan, _sequence_number: Option<u8>) -> u64 {
        0
    }

    /// The card has been read: its identity may be shown to the merchant, masked.
    fn card_identified(&mut self, identity: &Identity);

    /// Records one decision.
    fn record(&mut self, event: Event);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal with a keypad, and nothing that may be left out.
    struct Plain;

    impl Cardholder for Plain {
        fn choose_application(&mut self, _: &[Vec<u8>]) -> Result<usize, Interruption> {
            Ok(0)
        }

        fn enter_online_pin(&mut self) -> Result<PinEntry, Interruption> {
            Ok(PinEntry::Entered)
        }

        fn verify_offline_pin(
            &mut self,
            _: PinPrompt,
            _: &OfflinePinMethod,
        ) -> Result<OfflinePinEntry, Interruption> {
            Ok(OfflinePinEntry::Bypassed)
        }
    }

    impl Tools for Plain {
        fn rsa_recover(&mut self, _: &[u8], _: &[u8], _: &[u8]) -> Option<Vec<u8>> {
            None
        }

        fn unpredictable_number(&mut self) -> [u8; 4] {
            [0; 4]
        }

        fn ca_public_key(&mut self, _: &[u8; 5], _: u8) -> Option<CaPublicKey> {
            None
        }

        fn card_identified(&mut self, _: &Identity) {}

        fn record(&mut self, _: Event) {}
    }

    #[test]
    fn what_a_terminal_does_not_have_speaks_against_no_card() {
        let pan = Pan::parse(&[0x47, 0x61, 0x73, 0x90]).expect("eight digits");
        let rid = [0xA0, 0, 0, 0, 0x03];
        assert!(Plain.chooses_applications());
        assert_eq!(Plain.ecc_ca_public_key(&rid, 1), None);
        assert!(!Plain.issuer_certificate_revoked(&rid, 1, [0; 3]));
        assert!(!Plain.on_exception_file(&pan, None));
        assert_eq!(Plain.logged_amount(&pan, None), 0);
    }
}
