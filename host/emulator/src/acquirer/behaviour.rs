//! How the acquirer answers: response codes and faults on purpose, chosen by the amount.

use serde::{Deserialize, Serialize};

/// How an answer is given.
///
/// Whatever the behaviour, the request takes effect first, so that a terminal that believes in a
/// lost answer leaves a charge in the [`Ledger`](super::Ledger).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Behaviour {
    /// At once and right.
    #[default]
    Normal,
    /// Right, but after [`AcquirerOptions::late_after`](super::AcquirerOptions::late_after).
    Late,
    /// Not at all; the connection stays open.
    Silent,
    /// Not at all; the connection is closed.
    Close,
    /// The first half, and then the connection is closed.
    HalfMessage,
    /// With a wrong message authentication code.
    BrokenMac,
    /// For another trace number, with a right code.
    OtherTraceNumber,
    /// For another terminal, with a right code.
    OtherTerminal,
    /// For another amount, with a right code.
    OtherAmount,
    /// Bytes that are no message.
    Garbage,
    /// A message longer than a terminal reads.
    TooLong,
    /// With issuer authentication data that the card refuses.
    WrongIssuerAuthentication,
    /// Right, and in pieces of a few bytes.
    Dribble,
    /// An approval of half the amount, code 10.
    ApprovePart,
    /// As an acquirer that counts other totals: the terminal must tell every transaction of its
    /// batch. Only by [`set_behaviour`](super::AcquirerHandle::set_behaviour).
    OtherTotals,
    /// Connections are refused. Only by [`set_behaviour`](super::AcquirerHandle::set_behaviour).
    Refuse,
}

/// An amount that is answered in a special way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpecialAmount {
    /// In minor units of any currency.
    pub amount_minor: u64,
    /// How it is answered.
    pub behaviour: Behaviour,
    /// The same in words.
    pub description: &'static str,
}

/// A response code that an amount can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseCode {
    /// ISO 8583:1987 field 39, and the last two digits of the amount.
    pub code: &'static str,
    /// What it means.
    pub description: &'static str,
}

/// The amounts that are answered in a special way, approved all of them.
pub const SPECIAL_AMOUNTS: &[SpecialAmount] = &[
    special(
        9001,
        Behaviour::Late,
        "approved, after the terminal's time-out",
    ),
    special(9002, Behaviour::Silent, "approved, never answered"),
    special(9003, Behaviour::Close, "approved, closed without an answer"),
    special(9004, Behaviour::HalfMessage, "approved, half an answer"),
    special(
        9005,
        Behaviour::BrokenMac,
        "approved, a wrong authentication code",
    ),
    special(
        9006,
        Behaviour::OtherTraceNumber,
        "approved, another trace number",
    ),
    special(9007, Behaviour::OtherTerminal, "approved, another terminal"),
    special(9008, Behaviour::OtherAmount, "approved, another amount"),
    special(
        9009,
        Behaviour::Garbage,
        "approved, an answer that is no message",
    ),
    special(
        9010,
        Behaviour::TooLong,
        "approved, an answer too long to read",
    ),
    special(
        9011,
        Behaviour::WrongIssuerAuthentication,
        "approved, with issuer authentication data that the card refuses",
    ),
    special(9012, Behaviour::Dribble, "approved, answered in pieces"),
    special(
        9013,
        Behaviour::ApprovePart,
        "approved for half of the amount",
    ),
];

/// Field 39 of an approval of a part (ISO 8583:1987, field 39).
pub(super) const PART_APPROVED: &str = "10";

/// The response codes that the last two digits of an amount ask for. Other digits approve.
pub const RESPONSE_CODES: &[ResponseCode] = &[
    code("01", "refer to the issuer"),
    code("03", "invalid merchant"),
    code("04", "pick up the card"),
    code("05", "do not honour"),
    code("12", "invalid transaction"),
    code("13", "invalid amount"),
    code("14", "invalid card number"),
    code("15", "no such issuer"),
    code("30", "format error"),
    code("41", "lost card"),
    code("43", "stolen card"),
    code("51", "insufficient funds"),
    code("54", "expired card"),
    code("55", "incorrect PIN"),
    code("57", "not permitted to the cardholder"),
    code("58", "not permitted to the terminal"),
    code("61", "exceeds the amount limit"),
    code("62", "restricted card"),
    code("65", "exceeds the frequency limit"),
    code("75", "PIN tries exceeded"),
    code("91", "issuer unavailable"),
    code("96", "system malfunction"),
];

/// How a request for this amount is answered.
pub(super) fn behaviour_for(amount_minor: u64) -> Behaviour {
    SPECIAL_AMOUNTS
        .iter()
        .find(|special| special.amount_minor == amount_minor)
        .map_or(Behaviour::Normal, |special| special.behaviour)
}

/// What is set for every answer, in place of what its amount asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Conduct {
    /// How every message is answered; normal leaves it to the amount.
    pub behaviour: Behaviour,
    /// Field 39 of every request that has a right card and a right PIN; `None` leaves it to the amount.
    pub response_code: Option<AnswerCode>,
}

/// Field 39 of an answer: two letters or digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AnswerCode([u8; 2]);

impl TryFrom<String> for AnswerCode {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        <[u8; 2]>::try_from(text.as_bytes())
            .ok()
            .filter(|code| code.iter().all(u8::is_ascii_alphanumeric))
            .map(Self)
            .ok_or("a response code is two letters or digits")
    }
}

impl From<AnswerCode> for String {
    fn from(AnswerCode(code): AnswerCode) -> Self {
        code.map(char::from).iter().collect()
    }
}

/// Whether field 39 approves, the whole or a part.
pub(super) fn approves(code: &str) -> bool {
    code == "00" || code == PART_APPROVED
}

/// What is approved of an amount where a part of it is: half, and never nothing.
pub(super) fn part_of(amount_minor: u64) -> u64 {
    amount_minor.div_ceil(2)
}

/// Field 39 for this amount.
pub(super) fn response_code_for(amount_minor: u64, set: Conduct) -> String {
    if let Some(code) = set.response_code {
        return code.into();
    }
    let part = [set.behaviour, behaviour_for(amount_minor)].contains(&Behaviour::ApprovePart);
    let code = if part {
        PART_APPROVED
    } else {
        code_of_digits(amount_minor)
    };
    code.to_owned()
}

fn code_of_digits(amount_minor: u64) -> &'static str {
    if behaviour_for(amount_minor) != Behaviour::Normal {
        return "00";
    }
    let digits = format!("{:02}", amount_minor.checked_rem(100).unwrap_or_default());
    RESPONSE_CODES
        .iter()
        .find(|code| code.code == digits)
        .map_or("00", |code| code.code)
}

const fn special(
    amount_minor: u64,
    behaviour: Behaviour,
    description: &'static str,
) -> SpecialAmount {
    SpecialAmount {
        amount_minor,
        behaviour,
        description,
    }
}

const fn code(code: &'static str, description: &'static str) -> ResponseCode {
    ResponseCode { code, description }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_two_digits_choose_the_code() {
        for (amount, expected) in [
            (2500, "00"),
            (2551, "51"),
            (5, "05"),
            (105, "05"),
            (1_000_061, "61"),
            (2599, "00"),
            (2501, "01"),
            (2502, "00"),
            (0, "00"),
            (9005, "00"),
            (9105, "05"),
            (9013, "10"),
        ] {
            let code = response_code_for(amount, Conduct::default());
            assert_eq!(code, expected, "{amount}");
        }
    }

    #[test]
    fn what_is_set_goes_before_the_digits() {
        let set = |json| serde_json::from_str::<Conduct>(json);
        for (json, amount, expected) in [
            (r#"{"responseCode":"51"}"#, 2500, "51"),
            (r#"{"responseCode":"00"}"#, 2551, "00"),
            (r#"{"behaviour":"APPROVE_PART"}"#, 2551, "10"),
            (r#"{"behaviour":"LATE","responseCode":"N7"}"#, 9013, "N7"),
            ("{}", 2551, "51"),
        ] {
            let set = set(json).expect(json);
            assert_eq!(response_code_for(amount, set), expected, "{json}");
        }
        for json in [
            r#"{"responseCode":"5"}"#,
            r#"{"responseCode":"5 "}"#,
            r#"{"responseCode":51}"#,
            r#"{"behaviour":"OFFLINE"}"#,
            r#"{"mode":"LATE"}"#,
        ] {
            assert!(set(json).is_err(), "{json}");
        }
        assert_eq!([1, 2, 3, 9013].map(part_of), [1, 1, 2, 4507]);
    }

    #[test]
    fn every_behaviour_of_the_table_has_one_amount() {
        for special in SPECIAL_AMOUNTS {
            assert_eq!(behaviour_for(special.amount_minor), special.behaviour);
        }
        assert_eq!(behaviour_for(9000), Behaviour::Normal);
        assert_eq!(SPECIAL_AMOUNTS.len(), 13);
    }
}
