//! A transaction as the host's records hold it and as the APIs answer it.

use jiff::Zoned;
use serde::{Deserialize, Serialize};

/// What a point of sale asks for. Checked by the caller against the API's rules and by the service
/// against the terminal's parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What is asked for.
    pub kind: Kind,
    /// Amount without tip and cashback, in minor units.
    pub amount_minor: u64,
    /// Tip, in minor units.
    pub tip_minor: u64,
    /// Cashback, in minor units.
    pub cashback_minor: u64,
    /// ISO 4217 alphabetic code of a currency in the parameters.
    pub currency: String,
    /// The ways of presenting a card that are accepted.
    pub entry: EntryPreference,
    /// Whether an approval of a smaller amount is taken too.
    #[serde(default)]
    pub accepts_partial_approval: bool,
    /// Who decides online.
    #[serde(default)]
    pub online_decision: OnlineDecision,
    /// The point of sale's own reference.
    pub reference: Option<String>,
    /// The transaction that a refund, void or completion refers to.
    pub original: Option<TransactionId>,
    /// Free data of the point of sale, echoed.
    pub metadata: std::collections::BTreeMap<String, String>,
}

/// Who decides an online transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum OnlineDecision {
    /// The terminal's acquirer.
    #[default]
    Acquirer,
    /// The point of sale, with an acquirer of its own (granular mode).
    PointOfSale,
}

/// The kinds of transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names are the API's")]
pub enum Kind {
    Sale,
    PreAuth,
    PreAuthComplete,
    Refund,
    Void,
    CardRead,
    BalanceInquiry,
}

/// How the point of sale wants the card to be presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names are the API's")]
pub enum EntryPreference {
    Contactless,
    Contact,
    #[default]
    Auto,
}

/// `txn_` and a ULID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransactionId(pub(crate) String);

impl TransactionId {
    /// Parses an identifier a client sent. `None` when it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("txn_")?;
        ulid::Ulid::from_string(rest).ok()?;
        Some(Self(text.into()))
    }

    /// A new name. Names sort by the time at which they were made.
    pub(crate) fn new() -> Self {
        Self(format!("txn_{}", ulid::Ulid::new()))
    }

    /// The name under which recovery reports its progress. No transaction bears it.
    pub(crate) fn recovery() -> Self {
        Self("recovery".to_owned())
    }

    /// A name that sorts before every name made from `unix_ms` on, and after every earlier one.
    pub(crate) fn first_at(unix_ms: u64) -> Self {
        Self(format!("txn_{}", ulid::Ulid::from_parts(unix_ms, 0)))
    }

    /// When the transaction began, by its name: milliseconds since 1970.
    pub(crate) fn began_ms(&self) -> u64 {
        self.0
            .strip_prefix("txn_")
            .and_then(|text| ulid::Ulid::from_string(text).ok())
            .map_or(0, |ulid| ulid.timestamp_ms())
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One transaction in the host's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub id: TransactionId,
    /// What was asked for.
    pub request: Request,
    /// When it began, in the terminal's time zone.
    pub began: Zoned,
    /// How it ended; `None` while it runs.
    pub outcome: Option<Outcome>,
    /// The batch that it belongs to.
    pub batch: u32,
    /// What its original was asked to be.
    pub refers_to: Option<Kind>,
    /// What later transactions made of it.
    pub referred: Referred,
    /// Whether the point of sale was asked for the decision: from then on its acquirer may have
    /// approved.
    pub asked: bool,
}

impl Record {
    /// The record as it was when the transaction ended: what became of its reversal, and of itself,
    /// later, left out.
    pub(crate) fn when_it_ended(mut self, reversal: ReversalState) -> Self {
        if let Some(outcome) = &mut self.outcome {
            outcome.reversal = reversal;
        }
        self.referred = Referred::default();
        self
    }
}

/// What later transactions made of one that was approved. What is not ended, or waits for its reversal,
/// counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Referred {
    /// It was voided.
    pub voided: bool,
    /// A pre-authorisation was completed.
    pub completed: bool,
    /// What was given back of it, in minor units.
    pub refunded_minor: u64,
}

/// How a transaction ended. Follows `outcome` in `wit/transactions.wit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// Whether a reversal belongs to it, as the journal says now.
    pub reversal: ReversalState,
    /// The amount approved, tip and cashback included; zero when not approved.
    pub approved_minor: u64,
    /// ISO 8583 field 11.
    pub trace_number: Option<u32>,
    /// The acquirer's answer, when one was accepted.
    pub answer: Option<AcquirerAnswer>,
    /// What the card gave, when one was read; of a void or a completion, what the original's gave.
    pub card: Option<CardDetails>,
    /// What a balance inquiry was told.
    #[serde(default)]
    pub balance: Option<Balance>,
}

/// What an account holds, as its issuer says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// ISO 4217 numeric code.
    pub currency: u16,
    /// In minor units, below zero when overdrawn.
    pub minor: i64,
}

impl Outcome {
    /// An end of which nothing else is known.
    pub(crate) fn without_card(ending: Ending) -> Self {
        Self {
            ending,
            reversal: ReversalState::None,
            approved_minor: 0,
            trace_number: None,
            answer: None,
            card: None,
            balance: None,
        }
    }
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Approved, and recorded as such.
    Approved,
    /// What was asked for was done, and it moves no money: a card was read, a balance was told.
    Completed,
    /// Declined.
    Declined(DeclineReason),
    /// Ended by a person or by time before a decision.
    Cancelled(CancelReason),
    /// Ended by a fault before a decision.
    Failed(Failure),
}

/// Who declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see wit/transactions.wit")]
pub enum DeclineReason {
    Card,
    Terminal,
    Acquirer,
}

/// Who ended a transaction before a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see wit/transactions.wit")]
pub enum CancelReason {
    Cardholder,
    PointOfSale,
    NoCard,
    Interrupted,
    NoDecision,
}

/// Why a transaction ended without a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// The card could not be read, broke the protocol or was removed.
    CardUnreadable,
    /// No application of the card is accepted here.
    CardNotAccepted,
    /// The card is not the one that paid the original of a refund.
    OtherCard,
    /// The acquirer could not be reached. Nothing was sent.
    AcquirerUnreachable,
    /// The request may have reached the acquirer and no valid answer came.
    AnswerLost,
    /// A device of the terminal failed before a decision.
    DeviceFault,
    /// The engine trapped, ran out of time or memory, or answered nonsense before anything was
    /// sent. (After something was sent, recovery gives the transaction its end.)
    EngineFault,
    /// The engine does not do this kind of transaction. Nothing was started.
    NotSupported,
}

/// Whether a reversal belongs to a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReversalState {
    /// There is nothing to reverse.
    None,
    /// A reversal is in the journal and goes out before the next request.
    Pending,
    /// The acquirer confirmed the reversal.
    Confirmed,
    /// The journal's entry is damaged: whether money moved, and how it is put right, must be settled
    /// with the acquirer by hand.
    ByHand,
}

/// What the acquirer answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcquirerAnswer {
    /// ISO 8583 field 39.
    pub response_code: String,
    /// ISO 8583 field 38.
    pub authorisation_code: Option<String>,
    /// ISO 8583 field 37.
    pub retrieval_reference: Option<String>,
}

/// What the card gave to identify and explain the payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardDetails {
    /// How the card was read.
    pub entry_mode: EntryMode,
    /// The card scheme.
    pub scheme: Scheme,
    /// The last four digits of the PAN and a star for each other one.
    pub masked_pan: String,
    /// The application identifier, hexadecimal.
    pub aid: String,
    /// The application label, printable characters only.
    pub application_label: String,
    /// Tag 95, ten hexadecimal characters.
    pub tvr: String,
    /// Tag 9B, four hexadecimal characters.
    pub tsi: String,
    /// The last cryptogram.
    pub cryptogram: Option<CryptogramType>,
    /// How the cardholder was verified.
    pub verification: Option<Verification>,
}

/// How a card was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names are the API's")]
pub enum EntryMode {
    Contactless,
    Contact,
    Magstripe,
    Manual,
}

/// A card scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names are the API's")]
pub enum Scheme {
    Visa,
    Mastercard,
    Amex,
    Discover,
    Jcb,
    #[serde(rename = "UNIONPAY")]
    UnionPay,
    Eftpos,
    Other,
}

/// A card's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names are the standard's")]
pub enum CryptogramType {
    Tc,
    Arqc,
    Aac,
}

/// How the cardholder was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names are the API's")]
pub enum Verification {
    Pin,
    Signature,
    Cdcvm,
    NoCvm,
    Failed,
}
