//! What the issuer answers in a case.

use std::collections::BTreeMap;

use emv::bits::Tvr;
use emv::{CardData, HostAnswer, Tag, tag};
use virtual_card::Issuer;

use crate::values::{bytes, hex};

/// What the acquirer's answer is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Host {
    answer: Answer,
    authentication: Authentication,
    scripts: Vec<Script>,
    /// Whether the scripts that the issuer of the card sends by itself come too.
    own_scripts: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Answer {
    /// It must not be asked.
    #[default]
    None,
    Unable,
    Code([u8; 2]),
}

/// Tag 91.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Authentication {
    /// What the card's issuer makes.
    #[default]
    Right,
    /// The same with one bit wrong.
    Wrong,
    None,
    Bytes(Vec<u8>),
}

/// One issuer script.
#[derive(Clone, Debug)]
enum Script {
    /// Template, identifier, and commands.
    Made(u8, Option<[u8; 4]>, Vec<Command>),
    Raw(Vec<u8>),
}

#[derive(Clone, Debug)]
enum Command {
    /// Header and data, to which the issuer adds its MAC.
    Signed([u8; 4], Vec<u8>),
    Raw(Vec<u8>),
}

/// What field 55 tells the issuer.
const ELEMENTS: [u32; 13] = [
    0x9F26, 0x9F27, 0x9F10, 0x9F37, 0x9F36, 0x95, 0x9A, 0x9C, 0x9F02, 0x9F03, 0x5F2A, 0x82, 0x9F1A,
];

/// The response codes that approve (EMV 4.4 Book 4, Annex A6).
const APPROVING: [[u8; 2]; 3] = [*b"00", *b"10", *b"11"];

impl Host {
    /// Takes in a line of the case.
    pub(crate) fn apply(&mut self, keyword: &str, value: &str) -> Result<(), String> {
        match keyword {
            "host" => {
                self.answer = match value {
                    "none" => Answer::None,
                    "unable" => Answer::Unable,
                    code => Answer::Code(
                        <[u8; 2]>::try_from(code.as_bytes())
                            .map_err(|_| format!("{code:?} is no response code"))?,
                    ),
                }
            }
            "host-91" => {
                self.authentication = match value {
                    "right" => Authentication::Right,
                    "wrong" => Authentication::Wrong,
                    "none" => Authentication::None,
                    other => Authentication::Bytes(hex(other)?),
                }
            }
            "host-scripts" => match value {
                "own" => self.own_scripts = true,
                other => self.scripts.push(Script::Raw(hex(other)?)),
            },
            _ => self.scripts.push(script(value)?),
        }
        Ok(())
    }

    /// Whether the case lets the issuer be asked.
    pub(crate) fn may_be_asked(&self) -> bool {
        self.answer != Answer::None
    }

    /// The answer to a request with this data.
    pub(crate) fn answer(&self, issuer: &Issuer, card: &CardData) -> HostAnswer {
        let Answer::Code(response_code) = self.answer else {
            return HostAnswer::UnableToGoOnline;
        };
        let elements = elements(card);
        let right = || issuer.authentication_data(&elements, response_code);
        let issuer_authentication_data = match &self.authentication {
            Authentication::Right => Some(right()),
            Authentication::Wrong => {
                let flip = |(index, byte)| if index == 0 { byte ^ 0x01 } else { byte };
                Some(right().into_iter().enumerate().map(flip).collect())
            }
            Authentication::None => None,
            Authentication::Bytes(bytes) => Some(bytes.clone()),
        };
        let mut scripts = if self.own_scripts {
            issuer.scripts(&elements, response_code)
        } else {
            Vec::new()
        };
        let mut nth = 0_u8;
        for script in &self.scripts {
            scripts.extend(encoded(script, issuer, &elements, &mut nth));
        }
        HostAnswer::Answered {
            approved: APPROVING.contains(&response_code),
            response_code,
            issuer_authentication_data,
            scripts,
        }
    }
}

/// Whether the cryptogram in the request is the card's. What the terminal found out about an
/// elliptic-curve signature stands in the TVR, and the card had made its cryptogram before.
pub(crate) fn cryptogram_right(issuer: &Issuer, card: &CardData) -> bool {
    let later = Tvr::XDA_FAILED | Tvr::ECC_KEY_RECOVERY_FAILED;
    let mut elements = elements(card);
    elements.insert(
        tag::TVR.number(),
        card.tvr().difference(later).to_bytes().to_vec(),
    );
    issuer.verify_cryptogram(&elements)
}

fn elements(card: &CardData) -> BTreeMap<u32, Vec<u8>> {
    ELEMENTS
        .into_iter()
        .filter_map(|number| Some((number, card.value(Tag::new(number))?.to_vec())))
        .collect()
}

/// Reads `71 54454E31 04DA9F14+07 84240000+ =8424000000`: template, identifier or `-`, commands
/// that the issuer signs, and others as they stand.
fn script(text: &str) -> Result<Script, String> {
    let mut words = text.split_whitespace();
    let template = match words.next() {
        Some("71") => 0x71,
        Some("72") => 0x72,
        _ => return Err("a script is in template 71 or 72".to_owned()),
    };
    let identifier = match words.next() {
        Some("-") => None,
        Some(identifier) => Some(bytes(identifier)?),
        None => return Err("a script has an identifier or `-`".to_owned()),
    };
    let command = |word: &str| match (word.strip_prefix('='), word.split_once('+')) {
        (Some(raw), _) => Ok(Command::Raw(hex(raw)?)),
        (None, Some((header, data))) => Ok(Command::Signed(bytes(header)?, hex(data)?)),
        (None, None) => Err(format!("{word:?} is no script command")),
    };
    let commands = words.map(command).collect::<Result<_, _>>()?;
    Ok(Script::Made(template, identifier, commands))
}

fn encoded(
    script: &Script,
    issuer: &Issuer,
    elements: &BTreeMap<u32, Vec<u8>>,
    nth: &mut u8,
) -> Vec<u8> {
    let (template, identifier, commands) = match script {
        Script::Raw(bytes) => return bytes.clone(),
        Script::Made(template, identifier, commands) => (template, identifier, commands),
    };
    let mut content = Vec::new();
    if let Some(identifier) = identifier {
        emv::tlv::encode(tag::ISSUER_SCRIPT_IDENTIFIER, identifier, &mut content);
    }
    for command in commands {
        let bytes = match command {
            Command::Raw(bytes) => bytes.clone(),
            Command::Signed(header, data) => {
                let signed = issuer.signed_command(elements, *nth, *header, data);
                *nth = nth.saturating_add(1);
                signed
            }
        };
        emv::tlv::encode(tag::ISSUER_SCRIPT_COMMAND, &bytes, &mut content);
    }
    let mut encoded = Vec::new();
    emv::tlv::encode(Tag::new(u32::from(*template)), &content, &mut encoded);
    encoded
}
