//! Between the boundary's records and the host's own.
//!
//! What comes from the engine is cut and reduced here, whatever the engine promised: a PAN to its
//! last four digits, texts to printable characters, every list to its length.

use jiff::Zoned;

use crate::{
    bindings::{card_reader, exports::terminal::engine::transactions as wit},
    parameters::to_hex,
    point_of_sale::masked_again,
    printable::{printable_bytes, printable_text},
    transaction::{
        AcquirerAnswer, CancelReason, CardDetails, CryptogramType, DeclineReason, Ending,
        EntryPreference, Failure, Kind, Outcome, Request, ReversalState, TransactionId,
        Verification,
    },
};

/// Longest application label (tag 50) and longest text of an acquirer's field that is kept.
const TEXT_MAX: usize = 16;

const AID_LENGTH_MAX: usize = 16;
const TVR_LENGTH: usize = 5;
const TSI_LENGTH: usize = 2;

pub(crate) fn request(
    id: &TransactionId,
    request: &Request,
    currency: u16,
    began: &Zoned,
) -> wit::TransactionRequest {
    wit::TransactionRequest {
        transaction_id: id.as_str().to_owned(),
        kind: match request.kind {
            Kind::Sale => wit::TransactionKind::Sale,
            Kind::PreAuth => wit::TransactionKind::PreAuth,
            Kind::PreAuthComplete => wit::TransactionKind::PreAuthComplete,
            Kind::Refund => wit::TransactionKind::Refund,
            Kind::Void => wit::TransactionKind::Void,
            Kind::CardRead => wit::TransactionKind::CardRead,
            Kind::BalanceInquiry => wit::TransactionKind::BalanceInquiry,
        },
        amount_minor: request.amount_minor,
        tip_minor: request.tip_minor,
        cashback_minor: request.cashback_minor,
        currency,
        accepted: match request.entry {
            EntryPreference::Contact => card_reader::Technologies::CONTACT,
            EntryPreference::Contactless => card_reader::Technologies::CONTACTLESS,
            EntryPreference::Auto => card_reader::Technologies::all(),
        },
        original_transaction_id: request.original.as_ref().map(|id| id.as_str().to_owned()),
        online_decision: wit::OnlineDecision::Acquirer,
        began: moment(began),
    }
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
            }),
            wit::Ending::Failed(failure) => Ending::Failed(match failure {
                wit::Failure::CardUnreadable => Failure::CardUnreadable,
                wit::Failure::CardNotAccepted => Failure::CardNotAccepted,
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
