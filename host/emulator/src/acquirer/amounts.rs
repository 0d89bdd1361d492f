//! Test amounts: what an amount makes the acquirer do. The one table, from which the help and the
//! documents are derived.

/// Response codes (ISO 8583 field 39) that the last two digits of an amount choose, with their
/// meaning. Digits that are no code approve.
pub const RESPONSE_CODES: [(&str, &str); 23] = [
    ("00", "approved"),
    ("01", "refer to issuer"),
    ("03", "invalid merchant"),
    ("04", "pick up card"),
    ("05", "do not honour"),
    ("12", "invalid transaction"),
    ("13", "invalid amount"),
    ("14", "invalid card number"),
    ("15", "no such issuer"),
    ("30", "format error"),
    ("41", "lost card, pick up"),
    ("43", "stolen card, pick up"),
    ("51", "insufficient funds"),
    ("54", "expired card"),
    ("55", "incorrect PIN"),
    ("57", "transaction not permitted to cardholder"),
    ("58", "transaction not permitted to terminal"),
    ("61", "exceeds withdrawal limit"),
    ("62", "restricted card"),
    ("65", "exceeds withdrawal frequency"),
    ("75", "PIN tries exceeded"),
    ("91", "issuer unavailable"),
    ("96", "system malfunction"),
];

/// Amounts, in minor units, that make the acquirer misbehave.
pub const SPECIAL_AMOUNTS: [(u64, Behaviour, &str); 13] = [
    (
        9001,
        Behaviour::Late,
        "the answer comes after the terminal has given up",
    ),
    (9002, Behaviour::Never, "no answer comes"),
    (
        9003,
        Behaviour::Close,
        "the connection is closed without an answer",
    ),
    (
        9004,
        Behaviour::Half,
        "half an answer comes, then the connection is closed",
    ),
    (
        9005,
        Behaviour::BrokenMac,
        "the answer's authentication code is wrong",
    ),
    (
        9006,
        Behaviour::OtherTraceNumber,
        "the answer has another trace number",
    ),
    (
        9007,
        Behaviour::OtherTerminal,
        "the answer is for another terminal",
    ),
    (
        9008,
        Behaviour::OtherAmount,
        "the answer has another amount",
    ),
    (9009, Behaviour::Garbage, "the answer is no message"),
    (
        9010,
        Behaviour::TooLong,
        "the answer is longer than any message",
    ),
    (
        9011,
        Behaviour::WrongArpc,
        "approved, but the issuer's cryptogram is wrong",
    ),
    (9012, Behaviour::Dribble, "approved, one byte at a time"),
    (
        9013,
        Behaviour::NoMac,
        "the answer has no authentication code",
    ),
];

/// What the acquirer does with an answer. In all but the last case of a refusal the card is charged
/// first: the terminal must reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers as it should.
    Normal,
    /// Answers too late.
    Late,
    /// Keeps the connection and stays silent.
    Never,
    /// Closes the connection.
    Close,
    /// Sends half an answer and closes.
    Half,
    /// Breaks the authentication code.
    BrokenMac,
    /// Leaves the authentication code out.
    NoMac,
    /// Changes field 11.
    OtherTraceNumber,
    /// Changes field 41.
    OtherTerminal,
    /// Changes field 4.
    OtherAmount,
    /// Sends bytes that are no message.
    Garbage,
    /// Announces more bytes than a message may have.
    TooLong,
    /// Breaks the ARPC in tag 91.
    WrongArpc,
    /// Sends slowly, but in time.
    Dribble,
    /// Closes before it has read: nothing is charged.
    Refuse,
}

/// What a financial request over `minor` makes the acquirer do.
pub fn behaviour(minor: u64) -> Behaviour {
    SPECIAL_AMOUNTS
        .iter()
        .find(|(amount, ..)| *amount == minor)
        .map_or(Behaviour::Normal, |(_, behaviour, _)| *behaviour)
}

/// The response code that an amount chooses.
pub fn response_code(minor: u64) -> &'static str {
    let special = behaviour(minor) != Behaviour::Normal;
    let digits = format!("{:02}", minor % 100);
    RESPONSE_CODES
        .iter()
        .find(|(code, _)| *code == digits && !special)
        .map_or("00", |(code, _)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_two_digits_choose_the_code() {
        for (minor, code) in [
            (2500, "00"),
            (2551, "51"),
            (105, "05"),
            (2554, "54"),
            (2599, "00"),
            (9191, "91"),
            (9005, "00"),
            (1, "01"),
        ] {
            assert_eq!(response_code(minor), code, "{minor}");
        }
    }
}
