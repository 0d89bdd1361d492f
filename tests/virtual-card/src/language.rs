//! The words of a card file, and why a text was refused. `docs/virtual-cards.md` explains them.

/// The longest text that is read as a card, in bytes.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Most applications of one card: each is signed with keys that take time to make.
pub(crate) const APPLICATIONS_MAX: usize = 16;

/// A keyword of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyword {
    /// The first word of a line.
    pub name: &'static str,
    /// What must follow it.
    pub takes: &'static str,
    /// A line that is right.
    pub example: &'static str,
}

const fn keyword(name: &'static str, takes: &'static str, example: &'static str) -> Keyword {
    Keyword {
        name,
        takes,
        example,
    }
}

const ALTERED: &str = "a field and its bytes in hexadecimal";
const KEY_LENGTH: &str = "an even number of bytes from 64 to 248";
const NOTHING: &str = "nothing";

/// What a line may begin with about the whole card. `application` begins the lines about one.
pub const CARD_KEYWORDS: [Keyword; 17] = [
    keyword("name", "a name", "name my-card"),
    keyword("description", "a line of text", "description Expires soon"),
    keyword("scheme", "the scheme as merchants write it", "scheme VISA"),
    keyword("pan", "12 to 19 digits", "pan 4111111111111111"),
    keyword("sequence", "two digits", "sequence 01"),
    keyword("pin", "4 to 12 digits", "pin 1234"),
    keyword("tries", "a number from 0 to 255", "tries 1"),
    keyword("expiry", "six digits, YYMMDD", "expiry 311231"),
    keyword("directory", "none", "directory none"),
    keyword("issuer-key-length", KEY_LENGTH, "issuer-key-length 128"),
    keyword("icc-key-length", KEY_LENGTH, "icc-key-length 96"),
    keyword("pin-key", NOTHING, "pin-key"),
    keyword("elliptic-keys", NOTHING, "elliptic-keys"),
    keyword("chip", "none", "chip none"),
    keyword("service-code", "three digits", "service-code 201"),
    keyword(
        "fault",
        "mute, removed-at N or silent-at N",
        "fault removed-at 7",
    ),
    keyword(
        "application",
        "a name (AID) of 5 to 16 bytes in hexadecimal",
        "application A0000000031010",
    ),
];

/// What a line may begin with about the application above it, beside `TAG = VALUE`.
pub const APPLICATION_KEYWORDS: [Keyword; 21] = [
    keyword(
        "aid",
        "a name (AID) of 5 to 16 bytes in hexadecimal",
        "aid A0000000031010",
    ),
    keyword("label", "a line of text", "label VISA CREDIT"),
    keyword(
        "priority",
        "one byte in hexadecimal, or none",
        "priority 01",
    ),
    keyword(
        "cryptogram",
        "visa-10, visa-18, mchip-16 or mchip-20",
        "cryptogram visa-18",
    ),
    keyword("response-format", "1 or 2", "response-format 2"),
    keyword(
        "offline-limit",
        "an amount in minor units",
        "offline-limit 5000",
    ),
    keyword("decline-offline", NOTHING, "decline-offline"),
    keyword("issuer-scripts", NOTHING, "issuer-scripts"),
    keyword("blocked", NOTHING, "blocked"),
    keyword("counter", "a number from 0 to 65535", "counter 65534"),
    keyword(
        "last-online-counter",
        "a number from 0 to 65535",
        "last-online-counter 12",
    ),
    keyword(
        "issuer-authentication",
        "mandatory or optional",
        "issuer-authentication mandatory",
    ),
    keyword(
        "record",
        "FILE.NUMBER, perhaps signed, then tags, or = and bytes; files 11 to 30 have bytes",
        "record 2.1 signed 5A 5F24",
    ),
    keyword("no-record", "FILE.NUMBER", "no-record 4.2"),
    keyword("drop", "tags in hexadecimal", "drop 9F46 9F47"),
    keyword(
        "tamper",
        "TAG = VALUE in hexadecimal",
        "tamper 5F24 = 301231",
    ),
    keyword(
        "issuer-certificate",
        ALTERED,
        "issuer-certificate expiry 1220",
    ),
    keyword("icc-certificate", ALTERED, "icc-certificate expiry 1220"),
    keyword("pin-certificate", ALTERED, "pin-certificate trailer BB"),
    keyword("static-signature", ALTERED, "static-signature format 04"),
    keyword("dynamic-signature", ALTERED, "dynamic-signature hash 0000"),
];

/// What stands after `TAG =`.
const VALUE: &str = "= and bytes in hexadecimal";

/// What a keyword takes, in words.
pub(crate) fn takes(name: &str) -> &'static str {
    find(name).map_or(VALUE, |keyword| keyword.takes)
}

/// The keyword of this name.
pub(crate) fn find(name: &str) -> Option<&'static Keyword> {
    let mut keywords = CARD_KEYWORDS.iter().chain(&APPLICATION_KEYWORDS);
    keywords.find(|keyword| keyword.name == name)
}

/// Why a card's text was refused, with the line's number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No card has the name of the base.
    #[error("no card has this name")]
    Base,
    /// The text is longer than [`TEXT_BYTES_MAX`].
    #[error("a card has at most {TEXT_BYTES_MAX} bytes of text")]
    TooLong,
    /// The line is about a further application.
    #[error("line {0}: a card has at most {APPLICATIONS_MAX} applications")]
    TooManyApplications(usize),
    /// The line begins with no keyword and no tag.
    #[error("line {0}: unknown keyword; expected one, or TAG = VALUE in hexadecimal")]
    Keyword(usize),
    /// The line is about an application, and there is none above it.
    #[error("line {0}: expected `application` and its name before this line")]
    BeforeApplication(usize),
    /// The value does not fit its keyword, which takes what the second member says.
    #[error("line {0}: bad value; expected {1}")]
    Value(usize, &'static str),
    /// Something every card needs is not in the text.
    #[error("{0} is missing")]
    Missing(&'static str),
}
