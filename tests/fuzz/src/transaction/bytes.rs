//! A play as bytes, for fuzzers and their corpora.

use emv::Tag;

use super::play::{
    Act, Authentication, Change, Command, Issuer, Play, Scripts, Setting, What, Word,
};
use crate::input::{Input, pick};

/// The most acts, script commands and changes that are read.
const EVENTS_MAX: usize = 64;

impl Play {
    /// The play that these bytes are. Any bytes are one.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut input = Input::new(bytes);
        let card = input.byte();
        let terminal = Setting::read(&mut input);
        let issuer = Issuer::read(&mut input);
        let acts = input.block().iter().take(EVENTS_MAX);
        let acts = acts.map(|act| pick(&Act::ALL, *act, Act::Right)).collect();
        let mut changes = Vec::new();
        while !input.is_empty() && changes.len() < EVENTS_MAX {
            changes.push(Change::read(&mut input));
        }
        Self {
            card,
            terminal,
            issuer,
            acts,
            changes,
        }
    }

    /// The bytes that are this play. Blocks of more than 255 bytes are cut.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut output = vec![self.card];
        self.terminal.write(&mut output);
        self.issuer.write(&mut output);
        let acts = self.acts.iter();
        let acts: Vec<u8> = acts.map(|act| position(&Act::ALL, act)).collect();
        block(&acts, &mut output);
        for change in &self.changes {
            change.write(&mut output);
        }
        output
    }
}

impl Setting {
    fn read(input: &mut Input<'_>) -> Self {
        Self {
            kind: input.byte(),
            capabilities: input.array(),
            additional_capabilities: input.array(),
            action_codes: [input.array(), input.array(), input.array()],
            floor_limit: input.array(),
            amount: input.array(),
            amount_other: input.array(),
            date: input.array(),
            choices: input.array(),
            flags: input.byte(),
            number: input.array(),
        }
    }

    fn write(&self, output: &mut Vec<u8>) {
        output.push(self.kind);
        output.extend(self.capabilities);
        output.extend(self.additional_capabilities);
        output.extend(self.action_codes.concat());
        output.extend(self.floor_limit);
        output.extend(self.amount);
        output.extend(self.amount_other);
        output.extend(self.date);
        output.extend(self.choices);
        output.push(self.flags);
        output.extend(self.number);
    }
}

impl Issuer {
    fn read(input: &mut Input<'_>) -> Self {
        let [control] = input.array();
        Self {
            word: match control & 0x03 {
                1 => Word::Declines,
                2 => Word::Unable,
                _ => Word::Approves,
            },
            code: input.array(),
            authentication: match (control >> 2) & 0x03 {
                1 => Authentication::Wrong,
                2 => Authentication::Absent,
                3 => Authentication::Bytes(input.block().to_vec()),
                _ => Authentication::Right,
            },
            scripts: match (control >> 4) & 0x03 {
                1 => Scripts::Bytes(input.block().to_vec()),
                2 => {
                    let count = usize::from(input.byte()).min(EVENTS_MAX);
                    let command = |_| (input.byte() & 1 == 1, input.block().to_vec());
                    Scripts::Commands((0..count).map(command).collect())
                }
                _ => Scripts::Own,
            },
        }
    }

    fn write(&self, output: &mut Vec<u8>) {
        let word = match self.word {
            Word::Approves => 0x00,
            Word::Declines => 0x01,
            Word::Unable => 0x02,
        };
        let authentication = match self.authentication {
            Authentication::Right => 0x00,
            Authentication::Wrong => 0x04,
            Authentication::Absent => 0x08,
            Authentication::Bytes(_) => 0x0C,
        };
        let scripts = match self.scripts {
            Scripts::Own => 0x00,
            Scripts::Bytes(_) => 0x10,
            Scripts::Commands(_) => 0x20,
        };
        output.push(word | authentication | scripts);
        output.extend(self.code);
        if let Authentication::Bytes(bytes) = &self.authentication {
            block(bytes, output);
        }
        match &self.scripts {
            Scripts::Own => {}
            Scripts::Bytes(bytes) => block(bytes, output),
            Scripts::Commands(commands) => {
                let count = commands.len().min(EVENTS_MAX);
                output.push(u8::try_from(count).unwrap_or(u8::MAX));
                for (before, command) in commands.iter().take(count) {
                    output.push(u8::from(*before));
                    block(command, output);
                }
            }
        }
    }
}

impl Change {
    fn read(input: &mut Input<'_>) -> Self {
        let [to, nth, what] = input.array();
        Self {
            to: pick(&Command::ALL, to, Command::Any),
            nth,
            what: match what % 8 {
                0 => What::Byte(input.byte(), input.byte()),
                1 => What::Status(input.array()),
                2 => What::Cut(input.byte()),
                3 => What::Instead(input.block().to_vec()),
                4 => What::Element(tag(input), input.block().to_vec()),
                5 => What::Drop(tag(input)),
                6 => What::Append(tag(input), input.block().to_vec()),
                _ => What::Leave(input.byte()),
            },
        }
    }

    fn write(&self, output: &mut Vec<u8>) {
        output.push(position(&Command::ALL, &self.to));
        output.push(self.nth);
        let number = |tag: Tag| {
            u16::try_from(tag.number())
                .unwrap_or_default()
                .to_be_bytes()
        };
        match &self.what {
            What::Byte(position, mask) => output.extend([0, *position, *mask]),
            What::Status([high, low]) => output.extend([1, *high, *low]),
            What::Cut(length) => output.extend([2, *length]),
            What::Instead(bytes) => {
                output.push(3);
                block(bytes, output);
            }
            What::Element(tag, value) => {
                output.push(4);
                output.extend(number(*tag));
                block(value, output);
            }
            What::Drop(tag) => {
                output.push(5);
                output.extend(number(*tag));
            }
            What::Append(tag, value) => {
                output.push(6);
                output.extend(number(*tag));
                block(value, output);
            }
            What::Leave(fault) => output.extend([7, *fault]),
        }
    }
}

/// A tag of one or two bytes.
fn tag(input: &mut Input<'_>) -> Tag {
    Tag::new(u32::from(u16::from_be_bytes(input.array())))
}

fn block(bytes: &[u8], output: &mut Vec<u8>) {
    let length = bytes.len().min(usize::from(u8::MAX));
    output.push(u8::try_from(length).unwrap_or(u8::MAX));
    output.extend(bytes.iter().take(length));
}

fn position<T: PartialEq>(of: &[T], one: &T) -> u8 {
    let position = of.iter().position(|other| other == one);
    position
        .and_then(|position| u8::try_from(position).ok())
        .unwrap_or(0)
}
