//! What is asked for and how it ended.

use engine::{
    Check, Description,
    moment::{Moment, MomentParts},
    outcome::{
        AcquirerAnswer, Agreement, Balance, Batch, BatchTotals, CancelReason, CardDetails,
        CardholderVerification, CryptogramType, DeclineReason, Ending, Error, Failure,
        OnlineDecision, Original, Outcome, Reconciled, Recovery, ReversalState, TransactionKind,
        TransactionRequest,
    },
    parameters::Scheme,
    ports::{EntryMode, Technologies},
};

use crate::bindings::{
    exports::terminal::engine::transactions as wit,
    terminal::{card_reader::card_reader, parameters::parameters, point_of_sale::point_of_sale},
};

/// Fails with `invalid-request` when the moment does not exist.
pub(crate) fn request(
    request: wit::TransactionRequest,
) -> Result<TransactionRequest, wit::ErrorCode> {
    Ok(TransactionRequest {
        transaction_id: request.transaction_id,
        kind: kind(request.kind),
        amount_minor: request.amount_minor,
        tip_minor: request.tip_minor,
        cashback_minor: request.cashback_minor,
        currency: request.currency,
        accepted: Technologies {
            contact: request
                .accepted
                .contains(card_reader::Technologies::CONTACT),
            contactless: request
                .accepted
                .contains(card_reader::Technologies::CONTACTLESS),
            magstripe: request
                .accepted
                .contains(card_reader::Technologies::MAGSTRIPE),
        },
        accepts_partial_approval: request.accepts_partial_approval,
        original: request.original.map(original).transpose()?,
        online_decision: match request.online_decision {
            wit::OnlineDecision::Acquirer => OnlineDecision::Acquirer,
            wit::OnlineDecision::PointOfSale => OnlineDecision::PointOfSale,
        },
        began: moment(request.began)?,
        batch_number: request.batch_number,
    })
}

fn kind(kind: wit::TransactionKind) -> TransactionKind {
    match kind {
        wit::TransactionKind::Sale => TransactionKind::Sale,
        wit::TransactionKind::PreAuth => TransactionKind::PreAuth,
        wit::TransactionKind::PreAuthComplete => TransactionKind::PreAuthComplete,
        wit::TransactionKind::Refund => TransactionKind::Refund,
        wit::TransactionKind::Void => TransactionKind::Void,
        wit::TransactionKind::CardRead => TransactionKind::CardRead,
        wit::TransactionKind::BalanceInquiry => TransactionKind::BalanceInquiry,
    }
}

fn original(original: wit::Original) -> Result<Original, wit::ErrorCode> {
    Ok(Original {
        transaction_id: original.transaction_id,
        kind: kind(original.kind),
        approved_minor: original.approved_minor,
        began: moment(original.began)?,
        trace_number: original.trace_number,
        authorisation_code: original.authorisation_code,
        retrieval_reference: original.retrieval_reference,
        masked_pan: original.masked_pan,
    })
}

pub(crate) fn technologies(accepted: Technologies) -> card_reader::Technologies {
    let mut flags = card_reader::Technologies::empty();
    for (wanted, flag) in [
        (accepted.contact, card_reader::Technologies::CONTACT),
        (accepted.contactless, card_reader::Technologies::CONTACTLESS),
        (accepted.magstripe, card_reader::Technologies::MAGSTRIPE),
    ] {
        if wanted {
            flags |= flag;
        }
    }
    flags
}

/// Fails with `invalid-request` when the moment does not exist.
pub(crate) fn moment(moment: wit::Moment) -> Result<Moment, wit::ErrorCode> {
    Moment::parse(MomentParts {
        year: moment.year,
        month: moment.month,
        day: moment.day,
        hour: moment.hour,
        minute: moment.minute,
        second: moment.second,
        utc_offset_minutes: moment.utc_offset_minutes,
    })
    .ok_or(wit::ErrorCode::InvalidRequest)
}

pub(crate) fn outcome(outcome: Outcome) -> wit::Outcome {
    wit::Outcome {
        ending: ending(outcome.ending),
        reversal: match outcome.reversal {
            ReversalState::None => wit::ReversalState::None,
            ReversalState::Pending => wit::ReversalState::Pending,
            ReversalState::Confirmed => wit::ReversalState::Confirmed,
        },
        approved_minor: outcome.approved_minor,
        trace_number: outcome.trace_number,
        answer: outcome.answer.map(answer),
        card: outcome.card.map(card),
        balance: outcome.balance.map(balance),
    }
}

fn balance(balance: Balance) -> wit::Balance {
    wit::Balance {
        currency: balance.currency,
        minor: balance.minor,
    }
}

fn ending(ending: Ending) -> wit::Ending {
    match ending {
        Ending::Approved => wit::Ending::Approved,
        Ending::Completed => wit::Ending::Completed,
        Ending::Declined(reason) => wit::Ending::Declined(match reason {
            DeclineReason::Card => wit::DeclineReason::Card,
            DeclineReason::Terminal => wit::DeclineReason::Terminal,
            DeclineReason::Acquirer => wit::DeclineReason::Acquirer,
        }),
        Ending::Cancelled(reason) => wit::Ending::Cancelled(match reason {
            CancelReason::Cardholder => wit::CancelReason::Cardholder,
            CancelReason::PointOfSale => wit::CancelReason::PointOfSale,
            CancelReason::NoCard => wit::CancelReason::NoCard,
            CancelReason::Interrupted => wit::CancelReason::Interrupted,
            CancelReason::NoDecision => wit::CancelReason::NoDecision,
        }),
        Ending::Failed(failure) => wit::Ending::Failed(match failure {
            Failure::CardUnreadable => wit::Failure::CardUnreadable,
            Failure::CardNotAccepted => wit::Failure::CardNotAccepted,
            Failure::OtherCard => wit::Failure::OtherCard,
            Failure::AcquirerUnreachable => wit::Failure::AcquirerUnreachable,
            Failure::AnswerLost => wit::Failure::AnswerLost,
            Failure::DeviceFault => wit::Failure::DeviceFault,
        }),
    }
}

fn answer(answer: AcquirerAnswer) -> wit::AcquirerAnswer {
    wit::AcquirerAnswer {
        response_code: answer.response_code,
        authorisation_code: answer.authorisation_code,
        retrieval_reference: answer.retrieval_reference,
    }
}

fn card(card: CardDetails) -> wit::CardDetails {
    wit::CardDetails {
        entry_mode: entry_mode(card.entry_mode),
        scheme: scheme(card.scheme),
        masked_pan: card.masked_pan,
        aid: card.aid,
        application_label: card.application_label,
        tvr: card.tvr.to_vec(),
        tsi: card.tsi.to_vec(),
        cryptogram: card.cryptogram.map(|cryptogram| match cryptogram {
            CryptogramType::Tc => wit::CryptogramType::Tc,
            CryptogramType::Arqc => wit::CryptogramType::Arqc,
            CryptogramType::Aac => wit::CryptogramType::Aac,
        }),
        verification: card.verification.map(|verification| match verification {
            CardholderVerification::Pin => wit::CardholderVerification::Pin,
            CardholderVerification::Signature => wit::CardholderVerification::Signature,
            CardholderVerification::Device => wit::CardholderVerification::Device,
            CardholderVerification::None => wit::CardholderVerification::None,
            CardholderVerification::Failed => wit::CardholderVerification::Failed,
        }),
    }
}

pub(crate) fn entry_mode(mode: EntryMode) -> point_of_sale::EntryMode {
    match mode {
        EntryMode::Contact => point_of_sale::EntryMode::Contact,
        EntryMode::Contactless => point_of_sale::EntryMode::Contactless,
        EntryMode::Magstripe => point_of_sale::EntryMode::Magstripe,
        EntryMode::Manual => point_of_sale::EntryMode::Manual,
    }
}

pub(crate) fn scheme(scheme: Scheme) -> parameters::Scheme {
    match scheme {
        Scheme::Visa => parameters::Scheme::Visa,
        Scheme::Mastercard => parameters::Scheme::Mastercard,
        Scheme::Amex => parameters::Scheme::Amex,
        Scheme::Discover => parameters::Scheme::Discover,
        Scheme::Jcb => parameters::Scheme::Jcb,
        Scheme::UnionPay => parameters::Scheme::Unionpay,
        Scheme::Eftpos => parameters::Scheme::Eftpos,
        Scheme::Other => parameters::Scheme::Other,
    }
}

pub(crate) fn recovery(recovery: Recovery) -> wit::Recovery {
    wit::Recovery {
        settled: recovery
            .settled
            .into_iter()
            .map(|settled| wit::Settled {
                transaction_id: settled.transaction_id,
                outcome: outcome(settled.outcome),
            })
            .collect(),
        waiting: recovery.waiting,
    }
}

pub(crate) fn batch(batch: wit::Batch) -> Batch {
    Batch {
        number: batch.number,
        totals: batch
            .totals
            .into_iter()
            .map(|totals| BatchTotals {
                currency: totals.currency,
                debit_count: totals.debit_count,
                debit_minor: totals.debit_minor,
                credit_count: totals.credit_count,
                credit_minor: totals.credit_minor,
            })
            .collect(),
    }
}

pub(crate) fn reconciled(reconciled: Vec<Reconciled>) -> Vec<wit::Reconciled> {
    reconciled
        .into_iter()
        .map(|one| wit::Reconciled {
            currency: one.currency,
            agreement: match one.agreement {
                Agreement::Agreed => wit::Agreement::Agreed,
                Agreement::Uploaded => wit::Agreement::Uploaded,
                Agreement::Disputed => wit::Agreement::Disputed,
                Agreement::Unanswered => wit::Agreement::Unanswered,
            },
        })
        .collect()
}

pub(crate) fn description(description: Description) -> wit::Description {
    wit::Description {
        name: description.name.to_owned(),
        version: description.version.to_owned(),
        boundary: description.boundary.to_owned(),
        kernels: description
            .kernels
            .iter()
            .map(|(name, version)| ((*name).to_owned(), (*version).to_owned()))
            .collect(),
    }
}

pub(crate) fn check(check: Check) -> wit::Check {
    wit::Check {
        name: check.name.to_owned(),
        passed: check.passed,
    }
}

pub(crate) fn error(error: Error) -> wit::ErrorCode {
    match error {
        Error::InvalidRequest => wit::ErrorCode::InvalidRequest,
        Error::NotSupported => wit::ErrorCode::NotSupported,
        Error::ParametersInvalid => wit::ErrorCode::ParametersInvalid,
        Error::JournalFault => wit::ErrorCode::JournalFault,
    }
}
