//! The codes of EMV that are no bits, in words: methods of verification, commands, status words.
//!
//! Nothing here decides anything. The tests hold the tables to the modules that do.

/// A code and what it says.
type Row = (u8, &'static str);

/// What a command is called, and where it is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Its INS byte.
    pub code: u8,
    /// Its name.
    pub name: &'static str,
    /// The section of the standard.
    pub section: &'static str,
}

/// Commands of a contact card, by INS. Secure messaging and channels change CLA, not INS.
pub const INSTRUCTIONS: &[Instruction] = &[
    instruction(0x16, "CARD BLOCK", "EMV 4.4 Book 3, 6.5.3"),
    instruction(0x18, "APPLICATION UNBLOCK", "EMV 4.4 Book 3, 6.5.2"),
    instruction(0x1E, "APPLICATION BLOCK", "EMV 4.4 Book 3, 6.5.1"),
    instruction(0x20, "VERIFY", "EMV 4.4 Book 3, 6.5.12"),
    instruction(0x24, "PIN CHANGE/UNBLOCK", "EMV 4.4 Book 3, 6.5.10"),
    instruction(0x82, "EXTERNAL AUTHENTICATE", "EMV 4.4 Book 3, 6.5.4"),
    instruction(0x84, "GET CHALLENGE", "EMV 4.4 Book 3, 6.5.6"),
    instruction(0x88, "INTERNAL AUTHENTICATE", "EMV 4.4 Book 3, 6.5.9"),
    instruction(0xA4, "SELECT", "EMV 4.4 Book 1, 11.3"),
    instruction(0xA8, "GET PROCESSING OPTIONS", "EMV 4.4 Book 3, 6.5.8"),
    instruction(0xAE, "GENERATE AC", "EMV 4.4 Book 3, 6.5.5"),
    instruction(0xB2, "READ RECORD", "EMV 4.4 Book 3, 6.5.11"),
    instruction(0xC0, "GET RESPONSE", "EMV 4.4 Book 1, 9.3.1.3"),
    instruction(0xCA, "GET DATA", "EMV 4.4 Book 3, 6.5.7"),
    instruction(0xDA, "PUT DATA", "ISO 7816-4:2005, 7.4"),
    instruction(0xDC, "UPDATE RECORD", "ISO 7816-4:2005, 7.3"),
];

/// Bits 6 to 1 of a rule's first byte (EMV 4.4 Book 3, Annex C3, table 43).
const METHODS: &[Row] = &[
    (0x00, "fail CVM processing"),
    (0x01, "plaintext PIN verified by the card"),
    (0x02, "enciphered PIN verified online"),
    (0x03, "plaintext PIN verified by the card, and signature"),
    (0x04, "enciphered PIN verified by the card"),
    (0x05, "enciphered PIN verified by the card, and signature"),
    (0x06, "facial biometric verified by the card"),
    (0x07, "facial biometric verified online"),
    (0x08, "finger biometric verified by the card"),
    (0x09, "finger biometric verified online"),
    (0x0A, "palm biometric verified by the card"),
    (0x0B, "palm biometric verified online"),
    (0x0C, "iris biometric verified by the card"),
    (0x0D, "iris biometric verified online"),
    (0x0E, "voice biometric verified by the card"),
    (0x0F, "voice biometric verified online"),
    (0x1E, "signature"),
    (0x1F, "no CVM required"),
    (0x3F, "no CVM performed"),
];

/// A rule's second byte (EMV 4.4 Book 3, Annex C3, table 44).
const CONDITIONS: &[Row] = &[
    (0x00, "always"),
    (0x01, "if unattended cash"),
    (
        0x02,
        "if neither unattended cash, manual cash nor purchase with cashback",
    ),
    (0x03, "if the terminal supports the CVM"),
    (0x04, "if manual cash"),
    (0x05, "if purchase with cashback"),
    (0x06, "if in the application currency and under X"),
    (0x07, "if in the application currency and over X"),
    (0x08, "if in the application currency and under Y"),
    (0x09, "if in the application currency and over Y"),
];

/// Byte 3 of tag 9F34 (EMV 4.4 Book 4, Annex A4).
const VERIFICATION_RESULTS: &[Row] = &[(0, "unknown"), (1, "failed"), (2, "successful")];

/// Bits 8 and 7 of tag 9F27 and of P1 of GENERATE AC (EMV 4.4 Book 3, 6.5.5).
const CRYPTOGRAM_TYPES: &[Row] = &[
    (0x00, "AAC: the transaction is declined"),
    (0x40, "TC: the transaction is approved"),
    (0x80, "ARQC: the issuer is to be asked"),
];

/// Bits 3 to 1 of tag 9F27 (EMV 4.4 Book 3, 6.5.5.4, table 15).
const REASONS: &[Row] = &[
    (0, "no reason given"),
    (1, "service not allowed"),
    (2, "PIN Try Limit exceeded"),
    (3, "issuer authentication failed"),
];

/// Tag 9C: the first two digits of ISO 8583:1987's processing code.
const TRANSACTION_TYPES: &[Row] = &[
    (0x00, "purchase of goods and services"),
    (0x01, "cash"),
    (0x09, "purchase with cashback"),
    (0x17, "cash disbursement"),
    (0x20, "refund"),
    (0x21, "deposit"),
    (0x30, "available funds inquiry"),
    (0x31, "balance inquiry"),
];

/// Bits 8 to 5 of the first byte of an entry of tag 9F5B (EMV 4.4 Book 4, Annex A5).
const SCRIPT_RESULTS: &[Row] = &[
    (0, "script not performed"),
    (1, "script processing failed"),
    (2, "script processing successful"),
];

/// Status words (EMV 4.4 Book 3, 6.3.5; ISO 7816-4:2005, 5.1.3).
const STATUS_WORDS: &[(u16, &str)] = &[
    (0x9000, "command carried out"),
    (0x6281, "part of the data may be corrupted"),
    (0x6283, "selected file invalidated"),
    (0x6300, "authentication failed"),
    (0x6400, "carried out wrongly, nothing changed"),
    (0x6581, "memory failure"),
    (0x6700, "wrong length"),
    (0x6882, "secure messaging not supported"),
    (0x6900, "command not allowed"),
    (0x6982, "security status not satisfied"),
    (0x6983, "authentication method blocked"),
    (0x6984, "referenced data invalidated"),
    (0x6985, "conditions of use not satisfied"),
    (0x6986, "command not allowed, no current file"),
    (0x6987, "secure messaging data object missing"),
    (0x6988, "secure messaging data object incorrect"),
    (0x6A80, "wrong data in the command"),
    (0x6A81, "function not supported"),
    (0x6A82, "file or application not found"),
    (0x6A83, "record not found"),
    (0x6A84, "not enough memory in the file"),
    (0x6A86, "wrong P1 or P2"),
    (0x6A88, "referenced data not found"),
    (0x6B00, "wrong parameters P1 and P2"),
    (0x6D00, "instruction not supported"),
    (0x6E00, "class not supported"),
    (0x6F00, "no precise diagnosis"),
];

/// The command with this INS byte.
pub fn command(ins: u8) -> Option<&'static Instruction> {
    INSTRUCTIONS.iter().find(|row| row.code == ins)
}

/// The method a rule of the CVM List or tag 9F34 names; bit 7 is not read.
pub fn method(code: u8) -> &'static str {
    find(METHODS, code & 0x3F).unwrap_or(match code & 0x3F {
        0x20..=0x2F => "reserved for payment systems",
        0x30..=0x3E => "reserved for issuers",
        _ => "reserved",
    })
}

/// When a rule of the CVM List applies.
pub fn condition(code: u8) -> &'static str {
    find(CONDITIONS, code).unwrap_or(match code {
        0x80..=0xFF => "under a condition of a payment system",
        _ => "under a reserved condition",
    })
}

/// How verification came out: byte 3 of tag 9F34.
pub fn verification_result(code: u8) -> &'static str {
    find(VERIFICATION_RESULTS, code).unwrap_or("reserved")
}

/// The type of cryptogram in bits 8 and 7 of a CID or of a reference control parameter.
pub fn cryptogram_type(byte: u8) -> &'static str {
    find(CRYPTOGRAM_TYPES, byte & 0xC0).unwrap_or("reserved")
}

/// Why the card answers as it does: bits 3 to 1 of a CID.
pub fn reason(cid: u8) -> &'static str {
    find(REASONS, cid & 0x07).unwrap_or("reserved")
}

/// Tag 9C, for the types in use.
pub fn transaction_type(code: u8) -> Option<&'static str> {
    find(TRANSACTION_TYPES, code)
}

/// How an issuer script went: the first byte of an entry of tag 9F5B.
pub fn script_result(byte: u8) -> String {
    let result = find(SCRIPT_RESULTS, byte >> 4).unwrap_or("reserved");
    match (byte >> 4, byte & 0x0F) {
        (1, 0) => format!("{result}, the command is not told"),
        (1, 0x0F) => format!("{result} at command 15 or a later one"),
        (1, number) => format!("{result} at command {number}"),
        _ => result.to_owned(),
    }
}

/// SW1 and SW2.
pub fn status_word(status: u16) -> String {
    let known = STATUS_WORDS.iter().find(|(code, _)| *code == status);
    if let Some((_, words)) = known {
        return (*words).to_owned();
    }
    match status.to_be_bytes() {
        [0x61, length] => format!("{length} bytes more can be fetched with GET RESPONSE"),
        [0x6C, length] => format!("wrong Le; {length} bytes are there"),
        [0x63, tries @ 0xC0..=0xCF] => match tries & 0x0F {
            1 => "verification failed, 1 try left".to_owned(),
            tries => format!("verification failed, {tries} tries left"),
        },
        [0x62, _] => "warning, nothing changed".to_owned(),
        [0x63, _] => "warning, something changed".to_owned(),
        [0x64, _] => "execution error, nothing changed".to_owned(),
        [0x65, _] => "execution error, something changed".to_owned(),
        [0x66, _] => "execution error of security".to_owned(),
        [0x67..=0x6F, _] => "checking error".to_owned(),
        [0x90..=0x9F, _] => "defined by the application".to_owned(),
        _ => "no status word of ISO 7816".to_owned(),
    }
}

const fn instruction(code: u8, name: &'static str, section: &'static str) -> Instruction {
    Instruction {
        code,
        name,
        section,
    }
}

fn find(rows: &[Row], code: u8) -> Option<&'static str> {
    rows.iter()
        .find(|(row, _)| *row == code)
        .map(|(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card_data::CryptogramType;
    use crate::cvm::{Asked, Rule};
    use crate::script::{Progress, result};

    #[test]
    fn what_the_kernel_knows_has_words() {
        for code in 0..0x40 {
            let rule = Rule { code, condition: 0 };
            let known = rule.asked() != Asked::Unrecognised;
            assert!(
                !known || !method(code).starts_with("reserved"),
                "{code:02X}"
            );
            assert_eq!(method(code), method(code | 0x40));
        }
        for cid in 0..=0xFF {
            let known = CryptogramType::from_cid(cid).is_some();
            assert_eq!(known, cryptogram_type(cid) != "reserved", "{cid:02X}");
        }
        for (progress, words) in [
            (Progress::NotPerformed, "script not performed"),
            (
                Progress::FailedAt(2),
                "script processing failed at command 2",
            ),
            (Progress::Succeeded, "script processing successful"),
        ] {
            assert_eq!(script_result(result([0; 4], progress)[0]), words);
        }
    }

    #[test]
    fn commands_are_in_order_and_status_words_are_told_apart() {
        for pair in INSTRUCTIONS.windows(2) {
            assert!(pair[0].code < pair[1].code, "{}", pair[1].name);
        }
        for (status, words) in [
            (0x9000, "command carried out"),
            (0x63C2, "verification failed, 2 tries left"),
            (0x63C1, "verification failed, 1 try left"),
            (0x6C1A, "wrong Le; 26 bytes are there"),
            (0x6A9A, "checking error"),
            (0x1234, "no status word of ISO 7816"),
        ] {
            assert_eq!(status_word(status), words);
        }
    }
}
