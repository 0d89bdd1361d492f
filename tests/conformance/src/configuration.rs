//! The same cases at every kind of terminal: what a terminal claims to be changes what is right.
//!
//! EMV 4.4 Book 4, Annex A1 and A2.

use std::collections::BTreeSet;
use std::fs;

use crate::case::Case;
use crate::fault::Fault;
use crate::suite::{Error, folder};
use crate::values::bytes;

/// What a terminal claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// Tag 9F35.
    pub kind: u8,
    /// Byte 2 of tag 9F33: the methods of verification.
    pub methods: u8,
    /// Tag 9F40.
    additional: [u8; 5],
}

/// The cases of one terminal.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The terminal.
    pub configuration: Configuration,
    /// The cases as they go for it.
    pub cases: Vec<Case>,
}

/// The rule whose cases are run at every terminal.
const RULE: &str = "ICS-01";

/// Every terminal of `configurations/terminals.txt` with its cases.
pub fn configurations() -> Result<Vec<Claimed>, Error> {
    let read = |name: &str| {
        let path = folder().join("configurations").join(name);
        let text = fs::read_to_string(&path);
        text.map(|text| (path.clone(), text))
            .map_err(|error| Error::Unreadable(path, error))
    };
    let (path, terminals) = read("terminals.txt")?;
    let terminals = self::terminals(&terminals).map_err(|fault| Error::Fault(path, fault))?;
    let (path, text) = read("ICS-01.txt")?;
    terminals
        .into_iter()
        .map(|configuration| {
            let cases = configuration.cases(&text);
            Ok(Claimed {
                cases: cases.map_err(|fault| Error::Fault(path.clone(), fault))?,
                configuration,
            })
        })
        .collect()
}

/// Reads `types 11 12 | methods F8 B8 | additional F000F0A001`, line by line.
fn terminals(text: &str) -> Result<Vec<Configuration>, Fault> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let at = |what: String| Fault::new(index.saturating_add(1), what);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [types, methods, additional] = parts.as_slice() else {
            return Err(at("a line has types, methods and additional".to_owned()));
        };
        let words = |part: &str, name: &str| {
            let words = part.strip_prefix(name).ok_or(format!("{name} is missing"));
            words.map(|words| {
                words
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
        };
        let byte = |word: &String| bytes::<1>(word).map(|[byte]| byte);
        let additional = additional.strip_prefix("additional");
        let additional = additional.ok_or_else(|| at("additional is missing".to_owned()))?;
        for kind in words(types, "types").map_err(at)? {
            for method in words(methods, "methods").map_err(at)? {
                let configuration = Configuration {
                    kind: byte(&kind).map_err(at)?,
                    methods: byte(&method).map_err(at)?,
                    additional: bytes(additional).map_err(at)?,
                };
                if found.contains(&configuration) {
                    return Err(at(format!("{kind} with {method} stands twice")));
                }
                found.push(configuration);
            }
        }
    }
    Ok(found)
}

impl Configuration {
    /// The cases of the file as they go for this terminal.
    fn cases(&self, text: &str) -> Result<Vec<Case>, Fault> {
        let own = self.words();
        let mut lines = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let kept =
                kept(line, &own).map_err(|what| Fault::new(index.saturating_add(1), what))?;
            lines.push(kept.unwrap_or_default().to_owned());
        }
        let mut cases = Case::parse_file(RULE, &lines.join("\n"))?;
        for case in &mut cases {
            case.claim(self.kind, self.methods, self.additional)
                .map_err(|what| Fault::new(case.line, what))?;
        }
        Ok(cases)
    }

    /// What is true of this terminal.
    fn words(&self) -> BTreeSet<&'static str> {
        let mut words = BTreeSet::new();
        let operator = self.kind >> 4;
        let attended = self.kind & 0x0F <= 3;
        words.insert(match operator {
            1 => "bank",
            2 => "merchant",
            _ => "cardholder",
        });
        words.insert(match self.kind & 0x0F {
            1 | 4 => "online-only",
            2 | 5 => "offline-with-online",
            _ => "offline-only",
        });
        if attended {
            words.insert("attended");
        }
        let gives_cash = self.additional.first().is_some_and(|byte| byte & 0x80 != 0);
        if operator == 1 && !attended && gives_cash {
            words.insert("atm");
        }
        let methods = METHODS.iter().filter(|(bit, _)| self.methods & bit != 0);
        words.extend(methods.map(|(_, word)| *word));
        words
    }

    /// How the terminal decides, in a few words.
    pub fn connection(&self) -> &'static str {
        match self.kind & 0x0F {
            1 | 4 => "online only",
            2 | 5 => "offline with online",
            _ => "offline only",
        }
    }
}

/// The bits of byte 2 of tag 9F33, and their words.
const METHODS: [(u8, &str); 5] = [
    (0x80, "plaintext-pin"),
    (0x40, "online-pin"),
    (0x20, "signature"),
    (0x10, "enciphered-pin"),
    (0x08, "no-cvm"),
];

/// Every other word.
const WORDS: [&str; 8] = [
    "attended",
    "bank",
    "merchant",
    "cardholder",
    "online-only",
    "offline-with-online",
    "offline-only",
    "atm",
];

/// The line without its words in brackets; `None` when one of them is not true.
fn kept<'a>(line: &'a str, own: &BTreeSet<&str>) -> Result<Option<&'a str>, String> {
    let Some((words, rest)) = line
        .trim_start()
        .strip_prefix('[')
        .and_then(|line| line.split_once(']'))
    else {
        return Ok(Some(line));
    };
    let mut wanted = true;
    for word in words.split_whitespace() {
        let (name, negated) = match word.strip_prefix('!') {
            Some(name) => (name, true),
            None => (word, false),
        };
        if !WORDS.contains(&name) && !METHODS.iter().any(|(_, known)| *known == name) {
            return Err(format!("{name:?} is no word for a terminal"));
        }
        wanted &= own.contains(name) != negated;
    }
    Ok(wanted.then(|| rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Configuration = Configuration {
        kind: 0x25,
        methods: 0x48,
        additional: [0x70, 0, 0xF0, 0xA0, 0x01],
    };

    #[test]
    fn a_line_is_for_the_terminals_it_names() {
        let own = TERMINAL.words();
        for (line, left) in [
            ("ends approved", Ok(Some("ends approved"))),
            ("[online-pin !attended] host 00", Ok(Some("host 00"))),
            ("[online-pin attended] host 00", Ok(None)),
            ("[!no-cvm] host 00", Ok(None)),
            (
                "[merchant offline-with-online] host 00",
                Ok(Some("host 00")),
            ),
            ("[atm] host 00", Ok(None)),
        ] {
            assert_eq!(kept(line, &own), left, "{line}");
        }
        assert!(kept("[unattended] host 00", &own).is_err());
    }

    #[test]
    fn an_atm_is_a_banks_gives_cash_and_has_no_attendant() {
        for (kind, first, atm) in [
            (0x15, 0xF0, true),
            (0x15, 0x70, false),
            (0x12, 0xF0, false),
            (0x25, 0xF0, false),
        ] {
            let mut terminal = TERMINAL;
            terminal.kind = kind;
            terminal.additional[0] = first;
            assert_eq!(terminal.words().contains("atm"), atm, "{kind:02X}");
        }
    }

    #[test]
    fn a_terminal_stands_once() {
        let line = "types 21 22 | methods F8 08 | additional F000F0A001\n";
        assert_eq!(terminals(line).map(|found| found.len()), Ok(4));
        for (wrong, at) in [
            (line.repeat(2), 2),
            ("types 21 | methods F8".to_owned(), 1),
            (line.replace("08", "8"), 1),
            (line.replace("methods", "cvm"), 1),
        ] {
            assert_eq!(terminals(&wrong).unwrap_err().line, at, "{wrong}");
        }
    }
}
