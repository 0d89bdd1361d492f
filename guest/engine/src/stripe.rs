//! A magnetic stripe: what track 2 says, and what its service code asks of a terminal.
//!
//! ISO/IEC 7813: track 2 is a number of up to nineteen digits, a separator, the expiry as YYMM, a
//! service code of three digits and the issuer's own data, 37 characters at most between the
//! sentinels.

use core::fmt;

use emv::Pan;
use zeroize::Zeroizing;

use crate::parameters::{MagstripeRules, Scheme, StripeVerification};
use crate::payer::{Payer, compressed};

/// Longest track 2 between its sentinels, without the longitudinal redundancy check.
const LENGTH_MAX: usize = 37;

/// Track 2, read and in order.
pub(crate) struct Stripe {
    pan: Pan,
    expiry: String,
    service_code: ServiceCode,
    track_2: Zeroizing<Vec<u8>>,
}

impl Stripe {
    /// Reads track 2, in ASCII and without sentinels. `None` when it is not one: a number that fails
    /// its check digit was misread.
    pub(crate) fn parse(track: &[u8]) -> Option<Self> {
        let separator = track.iter().position(|byte| *byte == b'=')?;
        let (number, rest) = track.split_at_checked(separator)?;
        let (expiry, rest) = rest.get(1..)?.split_first_chunk::<4>()?;
        let (code, own) = rest.split_first_chunk::<3>()?;
        let own_valid = own.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'='));
        if track.len() > LENGTH_MAX || !own_valid || !check_digit_holds(number) {
            return None;
        }
        let month_valid = matches!(
            expiry,
            [_, _, b'0', b'1'..=b'9'] | [_, _, b'1', b'0'..=b'2']
        );
        if !month_valid || !expiry.iter().all(u8::is_ascii_digit) {
            return None;
        }
        Some(Self {
            pan: Pan::parse(&compressed(number))?,
            expiry: String::from_utf8(expiry.to_vec()).ok()?,
            service_code: ServiceCode::parse(*code)?,
            track_2: Zeroizing::new(track.to_vec()),
        })
    }

    /// What the issuer wants of a terminal.
    pub(crate) const fn service_code(&self) -> ServiceCode {
        self.service_code
    }

    /// The account.
    pub(crate) const fn pan(&self) -> &Pan {
        &self.pan
    }

    /// Who pays.
    pub(crate) fn payer(&self) -> Payer {
        Payer {
            pan: self.pan.clone(),
            expiry: self.expiry.clone(),
            sequence_number: None,
            track_2: Some(self.track_2.clone()),
        }
    }

    /// The scheme of the account, when the terminal takes its stripes: that of the longest range it
    /// lies in.
    pub(crate) fn scheme(&self, rules: &MagstripeRules) -> Option<Scheme> {
        rules
            .ranges
            .iter()
            .filter(|range| self.pan.digits().starts_with(range.prefix.as_bytes()))
            .max_by_key(|range| range.prefix.len())
            .map(|range| range.scheme)
    }
}

impl fmt::Debug for Stripe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Stripe")
            .field("pan", &self.pan)
            .field("service_code", &self.service_code)
            .finish_non_exhaustive()
    }
}

/// ISO/IEC 7812-1, annex B: the last digit makes the sum of Luhn's formula a multiple of ten.
fn check_digit_holds(number: &[u8]) -> bool {
    let value = |(position, digit): (usize, &u8)| {
        let digit = u32::from(digit.wrapping_sub(b'0'));
        match (position % 2, digit) {
            (0, digit) => digit,
            (_, 0..=4) => digit.saturating_mul(2),
            (_, digit) => digit.saturating_mul(2).saturating_sub(9),
        }
    };
    number.iter().all(u8::is_ascii_digit)
        && number.iter().rev().enumerate().map(value).sum::<u32>() % 10 == 0
}

/// The service code (ISO/IEC 7813): interchange and technology, authorisation, services and PIN.
/// What the first and the second digit say of interchange and of going online is for the issuer,
/// who is asked about every stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServiceCode {
    technology: u8,
    services: u8,
}

/// Whether the cardholder must enter a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PinDemand {
    Required,
    WherePossible,
    None,
}

impl ServiceCode {
    fn parse(digits: [u8; 3]) -> Option<Self> {
        let [technology, _, services] = digits;
        digits.iter().all(u8::is_ascii_digit).then_some(Self {
            technology,
            services,
        })
    }

    /// Whether the card has a chip, which a terminal that can read it must read.
    pub(crate) const fn has_chip(self) -> bool {
        matches!(self.technology, b'2' | b'6')
    }

    /// Whether goods and services may be paid for with it.
    pub(crate) const fn sells(self) -> bool {
        !matches!(self.services, b'3' | b'4')
    }

    const fn pin(self) -> PinDemand {
        match self.services {
            b'0' | b'3' | b'5' => PinDemand::Required,
            b'6' | b'7' => PinDemand::WherePossible,
            _ => PinDemand::None,
        }
    }
}

/// How the cardholder of a stripe is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StripeMethod {
    /// By a PIN for the issuer, and by nothing in its place.
    Pin,
    /// By a PIN for the issuer, or by a signature when none is entered.
    PinOrSignature,
    /// By a signature.
    Signature,
    /// Not at all.
    None,
}

/// How the cardholder is verified: as the service code asks, else as the acquirer configured.
/// `None` when a PIN must be entered and the terminal cannot take one.
pub(crate) const fn method(
    code: ServiceCode,
    configured: StripeVerification,
    pin_possible: bool,
) -> Option<StripeMethod> {
    match (code.pin(), configured, pin_possible) {
        (PinDemand::Required, _, true) => Some(StripeMethod::Pin),
        (PinDemand::Required, _, false) => None,
        (PinDemand::WherePossible, _, true) | (PinDemand::None, StripeVerification::Pin, true) => {
            Some(StripeMethod::PinOrSignature)
        }
        (PinDemand::WherePossible | PinDemand::None, StripeVerification::None, _) => {
            Some(StripeMethod::None)
        }
        (PinDemand::WherePossible | PinDemand::None, _, _) => Some(StripeMethod::Signature),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::AccountRange;

    fn code(digits: [u8; 3]) -> ServiceCode {
        ServiceCode::parse(digits).expect("digits")
    }

    #[test]
    fn track_2_is_read_or_refused() {
        let stripe = Stripe::parse(b"4761739001010010=30121011184380").expect("a stripe");
        assert_eq!(stripe.pan().digits(), b"4761739001010010");
        assert_eq!(stripe.payer().expiry, "3012");
        assert_eq!(stripe.service_code(), code(*b"101"));
        for refused in [
            &b""[..],
            b"4761739001010010",
            b"4761739001010010=",
            b"4761739001010010=301",
            b"4761739001010010=3012",
            b"4761739001010010=301210",
            b"4761739001010010=3013101",
            b"4761739001010010=3000101",
            b"4761739001010010=3O12101",
            b"4761739001010010=30121X1",
            b"4761739001010010=3012101 ",
            b"4761739001010011=3012101",
            b"476173900101001A=3012101",
            b"4761730=3012101",
            b"47617390010100100000=3012101",
            b"4761739001010010=301210112345678901234",
        ] {
            let text = String::from_utf8_lossy(refused);
            assert!(Stripe::parse(refused).is_none(), "{text}");
        }
        let longest = b"4761739001010010=30121011234567890123";
        assert!(Stripe::parse(longest).is_some());
    }

    #[test]
    fn debug_shows_no_number() {
        let stripe = Stripe::parse(b"4761739001010010=30121011184380");
        let shown = format!("{stripe:?}");
        assert!(shown.contains("************0010"), "{shown}");
        assert!(
            !shown.contains("47617390") && !shown.contains("1184380"),
            "{shown}"
        );
    }

    #[test]
    fn the_service_code_says_what_a_terminal_must_do() {
        for (digits, chip, sells, pin) in [
            (b"101", false, true, PinDemand::None),
            (b"201", true, true, PinDemand::None),
            (b"601", true, true, PinDemand::None),
            (b"521", false, true, PinDemand::None),
            (b"120", false, true, PinDemand::Required),
            (b"102", false, true, PinDemand::None),
            (b"103", false, false, PinDemand::Required),
            (b"104", false, false, PinDemand::None),
            (b"105", false, true, PinDemand::Required),
            (b"106", false, true, PinDemand::WherePossible),
            (b"107", false, true, PinDemand::WherePossible),
        ] {
            let code = code(*digits);
            assert_eq!(
                (code.has_chip(), code.sells(), code.pin()),
                (chip, sells, pin)
            );
        }
    }

    #[test]
    fn a_pin_is_taken_where_it_is_asked_for_and_can_be() {
        use StripeMethod::{None as Nothing, Pin, PinOrSignature, Signature};
        for (digits, configured, with_pin, without) in [
            (
                b"101",
                StripeVerification::Signature,
                Some(Signature),
                Some(Signature),
            ),
            (
                b"101",
                StripeVerification::Pin,
                Some(PinOrSignature),
                Some(Signature),
            ),
            (
                b"101",
                StripeVerification::None,
                Some(Nothing),
                Some(Nothing),
            ),
            (b"100", StripeVerification::Signature, Some(Pin), None),
            (b"105", StripeVerification::None, Some(Pin), None),
            (
                b"106",
                StripeVerification::Signature,
                Some(PinOrSignature),
                Some(Signature),
            ),
            (
                b"107",
                StripeVerification::None,
                Some(PinOrSignature),
                Some(Nothing),
            ),
        ] {
            assert_eq!(method(code(*digits), configured, true), with_pin);
            assert_eq!(method(code(*digits), configured, false), without);
        }
    }

    #[test]
    fn the_longest_range_names_the_scheme() {
        let range = |prefix: &str, scheme| AccountRange {
            prefix: prefix.into(),
            scheme,
        };
        let rules = MagstripeRules {
            ranges: vec![range("4", Scheme::Visa), range("47617", Scheme::Eftpos)],
            verification: StripeVerification::Signature,
            fallback_after_fault: false,
            fallback_without_application: false,
        };
        for (track, scheme) in [
            (&b"4761739001010010=3012101"[..], Some(Scheme::Eftpos)),
            (b"4111111111111111=3012101", Some(Scheme::Visa)),
            (b"5413330089010640=3012101", None),
        ] {
            let stripe = Stripe::parse(track).expect("a stripe");
            assert_eq!(stripe.scheme(&rules), scheme);
        }
    }
}
