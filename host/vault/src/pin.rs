//! The cardholder's PIN.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A PIN of four to twelve digits. Wiped on drop, never printed.
///
/// It is spent by value: on one enciphered PIN block or one VERIFY command. It cannot be copied.
///
/// ```compile_fail
/// fn copied(pin: vault::Pin) -> (vault::Pin, vault::Pin) {
///     (pin.clone(), pin)
/// }
/// ```
///
/// ```compile_fail
/// fn printed(pin: vault::Pin) -> String {
///     format!("{pin}")
/// }
/// ```
pub struct Pin {
    /// Each 0 to 9.
    digits: Zeroizing<Vec<u8>>,
}

impl Pin {
    /// Fewest digits (ISO 9564-1:2017, 6.1).
    pub const DIGITS_MIN: usize = 4;
    /// Most digits (ISO 9564-1:2017, 6.1).
    pub const DIGITS_MAX: usize = 12;

    /// Takes the digits, each 0 to 9. `None` when there are fewer than 4 or more than 12, or when
    /// one is no digit.
    pub fn from_digits(digits: Zeroizing<Vec<u8>>) -> Option<Self> {
        let length_allowed = (Self::DIGITS_MIN..=Self::DIGITS_MAX).contains(&digits.len());
        (length_allowed && digits.iter().all(|digit| *digit <= 9)).then_some(Self { digits })
    }

    /// Whether both are the same PIN, in constant time for PINs of one length. For an issuer that
    /// compares a deciphered PIN with the one it holds.
    pub fn matches(&self, other: &Self) -> bool {
        self.digits.ct_eq(&other.digits).into()
    }

    /// The digits, each 0 to 9.
    pub(crate) fn digits(&self) -> &[u8] {
        &self.digits
    }

    /// How many digits there are, 4 to 12.
    pub(crate) fn length(&self) -> u8 {
        self.digits
            .iter()
            .fold(0, |length, _| u8::saturating_add(length, 1))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The length is no more printed than the digits are.
        f.debug_struct("Pin").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_four_to_twelve_digits() {
        for length in 0..=14 {
            let pin = Pin::from_digits(Zeroizing::new(vec![7; length]));
            assert_eq!(pin.is_some(), (4..=12).contains(&length), "{length}");
        }
        for digit in [10, b'1', 0xFF] {
            assert!(
                Pin::from_digits(Zeroizing::new(vec![1, 2, 3, digit])).is_none(),
                "{digit}"
            );
        }
    }

    #[test]
    fn matches_the_same_digits_only() {
        let pin = |digits: &[u8]| Pin::from_digits(Zeroizing::new(digits.to_vec())).unwrap();
        assert!(pin(&[1, 2, 3, 4]).matches(&pin(&[1, 2, 3, 4])));
        assert!(!pin(&[1, 2, 3, 4]).matches(&pin(&[1, 2, 3, 5])));
        assert!(!pin(&[1, 2, 3, 4]).matches(&pin(&[1, 2, 3, 4, 4])));
    }
}
