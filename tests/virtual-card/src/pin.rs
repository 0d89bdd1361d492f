//! The card's own PIN: reference value, try counter and both ways of presenting it
//! (EMV 4.4 Book 3, 6.5.12; Book 2, 7).

use std::fmt;

use crate::apdu::Status;
use crate::cryptogram::{bcd, equal};
use crate::rsa::RsaKey;

/// Tries after issuance, and after an unblocking script.
const TRIES: u8 = 3;

/// The reference PIN of an application.
#[derive(Clone)]
pub(crate) struct ReferencePin {
    block: [u8; 8],
    tries: u8,
}

impl ReferencePin {
    /// Of these digits, four to twelve, with so many tries left.
    pub(crate) fn new(digits: &str, tries: Option<u8>) -> Self {
        Self {
            block: format_2(digits),
            tries: tries.unwrap_or(TRIES),
        }
    }

    pub(crate) fn tries(&self) -> u8 {
        self.tries
    }

    pub(crate) fn unblock(&mut self) {
        self.tries = TRIES;
    }

    /// Takes a new PIN block from the issuer. Fails with 6A80 when it is not of format 2.
    pub(crate) fn change(&mut self, block: [u8; 8]) -> Result<(), Status> {
        if !is_format_2(block) {
            return Err(Status::WRONG_DATA);
        }
        self.block = block;
        self.unblock();
        Ok(())
    }

    /// Compares a plaintext block (EMV 4.4 Book 3, 6.5.12.3). Fails with 6983 when no try was left
    /// before, with 63Cx when it is wrong.
    pub(crate) fn verify(&mut self, block: &[u8]) -> Result<(), Status> {
        if self.tries == 0 {
            return Err(Status::METHOD_BLOCKED);
        }
        if equal(&self.block, block) {
            self.tries = TRIES;
            return Ok(());
        }
        self.tries = self.tries.saturating_sub(1);
        Err(Status::tries_left(self.tries))
    }

    /// Compares an enciphered block (EMV 4.4 Book 2, 7.2): 7F, the block, the card's challenge and
    /// random bytes up to the key's length. Fails with 6984 when it was not made for this challenge,
    /// which costs no try.
    pub(crate) fn verify_enciphered(
        &mut self,
        key: &RsaKey,
        challenge: [u8; 8],
        enciphered: &[u8],
    ) -> Result<(), Status> {
        if self.tries == 0 {
            return Err(Status::METHOD_BLOCKED);
        }
        match key.private(enciphered).split_at_checked(17) {
            Some(([0x7F, clear @ ..], _)) if clear.get(8..) == Some(&challenge[..]) => {
                self.verify(clear.get(..8).unwrap_or_default())
            }
            Some(_) | None => Err(Status::DATA_INVALIDATED),
        }
    }
}

impl fmt::Debug for ReferencePin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReferencePin(masked, {} tries)", self.tries)
    }
}

/// The PIN block of ISO 9564-1 format 2.
pub(crate) fn format_2(digits: &str) -> [u8; 8] {
    let block = bcd(&format!("2{:X}{digits:F<14}", digits.len().min(14)));
    block.first_chunk().copied().unwrap_or([0xFF; 8])
}

fn is_format_2(block: [u8; 8]) -> bool {
    let [control, rest @ ..] = block;
    let length = usize::from(control & 0x0F);
    let nibbles: Vec<u8> = rest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0x0F])
        .collect();
    let (digits, filler) = nibbles.split_at(length.min(nibbles.len()));
    control >> 4 == 2
        && (4..=12).contains(&length)
        && digits.iter().all(|digit| *digit < 10)
        && filler.iter().all(|nibble| *nibble == 0x0F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_down_and_blocks() {
        let mut pin = ReferencePin::new("1234", None);
        let wrong = format_2("1235");
        assert_eq!(pin.verify(&wrong), Err(Status(0x63C2)));
        assert_eq!(pin.verify(&format_2("1234")), Ok(()));
        for status in [0x63C2, 0x63C1, 0x63C0, 0x6983] {
            assert_eq!(pin.verify(&wrong), Err(Status(status)));
        }
        assert_eq!(pin.verify(&format_2("1234")), Err(Status(0x6983)));
        pin.unblock();
        assert_eq!(pin.verify(&format_2("1234")), Ok(()));
    }

    #[test]
    fn takes_only_format_2() {
        assert_eq!(
            format_2("1234"),
            [0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        );
        let mut pin = ReferencePin::new("1234", None);
        for block in [
            [0; 8],
            format_2("123"),
            [0x24, 0x1A, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        ] {
            assert_eq!(pin.change(block), Err(Status(0x6A80)), "{block:02X?}");
        }
        assert_eq!(pin.change(format_2("98765")), Ok(()));
        assert_eq!(pin.verify(&format_2("98765")), Ok(()));
    }
}
