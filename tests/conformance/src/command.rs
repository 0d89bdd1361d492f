//! Commands by their names, and sequences of them with gaps.

use crate::values::{begins_like, shown};

/// The name of the payment system environment.
const ENVIRONMENT: &[u8] = b"1PAY.SYS.DDF01";

/// The names of the commands, longer ones before those they begin with.
const NAMES: [&str; 11] = [
    "SELECT",
    "GET PROCESSING OPTIONS",
    "READ RECORD",
    "INTERNAL AUTHENTICATE",
    "GET DATA",
    "GET CHALLENGE",
    "VERIFY",
    "GENERATE AC",
    "EXTERNAL AUTHENTICATE",
    "SCRIPT COMMAND",
    "COMMAND",
];

/// A command that was sent, as a case may name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: &'static str,
    /// What tells it from others of its name: the application for SELECT, file and record, the tag,
    /// P1 and the data for GENERATE AC.
    pub(crate) detail: String,
}

impl Named {
    /// Names a command APDU.
    pub(crate) fn of(command: &[u8]) -> Self {
        let named = |name, detail| Self { name, detail };
        let [class, instruction, p1, p2, rest @ ..] = command else {
            return named("COMMAND", shown(command));
        };
        let data = match rest {
            [] | [_] => &[][..],
            [length, data @ ..] => data.get(..usize::from(*length)).unwrap_or(data),
        };
        match (class, instruction) {
            (0x00, 0xA4) => {
                let occurrence = if *p2 == 0x02 { " next" } else { "" };
                let name = if data == ENVIRONMENT {
                    String::from_utf8_lossy(data).into_owned()
                } else {
                    shown(data)
                };
                named("SELECT", format!("{name}{occurrence}"))
            }
            (0x80, 0xA8) => named("GET PROCESSING OPTIONS", shown(data)),
            (0x00, 0xB2) => named("READ RECORD", format!("{}.{p1}", p2 >> 3)),
            (0x00, 0x88) => named("INTERNAL AUTHENTICATE", shown(data)),
            (0x80, 0xCA) => named("GET DATA", shown(&[*p1, *p2])),
            (0x00, 0x84) => named("GET CHALLENGE", String::new()),
            (0x00, 0x20) => named("VERIFY", shown(&[*p2])),
            (0x80, 0xAE) => named("GENERATE AC", format!("{p1:02X} {}", shown(data))),
            (0x00, 0x82) => named("EXTERNAL AUTHENTICATE", shown(data)),
            _ => named("SCRIPT COMMAND", shown(command)),
        }
    }
}

/// A command as a case names it: a name, and the beginning of its detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    name: &'static str,
    detail: String,
}

impl Pattern {
    /// Reads `READ RECORD 2.1`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let found = NAMES
            .into_iter()
            .find_map(|name| Some((name, text.strip_prefix(name)?)));
        match found {
            Some((name, detail)) if detail.is_empty() || detail.starts_with(' ') => Ok(Self {
                name,
                detail: detail.trim().to_owned(),
            }),
            Some(_) | None => Err(format!("{text:?} is no command")),
        }
    }

    /// Whether both name the same command, whatever its detail.
    pub(crate) fn same_command(&self, other: &Self) -> bool {
        self.name == other.name
    }

    pub(crate) fn fits(&self, command: &Named) -> bool {
        let whole = matches!(self.name, "READ RECORD" | "GET DATA" | "SELECT");
        let detail = if whole && !self.detail.is_empty() && !self.detail.contains('*') {
            self.detail == command.detail
        } else {
            begins_like(&command.detail, &self.detail)
        };
        self.name == command.name && detail
    }
}

/// A sequence of commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sequence(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Any commands, or none.
    Gap,
    One(Pattern),
}

impl Sequence {
    /// Reads commands with commas between them; `...` stands for any commands or none.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let step = |item: &str| match item.trim() {
            "..." => Ok(Step::Gap),
            command => Pattern::parse(command).map(Step::One),
        };
        text.split(',')
            .map(step)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether these commands, all of them, are such a sequence.
    pub(crate) fn fits(&self, commands: &[Named]) -> bool {
        fits(&self.0, commands)
    }
}

fn fits(steps: &[Step], commands: &[Named]) -> bool {
    match (steps.split_first(), commands.split_first()) {
        (None, None) => true,
        (Some((Step::Gap, later)), first) => {
            fits(later, commands) || first.is_some_and(|(_, rest)| fits(steps, rest))
        }
        (Some((Step::One(pattern), later)), Some((command, rest))) => {
            pattern.fits(command) && fits(later, rest)
        }
        (None, Some(_)) | (Some((Step::One(_), _)), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_have_gaps_and_details() {
        let commands = [
            Named::of(&[0, 0xA4, 4, 0, 5, 0xA0, 0, 0, 0, 3, 0]),
            Named::of(&[0, 0xB2, 1, 0x0C, 0]),
            Named::of(&[0x80, 0xAE, 0x90, 0, 2, 1, 2, 0]),
        ];
        for (text, expected) in [
            ("...", true),
            (
                "SELECT A000000003, READ RECORD 1.1, GENERATE AC 90 0102",
                true,
            ),
            ("SELECT, ..., GENERATE AC 90", true),
            ("SELECT A0, ...", false),
            ("SELECT A0*, ...", true),
            ("..., READ RECORD", false),
            ("..., GENERATE AC 80", false),
        ] {
            assert_eq!(
                Sequence::parse(text).unwrap().fits(&commands),
                expected,
                "{text}"
            );
        }
        assert!(Sequence::parse("READ RECORDS").is_err());
    }
}
