//! What the acquirer and the merchant configured, as it crosses the boundary: the records of
//! `wit/deps/parameters.wit`. `configuration` checks them.

use crate::iso8583::dialect::Dialect;
use crate::money::Currency;

/// A card scheme, as merchants know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Visa.
    Visa,
    /// Mastercard and Maestro.
    Mastercard,
    /// American Express.
    Amex,
    /// Discover and Diners Club.
    Discover,
    /// JCB.
    Jcb,
    /// `UnionPay`.
    UnionPay,
    /// A domestic debit scheme named EFTPOS.
    Eftpos,
    /// Any other.
    Other,
}

/// On which GENERATE AC a combined signature is asked for, as the kernel takes it.
pub use emv::parameters::CdaMode;

/// How a key on an elliptic curve signs, as the kernel takes it.
pub use emv::parameters::AlgorithmSuite;

/// Who and where the terminal is, and what it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalData {
    /// ISO 8583 field 41, tag 9F1C: eight characters.
    pub terminal_id: String,
    /// ISO 8583 field 42, tag 9F16: up to fifteen characters.
    pub merchant_id: String,
    /// The name on the receipt.
    pub merchant_name: String,
    /// Further lines under the name.
    pub merchant_address: Vec<String>,
    /// Tag 9F15, ISO 18245.
    pub merchant_category_code: u16,
    /// ISO 3166-1 numeric code, tag 9F1A.
    pub country: u16,
    /// Tag 9F35.
    pub terminal_type: u8,
    /// Tag 9F33, three bytes.
    pub capabilities: Vec<u8>,
    /// Tag 9F40, five bytes.
    pub additional_capabilities: Vec<u8>,
    /// Tag 9F1E: eight characters.
    pub interface_device_serial_number: String,
    /// ISO 639 codes of the languages the terminal speaks, best first.
    pub languages: Vec<String>,
    /// The currencies the terminal takes, the usual one first.
    pub currencies: Vec<Currency>,
    /// Whether a cardholder may press enter instead of a PIN.
    pub pin_bypass_allowed: bool,
    /// Where combined signatures are asked for, when `capabilities` has CDA.
    pub cda_mode: CdaMode,
}

/// Time limits, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a card to be presented.
    pub card_ms: u32,
    /// For each key of a PIN, and for a choice on the display.
    pub key_ms: u32,
    /// For the acquirer's answer.
    pub answer_ms: u32,
    /// For a decision of the point of sale.
    pub decision_ms: u32,
}

/// One application the terminal accepts, and the scheme's rules for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Tag 9F06, five to sixteen bytes.
    pub aid: Vec<u8>,
    /// Whether a longer name on the card matches too (EMV 4.4 Book 1, 12.3.1).
    pub partial_selection: bool,
    /// The scheme shown to the merchant.
    pub scheme: Scheme,
    /// Tag 9F09, the version the terminal implements.
    pub application_version: u16,
    /// Terminal action code, default: five bytes.
    pub tac_default: Vec<u8>,
    /// Terminal action code, denial: five bytes.
    pub tac_denial: Vec<u8>,
    /// Terminal action code, online: five bytes.
    pub tac_online: Vec<u8>,
    /// Tag 9F1B, in minor units of the usual currency.
    pub floor_limit_minor: u64,
    /// Threshold value for biased random selection, in minor units.
    pub random_threshold_minor: u64,
    /// Target percentage for random selection, 0 to 99.
    pub random_target_percent: u8,
    /// Maximum target percentage for biased random selection.
    pub random_target_percent_max: u8,
    /// The DDOL used when the card has none.
    pub default_ddol: Vec<u8>,
    /// The TDOL used when the card has none.
    pub default_tdol: Vec<u8>,
}

/// A certification authority's RSA key (EMV 4.4 Book 2, 11.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaPublicKey {
    /// Registered application provider identifier, five bytes.
    pub rid: Vec<u8>,
    /// Tag 8F.
    pub index: u8,
    /// Most significant byte first.
    pub modulus: Vec<u8>,
    /// 3 or 65537, most significant byte first.
    pub exponent: Vec<u8>,
    /// SHA-1 over RID, index, modulus and exponent.
    pub checksum: Vec<u8>,
    /// Last day of use as YYMMDD, three BCD bytes, when there is one.
    pub expires: Option<Vec<u8>>,
}

/// A certification authority's key on an elliptic curve (EMV 4.4 Book 2, 12.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EllipticCaPublicKey {
    /// Registered application provider identifier, five bytes.
    pub rid: Vec<u8>,
    /// Tag 8F.
    pub index: u8,
    /// How it signs.
    pub suite: AlgorithmSuite,
    /// The x-coordinate of its point, most significant byte first.
    pub x: Vec<u8>,
    /// Last day of use as YYMMDD, three BCD bytes, when there is one.
    pub expires: Option<Vec<u8>>,
}

/// The acquirer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acquirer {
    /// ISO 8583 field 32, up to eleven digits.
    pub acquirer_id: String,
    /// ISO 8583 field 24, three digits.
    pub network_id: String,
    /// How messages are written. `None` is the engine's own dialect.
    pub dialect: Option<Dialect>,
}

/// How the cardholder of a magnetic stripe is verified when its service code asks for no PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StripeVerification {
    /// By a signature.
    Signature,
    /// By a PIN for the issuer, or a signature when none is entered.
    Pin,
    /// Not at all.
    None,
}

/// Accounts whose stripes are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRange {
    /// The first digits of the account number, one to eleven.
    pub prefix: String,
    /// The scheme shown to the merchant.
    pub scheme: Scheme,
}

/// How magnetic stripes are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MagstripeRules {
    /// The accounts, in any order.
    pub ranges: Vec<AccountRange>,
    /// How their cardholders are verified.
    pub verification: StripeVerification,
    /// Whether the stripe of a card may be read whose chip cannot be.
    pub fallback_after_fault: bool,
    /// Whether the stripe of a card may be read whose chip has no application of this terminal.
    pub fallback_without_application: bool,
}
