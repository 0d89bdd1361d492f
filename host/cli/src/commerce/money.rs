//! Amounts as people read and write them.

use iso_currency::Currency;

/// `2500`, `NZD` becomes `NZD 25.00`; the decimals are the currency's.
pub(crate) fn display(amount_minor: i64, currency: &str) -> String {
    format!("{currency} {}", number(amount_minor, currency))
}

/// `2500` becomes `25.00`; the decimals are those of the currency.
pub(super) fn number(amount_minor: i64, currency: &str) -> String {
    let decimals = Currency::from_code(currency)
        .and_then(Currency::exponent)
        .unwrap_or(0);
    let sign = if amount_minor < 0 { "-" } else { "" };
    let absolute = amount_minor.unsigned_abs();
    let Some(unit) = 10_u64.checked_pow(decimals.into()).filter(|unit| *unit > 1) else {
        return format!("{sign}{absolute}");
    };
    let major = absolute.checked_div(unit).unwrap_or_default();
    let minor = absolute.checked_rem(unit).unwrap_or_default();
    format!(
        "{sign}{major}.{minor:0>width$}",
        width = usize::from(decimals)
    )
}

/// An amount as the API takes it.
pub(super) fn minor_units(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no amount in minor units; write 2500 for 25.00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_those_of_the_currency() {
        let cases = [
            (2500, "NZD", "NZD 25.00"),
            (5, "AUD", "AUD 0.05"),
            (-105, "AUD", "AUD -1.05"),
            (2500, "JPY", "JPY 2500"),
            (-1, "JPY", "JPY -1"),
            (2500, "KWD", "KWD 2.500"),
            (i64::MAX, "USD", "USD 92233720368547758.07"),
            (i64::MIN, "USD", "USD -92233720368547758.08"),
            (1, "?", "? 1"),
        ];
        for (amount_minor, currency, expected) in cases {
            assert_eq!(display(amount_minor, currency), expected);
        }
    }

    #[test]
    fn an_amount_in_major_units_is_refused_with_what_to_write() {
        assert_eq!(minor_units("2500"), Ok(2500));
        for wrong in ["25.00", "-5", "", "NZD 25"] {
            let refused = minor_units(wrong).expect_err("no amount");
            assert!(refused.contains("2500 for 25.00"), "{refused}");
        }
    }
}
