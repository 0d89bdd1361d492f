//! How magnetic stripes are taken.

use serde::Deserialize;

use super::Scheme;
use crate::bindings::terminal::parameters::parameters as wit;

/// How magnetic stripes are taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Magstripe {
    /// The accounts whose stripes are taken, each range once: 1 to 256.
    pub ranges: Vec<AccountRange>,
    /// How the cardholder is verified when the service code asks for no PIN.
    pub verification: StripeVerification,
    /// Whether the stripe of a card may be read whose chip cannot be.
    #[serde(default)]
    pub fallback_after_fault: bool,
    /// Whether the stripe of a card may be read whose chip has no application of this terminal.
    #[serde(default)]
    pub fallback_without_application: bool,
}

/// Accounts whose stripes are taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountRange {
    /// The first digits of the account number: one to eleven.
    pub prefix: String,
    /// The scheme shown to the merchant.
    pub scheme: Scheme,
}

/// How the cardholder of a stripe is verified when its service code asks for no PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StripeVerification {
    /// By a signature on the receipt.
    Signature,
    /// By a PIN for the issuer, or a signature when none is entered.
    OnlinePin,
    /// Not at all.
    None,
}

impl From<&Magstripe> for wit::MagstripeRules {
    fn from(magstripe: &Magstripe) -> Self {
        Self {
            ranges: magstripe.ranges.iter().map(Into::into).collect(),
            verification: match magstripe.verification {
                StripeVerification::Signature => wit::StripeVerification::Signature,
                StripeVerification::OnlinePin => wit::StripeVerification::OnlinePin,
                StripeVerification::None => wit::StripeVerification::None,
            },
            fallback_after_fault: magstripe.fallback_after_fault,
            fallback_without_application: magstripe.fallback_without_application,
        }
    }
}

impl From<&AccountRange> for wit::AccountRange {
    fn from(range: &AccountRange) -> Self {
        Self {
            prefix: range.prefix.clone(),
            scheme: range.scheme.into(),
        }
    }
}
