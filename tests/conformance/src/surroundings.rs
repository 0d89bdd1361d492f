//! The terminal, its applications and lists, and the transaction.

use emv::bits::{AdditionalTerminalCapabilities, TerminalCapabilities, Tvr};
use emv::parameters::{Aid, Application, CdaMode, Terminal, TerminalType};
use emv::{Transaction, TransactionType};

use crate::terminal;
use crate::values::{bytes, hex, number};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) terminal: Terminal,
    /// What every application has, but for its name.
    application: Application,
    /// The names, and whether a longer one of the card matches too.
    accepted: Vec<(Aid, bool)>,
    /// Tag 9F09 when it is not each scheme's own.
    version: Option<u16>,
    pub(crate) transaction: Transaction,
    /// Whether the card is only read, and nothing is to be paid with it.
    pub(crate) only_read: bool,
    /// The unpredictable numbers in turn; the last one stays.
    pub(crate) numbers: Vec<[u8; 4]>,
    pub(crate) keys: Keys,
    /// Last day of use of the certification authorities' keys.
    pub(crate) keys_expire: Option<[u8; 3]>,
    /// Serial number of a revoked issuer certificate.
    pub(crate) revoked: Option<[u8; 3]>,
    pub(crate) on_exception_file: bool,
    pub(crate) logged_amount: u64,
    /// Whether there is somebody who can choose an application.
    pub(crate) cardholder_chooses: bool,
}

/// What the terminal's set of certification authorities' keys is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    Right,
    Absent,
    WrongChecksum,
    /// A key with an exponent that EMV does not allow, its checksum right.
    ExponentTwo,
    /// The key of another provider or index.
    Other,
    /// Another modulus of the same length.
    WrongModulus,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            terminal: terminal::terminal(),
            application: terminal::application(aid(&[0xA0, 0, 0, 0, 0x03, 0x10, 0x10])),
            accepted: vec![
                (aid(&[0xA0, 0, 0, 0, 0x03, 0x10, 0x10]), true),
                (aid(&[0xA0, 0, 0, 0, 0x04, 0x10, 0x10]), true),
            ],
            version: None,
            transaction: terminal::transaction(),
            only_read: false,
            numbers: vec![[0xDE, 0xAD, 0xBE, 0xEF]],
            keys: Keys::Right,
            keys_expire: None,
            revoked: None,
            on_exception_file: false,
            logged_amount: 0,
            cardholder_chooses: true,
        }
    }
}

impl Surroundings {
    /// The applications the terminal accepts.
    pub(crate) fn applications(&self) -> Vec<Application> {
        let accepted = self.accepted.iter();
        accepted
            .map(|(aid, partial_selection)| {
                let own = terminal::application(aid.clone()).version;
                Application {
                    aid: aid.clone(),
                    partial_selection: *partial_selection,
                    version: self.version.unwrap_or(own),
                    ..self.application.clone()
                }
            })
            .collect()
    }

    /// What the terminal claims to be: tag 9F35, byte 2 of tag 9F33, and tag 9F40.
    pub(crate) fn claim(
        &mut self,
        kind: u8,
        methods: u8,
        additional: [u8; 5],
    ) -> Result<(), String> {
        let terminal = &mut self.terminal;
        let [input, _, security] = terminal.capabilities.to_bytes();
        terminal.kind = TerminalType::parse(kind).ok_or("no type of terminal")?;
        terminal.capabilities = TerminalCapabilities::from_bytes([input, methods, security]);
        terminal.additional_capabilities = AdditionalTerminalCapabilities::from_bytes(additional);
        Ok(())
    }

    /// Takes in a line. `false` when the keyword is none of these.
    pub(crate) fn apply(&mut self, keyword: &str, value: &str) -> Result<bool, String> {
        Ok(self.apply_terminal(keyword, value)?
            || self.apply_application(keyword, value)?
            || self.apply_transaction(keyword, value)?
            || self.apply_lists(keyword, value)?)
    }

    fn apply_terminal(&mut self, keyword: &str, value: &str) -> Result<bool, String> {
        let terminal = &mut self.terminal;
        match keyword {
            "terminal-type" => {
                let [byte] = bytes(value)?;
                terminal.kind = TerminalType::parse(byte).ok_or("no type of terminal")?;
            }
            "capabilities" => {
                terminal.capabilities = TerminalCapabilities::from_bytes(bytes(value)?);
            }
            "additional-capabilities" => {
                let capabilities = AdditionalTerminalCapabilities::from_bytes(bytes(value)?);
                terminal.additional_capabilities = capabilities;
            }
            "country" => terminal.country = number(value)?,
            "languages" => {
                let codes = value.split_whitespace().map(|code| {
                    <[u8; 2]>::try_from(code.as_bytes())
                        .map_err(|_| format!("{code:?} is no language"))
                });
                terminal.languages = codes.collect::<Result<_, _>>()?;
            }
            "cda-mode" => {
                terminal.cda_mode = match value {
                    "1" => CdaMode::Mode1,
                    "2" => CdaMode::Mode2,
                    "3" => CdaMode::Mode3,
                    "4" => CdaMode::Mode4,
                    _ => return Err(format!("{value:?} is no mode")),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn apply_application(&mut self, keyword: &str, value: &str) -> Result<bool, String> {
        let application = &mut self.application;
        let random = &mut application.random_selection;
        match keyword {
            "accepts" => self.accepted = accepted(value)?,
            "version" => self.version = Some(u16::from_be_bytes(bytes(value)?)),
            "tac-denial" => application.tac_denial = Tvr::from_bytes(bytes(value)?),
            "tac-online" => application.tac_online = Tvr::from_bytes(bytes(value)?),
            "tac-default" => application.tac_default = Tvr::from_bytes(bytes(value)?),
            "floor-limit" => application.floor_limit = number(value)?,
            "threshold" => random.threshold = number(value)?,
            "target" => random.target_percent = number(value)?,
            "target-max" => random.target_percent_max = number(value)?,
            "default-ddol" => application.default_ddol = hex(value)?,
            "default-tdol" => application.default_tdol = hex(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn apply_transaction(&mut self, keyword: &str, value: &str) -> Result<bool, String> {
        let transaction = &mut self.transaction;
        match keyword {
            "amount" => transaction.amount = number(value)?,
            "amount-other" => transaction.amount_other = number(value)?,
            "currency" => transaction.currency = number(value)?,
            "date" => transaction.date = bytes(value)?,
            "time" => transaction.time = bytes(value)?,
            "forced-online" => transaction.merchant_forced_online = yes(value)?,
            "only-issuer-approves" => transaction.only_issuer_approves = yes(value)?,
            "only-read" => self.only_read = yes(value)?,
            "type" => {
                transaction.kind = match value {
                    "goods" => TransactionType::GoodsAndServices,
                    "cash" => TransactionType::Cash,
                    "cashback" => TransactionType::GoodsWithCashback,
                    "refund" => TransactionType::Refund,
                    "inquiry" => TransactionType::BalanceInquiry,
                    _ => return Err(format!("{value:?} is no type of transaction")),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn apply_lists(&mut self, keyword: &str, value: &str) -> Result<bool, String> {
        match keyword {
            "numbers" => {
                self.numbers = value
                    .split_whitespace()
                    .map(bytes)
                    .collect::<Result<_, _>>()?;
            }
            "ca-keys" => {
                self.keys = match value {
                    "right" => Keys::Right,
                    "absent" => Keys::Absent,
                    "wrong-checksum" => Keys::WrongChecksum,
                    "exponent-two" => Keys::ExponentTwo,
                    "other" => Keys::Other,
                    "wrong-modulus" => Keys::WrongModulus,
                    _ => return Err(format!("{value:?} is no set of keys")),
                }
            }
            "ca-keys-expire" => self.keys_expire = Some(bytes(value)?),
            "revoked" => self.revoked = Some(bytes(value)?),
            "exception-file" => self.on_exception_file = yes(value)?,
            "logged-amount" => self.logged_amount = number(value)?,
            "cardholder-chooses" => self.cardholder_chooses = yes(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Reads `A0000000031010 A0000000041010=`: with `=` the name must be the whole one.
fn accepted(text: &str) -> Result<Vec<(Aid, bool)>, String> {
    text.split_whitespace()
        .map(|word| {
            let exact = word.strip_suffix('=');
            let name = hex(exact.unwrap_or(word))?;
            let aid = Aid::parse(&name).ok_or("no application identifier")?;
            Ok((aid, exact.is_none()))
        })
        .collect()
}

fn yes(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("{text:?} is neither yes nor no")),
    }
}

/// A name of this file, which is long enough.
#[expect(clippy::expect_used, reason = "the names stand in this file")]
fn aid(bytes: &[u8]) -> Aid {
    Aid::parse(bytes).expect("five to sixteen bytes")
}
