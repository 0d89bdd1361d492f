//! Between the boundary's records and the host's own.
//!
//! What comes from the engine is cut and reduced here, whatever the engine promised: a PAN to its
//! last four digits, texts to printable characters, every list to its length.

use jiff::Zoned;

use crate::{
    batch::{Batch, CurrencyTotals},
    bindings::{card_reader, exports::terminal::engine::transactions as wit},
    parameters::to_hex,
    point_of_sale::masked_again,
    printable::{printable_bytes, printable_text},
    transaction::{
        AcquirerAnswer, Balance, CancelReason, CardDetails, CryptogramType, DeclineReason, Ending,
        EntryPreference, Failure, Kind, OnlineDecision, Outcome, Record, ReversalState,
        Verification,
    },
};

/// Longest application label (tag 50) and longest text of an acquirer's field that is kept.
const TEXT_MAX: usize = 16;

const AID_LENGTH_MAX: usize = 16;
const TVR_LENGTH: usize = 5;
const TSI_LENGTH: usize = 2;

/// What the engine is asked: the transaction as its record says, and the one that it refers to.
pub(crate) fn request(
    record: &Record,
    original: Option<&Record>,
    currency: u16,
) -> wit::TransactionRequest {
    let request = &record.request;
    wit::TransactionRequest {
        transaction_id: record.id.as_str().to_owned(),
        kind: kind(request.kind),
        amount_minor: request.amount_minor,
        tip_minor: request.tip_minor,
        cashback_minor: request.cashback_minor,
        currency,
        accepted: match request.entry {
            EntryPreference::Contact => card_reader::Technologies::CONTACT,
            EntryPreference::Contactless => card_reader::Technologies::CONTACTLESS,
            EntryPreference::Auto => card_reader::Technologies::all(),
        },
        accepts_partial_approval: request.accepts_partial_approval,
        original: original.and_then(self::original),
        online_decision: match request.online_decision {
            OnlineDecision::Acquirer => wit::OnlineDecision::Acquirer,
            OnlineDecision::PointOfSale => wit::OnlineDecision::PointOfSale,
        },
        began: moment(&record.began),
        batch_number: record.batch,
    }
}

fn kind(kind: Kind) -> wit::TransactionKind {
    match kind {
        Kind::Sale => wit::TransactionKind::Sale,
        Kind::PreAuth => wit::TransactionKind::PreAuth,
        Kind::PreAuthComplete => wit::TransactionKind::PreAuthComplete,
        Kind::Refund => wit::TransactionKind::Refund,
        Kind::Void => wit::TransactionKind::Void,
        Kind::CardRead => wit::TransactionKind::CardRead,
        Kind::BalanceInquiry => wit::TransactionKind::BalanceInquiry,
    }
}

fn original(record: &Record) -> Option<wit::Original> {
    let outcome = record.outcome.as_ref()?;
    let answer = outcome.answer.as_ref();
    Some(wit::Original {
        transaction_id: record.id.as_str().to_owned(),
        kind: kind(record.request.kind),
        approved_minor: outcome.approved_minor,
        began: moment(&record.began),
        trace_number: outcome.trace_number,
        authorisation_code: answer.and_then(|answer| answer.authorisation_code.clone()),
        retrieval_reference: answer.and_then(|answer| answer.retrieval_reference.clone()),
        masked_pan: outcome.card.as_ref()?.masked_pan.clone().into_bytes(),
    })
}

/// A batch, as the acquirer counts it. `None` when a currency is none of the terminal's.
pub(crate) fn batch(batch: &Batch, numeric: impl Fn(&str) -> Option<u16>) -> Option<wit::Batch> {
    let totals = |of: &CurrencyTotals| {
        Some(wit::BatchTotals {
            currency: numeric(&of.currency)?,
            debit_count: of.totals.debit().count,
            debit_minor: of.totals.debit().minor,
            credit_count: of.totals.refund.count,
            credit_minor: of.totals.refund.minor,
        })
    };
    Some(wit::Batch {
        number: batch.number,
        totals: batch.totals.iter().map(totals).collect::<Option<_>>()?,
    })
}

pub(crate) fn moment(time: &Zoned) -> wit::Moment {
    // The conversions hold for every date a clock shows; a broken clock becomes year zero, month
    // one, which the engine refuses or an issuer sees.
    wit::Moment {
        year: u16::try_from(time.year()).unwrap_or_default(),
        month: u8::try_from(time.month()).unwrap_or(1),
        day: u8::try_from(time.day()).unwrap_or(1),
        hour: u8::try_from(time.hour()).unwrap_or_default(),
        minute: u8::try_from(time.minute()).unwrap_or_default(),
        second: u8::try_from(time.second()).unwrap_or_default(),
        utc_offset_minutes: i16::try_from(time.offset().seconds() / 60).unwrap_or_default(),
    }
}

pub(crate) fn outcome(outcome: &wit::Outcome) -> Outcome {
    Outcome {
        ending: match outcome.ending {
            wit::Ending::Approved => Ending::Approved,
            wit::Ending::Completed => Ending::Completed,
            wit::Ending::Declined(reason) => Ending::Declined(match reason {
                wit::DeclineReason::Card => DeclineReason::Card,
                wit::DeclineReason::Terminal => DeclineReason::Terminal,
                wit::DeclineReason::Acquirer => DeclineReason::Acquirer,
            }),
            wit::Ending::Cancelled(reason) => Ending::Cancelled(match reason {
                wit::CancelReason::Cardholder => CancelReason::Cardholder,
                wit::CancelReason::PointOfSale => CancelReason::PointOfSale,
                wit::CancelReason::NoCard => CancelReason::NoCard,
                wit::CancelReason::Interrupted => CancelReason::Interrupted,
                wit::CancelReason::NoDecision => CancelReason::NoDecision,
            }),
            wit::Ending::Failed(failure) => Ending::Failed(match failure {
                wit::Failure::CardUnreadable => Failure::CardUnreadable,
                wit::Failure::CardNotAccepted => Failure::CardNotAccepted,
                wit::Failure::OtherCard => Failure::OtherCard,
                wit::Failure::AcquirerUnreachable => Failure::AcquirerUnreachable,
                wit::Failure::AnswerLost => Failure::AnswerLost,
                wit::Failure::DeviceFault => Failure::DeviceFault,
            }),
        },
        reversal: match outcome.reversal {
            wit::ReversalState::None => ReversalState::None,
            wit::ReversalState::Pending => ReversalState::Pending,
            wit::ReversalState::Confirmed => ReversalState::Confirmed,
        },
        approved_minor: outcome.approved_minor,
        trace_number: outcome.trace_number,
        answer: outcome.answer.as_ref().map(|answer| AcquirerAnswer {
            response_code: printable_text(&answer.response_code, TEXT_MAX),
            authorisation_code: answer.authorisation_code.as_ref().map(short),
            retrieval_reference: answer.retrieval_reference.as_ref().map(short),
        }),
        card: outcome.card.as_ref().map(card),
        balance: outcome.balance.map(|balance| Balance {
            currency: balance.currency,
            minor: balance.minor,
        }),
    }
}

fn card(card: &wit::CardDetails) -> CardDetails {
    CardDetails {
        entry_mode: card.entry_mode.into(),
        scheme: card.scheme.into(),
        masked_pan: masked_again(&card.masked_pan),
        aid: hexadecimal(&card.aid, AID_LENGTH_MAX),
        application_label: printable_bytes(&card.application_label, TEXT_MAX),
        tvr: hexadecimal(&card.tvr, TVR_LENGTH),
        tsi: hexadecimal(&card.tsi, TSI_LENGTH),
        cryptogram: card.cryptogram.map(|cryptogram| match cryptogram {
            wit::CryptogramType::Tc => CryptogramType::Tc,
            wit::CryptogramType::Arqc => CryptogramType::Arqc,
            wit::CryptogramType::Aac => CryptogramType::Aac,
        }),
        verification: card.verification.map(|verification| match verification {
            wit::CardholderVerification::Pin => Verification::Pin,
            wit::CardholderVerification::Signature => Verification::Signature,
            wit::CardholderVerification::Device => Verification::Cdcvm,
            wit::CardholderVerification::None => Verification::NoCvm,
            wit::CardholderVerification::Failed => Verification::Failed,
        }),
    }
}

#[expect(clippy::ptr_arg, reason = "the argument of Option<&String>::map")]
fn short(text: &String) -> String {
    printable_text(text, TEXT_MAX)
}

fn hexadecimal(bytes: &[u8], length_max: usize) -> String {
    to_hex(bytes.get(..length_max).unwrap_or(bytes))
}
