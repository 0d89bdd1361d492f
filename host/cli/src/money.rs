//! Amounts as people read them.

use iso_currency::Currency;

/// `2500`, `NZD` becomes `NZD 25.00`; the decimals are the currency's.
pub(crate) fn display(amount_minor: u64, currency: &str) -> String {
    let decimals = Currency::from_code(currency)
        .and_then(Currency::exponent)
        .unwrap_or(0);
    let Some(unit) = 10_u64.checked_pow(decimals.into()).filter(|unit| *unit > 1) else {
        return format!("{currency} {amount_minor}");
    };
    let major = amount_minor.checked_div(unit).unwrap_or_default();
    let minor = amount_minor.checked_rem(unit).unwrap_or_default();
    format!(
        "{currency} {major}.{minor:0>width$}",
        width = usize::from(decimals)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_those_of_the_currency() {
        let cases = [
            (2500, "NZD", "NZD 25.00"),
            (5, "AUD", "AUD 0.05"),
            (2500, "JPY", "JPY 2500"),
            (2500, "KWD", "KWD 2.500"),
            (u64::MAX, "USD", "USD 184467440737095516.15"),
            (1, "?", "? 1"),
        ];
        for (amount_minor, currency, expected) in cases {
            assert_eq!(display(amount_minor, currency), expected);
        }
    }
}
