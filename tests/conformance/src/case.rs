//! A case: what card, terminal, cardholder and issuer are like, and what must come of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use virtual_card::{Card, Error, Quirk, SignatureFault};

use crate::command::Pattern;
use crate::expectation::Expectation;
use crate::fault::Fault;
use crate::issuer::Host;
use crate::surroundings::Surroundings;
use crate::syntax::{self, Block, Line};
use crate::values::{hex, number};

/// A case, ready to run.
#[derive(Clone, Debug)]
pub struct Case {
    /// Such as `CV-05-03`.
    pub name: String,
    /// What is tested, in words.
    pub title: String,
    /// Whether the rule is met here, or broken.
    pub passing: bool,
    /// Where it stands in its file, counted from 1.
    pub line: usize,
    pub(crate) card: Card,
    pub(crate) answers: Vec<Answer>,
    pub(crate) surroundings: Surroundings,
    /// The applications the cardholder chooses, counted from 1, or how the choice ends.
    pub(crate) choices: Vec<String>,
    /// The PINs entered, or how the entry ends.
    pub(crate) pins: Vec<String>,
    pub(crate) host: Host,
    pub(crate) expectations: Vec<Expectation>,
}

/// What the card answers to a command in place of its own answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) to: Pattern,
    /// To the one of this number only, counted from 1.
    pub(crate) nth: Option<usize>,
    pub(crate) with: Interposed,
}

/// See [`Answer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Interposed {
    /// These bytes, and the card never sees the command.
    Instead(Vec<u8>),
    /// These bytes, after the card carried the command out.
    Afterwards(Vec<u8>),
    /// The card carries the command out, and this status word stands in place of its own.
    Status([u8; 2]),
    /// The card is gone.
    Gone(emv::ports::CardFault),
}

/// The keywords of a card's text that a case may use; objects are written by their tags.
const OF_THE_CARD: [&str; 31] = [
    "pan",
    "sequence",
    "pin",
    "tries",
    "expiry",
    "directory",
    "issuer-key-length",
    "icc-key-length",
    "pin-key",
    "elliptic-keys",
    "application",
    "aid",
    "label",
    "priority",
    "cryptogram",
    "response-format",
    "offline-limit",
    "decline-offline",
    "issuer-scripts",
    "blocked",
    "counter",
    "last-online-counter",
    "issuer-authentication",
    "record",
    "no-record",
    "drop",
    "tamper",
    "issuer-certificate",
    "icc-certificate",
    "pin-certificate",
    "static-signature",
];

/// Keywords that may stand several times in one case.
const REPEATED: [&str; 8] = [
    "answer", "quirk", "accepts", "trace", "untraced", "value", "script", "commands",
];

impl Case {
    /// Reads the cases of the rule `rule` from its file. Fails for the first line that is unknown,
    /// cannot be read, or stands twice, and for a case without an end to expect.
    pub fn parse_file(rule: &str, text: &str) -> Result<Vec<Self>, Fault> {
        let mut names = BTreeSet::new();
        let mut cases = Vec::new();
        for block in syntax::parse(text)? {
            let number = block
                .name
                .strip_prefix(rule)
                .and_then(|rest| rest.strip_prefix('-'));
            if !number.is_some_and(|number| number.len() == 2 && number.parse::<u8>().is_ok()) {
                let what = format!("{:?} is no name for a case of {rule}", block.name);
                return Err(Fault::new(block.number, what));
            }
            if !names.insert(block.name.clone()) {
                let what = format!("{} stands twice", block.name);
                return Err(Fault::new(block.number, what));
            }
            cases.push(Self::parse(block)?);
        }
        if cases.is_empty() {
            return Err(Fault::new(1, "the file has no case"));
        }
        Ok(cases)
    }

    fn parse(block: Block) -> Result<Self, Fault> {
        for lines in [&block.common, &block.own] {
            refuse_repeated(lines)?;
        }
        let lines: Vec<&Line> = block.common.iter().chain(&block.own).collect();
        let mut case = Self {
            card: card(&lines, block.number)?,
            name: block.name,
            title: block.title,
            passing: block.passing,
            line: block.number,
            answers: Vec::new(),
            surroundings: Surroundings::default(),
            choices: Vec::new(),
            pins: Vec::new(),
            host: Host::default(),
            expectations: Vec::new(),
        };
        for line in lines {
            if !is_about_the_card(line) {
                case.apply(&line.keyword, &line.value)
                    .map_err(|what| Fault::new(line.number, what))?;
            }
        }
        let ends = |expectation: &Expectation| matches!(expectation, Expectation::Ends(_));
        if !case.expectations.iter().any(ends) {
            return Err(Fault::new(case.line, "the case expects no end"));
        }
        if case.expectations.len() < 2 {
            return Err(Fault::new(case.line, "the case expects nothing but an end"));
        }
        Ok(case)
    }

    /// Puts the case into a terminal that claims this: tag 9F35, byte 2 of tag 9F33, and tag 9F40.
    pub(crate) fn claim(
        &mut self,
        kind: u8,
        methods: u8,
        additional: [u8; 5],
    ) -> Result<(), String> {
        self.surroundings.claim(kind, methods, additional)
    }

    /// How the transaction is to end, and tag 9F34 where the case says it.
    pub(crate) fn end(&self) -> (String, Option<String>) {
        let mut end = (String::new(), None);
        for expectation in &self.expectations {
            if let Expectation::Ends(text) = expectation {
                end.0.clone_from(text);
            } else if let Expectation::Value(emv::tag::CVM_RESULTS, Some(value)) = expectation {
                end.1 = Some(crate::values::shown(value));
            }
        }
        end
    }

    fn apply(&mut self, keyword: &str, value: &str) -> Result<(), String> {
        match keyword {
            "card" => {}
            "chooses" => self.choices = words(value),
            "pins" => self.pins = words(value),
            "answer" => self.answers.push(answer(value)?),
            "quirk" => self.card = self.card.clone().with_quirk(quirk(value)?),
            "host" | "host-91" | "host-scripts" | "script" => self.host.apply(keyword, value)?,
            _ => {
                if let Some(expectation) = Expectation::parse(keyword, value)? {
                    expectation.place(&mut self.expectations);
                } else if !self.surroundings.apply(keyword, value)? {
                    return Err(format!("unknown keyword {keyword:?}"));
                }
            }
        }
        Ok(())
    }
}

/// The card of a case: its base and the changes.
fn card(lines: &[&Line], at: usize) -> Result<Card, Fault> {
    let base = lines.iter().rev().find(|line| line.keyword == "card");
    let base = base.ok_or(Fault::new(at, "the case names no card"))?;
    let changes: Vec<&&Line> = lines
        .iter()
        .filter(|line| is_about_the_card(line))
        .collect();
    let text: Vec<String> = changes
        .iter()
        .map(|line| format!("{} {}", line.keyword, line.value))
        .collect();
    issued(&base.value, &text.join("\n")).map_err(|error| {
        let at = |line: usize| line.checked_sub(1).and_then(|index| changes.get(index));
        let (line, what) = match error {
            Error::Keyword(line) => (at(line), "the card has no such keyword".to_owned()),
            Error::Value(line, expected) => (at(line), format!("the card expects {expected}")),
            Error::BeforeApplication(line) | Error::TooManyApplications(line) => {
                (at(line), "the card has no such application".to_owned())
            }
            Error::Base | Error::TooLong | Error::Missing(_) => (None, error.to_string()),
        };
        Fault::new(line.map_or(base.number, |line| line.number), what)
    })
}

/// The card of a text, issued once: the same one is in many cases, and its certificates take time.
fn issued(base: &str, changes: &str) -> Result<Card, Error> {
    static ISSUED: Mutex<BTreeMap<(String, String), Card>> = Mutex::new(BTreeMap::new());
    let name = (base.to_owned(), changes.to_owned());
    let mut cards = ISSUED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(card) = cards.get(&name) {
        return Ok(card.clone());
    }
    let card = Card::changed(base, changes)?;
    Ok(cards.entry(name).or_insert(card).clone())
}

fn is_about_the_card(line: &Line) -> bool {
    let tag = line.value.starts_with('=') && line.keyword.chars().all(|c| c.is_ascii_hexdigit());
    tag || line.keyword == "dynamic-signature" || OF_THE_CARD.contains(&line.keyword.as_str())
}

fn refuse_repeated(lines: &[Line]) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for line in lines.iter().filter(|line| !is_about_the_card(line)) {
        let repeated = REPEATED.contains(&line.keyword.as_str());
        if !repeated && !seen.insert(&line.keyword) {
            let what = format!("{} stands twice", line.keyword);
            return Err(Fault::new(line.number, what));
        }
    }
    Ok(())
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Reads `READ RECORD 2.1 = 6A83`, `GENERATE AC #2 = removed`, `SELECT A0000000031010 = keep 6283` where
/// only the status word is another, `GENERATE AC = then 8000 9000` where the card carries the command out.
fn answer(text: &str) -> Result<Answer, String> {
    use emv::ports::CardFault::{Reader, Removed, Unresponsive};
    let (to, with) = text
        .split_once('=')
        .ok_or("an answer needs a command and `=`")?;
    let (to, nth) = match to.split_once('#') {
        Some((to, nth)) => (to, Some(number(nth.trim())?)),
        None => (to, None),
    };
    let with = match with.trim() {
        "removed" => Interposed::Gone(Removed),
        "unresponsive" => Interposed::Gone(Unresponsive),
        "reader" => Interposed::Gone(Reader),
        "empty" => Interposed::Instead(Vec::new()),
        bytes => match bytes.split_once(' ') {
            Some(("keep", status)) => Interposed::Status(crate::values::bytes(status)?),
            Some(("then", bytes)) => Interposed::Afterwards(hex(bytes)?),
            Some(_) | None => Interposed::Instead(hex(bytes)?),
        },
    };
    Ok(Answer {
        to: Pattern::parse(to)?,
        nth,
        with,
    })
}

/// Reads `signature 1 broken`, `garbage 3`, `endless-records`, `always-garbage`.
fn quirk(text: &str) -> Result<Quirk, String> {
    let words = words(text);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Ok(match words.as_slice() {
        ["endless-records"] => Quirk::EndlessRecords,
        ["always-garbage"] => Quirk::AlwaysGarbage,
        ["garbage", nth] => Quirk::GarbageAt(number(nth)?),
        ["signature", nth, fault] => {
            let fault = match *fault {
                "missing" => SignatureFault::Missing,
                "broken" => SignatureFault::Broken,
                "other-information" => SignatureFault::OtherInformation,
                "other-transaction-data" => SignatureFault::OtherTransactionData,
                _ => return Err(format!("{fault:?} is no fault of a signature")),
            };
            Quirk::SignatureAt(number(nth)?, fault)
        }
        _ => return Err(format!("{text:?} is no quirk")),
    })
}
