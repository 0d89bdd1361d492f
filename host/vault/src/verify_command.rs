//! The VERIFY command, which takes a PIN to the card (EMV 4.4 Book 3, 6.5.12).
//!
//! Public for the test vectors. The terminal's commands are made by the vault itself, of a PIN that
//! it never gives away.
//!
//! One trace is not wiped: while the enciphered form is made, the big-integer library holds the PIN
//! block in memory that it frees without wiping.

use zeroize::Zeroizing;

use crate::pin_block::encode_iso2;
use crate::{Error, Pin, rsa_recover};

/// P2: the PIN is in clear (EMV 4.4 Book 3, 6.5.12.2, table 24).
const P2_PLAINTEXT: u8 = 0x80;

/// P2: the PIN is enciphered.
const P2_ENCIPHERED: u8 = 0x88;

/// The first byte of the data to be enciphered (EMV 4.4 Book 2, 7.2, table 26).
const DATA_HEADER: u8 = 0x7F;

/// Bytes of header, PIN block and challenge, before the padding.
const DATA_FIXED: usize = 17;

/// Shortest modulus, in bytes. EMV names no shortest; less than this hides no PIN.
const MODULUS_MIN: usize = 64;

/// Longest modulus, in bytes (EMV 4.4 Book 2, Annex B2.1).
const MODULUS_MAX: usize = 248;

/// The plaintext VERIFY command APDU.
pub(crate) fn plaintext(pin: &Pin) -> Zeroizing<Vec<u8>> {
    command(P2_PLAINTEXT, encode_iso2(pin).as_bytes())
}

/// The enciphered VERIFY command APDU. `random` fills the padding.
///
/// Fails with [`Error::InvalidInput`] when the challenge is not 8 bytes long or the key is none, or
/// as `random` does.
pub fn enciphered(
    pin: &Pin,
    modulus: &[u8],
    exponent: &[u8],
    challenge: &[u8],
    random: impl Fn(&mut [u8]) -> Result<(), Error>,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    // The data begins with a zero bit: it is less than any modulus that begins with a one bit.
    let full_length = modulus.first().is_some_and(|byte| byte & 0x80 != 0);
    if !full_length {
        return Err(Error::InvalidInput);
    }
    let data = data_to_encipher(pin, modulus.len(), challenge, random)?;
    Ok(command(
        P2_ENCIPHERED,
        &rsa_recover(modulus, exponent, &data)?,
    ))
}

/// What is enciphered: header, PIN block, challenge and padding (EMV 4.4 Book 2, 7.2, step 3), as
/// long as the modulus. `random` fills the padding.
///
/// Fails with [`Error::InvalidInput`] when the challenge is not 8 bytes long or no modulus has that
/// length, or as `random` does.
pub fn data_to_encipher(
    pin: &Pin,
    modulus_length: usize,
    challenge: &[u8],
    random: impl Fn(&mut [u8]) -> Result<(), Error>,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let challenge: &[u8; 8] = challenge.try_into().map_err(|_| Error::InvalidInput)?;
    if !(MODULUS_MIN..=MODULUS_MAX).contains(&modulus_length) {
        return Err(Error::InvalidInput);
    }
    let mut data = Zeroizing::new(Vec::with_capacity(modulus_length));
    data.push(DATA_HEADER);
    data.extend_from_slice(encode_iso2(pin).as_bytes());
    data.extend_from_slice(challenge);
    data.resize(modulus_length, 0);
    random(data.get_mut(DATA_FIXED..).ok_or(Error::InvalidInput)?)?;
    Ok(data)
}

/// A case 3 command without Le.
fn command(p2: u8, data: &[u8]) -> Zeroizing<Vec<u8>> {
    // A PIN block or a modulus: 248 bytes at most.
    let length = u8::try_from(data.len()).unwrap_or(u8::MAX);
    let mut apdu = Zeroizing::new(Vec::with_capacity(data.len().saturating_add(5)));
    apdu.extend_from_slice(&[0x00, 0x20, 0x00, p2, length]);
    apdu.extend_from_slice(data);
    apdu
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin() -> Pin {
        Pin::from_digits(Zeroizing::new(vec![1, 2, 3, 4])).unwrap()
    }

    #[test]
    fn plaintext_is_a_format_2_block() {
        let expected = [
            0x00, 0x20, 0x00, 0x80, 8, 0x24, 0x12, 0x34, 255, 255, 255, 255, 255,
        ];
        assert_eq!(*plaintext(&pin()), expected);
    }

    #[test]
    fn enciphered_is_the_modulus_long() {
        for length in [64, 128, 248] {
            let modulus = vec![0xFF; length];
            let apdu = enciphered(&pin(), &modulus, &[3], &[9; 8], |_| Ok(())).unwrap();
            assert_eq!(apdu.len(), length + 5);
            assert_eq!(apdu[..4], [0x00, 0x20, 0x00, 0x88]);
            assert_eq!(usize::from(apdu[4]), length);
        }
    }

    #[test]
    fn enciphers_as_a_test_card_expects() {
        // The card of the case oda-dda-test-rid-92 in tests/vectors/oda_rsa.json.
        let modulus = concat!(
            "C0C3229FB5DA18D0718416DD70C495B1495A1838B7A1D6AFF2C078ABF24D3073C0CBF1F8FB7D7C4EEF925E",
            "00C357B09DD2ED296B15898CC02A0A68BEAEB596AEDF7E5D7AF7718F48E4D4B01B53FC444EB5812D3E3BC1",
            "86938D711A89296D80AA4ED349B26AFDE3C107221B98E80BEB604D99F0985D4348D4A7D91ADEA0971BFD",
        );
        let expected = concat!(
            "0D12DB004D5953EE1135A708F9D056E1EE0FF4D2D4E89B4F7766614A7FCEDB6D1B5BF6C3B608119BE69806",
            "222276AA48BBF807194D95C8F152D795865F9DD6354524E6BDE31AB2B8E822358AD296823B3F2F0A1046BB",
            "D6F95FCCDB044FB6DC005AEAB098038CD1912281BC1B2B480FB8789909108CA0354D10DE55B0955D3AAE",
        );
        let challenge = bytes("B34571E839F2E14F");
        let apdu = enciphered(&pin(), &bytes(modulus), &[3], &challenge, |_| Ok(())).unwrap();
        assert_eq!(apdu[5..], bytes(expected));
    }

    fn bytes(digits: &str) -> Vec<u8> {
        let pairs = digits.as_bytes().chunks(2);
        pairs
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn padding_makes_each_command_another() {
        let modulus = [0xFF; 64];
        let with = |fill: u8| {
            let random = |padding: &mut [u8]| {
                padding.fill(fill);
                Ok(())
            };
            enciphered(&pin(), &modulus, &[3], &[9; 8], random).unwrap()
        };
        assert_ne!(with(1), with(2));
    }

    #[test]
    fn refuses_keys_and_challenges_that_are_none() {
        let full = |length: usize| vec![0xFF; length];
        let mut low = full(64);
        low[0] = 0x7F;
        let cases: [(Vec<u8>, &[u8], &[u8]); 7] = [
            (full(63), &[3], &[9; 8]),
            (full(249), &[3], &[9; 8]),
            (low, &[3], &[9; 8]),
            (full(64), &[5], &[9; 8]),
            (full(64), &[3], &[9; 7]),
            (full(64), &[3], &[9; 9]),
            (Vec::new(), &[3], &[9; 8]),
        ];
        for (modulus, exponent, challenge) in cases {
            let refused = enciphered(&pin(), &modulus, exponent, challenge, |_| Ok(()));
            assert_eq!(
                refused.err(),
                Some(Error::InvalidInput),
                "{}",
                modulus.len()
            );
        }
    }

    #[test]
    fn a_failing_generator_makes_no_command() {
        let refused = enciphered(&pin(), &[0xFF; 64], &[3], &[9; 8], |_| Err(Error::Fault));
        assert_eq!(refused.err(), Some(Error::Fault));
    }
}
