//! The primary account number, as PIN blocks need it.

use std::fmt;

use zeroize::Zeroizing;

use crate::Error;

/// A primary account number of 8 to 19 digits. Wiped on drop, never printed.
pub struct Pan {
    /// Each 0 to 9.
    digits: Zeroizing<Vec<u8>>,
}

impl Pan {
    /// Fewest digits of a PAN (ISO/IEC 7812-1:2017).
    pub const DIGITS_MIN: usize = 8;
    /// Most digits of a PAN (ISO/IEC 7812-1:2017).
    pub const DIGITS_MAX: usize = 19;

    /// Takes a PAN as in tag 5A: two digits a byte, padded on the right with F.
    ///
    /// Fails with [`Error::InvalidInput`] when a digit is no digit, when padding is followed by a
    /// digit, or when there are not 8 to 19 digits.
    pub fn from_bcd(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > Self::DIGITS_MAX.div_ceil(2) {
            return Err(Error::InvalidInput);
        }
        let mut digits = Zeroizing::new(Vec::with_capacity(Self::DIGITS_MAX.next_multiple_of(2)));
        digits.extend(bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]));
        while digits.last() == Some(&0x0F) {
            digits.pop();
        }
        Self::from_digits(digits)
    }

    /// Takes the digits, each 0 to 9.
    ///
    /// Fails with [`Error::InvalidInput`] as [`Pan::from_bcd`] does.
    pub fn from_digits(digits: Zeroizing<Vec<u8>>) -> Result<Self, Error> {
        let length_allowed = (Self::DIGITS_MIN..=Self::DIGITS_MAX).contains(&digits.len());
        if !length_allowed || digits.iter().any(|digit| *digit > 9) {
            return Err(Error::InvalidInput);
        }
        Ok(Self { digits })
    }

    /// The digits, each 0 to 9, the check digit last.
    pub(crate) fn digits(&self) -> &[u8] {
        &self.digits
    }
}

impl fmt::Debug for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pan").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_tag_5a() {
        let cases: [(&[u8], Option<usize>); 9] = [
            (&[0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11], Some(16)),
            (
                &[0x67, 0x59, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9F],
                Some(19),
            ),
            (
                &[0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1F, 0xFF, 0xFF, 0xFF],
                Some(13),
            ),
            (&[0x12, 0x34, 0x56, 0x78], Some(8)),
            (&[0x12, 0x34, 0x56, 0x7F], None),
            (
                &[0x67, 0x59, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99],
                None,
            ),
            (&[0x41, 0x1F, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11], None),
            (&[0x41, 0x1A, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11], None),
            (
                &[
                    0x12, 0x34, 0x56, 0x78, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                ],
                None,
            ),
        ];
        for (bytes, digits) in cases {
            let pan = Pan::from_bcd(bytes);
            assert_eq!(
                pan.ok().map(|pan| pan.digits().len()),
                digits,
                "{bytes:02X?}"
            );
        }
        assert_eq!(Pan::from_bcd(&[]).err(), Some(Error::InvalidInput));
    }
}
