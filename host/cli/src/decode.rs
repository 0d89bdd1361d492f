//! `tenon decode`: data of cards and messages, explained. The work is in `guest/decode`.

use std::{
    env,
    io::{self, IsTerminal, Read, Write},
    process::ExitCode,
};

use ::decode::{Colours, Decoded, HexError, Kind, Secrets};
use anyhow::{Context, Result, bail};

/// The longest text that is read from standard input.
const TEXT_LENGTH_MAX: u64 = 1024 * 1024;

/// Explain data of cards and messages: TLV, APDUs, bits, ISO 8583
///
/// Data is hexadecimal, with or without spaces and 0x. Without an argument it
/// is read from standard input. What is malformed is explained as far as it
/// goes, and the exit code is then 1.
///
/// Of card numbers the last four digits are shown. PIN blocks never are.
///
///     tenon decode tlv 9F34031E0300
///     tenon decode tvr 0080008000
///     tenon decode dol 9F02069F37045F2A02
///     tenon decode apdu 80AE8000 --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    subject: Subject,

    /// Print JSON instead of text
    #[arg(long, global = true)]
    json: bool,

    /// Show card numbers and names in full; never a PIN block
    #[arg(long, global = true)]
    reveal: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Subject {
    /// Data objects in BER-TLV, templates opened
    Tlv(Text),
    /// A data object list; with --values, filled in
    ///
    ///     tenon decode dol 9F02065F2A02 --values 0000000025000554
    #[command(verbatim_doc_comment)]
    Dol {
        #[command(flatten)]
        list: Text,
        /// The values, one after the other, as a command carries them
        #[arg(long, value_name = "HEX")]
        values: Option<String>,
    },
    /// A command, a response, or both
    ///
    /// A response in format 1 (tag 80) is explained when its command is known.
    ///
    ///     tenon decode apdu 00B2010C00
    ///     tenon decode apdu 80A80000028300 --response 8006180008010100 9000
    ///     tenon decode apdu --response 6985 --to GPO
    #[command(verbatim_doc_comment)]
    Apdu {
        #[command(flatten)]
        command: Text,
        /// The response; without a command, the response alone
        #[arg(long, value_name = "HEX", num_args = 1..)]
        response: Vec<String>,
        /// The command a response alone answers: its name, GPO, or its INS byte
        #[arg(
            long,
            value_name = "COMMAND",
            requires = "response",
            conflicts_with = "hex"
        )]
        to: Option<String>,
    },
    /// An answer to reset
    Atr(Text),
    /// Terminal Verification Results, or an action code (tag 95)
    Tvr(Text),
    /// Transaction Status Information (tag 9B)
    Tsi(Text),
    /// Application Interchange Profile (tag 82)
    Aip(Text),
    /// Application Usage Control (tag 9F07)
    Auc(Text),
    /// A CVM List (tag 8E), or CVM Results of three bytes (tag 9F34)
    Cvm(Text),
    /// Cryptogram Information Data (tag 9F27)
    Cid(Text),
    /// Terminal Capabilities (tag 9F33), or the additional ones (9F40)
    Caps(Text),
    /// A message in the engine's own dialect, from the message type on
    Iso8583(Text),
}

/// What is decoded.
#[derive(Debug, clap::Args)]
struct Text {
    /// The data in hexadecimal [default: standard input]
    #[arg(value_name = "HEX")]
    hex: Vec<String>,
}

/// Prints the explanation.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let secrets = if arguments.reveal {
        Secrets::Revealed
    } else {
        Secrets::Hidden
    };
    let decoded = decode(&arguments.subject, secrets)?;
    let mut out = io::stdout().lock();
    let text = if arguments.json {
        decoded.to_json()
    } else {
        decoded.to_text(colours(out.is_terminal()))
    };
    out.write_all(text.as_bytes())?;
    Ok(if decoded.is_faulty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn decode(subject: &Subject, secrets: Secrets) -> Result<Decoded> {
    let element = |kind, text: &Text| Ok(::decode::element(kind, &text.read()?)?);
    match subject {
        Subject::Tlv(text) => Ok(::decode::tlv(&text.read()?, secrets)?),
        Subject::Dol { list, values } => {
            let list = list.read()?;
            Ok(::decode::dol(&list, values.as_deref(), secrets)?)
        }
        Subject::Apdu {
            command,
            response,
            to,
        } => apdu(command, &response.join(" "), to.as_deref(), secrets),
        Subject::Atr(text) => Ok(::decode::atr(&text.read()?)?),
        Subject::Tvr(text) => element(Kind::Tvr, text),
        Subject::Tsi(text) => element(Kind::Tsi, text),
        Subject::Aip(text) => element(Kind::Aip, text),
        Subject::Auc(text) => element(Kind::Auc, text),
        Subject::Cvm(text) => element(Kind::Cvm, text),
        Subject::Cid(text) => element(Kind::Cid, text),
        Subject::Caps(text) => element(Kind::Capabilities, text),
        Subject::Iso8583(text) => Ok(::decode::iso8583(&text.read()?, secrets)?),
    }
}

fn apdu(command: &Text, response: &str, to: Option<&str>, secrets: Secrets) -> Result<Decoded> {
    let decoded: Result<Decoded, HexError> = match (command.hex.is_empty(), response) {
        (_, "") => ::decode::command(&command.read()?, secrets),
        (false, response) => ::decode::exchange(&command.read()?, response, secrets),
        (true, response) => {
            let instruction = to.map(instruction).transpose()?;
            ::decode::response(response, instruction, secrets)
        }
    };
    Ok(decoded?)
}

fn instruction(name: &str) -> Result<u8> {
    match ::decode::instruction(name) {
        Some(row) => Ok(row.code),
        None => bail!("{name} is no command of a contact card"),
    }
}

/// Colours for a terminal, unless `NO_COLOR` is set.
pub(crate) fn colours(terminal: bool) -> Colours {
    let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if terminal && !unwanted {
        Colours::On
    } else {
        Colours::Off
    }
}

impl Text {
    /// The arguments, or standard input when there are none.
    fn read(&self) -> Result<String> {
        if !self.hex.is_empty() {
            return Ok(self.hex.join(" "));
        }
        let mut text = String::new();
        io::stdin()
            .lock()
            .take(TEXT_LENGTH_MAX)
            .read_to_string(&mut text)
            .context("reading standard input")?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn decoded(line: &str) -> Result<Decoded> {
        let words = std::iter::once("decode").chain(line.split(' '));
        let line = Line::try_parse_from(words)?;
        let secrets = if line.arguments.reveal {
            Secrets::Revealed
        } else {
            Secrets::Hidden
        };
        decode(&line.arguments.subject, secrets)
    }

    #[test]
    fn every_subject_is_explained() {
        for (line, name) in [
            ("tlv 9A 03 260701", "Data objects"),
            ("dol 9F0206 --values 000000002500", "Data object list"),
            ("apdu 00B2010C00", "READ RECORD"),
            (
                "apdu 80A8000002 8300 --response 9000",
                "Command and response",
            ),
            ("apdu --response 8006180008010100 9000 --to gpo", "Response"),
            ("atr 3B00", "Answer to reset"),
            ("tvr 0000000000", "Terminal Verification Results"),
            ("tsi E800 --json", "Transaction Status Information"),
            ("aip 3900", "Application Interchange Profile"),
            ("auc FF00", "Application Usage Control"),
            ("cid 80", "Cryptogram Information Data"),
            ("caps E0F8C8", "Terminal Capabilities"),
            (
                "iso8583 303830302000000000000000 303030303030",
                "ISO 8583:1987 message",
            ),
        ] {
            let decoded = decoded(line).expect(line);
            assert_eq!(decoded.name, name, "{line}");
            assert!(!decoded.is_faulty(), "{line}: {decoded:#?}");
        }
    }

    #[test]
    fn card_numbers_are_shown_when_asked_for() {
        let object = "tlv 5A084761739001010010";
        let text = |line: &str| decoded(line).expect(line).to_text(Colours::Off);
        assert!(text(object).contains("************0010"));
        assert!(text(&format!("{object} --reveal")).contains("4761739001010010"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in [
            "tlv 9G",
            "apdu --response 9000 --to nothing",
            "apdu 00B2010C00 --to gpo",
        ] {
            assert!(decoded(line).is_err(), "{line}");
        }
        assert!(decoded("tlv 9A03").expect("decoded").is_faulty());
    }
}
