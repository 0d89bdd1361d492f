//! A play: everything that happens to the kernel in one transaction, as a list of events.
//!
//! A play is written as bytes and read from any. What stands for the usual is zero, so that bytes a
//! fuzzer cuts off or clears lead back to an undisturbed dialogue.

use emv::Tag;

/// One transaction's surroundings and events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Play {
    /// Which card of the deck is in the slot.
    pub card: u8,
    /// The terminal.
    pub terminal: Setting,
    /// What the issuer answers when it is asked.
    pub issuer: Issuer,
    /// What the cardholder does, request by request; afterwards whatever is right.
    pub acts: Vec<Act>,
    /// What happens to the card's answers.
    pub changes: Vec<Change>,
}

/// How a terminal and its transaction differ from the usual: a mask over each value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// Over the position of tag 9F35 among its eighteen values.
    pub kind: u8,
    /// Over tag 9F33.
    pub capabilities: [u8; 3],
    /// Over tag 9F40.
    pub additional_capabilities: [u8; 5],
    /// Terminal action codes: denial, online, default.
    pub action_codes: [[u8; 5]; 3],
    /// Over the floor limit.
    pub floor_limit: [u8; 4],
    /// Over the amount.
    pub amount: [u8; 6],
    /// The cashback.
    pub amount_other: [u8; 2],
    /// Over tag 9A.
    pub date: [u8; 3],
    /// Tag 9C as a position, CDA mode and the chance of random selection.
    pub choices: [u8; 3],
    /// One bit each, see the constants.
    pub flags: u8,
    /// Over the unpredictable number.
    pub number: [u8; 4],
}

impl Setting {
    /// The terminal has no key of a certification authority.
    pub const NO_KEYS: u8 = 0x01;
    /// The card is on the exception file.
    pub const EXCEPTION: u8 = 0x02;
    /// Every certificate is revoked.
    pub const REVOKED: u8 = 0x04;
    /// The attendant asks for the issuer.
    pub const FORCED_ONLINE: u8 = 0x08;
    /// The terminal's own lists are no lists.
    pub const BROKEN_LISTS: u8 = 0x10;
    /// The terminal has no lists of its own.
    pub const NO_LISTS: u8 = 0x20;
    /// The card paid a lot here before.
    pub const LOGGED: u8 = 0x40;
    /// Names have to be the same in full.
    pub const EXACT: u8 = 0x80;

    /// Whether a flag is set.
    pub const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// What the issuer answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issuer {
    /// Whether it can be asked, and whether it approves.
    pub word: Word,
    /// Over the response code: 00 when it approves, else 05.
    pub code: [u8; 2],
    /// Tag 91.
    pub authentication: Authentication,
    /// Templates 71 and 72.
    pub scripts: Scripts,
}

/// Whether the issuer approves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Word {
    /// It does.
    #[default]
    Approves,
    /// It does not.
    Declines,
    /// There is no answer.
    Unable,
}

/// What the issuer proves itself with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authentication {
    /// What this card's issuer makes.
    #[default]
    Right,
    /// The same, one bit wrong.
    Wrong,
    /// Nothing.
    Absent,
    /// These bytes.
    Bytes(Vec<u8>),
}

/// What the issuer tells its card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scripts {
    /// What this card's issuer sends.
    #[default]
    Own,
    /// These bytes.
    Bytes(Vec<u8>),
    /// One template each, 71 where the first is set: commands as they stand.
    Commands(Vec<(bool, Vec<u8>)>),
}

/// What a cardholder does when asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Act {
    /// Enters the right PIN, chooses the first application.
    #[default]
    Right,
    /// Enters a wrong PIN, chooses the second application.
    Wrong,
    /// Presses enter alone, chooses what was not offered.
    Bypass,
    /// Finds no keypad.
    Unavailable,
    /// Presses cancel.
    Cancel,
    /// The point of sale aborts.
    Abort,
    /// Does nothing.
    TimeOut,
    /// Takes the card away.
    Remove,
}

/// One thing that happens to the card's answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// To which command.
    pub to: Command,
    /// To the one of this number only, counted from 1; to each when zero.
    pub nth: u8,
    /// What happens.
    pub what: What,
}

/// A command by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the standard's names")]
pub enum Command {
    Any,
    Select,
    GetProcessingOptions,
    ReadRecord,
    InternalAuthenticate,
    GetData,
    GetChallenge,
    Verify,
    GenerateAc,
    ExternalAuthenticate,
    Other,
}

/// What happens to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// One byte of the data becomes another: at this position, with this mask.
    Byte(u8, u8),
    /// The status word is another.
    Status([u8; 2]),
    /// The data ends after so many bytes.
    Cut(u8),
    /// Another answer, and the card never sees the command.
    Instead(Vec<u8>),
    /// Another value for an element wherever it stands, the lengths around it right.
    Element(Tag, Vec<u8>),
    /// The same element without its object.
    Drop(Tag),
    /// One more object at the end of the template.
    Append(Tag, Vec<u8>),
    /// The card leaves: removed, unresponsive or, for other values, a broken reader.
    Leave(u8),
}

impl Act {
    pub(super) const ALL: [Self; 8] = [
        Self::Right,
        Self::Wrong,
        Self::Bypass,
        Self::Unavailable,
        Self::Cancel,
        Self::Abort,
        Self::TimeOut,
        Self::Remove,
    ];
}

impl Command {
    pub(super) const ALL: [Self; 11] = [
        Self::Any,
        Self::Select,
        Self::GetProcessingOptions,
        Self::ReadRecord,
        Self::InternalAuthenticate,
        Self::GetData,
        Self::GetChallenge,
        Self::Verify,
        Self::GenerateAc,
        Self::ExternalAuthenticate,
        Self::Other,
    ];

    /// The name of a command APDU (EMV 4.4 Book 3, 6.5).
    pub(super) const fn of(command: &[u8]) -> Self {
        match command {
            [0x00, 0xA4, ..] => Self::Select,
            [0x80, 0xA8, ..] => Self::GetProcessingOptions,
            [0x00, 0xB2, ..] => Self::ReadRecord,
            [0x00, 0x88, ..] => Self::InternalAuthenticate,
            [0x80, 0xCA, ..] => Self::GetData,
            [0x00, 0x84, ..] => Self::GetChallenge,
            [0x00, 0x20, ..] => Self::Verify,
            [0x80, 0xAE, ..] => Self::GenerateAc,
            [0x00, 0x82, ..] => Self::ExternalAuthenticate,
            _ => Self::Other,
        }
    }
}
