//! Who pays, as messages and the card log need it, whether a chip said so or a stripe.

use emv::{Identity, Pan};
use zeroize::Zeroizing;

use crate::ports::Account;

/// The holder of the account.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Payer {
    /// The account.
    pub(crate) pan: Pan,
    /// Field 14: the year and the month after which the card is no longer valid, YYMM.
    pub(crate) expiry: String,
    /// Tag 5F34, when a chip gave it.
    pub(crate) sequence_number: Option<u8>,
    /// Field 35: digits and `=`.
    pub(crate) track_2: Option<Zeroizing<Vec<u8>>>,
}

impl Payer {
    /// As a chip says.
    pub(crate) fn of_chip(identity: &Identity) -> Self {
        let [year, month, _] = identity.expiry;
        Self {
            pan: identity.pan.clone(),
            expiry: format!("{year:02X}{month:02X}"),
            sequence_number: identity.sequence_number,
            track_2: identity
                .track_2
                .as_ref()
                .and_then(|track| track_2_text(track.as_bytes())),
        }
    }

    /// The account, as the card log knows it.
    pub(crate) fn account(&self) -> Account {
        account(&self.pan, self.sequence_number)
    }
}

/// An account as the card log knows it.
pub(crate) fn account(pan: &Pan, sequence_number: Option<u8>) -> Account {
    Account {
        pan: pan.compressed(),
        sequence_number,
    }
}

/// Digits in ASCII as tag 5A writes them: two a byte, filled with F.
pub(crate) fn compressed(digits: &[u8]) -> Zeroizing<Vec<u8>> {
    let pair = |pair: &[u8]| match pair {
        [high, low] => ((high & 0x0F) << 4) | (low & 0x0F),
        [high] => ((high & 0x0F) << 4) | 0x0F,
        _ => 0xFF,
    };
    Zeroizing::new(digits.chunks(2).map(pair).collect())
}

/// Tag 57 as field 35 writes it: digits and `=`, without the filling F.
fn track_2_text(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(38));
    for nibble in bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]) {
        match nibble {
            0..=9 => text.push(b'0'.saturating_add(nibble)),
            0x0D => text.push(b'='),
            0x0F => break,
            _ => return None,
        }
    }
    (text.len() <= 37).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn track_2_ends_at_its_filling() {
        let track = |bytes: &[u8]| track_2_text(bytes).map(|track| track.to_vec());
        assert_eq!(track(&[0x12, 0xD3, 0x4F]), Some(b"12=34".to_vec()));
        assert_eq!(track(&[0x12, 0xD3]), Some(b"12=3".to_vec()));
        assert_eq!(track(&[0x1A]), None);
        assert_eq!(track(&[0x11; 19]), None);
    }

    #[test]
    fn an_account_is_written_as_tag_5a() {
        for (digits, bytes) in [
            (&b"4761"[..], &[0x47, 0x61][..]),
            (b"476", &[0x47, 0x6F]),
            (b"", &[]),
        ] {
            assert_eq!(compressed(digits).as_slice(), bytes);
        }
    }
}
