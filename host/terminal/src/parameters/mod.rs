//! What the acquirer and the merchant configured, parsed once from JSON and checked as a whole.
//!
//! The JSON mirrors `wit/deps/parameters.wit` in `snake_case`; bytes are hexadecimal strings, and
//! enums are the WIT names in `snake_case`. An unknown member is refused, so that a misspelled
//! limit never falls back to nothing.

mod bytes;
mod ca_key;
mod checks;
mod dialect;
mod exception_file;
mod given;
mod host;
mod magstripe;
mod scheme_set;
mod wit;

use std::fmt;

use serde::Deserialize;

pub(crate) use bytes::to_hex;
pub use bytes::{HexBytes, from_hex};
pub use ca_key::{AlgorithmSuite, CaPublicKey, EllipticCaPublicKey, RevokedIssuerCertificate};
pub use dialect::{
    Content, Dialect, Encoding, EntryModes, FieldFormat, FieldLength, LengthPrefix, MacFormat,
    MacKind, Padding, PinFormat, ProcessingCodes,
};
pub use exception_file::{CardNumber, ExceptionEntry};
pub use scheme_set::{SchemeSet, scheme_sets};

pub use magstripe::{AccountRange, Magstripe, StripeVerification};

/// A complete, checked set of parameters.
///
/// [`Parameters::from_json`] checks what it reads; the host checks again when it starts, so a set
/// that an embedder changed afterwards is refused there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Who and where the terminal is, and what it can do.
    pub terminal: Terminal,
    /// Time limits.
    pub timeouts: Timeouts,
    /// The applications accepted, in the terminal's order of preference. One may begin as that of a
    /// [`SchemeSet`].
    #[serde(deserialize_with = "scheme_set::applications")]
    pub applications: Vec<Application>,
    /// The certification authorities' RSA keys. One may begin as that of a [`SchemeSet`].
    #[serde(deserialize_with = "scheme_set::ca_public_keys")]
    pub ca_public_keys: Vec<CaPublicKey>,
    /// The certification authorities' keys on elliptic curves.
    pub elliptic_ca_public_keys: Vec<EllipticCaPublicKey>,
    /// The issuers' certificates that are good no more.
    pub revoked_issuer_certificates: Vec<RevokedIssuerCertificate>,
    /// The cards that must not be accepted offline.
    #[serde(deserialize_with = "exception_file::entries")]
    pub exception_file: Vec<ExceptionEntry>,
    /// The acquirer and how it writes messages.
    pub acquirer: Acquirer,
    /// How magnetic stripes are taken; `null` where they are not.
    #[serde(deserialize_with = "given::given")]
    pub magstripe: Option<Magstripe>,
}

impl Parameters {
    /// Parses and checks a set of parameters.
    ///
    /// Fails when the text is not this JSON, or when one value breaks a rule; the set is refused
    /// as a whole.
    pub fn from_json(text: &str) -> Result<Self, ParametersError> {
        let parameters: Self = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let problem = error.to_string();
            let place = format!(" at line {line} column {column}");
            ParametersError::new(
                format!("line {line}, column {column}"),
                problem.strip_suffix(&place).unwrap_or(&problem),
            )
        })?;
        parameters.check()?;
        Ok(parameters)
    }

    /// Checks every value, and values against each other.
    ///
    /// Fails with the first value that breaks a rule.
    pub fn check(&self) -> Result<(), ParametersError> {
        checks::check(self)
    }

    /// The currency with an alphabetic code, when the terminal takes it.
    pub fn currency(&self, alphabetic: &str) -> Option<&Currency> {
        self.terminal
            .currencies
            .iter()
            .find(|currency| currency.alphabetic == alphabetic)
    }
}

/// Who and where the terminal is, and what it can do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terminal {
    /// ISO 8583 field 41, tag 9F1C: eight printable ASCII characters.
    pub terminal_id: String,
    /// ISO 8583 field 42, tag 9F16: one to fifteen printable ASCII characters.
    pub merchant_id: String,
    /// The name on the receipt: one to forty characters.
    pub merchant_name: String,
    /// Further lines under the name: at most six of at most forty characters.
    pub merchant_address: Vec<String>,
    /// Tag 9F15, ISO 18245: 0 to 9999.
    pub merchant_category_code: u16,
    /// ISO 3166-1 numeric code, tag 9F1A: 1 to 999.
    pub country: u16,
    /// Tag 9F35 as its byte: 34 is 22 in BCD, attended by a merchant, offline with online ability.
    pub terminal_type: u8,
    /// Tag 9F33, three bytes. With XDA it needs a key on an elliptic curve.
    pub capabilities: HexBytes,
    /// Tag 9F40, five bytes.
    pub additional_capabilities: HexBytes,
    /// Tag 9F1E: eight printable ASCII characters.
    pub interface_device_serial_number: String,
    /// ISO 639 codes of the languages the terminal speaks, best first: one to eight.
    pub languages: Vec<String>,
    /// The currencies the terminal takes, the usual one first: one to sixteen.
    pub currencies: Vec<Currency>,
    /// Whether a cardholder may press enter instead of a PIN.
    pub pin_bypass_allowed: bool,
    /// Where combined signatures are asked for, when `capabilities` has CDA.
    pub cda_mode: CdaMode,
}

/// On which GENERATE AC a combined signature (CDA) is asked for (EMV 4.4 Book 2, Annex D4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum CdaMode {
    /// For an ARQC, and for a TC after the issuer approved.
    #[serde(rename = "mode_1")]
    Mode1,
    /// For an ARQC only.
    #[serde(rename = "mode_2")]
    Mode2,
    /// For neither.
    #[serde(rename = "mode_3")]
    Mode3,
    /// For a TC after the issuer approved only.
    #[serde(rename = "mode_4")]
    Mode4,
}

/// A currency the terminal takes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Currency {
    /// ISO 4217 numeric code.
    pub numeric: u16,
    /// ISO 4217 alphabetic code.
    pub alphabetic: String,
    /// Number of decimals: 2 when 100 minor units make one major.
    pub exponent: u8,
}

/// Time limits, in milliseconds: each from one to 600 000.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Tag 9F06, five to sixteen bytes.
    pub aid: HexBytes,
    /// Whether a longer name on the card matches too (EMV 4.4 Book 1, 12.3.1).
    pub partial_selection: bool,
    /// The scheme shown to the merchant.
    pub scheme: Scheme,
    /// Tag 9F09, the version the terminal implements.
    pub application_version: u16,
    /// Terminal action code, default: five bytes.
    pub tac_default: HexBytes,
    /// Terminal action code, denial: five bytes.
    pub tac_denial: HexBytes,
    /// Terminal action code, online: five bytes.
    pub tac_online: HexBytes,
    /// Tag 9F1B, in minor units of the usual currency: at most 4 294 967 295.
    pub floor_limit_minor: u64,
    /// Threshold value for biased random selection, in minor units.
    pub random_threshold_minor: u64,
    /// Target percentage for random selection, 0 to 99.
    pub random_target_percent: u8,
    /// Maximum target percentage for biased random selection, not below the target, up to 99.
    pub random_target_percent_max: u8,
    /// The DDOL used when the card has none: at most 252 bytes.
    pub default_ddol: HexBytes,
    /// The TDOL used when the card has none: at most 252 bytes.
    pub default_tdol: HexBytes,
}

/// A card scheme, as merchants know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the schemes'")]
pub enum Scheme {
    Visa,
    Mastercard,
    Amex,
    Discover,
    Jcb,
    Unionpay,
    Eftpos,
    Other,
}

/// The acquirer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acquirer {
    /// ISO 8583 field 32: one to eleven digits.
    pub acquirer_id: String,
    /// ISO 8583 field 24: three digits.
    pub network_id: String,
    /// How messages are written: `"built_in"`, or `{"custom": {…}}`.
    pub dialect: DialectChoice,
}

/// The acquirer's dialect.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DialectChoice {
    /// The engine's own: ISO 8583:1987 in ASCII with binary bitmaps.
    BuiltIn,
    /// This one.
    Custom(Box<Dialect>),
}

/// Why a set of parameters was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParametersError {
    /// Where: a member such as `applications[2].tac_denial`, or a place in the text.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

impl ParametersError {
    fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            problem: problem.into(),
        }
    }
}

impl fmt::Display for ParametersError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.problem)
    }
}

impl std::error::Error for ParametersError {}
