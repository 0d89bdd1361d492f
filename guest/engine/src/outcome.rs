//! What the merchant asks for and how a transaction ends: the records of `wit/transactions.wit`.

use crate::moment::Moment;
use crate::parameters::Scheme;
use crate::ports::{EntryMode, Technologies};

/// What the merchant asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionKind {
    /// Goods or services against payment.
    Sale,
    /// Reserves an amount, to be taken by a later completion.
    PreAuth,
    /// Takes an amount reserved before, or a part of it.
    PreAuthComplete,
    /// Gives money back for an earlier transaction.
    Refund,
    /// Undoes an earlier transaction of the open batch.
    Void,
    /// Reads a card and moves no money.
    CardRead,
    /// Asks the issuer for the balance of a card.
    BalanceInquiry,
}

/// Who decides an online transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnlineDecision {
    /// The engine asks the acquirer.
    Acquirer,
    /// The point of sale asks an acquirer of its own (granular mode).
    PointOfSale,
}

/// An approved transaction that a later one refers to, as the host's records hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// Its name.
    pub transaction_id: String,
    /// What was asked for.
    pub kind: TransactionKind,
    /// The amount approved, in the currency's minor unit.
    pub approved_minor: u64,
    /// When it began.
    pub began: Moment,
    /// ISO 8583 field 11.
    pub trace_number: Option<u32>,
    /// ISO 8583 field 38.
    pub authorisation_code: Option<String>,
    /// ISO 8583 field 37.
    pub retrieval_reference: Option<String>,
    /// The PAN in ASCII, masked to its last four digits.
    pub masked_pan: Vec<u8>,
}

/// One transaction, as the merchant asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionRequest {
    /// The host's name for the transaction, one to 64 bytes. Every journal entry bears it.
    pub transaction_id: String,
    /// What is asked for.
    pub kind: TransactionKind,
    /// Amount without tip and cashback, in the currency's minor unit.
    pub amount_minor: u64,
    /// Tip, in the currency's minor unit.
    pub tip_minor: u64,
    /// Cash handed out with a sale, in the currency's minor unit.
    pub cashback_minor: u64,
    /// ISO 4217 numeric code.
    pub currency: u16,
    /// The ways of presenting a card that are accepted.
    pub accepted: Technologies,
    /// Whether an approval of a smaller amount is taken too.
    pub accepts_partial_approval: bool,
    /// The transaction that a refund, void or completion refers to.
    pub original: Option<Original>,
    /// Who decides online.
    pub online_decision: OnlineDecision,
    /// When the transaction began.
    pub began: Moment,
    /// The batch that the transaction belongs to: 1 to 999999.
    pub batch_number: u32,
}

/// Who declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclineReason {
    /// The card returned an AAC.
    Card,
    /// Terminal action analysis asked for a decline.
    Terminal,
    /// The acquirer or the issuer answered with a decline.
    Acquirer,
}

/// Who ended a transaction before a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReason {
    /// The cardholder pressed cancel.
    Cardholder,
    /// The point of sale asked for an abort.
    PointOfSale,
    /// No card was presented in time.
    NoCard,
    /// The terminal stopped before anything was sent.
    Interrupted,
    /// The point of sale did not decide in time.
    NoDecision,
}

/// Why a transaction ended without a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Approved, and recorded as such.
    Approved,
    /// What was asked for was done, and it moves no money.
    Completed,
    /// Declined.
    Declined(DeclineReason),
    /// Ended by a person or by time before a decision.
    Cancelled(CancelReason),
    /// Ended by a fault before a decision.
    Failed(Failure),
}

/// Whether a reversal belongs to the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReversalState {
    /// There is nothing to reverse.
    None,
    /// A reversal is in the journal and goes out before the next request.
    Pending,
    /// The acquirer confirmed the reversal.
    Confirmed,
}

/// A card's decision (EMV 4.4 Book 3, 6.5.5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CryptogramType {
    /// Transaction certificate: approved.
    Tc,
    /// Authorisation request cryptogram: online authorisation requested.
    Arqc,
    /// Application authentication cryptogram: declined.
    Aac,
}

/// How the cardholder was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardholderVerification {
    /// A PIN, checked by the card or by the issuer.
    Pin,
    /// A signature on the receipt.
    Signature,
    /// The cardholder's own device.
    Device,
    /// No verification was needed.
    None,
    /// Verification was asked for and failed.
    Failed,
}

/// What the card gave to identify and explain the payment. Holds no full PAN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardDetails {
    /// How the card was read.
    pub entry_mode: EntryMode,
    /// The card scheme of the application used.
    pub scheme: Scheme,
    /// The PAN in ASCII, masked to its last four digits.
    pub masked_pan: Vec<u8>,
    /// The application identifier (tag 84 or 4F).
    pub aid: Vec<u8>,
    /// The application label or preferred name, as the card gave it.
    pub application_label: Vec<u8>,
    /// Tag 95, Terminal Verification Results.
    pub tvr: [u8; 5],
    /// Tag 9B, Transaction Status Information.
    pub tsi: [u8; 2],
    /// The last cryptogram, when one was made.
    pub cryptogram: Option<CryptogramType>,
    /// How the cardholder was verified, when the card asked for it.
    pub verification: Option<CardholderVerification>,
}

/// What the acquirer answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcquirerAnswer {
    /// ISO 8583 field 39.
    pub response_code: String,
    /// ISO 8583 field 38, when given.
    pub authorisation_code: Option<String>,
    /// ISO 8583 field 37, when known.
    pub retrieval_reference: Option<String>,
}

/// What an account holds, as its issuer says (ISO 8583 field 54).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// ISO 4217 numeric code.
    pub currency: u16,
    /// In minor units, below zero when overdrawn.
    pub minor: i64,
}

/// One transaction's end. The journal already holds it when it is returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// Whether a reversal belongs to it.
    pub reversal: ReversalState,
    /// The amount approved, in minor units: less than was asked for after a partial approval, zero
    /// when not approved.
    pub approved_minor: u64,
    /// ISO 8583 field 11, when a message was built.
    pub trace_number: Option<u32>,
    /// The acquirer's answer, when one was accepted.
    pub answer: Option<AcquirerAnswer>,
    /// What the card gave, when one was read; of a void or a completion, what the original's gave.
    pub card: Option<CardDetails>,
    /// What a balance inquiry was told.
    pub balance: Option<Balance>,
}

impl Outcome {
    /// An end before any message was built or any card was read.
    pub const fn without_card(ending: Ending) -> Self {
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

/// What recovery did to one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The transaction.
    pub transaction_id: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// What recovery did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Every transaction that now has an end the host did not know, or an end that changed.
    pub settled: Vec<Settled>,
    /// How many journal entries still wait for the acquirer.
    pub waiting: u32,
}

/// What a batch adds up to in one currency: what was voided, and what was only reserved, in neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchTotals {
    /// ISO 4217 numeric code.
    pub currency: u16,
    /// How often cardholders paid.
    pub debit_count: u32,
    /// What they paid, in minor units.
    pub debit_minor: u64,
    /// How often they got money back.
    pub credit_count: u32,
    /// What they got back, in minor units.
    pub credit_minor: u64,
}

/// A batch that is to be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// 1 to 999999.
    pub number: u32,
    /// One for each currency it has.
    pub totals: Vec<BatchTotals>,
}

/// What the acquirer says of the totals of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// They equal its own. It has closed the batch.
    Agreed,
    /// They did not; it was told every transaction and has closed the batch.
    Uploaded,
    /// They differ, after every transaction was told too. It has not closed the batch.
    Disputed,
    /// No valid answer came.
    Unanswered,
}

/// What became of one currency of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconciled {
    /// ISO 4217 numeric code.
    pub currency: u16,
    /// What the acquirer says.
    pub agreement: Agreement,
}

/// Why a call produced no outcome. Each leaves the journal consistent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// A field of the request is out of range. Nothing was started.
    InvalidRequest,
    /// The engine does not do this kind of transaction. Nothing was started.
    NotSupported,
    /// The parameters are missing something or contradict each other. Nothing was started.
    ParametersInvalid,
    /// The journal could not be read or written. `recover` settles what it holds.
    JournalFault,
}
