//! What survives a loss of power, the world around the terminal, and the host that runs it.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{self, AssertUnwindSafe};

use super::acquirer::MemoryAcquirer;
use super::journal::MemoryJournal;
use super::terminal::MemoryTerminal;
use crate::configuration::Configuration;
use crate::iso8583::dialect::Dialect;
use crate::moment::{Moment, MomentParts};
use crate::outcome::{
    Agreement, Batch, BatchTotals, Ending, Error, OnlineDecision, Outcome, Recovery,
    TransactionKind, TransactionRequest,
};
use crate::parameters::MagstripeRules;
use crate::ports::{NoDecision, OnlineAnswer, OnlineRequest, Phase, Technologies};

/// What a PAN looks like anywhere it must not be.
pub(super) const PAN: &str = "4761739001010010";

/// What survives a loss of power, and the world around the terminal.
pub(super) struct World {
    pub(super) journal: MemoryJournal,
    pub(super) acquirer: MemoryAcquirer,
    pub(super) setting: Setting,
    /// How the host knows that transactions ended.
    pub(super) ends: BTreeMap<String, Outcome>,
    /// What people and the acquirer saw, line by line.
    pub(super) seen: Vec<String>,
    /// What the engine recorded of itself.
    pub(super) trace: Vec<(&'static str, &'static str)>,
    /// The transaction the cardholder or the merchant was told is approved.
    pub(super) shown_approved: Vec<String>,
    /// How often the key for message authentication was used.
    pub(super) key_uses: u64,
    /// GENERATE AC commands of the running transaction.
    pub(super) cryptograms: usize,
    /// Commands of the running transaction.
    pub(super) commands: usize,
    /// What the point of sale's acquirer answers, in granular mode.
    pub(super) decision: Result<OnlineAnswer, NoDecision>,
    /// What the point of sale was asked.
    pub(super) questions: Vec<OnlineRequest>,
    /// Whether the key for data encryption is there.
    pub(super) enciphers_data: bool,
    /// What is presented next; then the setting's card.
    pub(super) presented: VecDeque<Presented>,
    /// How stripes are taken.
    pub(super) magstripe: Option<MagstripeRules>,
    /// The terminal's dialect, when it is not the built-in one.
    pub(super) dialect: Option<Dialect>,
    /// What the running transaction asks for, in all.
    pub(super) asked_minor: u64,
    /// The original that it refers to.
    pub(super) original: Option<String>,
}

/// How terminal, card and cardholder are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) profile: Profile,
    pub(super) card: CardManner,
    /// The point of sale asked for an abort before the request may leave.
    pub(super) aborts: bool,
    pub(super) printer_works: bool,
    pub(super) vault_works: bool,
}

/// When the terminal asks the acquirer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Profile {
    OnlineOnly,
    /// It approves alone.
    Offline,
    /// It approves alone what stays below the floor limit of 10000.00.
    AsksAboveFloorLimit,
    /// It asks, and approves alone when it cannot.
    FallsBack,
}

/// What the card does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CardManner {
    Faithful,
    /// It answers AAC to the first GENERATE AC.
    Declines,
    /// It answers AAC to the second GENERATE AC.
    DeclinesLast,
    /// It is gone at the second GENERATE AC.
    LeavesLast,
    /// It is gone at the command of this number.
    LeavesAt(usize),
    /// It answers no more from the command of this number on.
    FallsSilentAt(usize),
    /// It answers that it is blocked.
    Blocked,
    /// It answers that its applications are blocked.
    ApplicationBlocked,
    /// It knows no application.
    WithoutApplication,
    /// Nobody presents one.
    Absent,
}

/// What is presented to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presented {
    /// A chip that behaves so.
    Chip(CardManner),
    /// A chip that does not answer to reset.
    Mute,
    /// A stripe with this track 2.
    Stripe(&'static str),
    /// A stripe that cannot be read.
    BrokenStripe,
}

impl From<CardManner> for Presented {
    fn from(manner: CardManner) -> Self {
        Self::Chip(manner)
    }
}

impl Setting {
    pub(super) const USUAL: Self = Self {
        profile: Profile::OnlineOnly,
        card: CardManner::Faithful,
        aborts: false,
        printer_works: true,
        vault_works: true,
    };
}

/// When power fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PowerLoss {
    /// The call, counted from zero.
    pub(super) call: usize,
    /// Whether the call has had its effect.
    pub(super) after: bool,
}

/// How a run of the engine ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Run<R> {
    Returned(Result<R, Error>),
    LostPower,
}

impl World {
    pub(super) fn new(setting: Setting) -> Self {
        Self {
            journal: MemoryJournal::default(),
            acquirer: MemoryAcquirer::new(),
            setting,
            ends: BTreeMap::new(),
            seen: Vec::new(),
            trace: Vec::new(),
            shown_approved: Vec::new(),
            key_uses: 0,
            cryptograms: 0,
            commands: 0,
            decision: Err(NoDecision::Unavailable),
            questions: Vec::new(),
            enciphers_data: true,
            presented: VecDeque::new(),
            magstripe: None,
            dialect: None,
            asked_minor: 0,
            original: None,
        }
    }

    /// The parameters, checked.
    pub(super) fn configuration(&mut self) -> Configuration {
        let loaded = self.guest(None, None, |terminal| Configuration::load(terminal));
        match loaded {
            Run::Returned(Ok(configuration)) => configuration,
            Run::Returned(Err(_)) | Run::LostPower => panic!("the parameters are valid"),
        }
    }

    /// Journals and runs a sale, as the host does.
    pub(super) fn sale(&mut self, id: &str, power: Option<PowerLoss>) -> Run<Outcome> {
        self.run(&request(id), power)
    }

    pub(super) fn run(
        &mut self,
        request: &TransactionRequest,
        power: Option<PowerLoss>,
    ) -> Run<Outcome> {
        let id = request.transaction_id.as_str();
        if self.journal.begin(id).is_err() {
            return Run::Returned(Err(Error::JournalFault));
        }
        (self.cryptograms, self.commands) = (0, 0);
        self.asked_minor = request
            .amount_minor
            .saturating_add(request.tip_minor)
            .saturating_add(request.cashback_minor);
        let original = request.original.as_ref();
        self.original = original.map(|original| original.transaction_id.clone());
        let ended = self.guest(Some(id), power, |terminal| crate::run(terminal, request));
        if let Run::Returned(Ok(outcome)) = &ended {
            self.take(id, outcome.clone());
        }
        ended
    }

    /// Asks the engine for a transaction the journal knows already.
    pub(super) fn guest_again(&mut self, id: &str) -> Run<Outcome> {
        let request = request(id);
        self.guest(Some(id), None, |terminal| crate::run(terminal, &request))
    }

    /// Closes a batch of these transactions, in NZD.
    pub(super) fn reconcile(&mut self, transactions: &[&str], minor: u64) -> Vec<Agreement> {
        let ids = transactions.iter().map(|id| (*id).to_owned());
        self.journal.batch = Some(ids.collect());
        let totals = BatchTotals {
            currency: 554,
            debit_count: u32::try_from(transactions.len()).expect("few"),
            debit_minor: minor,
            credit_count: 0,
            credit_minor: 0,
        };
        let batch = Batch {
            number: 1,
            totals: vec![totals],
        };
        let ended = self.guest(None, None, |terminal| {
            crate::reconcile(terminal, moment(20), &batch)
        });
        self.journal.batch = None;
        match ended {
            Run::Returned(Ok(reconciled)) => {
                reconciled.into_iter().map(|one| one.agreement).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// Settles what is open, as the host does at start.
    pub(super) fn recover(&mut self, power: Option<PowerLoss>) -> Run<Recovery> {
        self.recover_at(11, power)
    }

    /// Settles what is open at a full hour and five minutes.
    pub(super) fn recover_at(&mut self, hour: u8, power: Option<PowerLoss>) -> Run<Recovery> {
        let ended = self.guest(None, power, |terminal| {
            crate::recover(terminal, moment(hour))
        });
        if let Run::Returned(Ok(recovery)) = &ended {
            for settled in &recovery.settled {
                self.take(&settled.transaction_id, settled.outcome.clone());
            }
        }
        ended
    }

    fn take(&mut self, id: &str, outcome: Outcome) {
        let phase = self.journal.last(id).expect("an entry").phase;
        assert_eq!(
            outcome.ending == Ending::Approved,
            matches!(phase, Phase::Approved | Phase::AdviceDue),
            "{id}: {outcome:?} in {phase:?}"
        );
        self.journal.ended.insert(id.to_owned());
        self.ends.insert(id.to_owned(), outcome);
    }

    fn guest<R>(
        &mut self,
        running: Option<&str>,
        power: Option<PowerLoss>,
        enter: impl FnOnce(&mut MemoryTerminal<'_>) -> Result<R, Error>,
    ) -> Run<R> {
        self.journal.call(running);
        let mut terminal = MemoryTerminal::new(self, running, power);
        // `resume_unwind` stops the engine as losing power would, without a message.
        match panic::catch_unwind(AssertUnwindSafe(|| enter(&mut terminal))) {
            Ok(returned) => Run::Returned(returned),
            Err(cause) if cause.is::<PowerLoss>() => Run::LostPower,
            Err(cause) => panic::resume_unwind(cause),
        }
    }
}

/// A sale of NZD 25.00.
pub(super) fn request(id: &str) -> TransactionRequest {
    TransactionRequest {
        transaction_id: id.to_owned(),
        kind: TransactionKind::Sale,
        amount_minor: 2000,
        tip_minor: 300,
        cashback_minor: 200,
        currency: 554,
        accepted: Technologies {
            contact: true,
            contactless: true,
            magstripe: true,
        },
        accepts_partial_approval: false,
        original: None,
        online_decision: OnlineDecision::Acquirer,
        began: moment(10),
        batch_number: 1,
    }
}

pub(super) fn moment(hour: u8) -> Moment {
    let parts = MomentParts {
        year: 2026,
        month: 11,
        day: 21,
        hour,
        minute: 5,
        second: 51,
        utc_offset_minutes: 780,
    };
    Moment::parse(parts).expect("a moment")
}
