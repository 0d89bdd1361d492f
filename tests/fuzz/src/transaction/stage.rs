//! A play, played: from the first SELECT to the end.

use emv::bits::{AdditionalTerminalCapabilities, TerminalCapabilities, Tvr};
use emv::parameters::{Aid, Application, CdaMode, RandomSelection, Terminal, TerminalType};
use emv::{
    CardData, Cause, Completed, Decision, Decliner, Ended, HostAnswer, Identity, Tag, Transaction,
    TransactionType, contact, parsers, tag, tlv,
};

use conformance::terminal;

use super::bench::{Bench, Exchange, Noted, Prompt};
use super::deck::{self, Dealt};
use super::play::{Authentication, Issuer, Play, Scripts, Setting, Word};

/// The applications that the terminal accepts.
const ACCEPTED: [&[u8]; 3] = [
    &[0xA0, 0, 0, 0, 0x03, 0x10, 0x10],
    &[0xA0, 0, 0, 0, 0x04, 0x10, 0x10],
    &[0xA0, 0, 0, 0x03, 0x84, 0x10],
];

/// What came of a play.
#[derive(Debug)]
pub struct Run {
    pub(super) setting: Setting,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) events: Vec<Noted>,
    pub(super) prompts: Vec<Prompt>,
    pub(super) identity: Option<Identity>,
    pub(super) sent_after: Option<&'static str>,
    pub(super) offered: usize,
    /// Whether the answers of the card to READ RECORD are its own.
    pub(super) own_records: bool,
    /// Whether its answers about PINs are.
    pub(super) own_pin_answers: bool,
    pub(super) end: End,
    /// Everything the card gave.
    pub(super) card: CardData,
    /// What `Debug` shows of it all.
    pub(super) shown: String,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// Whether the issuer was asked, and what it said.
    pub(super) asked: Option<Word>,
    pub(super) outcome: Outcome,
    pub(super) reversal_required: bool,
}

/// What the kernel said in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Whether it is approved, and who declined.
    Completed(bool, Option<Decliner>),
    /// There is no decision.
    Ended(Cause),
}

impl Play {
    /// Runs the transaction to its end.
    pub fn run(&self) -> Run {
        let Dealt { card, issuer } = deck::deal(self.card);
        let mut bench = Bench::new(self, card);
        let (terminal, applications) = (self.terminal.terminal(), self.terminal.applications());
        let transaction = self.terminal.transaction();
        let started = contact::start(&mut bench, &terminal, &applications, &transaction);
        let first_shown = format!("{started:?}");
        let mut asked = None;
        let ended = match started {
            Ok(Decision::Approved(completed) | Decision::Declined(completed)) => Ok(completed),
            Ok(Decision::Online(request)) => {
                asked = Some(self.issuer.word);
                let answer = self.issuer.answer(issuer.as_ref(), request.card());
                if let HostAnswer::Answered { scripts, .. } = &answer {
                    let commands = parsers::scripts(scripts).into_iter();
                    bench.scripts = commands.filter_map(|one| one.commands).flatten().collect();
                }
                request.complete(&mut bench, &answer)
            }
            Err(ended) => Err(ended),
        };
        bench.finish();
        let shown = [first_shown, format!("{ended:?}{:?}", bench.identity)].concat();
        let (end, card) = end(asked, ended);
        let about = |commands: &[super::Command]| {
            let any = super::Command::Any;
            let changes = self.changes.iter();
            changes
                .filter(|change| change.to == any || commands.contains(&change.to))
                .count()
        };
        Run {
            setting: self.terminal.clone(),
            own_records: about(&[super::Command::ReadRecord]) == 0,
            own_pin_answers: about(&[super::Command::GetData, super::Command::Verify]) == 0,
            exchanges: bench.exchanges,
            events: bench.events,
            prompts: bench.prompts,
            identity: bench.identity,
            sent_after: bench.sent_after,
            offered: bench.offered,
            end,
            card,
            shown,
        }
    }
}

impl Run {
    /// The commands, each with the card's answer, until it left.
    pub fn dialogue(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let answered = self.exchanges.iter().filter_map(|exchange| {
            let answer = exchange.answer.clone()?;
            Some((exchange.command.clone(), answer))
        });
        answered.collect()
    }
}

fn end(asked: Option<Word>, ended: Result<Completed, Ended>) -> (End, CardData) {
    let (outcome, reversal_required, card) = match ended {
        Ok(completed) => (
            Outcome::Completed(completed.approved, completed.declined_by),
            completed.reversal_required,
            completed.card,
        ),
        Err(ended) => (
            Outcome::Ended(ended.cause),
            ended.reversal_required,
            *ended.card,
        ),
    };
    let end = End {
        asked,
        outcome,
        reversal_required,
    };
    (end, card)
}

impl Setting {
    fn terminal(&self) -> Terminal {
        let usual = terminal::terminal();
        let kinds = (0..=u8::MAX).filter_map(TerminalType::parse);
        let usual_kind = kinds.clone().position(|kind| kind == usual.kind);
        let position = usual_kind.unwrap_or(0) ^ usize::from(self.kind);
        let [_, mode, _] = self.choices;
        Terminal {
            kind: kinds.cycle().nth(position).unwrap_or(usual.kind),
            capabilities: TerminalCapabilities::from_bytes(masked(
                usual.capabilities.to_bytes(),
                self.capabilities,
            )),
            additional_capabilities: AdditionalTerminalCapabilities::from_bytes(masked(
                usual.additional_capabilities.to_bytes(),
                self.additional_capabilities,
            )),
            cda_mode: match mode % 4 {
                1 => CdaMode::Mode2,
                2 => CdaMode::Mode3,
                3 => CdaMode::Mode4,
                _ => CdaMode::Mode1,
            },
            ..usual
        }
    }

    fn applications(&self) -> Vec<Application> {
        let [denial, online, default] = self.action_codes.map(Tvr::from_bytes);
        let [_, _, chance] = self.choices;
        let names = ACCEPTED.iter().filter_map(|name| Aid::parse(name));
        names
            .map(|name| {
                let usual = terminal::application(name);
                let floor_limit = u32::from_be_bytes(self.floor_limit);
                let mut application = Application {
                    partial_selection: !self.has(Self::EXACT),
                    tac_denial: denial,
                    tac_online: online,
                    tac_default: default,
                    floor_limit: usual.floor_limit ^ u64::from(floor_limit),
                    random_selection: RandomSelection {
                        threshold: u64::from(chance),
                        target_percent: chance % 100,
                        target_percent_max: 99,
                    },
                    ..usual
                };
                if self.has(Self::BROKEN_LISTS) {
                    application.default_ddol = vec![0x9F];
                    application.default_tdol = vec![0x9F, 0x02, 0xFF, 0x9A, 0xFF];
                } else if self.has(Self::NO_LISTS) {
                    application.default_ddol = Vec::new();
                }
                application
            })
            .collect()
    }

    fn transaction(&self) -> Transaction {
        let usual = terminal::transaction();
        let digits = self.amount.iter();
        let amount = digits.fold(0, |sum: u64, byte| (sum << 8) | u64::from(*byte));
        let [kind, _, _] = self.choices;
        Transaction {
            amount: usual.amount ^ amount,
            amount_other: u64::from(u16::from_be_bytes(self.amount_other)),
            date: masked(usual.date, self.date),
            kind: match kind % 5 {
                1 => TransactionType::Cash,
                2 => TransactionType::GoodsWithCashback,
                3 => TransactionType::Refund,
                4 => TransactionType::BalanceInquiry,
                _ => TransactionType::GoodsAndServices,
            },
            merchant_forced_online: self.has(Self::FORCED_ONLINE),
            only_issuer_approves: false,
            ..usual
        }
    }
}

fn masked<const N: usize>(mut usual: [u8; N], mask: [u8; N]) -> [u8; N] {
    for (byte, mask) in usual.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    usual
}

impl Issuer {
    /// What it answers to a request with this data.
    fn answer(&self, issuer: Option<&virtual_card::Issuer>, card: &CardData) -> HostAnswer {
        let usual = match self.word {
            Word::Approves => *b"00",
            Word::Declines => *b"05",
            Word::Unable => return HostAnswer::UnableToGoOnline,
        };
        let response_code = masked(usual, self.code);
        let elements = terminal::elements(card);
        let right = issuer.map(|issuer| issuer.authentication_data(&elements, response_code));
        let own = issuer.map(|issuer| issuer.scripts(&elements, response_code));
        HostAnswer::Answered {
            approved: self.word == Word::Approves,
            response_code,
            issuer_authentication_data: match &self.authentication {
                Authentication::Right => right,
                Authentication::Wrong => right.map(|mut data| {
                    data.iter_mut().take(1).for_each(|byte| *byte ^= 0x01);
                    data
                }),
                Authentication::Absent => None,
                Authentication::Bytes(bytes) => Some(bytes.clone()),
            },
            scripts: match &self.scripts {
                Scripts::Own => own.unwrap_or_default(),
                Scripts::Bytes(bytes) => bytes.clone(),
                Scripts::Commands(commands) => framed(commands),
            },
        }
    }
}

/// One template for each command.
fn framed(commands: &[(bool, Vec<u8>)]) -> Vec<u8> {
    let mut scripts = Vec::new();
    for (before, command) in commands {
        let mut content = Vec::new();
        tlv::encode(tag::ISSUER_SCRIPT_COMMAND, command, &mut content);
        let template = if *before { 0x71 } else { 0x72 };
        tlv::encode(Tag::new(template), &content, &mut scripts);
    }
    scripts
}
