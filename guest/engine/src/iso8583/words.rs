//! The codes of ISO 8583:1987 in words. Nothing here decides anything: what an answer means for
//! money is in `answers.rs`.

use super::MessageType;

/// Field 39 (ISO 8583:1987, table A.1).
const RESPONSE_CODES: &[(&[u8; 2], &str)] = &[
    (b"00", "approved"),
    (b"01", "refer to the card issuer"),
    (b"02", "refer to the card issuer, special conditions"),
    (b"03", "invalid merchant"),
    (b"04", "pick up the card"),
    (b"05", "do not honour"),
    (b"06", "error"),
    (b"07", "pick up the card, special condition"),
    (b"08", "honour with identification"),
    (b"09", "request in progress"),
    (b"10", "approved for a partial amount"),
    (b"11", "approved (VIP)"),
    (b"12", "invalid transaction"),
    (b"13", "invalid amount"),
    (b"14", "invalid card number"),
    (b"15", "no such issuer"),
    (b"16", "approved, update track 3"),
    (b"17", "customer cancellation"),
    (b"18", "customer dispute"),
    (b"19", "re-enter the transaction"),
    (b"20", "invalid response"),
    (b"21", "no action taken"),
    (b"22", "suspected malfunction"),
    (b"23", "unacceptable transaction fee"),
    (b"24", "file update not supported by the receiver"),
    (b"25", "unable to locate the record"),
    (b"30", "format error"),
    (b"31", "bank not supported by the switch"),
    (b"32", "completed partially"),
    (b"33", "expired card, pick up"),
    (b"34", "suspected fraud, pick up"),
    (b"35", "contact the acquirer, pick up"),
    (b"36", "restricted card, pick up"),
    (b"37", "call acquirer security, pick up"),
    (b"38", "allowable PIN tries exceeded, pick up"),
    (b"39", "no credit account"),
    (b"40", "requested function not supported"),
    (b"41", "lost card"),
    (b"42", "no universal account"),
    (b"43", "stolen card, pick up"),
    (b"44", "no investment account"),
    (b"51", "not sufficient funds"),
    (b"52", "no chequing account"),
    (b"53", "no savings account"),
    (b"54", "expired card"),
    (b"55", "incorrect PIN"),
    (b"56", "no card record"),
    (b"57", "transaction not permitted to the cardholder"),
    (b"58", "transaction not permitted to the terminal"),
    (b"59", "suspected fraud"),
    (b"60", "contact the acquirer"),
    (b"61", "exceeds the withdrawal amount limit"),
    (b"62", "restricted card"),
    (b"63", "security violation"),
    (b"64", "original amount incorrect"),
    (b"65", "exceeds the withdrawal frequency limit"),
    (b"66", "call acquirer security"),
    (b"67", "hard capture"),
    (b"68", "response received too late"),
    (b"75", "allowable number of PIN tries exceeded"),
    (b"76", "defined by the acquirer"),
    (b"77", "defined by the acquirer"),
    (b"78", "defined by the acquirer"),
    (b"90", "cutoff is in process"),
    (b"91", "issuer or switch is inoperative"),
    (b"92", "no route to the institution"),
    (b"93", "transaction cannot be completed, violation of law"),
    (b"94", "duplicate transmission"),
    (b"95", "reconcile error"),
    (b"96", "system malfunction"),
];

/// What a response code says; `None` for one the standard leaves open.
pub fn response_code(code: &[u8]) -> Option<&'static str> {
    RESPONSE_CODES
        .iter()
        .find(|(row, _)| row.as_slice() == code)
        .map(|(_, words)| *words)
}

impl MessageType {
    /// What the four digits say (ISO 8583:1987, 4.1): version, class, function, origin.
    pub fn in_words(self) -> String {
        let digits = self.to_digits().into_bytes();
        let at = |position: usize| digits.get(position).copied().unwrap_or(b'0');
        let class = match at(1) {
            b'1' => "authorisation",
            b'2' => "financial transaction",
            b'3' => "file update",
            b'4' => "reversal",
            b'5' => "reconciliation",
            b'6' => "administration",
            b'8' => "network management",
            _ => "reserved class",
        };
        let function = match at(2) {
            b'0' => "request",
            b'1' => "request response",
            b'2' => "advice",
            b'3' => "advice response",
            b'4' => "notification",
            _ => "reserved function",
        };
        let repeat = match at(3) {
            b'1' | b'3' | b'5' => ", repeated",
            _ => "",
        };
        let version = match at(0) {
            b'0' => "",
            _ => ", not of ISO 8583:1987",
        };
        format!("{class} {function}{repeat}{version}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_type_is_said_in_words() {
        for (number, words) in [
            (100, "authorisation request"),
            (210, "financial transaction request response"),
            (421, "reversal advice, repeated"),
            (1800, "network management request, not of ISO 8583:1987"),
        ] {
            let message_type = MessageType::new(number).expect("four digits");
            assert_eq!(message_type.in_words(), words);
        }
    }

    #[test]
    fn response_codes_are_in_order() {
        for pair in RESPONSE_CODES.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{}", pair[1].1);
        }
        assert_eq!(response_code(b"51"), Some("not sufficient funds"));
        assert_eq!(response_code(b"A1"), None);
    }
}
