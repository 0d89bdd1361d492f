//! Amounts and currencies.

/// An amount in minor units that fits the twelve digits of ISO 8583 field 4 and tag 9F02.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Amount(u64);

impl Amount {
    /// The largest amount twelve digits can hold.
    const MAX_MINOR: u64 = 999_999_999_999;

    /// `None` when `minor` has more than twelve digits.
    pub const fn from_minor(minor: u64) -> Option<Self> {
        if minor <= Self::MAX_MINOR {
            Some(Self(minor))
        } else {
            None
        }
    }

    /// Minor units.
    pub const fn minor(self) -> u64 {
        self.0
    }

    /// The sum. `None` when it has more than twelve digits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(Self::from_minor)
    }

    /// Twelve digits, filled with zeros on the left.
    pub fn to_field(self) -> String {
        format!("{:012}", self.0)
    }
}

/// A currency the terminal takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Currency {
    /// ISO 4217 numeric code.
    pub numeric: u16,
    /// ISO 4217 alphabetic code, three letters.
    pub alphabetic: String,
    /// Number of decimals: 2 when 100 minor units make one major. At most 4.
    pub exponent: u8,
}

impl Currency {
    /// The amount with its decimals and the currency's letters, as a receipt shows it:
    /// `NZD 25.00`.
    pub fn show(&self, amount: Amount) -> String {
        let scale = 10_u64.saturating_pow(u32::from(self.exponent)).max(1);
        let major = amount.minor().checked_div(scale).unwrap_or_default();
        let rest = amount.minor().checked_rem(scale).unwrap_or_default();
        match usize::from(self.exponent) {
            0 => format!("{} {major}", self.alphabetic),
            width => format!("{} {major}.{rest:0width$}", self.alphabetic),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_hold_twelve_digits_and_no_more() {
        let most = Amount::from_minor(999_999_999_999).expect("twelve digits");
        assert_eq!(most.to_field(), "999999999999");
        assert_eq!(Amount::from_minor(1_000_000_000_000), None);
        assert_eq!(most.checked_add(Amount(1)), None);
        assert_eq!(Amount(2).checked_add(Amount(3)), Some(Amount(5)));
    }

    #[test]
    fn receipts_show_the_currencys_decimals() {
        for (exponent, minor, shown) in [
            (2, 2500, "XXX 25.00"),
            (0, 2500, "XXX 2500"),
            (3, 2505, "XXX 2.505"),
            (2, 7, "XXX 0.07"),
        ] {
            let currency = Currency {
                numeric: 999,
                alphabetic: "XXX".into(),
                exponent,
            };
            assert_eq!(currency.show(Amount(minor)), shown);
        }
    }
}
