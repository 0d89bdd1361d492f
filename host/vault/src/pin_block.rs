//! PIN blocks, formats 0 to 4 (ISO 9564-1:2017, clause 9).
//!
//! The terminal's own blocks are made by [`crate::Vault::encrypt_pin`], which draws the filling
//! from the random generator. The functions here take it as an input and the block in clear: they
//! are for whoever stands on the other side, an acquirer in software or a test.

use std::fmt;

use zeroize::Zeroizing;

use crate::key::BlockCipher;
use crate::{AesKey, Pan, Pin, TdesKey};

/// A PIN block format (ISO 9564-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinBlockFormat {
    /// Format 0: bound to the PAN, 8 bytes, TDES.
    Iso0,
    /// Format 1: bound to a random number, 8 bytes, TDES.
    Iso1,
    /// Format 3: as format 0 with random fill, 8 bytes, TDES.
    Iso3,
    /// Format 4: bound to the PAN, 16 bytes, AES.
    Iso4,
}

/// Why a PIN block cannot be made or read. An issuer answers all of them as a wrong PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The PAN has fewer than 13 digits: formats 0 and 3 need twelve beside the check digit.
    #[error("the PAN is too short for this format")]
    Pan,
    /// The first four bits name another format.
    #[error("the control field names another format")]
    ControlField,
    /// The PIN's length is less than 4 or more than 12.
    #[error("the PIN length is out of range")]
    PinLength,
    /// A digit of the PIN is no digit.
    #[error("a PIN digit is no digit")]
    PinDigits,
    /// The filling is not the format's. In formats 0 and 3 also the sign of another PAN.
    #[error("the filling is not the format's")]
    Filler,
    /// The block has the wrong length.
    #[error("the block has the wrong length")]
    Length,
}

/// A PIN block, or the PIN field of one, in clear. Wiped on drop, never printed.
pub struct ClearBlock<const N: usize>(Zeroizing<[u8; N]>);

impl<const N: usize> ClearBlock<N> {
    /// Takes a block in clear.
    pub fn from_bytes(bytes: &[u8; N]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// The block in clear: whoever takes it wipes it.
    pub fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> fmt::Debug for ClearBlock<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClearBlock").finish_non_exhaustive()
    }
}

/// Makes a format 0 block.
///
/// Fails with [`Error::Pan`] when the PAN is shorter than 13 digits (ISO 9564-1:2017, 9.3.2).
pub fn encode_iso0(pin: &Pin, pan: &Pan) -> Result<ClearBlock<8>, Error> {
    let account = account_field(pan)?;
    Ok(xor(&plain_field(Control::Iso0, pin, [0xFF; 8]).0, &account))
}

/// Makes a format 1 block (ISO 9564-1:2017, 9.3.3). `fill` fills the places behind the PIN, from
/// the left by place and not by count: its first byte and what lies under the PIN are not used.
pub fn encode_iso1(pin: &Pin, fill: &[u8; 8]) -> ClearBlock<8> {
    plain_field(Control::Iso1, pin, *fill)
}

/// Makes a format 2 block, which goes to the card only (ISO 9564-1:2017, 9.3.4; EMV 4.4 Book 3,
/// 6.5.12.2).
pub fn encode_iso2(pin: &Pin) -> ClearBlock<8> {
    plain_field(Control::Iso2, pin, [0xFF; 8])
}

/// Makes a format 3 block (ISO 9564-1:2017, 9.3.5). `fill` fills the places behind the PIN, as in
/// [`encode_iso1`]. Each of its digits must be A to F.
///
/// Fails with [`Error::Pan`] when the PAN is shorter than 13 digits, and with [`Error::Filler`]
/// when a digit of `fill` is less than A.
pub fn encode_iso3(pin: &Pin, pan: &Pan, fill: &[u8; 8]) -> Result<ClearBlock<8>, Error> {
    if nibbles(fill).any(|nibble| nibble < 0x0A) {
        return Err(Error::Filler);
    }
    let account = account_field(pan)?;
    Ok(xor(&plain_field(Control::Iso3, pin, *fill).0, &account))
}

/// Turns random bytes into the sixteen random letters A to F that format 3 is filled with: the
/// digits to base six of one number, of which 2^64 has many more than sixteen.
pub(crate) fn letters(random: [u8; 8]) -> Zeroizing<[u8; 8]> {
    let mut number = Zeroizing::new(u64::from_be_bytes(random));
    let mut fill = Zeroizing::new([0; 8]);
    for byte in fill.iter_mut() {
        for _ in 0..2 {
            let [digit, ..] = (*number % 6).to_le_bytes();
            *byte = (*byte << 4) | digit.saturating_add(0x0A);
            *number /= 6;
        }
    }
    fill
}

/// Reads a format 0 block.
pub fn decode_iso0(block: &ClearBlock<8>, pan: &Pan) -> Result<Pin, Error> {
    let field = xor(&block.0, &account_field(pan)?);
    decode_field(Control::Iso0, field.as_bytes(), |fill| fill == 0x0F)
}

/// Reads a format 1 block. Any filling is right.
pub fn decode_iso1(block: &ClearBlock<8>) -> Result<Pin, Error> {
    decode_field(Control::Iso1, block.as_bytes(), |_| true)
}

/// Reads a format 2 block.
pub fn decode_iso2(block: &ClearBlock<8>) -> Result<Pin, Error> {
    decode_field(Control::Iso2, block.as_bytes(), |fill| fill == 0x0F)
}

/// Reads a format 3 block.
pub fn decode_iso3(block: &ClearBlock<8>, pan: &Pan) -> Result<Pin, Error> {
    let field = xor(&block.0, &account_field(pan)?);
    decode_field(Control::Iso3, field.as_bytes(), |fill| fill >= 0x0A)
}

/// Enciphers a block of format 0, 1 or 3 under a PIN encryption key.
pub fn encipher(key: &TdesKey, block: &ClearBlock<8>) -> [u8; 8] {
    let mut enciphered = *block.as_bytes();
    key.cipher().encrypt(&mut enciphered);
    enciphered
}

/// Deciphers what [`encipher`] made.
///
/// Fails with [`Error::Length`] when `block` is not 8 bytes long.
pub fn decipher(key: &TdesKey, block: &[u8]) -> Result<ClearBlock<8>, Error> {
    let mut clear = Zeroizing::new(*block.as_array().ok_or(Error::Length)?);
    key.cipher().decrypt(&mut clear);
    Ok(ClearBlock(clear))
}

/// Makes a format 4 block and enciphers it (ISO 9564-1:2017, 9.4.2): `AES(AES(pin field) XOR PAN
/// field)`. `random` is the second half of the PIN field.
pub fn encipher_iso4(key: &AesKey, pin: &Pin, pan: &Pan, random: &[u8; 8]) -> [u8; 16] {
    let cipher = key.cipher();
    let mut block = encode_iso4_pin_field(pin, random).0;
    cipher.encrypt(&mut block);
    let mut block = *xor(&block, &encode_iso4_pan_field(pan)).as_bytes();
    cipher.encrypt(&mut block);
    block
}

/// Deciphers what [`encipher_iso4`] made and reads it.
///
/// Fails with [`Error::Length`] when `block` is not 16 bytes long, or as
/// [`decode_iso4_pin_field`] does.
pub fn decipher_iso4(key: &AesKey, block: &[u8], pan: &Pan) -> Result<Pin, Error> {
    let cipher = key.cipher();
    let mut field = Zeroizing::new(*block.as_array().ok_or(Error::Length)?);
    cipher.decrypt(&mut field);
    let mut field = xor(&field, &encode_iso4_pan_field(pan));
    cipher.decrypt(&mut field.0);
    decode_iso4_pin_field(&field)
}

/// Makes the plain text PIN field of format 4 (ISO 9564-1:2017, 9.4.2.2).
pub fn encode_iso4_pin_field(pin: &Pin, random: &[u8; 8]) -> ClearBlock<16> {
    let left = plain_field(Control::Iso4, pin, [0xAA; 8]);
    let mut field = Zeroizing::new([0; 16]);
    for (place, byte) in field.iter_mut().zip(left.as_bytes().iter().chain(random)) {
        *place = *byte;
    }
    ClearBlock(field)
}

/// Reads the plain text PIN field of format 4. Any random half is right.
pub fn decode_iso4_pin_field(field: &ClearBlock<16>) -> Result<Pin, Error> {
    let (left, _random) = field.0.split_at(8);
    decode_field(Control::Iso4, left, |fill| fill == 0x0A)
}

/// Makes the plain text primary account number field of format 4 (ISO 9564-1:2017, 9.4.2.3): how
/// many digits there are beyond twelve, the digits, zeros. A shorter PAN has zeros before it.
pub fn encode_iso4_pan_field(pan: &Pan) -> [u8; 16] {
    let digits = pan.digits();
    let beyond = digits
        .iter()
        .skip(12)
        .fold(0, |count, _| u8::saturating_add(count, 1));
    let zeros = std::iter::repeat_n(0, 12_usize.saturating_sub(digits.len()));
    pack(
        std::iter::once(beyond)
            .chain(zeros)
            .chain(digits.iter().copied()),
    )
}

/// The first four bits of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Control {
    Iso0,
    Iso1,
    Iso2,
    Iso3,
    Iso4,
}

impl Control {
    fn nibble(self) -> u8 {
        match self {
            Self::Iso0 => 0,
            Self::Iso1 => 1,
            Self::Iso2 => 2,
            Self::Iso3 => 3,
            Self::Iso4 => 4,
        }
    }
}

/// Control, length, digits, filling: the field that all formats share. The filling is taken from
/// the places of `fill` that the PIN leaves free.
fn plain_field(control: Control, pin: &Pin, fill: [u8; 8]) -> ClearBlock<8> {
    let head = [control.nibble(), pin.length()];
    let taken = pin.digits().len().saturating_add(head.len());
    let digits = head.into_iter().chain(pin.digits().iter().copied());
    ClearBlock(Zeroizing::new(pack(
        digits.chain(nibbles(&fill).skip(taken)),
    )))
}

/// Reads what [`plain_field`] made. `fill_allowed` says whether a nibble may stand behind the PIN.
fn decode_field(
    control: Control,
    field: &[u8],
    fill_allowed: impl Fn(u8) -> bool,
) -> Result<Pin, Error> {
    let mut nibbles = nibbles(field);
    if nibbles.next() != Some(control.nibble()) {
        return Err(Error::ControlField);
    }
    let length = nibbles.next().map_or(0, usize::from);
    if !(Pin::DIGITS_MIN..=Pin::DIGITS_MAX).contains(&length) {
        return Err(Error::PinLength);
    }
    let mut digits = Zeroizing::new(Vec::with_capacity(Pin::DIGITS_MAX));
    digits.extend(nibbles.by_ref().take(length));
    let pin = Pin::from_digits(digits).ok_or(Error::PinDigits)?;
    // Every nibble is looked at, so that the time does not tell where the first wrong one is.
    if nibbles.fold(true, |allowed, fill| allowed & fill_allowed(fill)) {
        Ok(pin)
    } else {
        Err(Error::Filler)
    }
}

/// The account number field of formats 0 and 3 (ISO 9564-1:2017, 9.3.2.3): four zeros and the
/// twelve right-most digits without the check digit.
fn account_field(pan: &Pan) -> Result<[u8; 8], Error> {
    let (_check_digit, rest) = pan.digits().split_last().ok_or(Error::Pan)?;
    let account: &[u8; 12] = rest.last_chunk().ok_or(Error::Pan)?;
    Ok(pack([0; 4].into_iter().chain(*account)))
}

/// Packs nibbles, two a byte, and fills with zeros on the right.
fn pack<const N: usize>(nibbles: impl Iterator<Item = u8>) -> [u8; N] {
    let mut bytes = [0; N];
    let mut nibbles = nibbles;
    for byte in &mut bytes {
        let (high, low) = (nibbles.next().unwrap_or(0), nibbles.next().unwrap_or(0));
        *byte = (high << 4) | low;
    }
    bytes
}

fn nibbles(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F])
}

fn xor<const N: usize>(left: &[u8; N], right: &[u8; N]) -> ClearBlock<N> {
    let mut result = Zeroizing::new(*left);
    for (byte, mask) in result.iter_mut().zip(right) {
        *byte ^= mask;
    }
    ClearBlock(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(digits: &[u8]) -> Pin {
        Pin::from_digits(Zeroizing::new(digits.to_vec())).unwrap()
    }

    fn pan(digits: &[u8]) -> Pan {
        Pan::from_digits(Zeroizing::new(digits.to_vec())).unwrap()
    }

    #[test]
    fn reads_back_every_length_in_every_format() {
        let key = AesKey::parse(&[7; 16]).unwrap();
        let account = pan(&[4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
        for length in 4..=12 {
            let digits: Vec<u8> = (0..length).map(|digit| (digit * 7) % 10).collect();
            let given = pin(&digits);
            let block = encode_iso0(&given, &account).unwrap();
            assert!(decode_iso0(&block, &account).unwrap().matches(&given));
            assert!(
                decode_iso1(&encode_iso1(&given, &[0x3C; 8]))
                    .unwrap()
                    .matches(&given)
            );
            assert!(decode_iso2(&encode_iso2(&given)).unwrap().matches(&given));
            let block = encode_iso3(&given, &account, &[0xBE; 8]).unwrap();
            assert!(decode_iso3(&block, &account).unwrap().matches(&given));
            let block = encipher_iso4(&key, &given, &account, &[9; 8]);
            assert!(
                decipher_iso4(&key, &block, &account)
                    .unwrap()
                    .matches(&given)
            );
        }
    }

    #[test]
    fn refuses_a_fill_of_digits_in_format_3() {
        let account = pan(&[5; 16]);
        let given = pin(&[1, 2, 3, 4]);
        for fill in [0xA9, 0x9A, 0x00] {
            assert_eq!(
                encode_iso3(&given, &account, &[fill; 8]).err(),
                Some(Error::Filler)
            );
        }
    }

    #[test]
    fn random_letters_are_letters_and_use_all_of_them() {
        let letters = |number: u64| letters(number.to_be_bytes());
        assert_eq!(*letters(0), [0xAA; 8]);
        // To base six: 5, 4, 3, 2, 1, 0 from the right, then zeros.
        let number = 5 + 6 * (4 + 6 * (3 + 6 * (2 + 6)));
        assert_eq!(letters(number)[..3], [0xFE, 0xDC, 0xBA]);
        for number in [u64::MAX, 0x0123_4567_89AB_CDEF] {
            assert!(nibbles(&*letters(number)).all(|nibble| nibble >= 0x0A));
        }
    }

    #[test]
    fn needs_thirteen_digits_where_the_account_is_bound() {
        let given = pin(&[1, 2, 3, 4]);
        assert_eq!(encode_iso0(&given, &pan(&[5; 12])).err(), Some(Error::Pan));
        assert!(encode_iso0(&given, &pan(&[5; 13])).is_ok());
        assert_eq!(
            decode_iso3(&ClearBlock::from_bytes(&[0; 8]), &pan(&[5; 12])).err(),
            Some(Error::Pan)
        );
    }

    #[test]
    fn format_4_is_bound_to_the_account() {
        let key = AesKey::parse(&[7; 16]).unwrap();
        let block = encipher_iso4(&key, &pin(&[1, 2, 3, 4]), &pan(&[5; 16]), &[9; 8]);
        assert!(decipher_iso4(&key, &block, &pan(&[4; 16])).is_err());
        assert_eq!(
            decipher_iso4(&key, &block[..15], &pan(&[5; 16])).err(),
            Some(Error::Length)
        );
    }
}
