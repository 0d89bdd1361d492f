//! A transaction as the API answers it.

use std::collections::BTreeMap;

use jiff::{Timestamp, Zoned};
use serde::Serialize;
use terminal_host::point_of_sale::OnlineRequest;
use terminal_host::transaction::{Ending, Kind, Outcome, Record};

pub use crate::{
    card::Card,
    granular::ChipData,
    receipt::ReceiptData,
    status::{Status, now, status},
};
use crate::{
    card::{card, card_asked},
    openapi::schema::{Described, Schema},
    terminal::Merchant,
};

/// A transaction, as `TransactionResponse` of the Commerce API.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionResponse {
    /// `txn_` and a ULID.
    pub transaction_id: String,
    /// The state now.
    pub status: Status,
    /// What was asked for.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Without tip and cashback, in minor units. For an approval, what was approved; of a balance
    /// inquiry, the balance.
    pub amount: i64,
    /// ISO 4217 alphabetic code.
    pub currency: String,
    /// In minor units, when there is one.
    #[serde(skip_serializing_if = "is_zero")]
    pub tip_amount: u64,
    /// In minor units, when there is one.
    #[serde(skip_serializing_if = "is_zero")]
    pub cashback_amount: u64,
    /// What was asked for without tip and cashback, where less was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_amount: Option<u64>,
    /// What was given back of it so far, in minor units.
    #[serde(skip_serializing_if = "is_zero")]
    pub refunded_amount: u64,
    /// What a refund, a void or a completion refers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_transaction_id: Option<String>,
    /// What the acquirer answered.
    #[serde(flatten)]
    pub answer: Answer,
    /// What the card gave.
    #[serde(flatten)]
    pub card: Option<Card>,
    /// Echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_id: Option<String>,
    /// When it began, UTC, `2026-03-28T09:14:22Z`.
    pub timestamp: String,
    /// For approvals and declines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt_data: Option<ReceiptData>,
    /// What the point of sale's acquirer needs, while it is asked for the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chip_data: Option<ChipData>,
    /// The point of sale's acquirer may have approved what was not approved in the end: the point of
    /// sale must reverse it there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reversal_required: bool,
    /// Echoed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl Described for TransactionResponse {
    const NAME: &'static str = "TransactionResponse";

    fn schema() -> Schema {
        let described = Schema::object("A transaction as it is now. Amounts in minor units.")
            .required(
                "transactionId",
                Schema::identifier("txn", "`txn_` and a ULID."),
            )
            .required("status", Schema::names::<Status>(STATUS))
            .required("type", Schema::names::<Kind>("Echoed."))
            .required(
                "amount",
                Schema::integer(
                    "Without tip and cashback. Of an approval, what was approved; of a balance \
                     inquiry, the balance, which may be below zero.",
                )
                .example(2500),
            )
            .required("currency", Schema::currency())
            .optional("tipAmount", Schema::count("When there is one."))
            .optional("cashbackAmount", Schema::count("When there is one."))
            .optional(
                "requestedAmount",
                Schema::count("What was asked for, where less was approved."),
            )
            .optional(
                "refundedAmount",
                Schema::count("What was given back of it so far."),
            )
            .optional(
                "originalTransactionId",
                Schema::identifier("txn", "What a refund, a void or a completion refers to."),
            )
            .optional("referenceId", Schema::text("Echoed."))
            .required("timestamp", Schema::moment("When it began, UTC."))
            .optional(
                "receiptData",
                Schema::to::<ReceiptData>("Of what was approved or declined."),
            )
            .optional(
                "chipData",
                Schema::to::<ChipData>("In granular mode, while the status is `PENDING_ONLINE`."),
            )
            .optional(
                "reversalRequired",
                Schema::boolean(
                    "In granular mode: it was not approved in the end, and the point of sale's \
                     acquirer may have approved it. Reverse it there.",
                ),
            )
            .optional(
                "metadata",
                Schema::open_object("Echoed.")
                    .with("additionalProperties", Schema::text("A value.")),
            );
        Card::describe(Answer::describe(described))
    }
}

/// What the states mean.
const STATUS: &str = "`APPROVED`: done. `DECLINED`: the card, the terminal or the issuer said no; no \
    money moved. `CANCELLED`: a person or time ended it; no money moved. `ERROR`: a fault ended it, \
    or money may have moved and a reversal is on its way. `REVERSED`: undone, by a reversal that \
    the acquirer confirmed or by a void. `PENDING_ONLINE`: the point of sale is asked for the \
    decision, in granular mode. `PENDING_COMPLETION`: it runs.";

/// The members that come from the acquirer's answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// ISO 8583 field 38.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_code: Option<String>,
    /// ISO 8583 field 39.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_code: Option<String>,
    /// ISO 8583 field 37.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rrn: Option<String>,
}

impl Answer {
    fn describe(object: Schema) -> Schema {
        object
            .optional(
                "authorizationCode",
                Schema::text("ISO 8583 field 38.").example("A12345"),
            )
            .optional(
                "responseCode",
                Schema::text("ISO 8583 field 39. `00` is an approval.").example("00"),
            )
            .optional(
                "rrn",
                Schema::text("ISO 8583 field 37.").example("262803141422"),
            )
    }
}

impl TransactionResponse {
    /// The answer for a record, running or ended.
    pub fn of(record: &Record, merchant: &Merchant) -> Self {
        let status = now(record);
        let request = &record.request;
        let answer = answer(record.outcome.as_ref());
        let card = card(record.outcome.as_ref());
        let mut response = Self {
            transaction_id: record.id.as_str().into(),
            status,
            kind: request.kind,
            amount: amount_minor(record),
            currency: request.currency.clone(),
            tip_amount: request.tip_minor,
            cashback_amount: request.cashback_minor,
            requested_amount: requested_minor(record),
            refunded_amount: record.referred.refunded_minor,
            original_transaction_id: request.original.as_ref().map(|id| id.as_str().to_owned()),
            answer,
            card,
            reference_id: request.reference.clone(),
            timestamp: timestamp(&record.began),
            receipt_data: None,
            chip_data: None,
            reversal_required: crate::status::reversal_required(record),
            metadata: request.metadata.clone(),
        };
        let decided = matches!(
            record.outcome.as_ref().map(|outcome| outcome.ending),
            Some(Ending::Approved | Ending::Declined(_))
        );
        if decided && matches!(status, Status::Approved | Status::Declined) {
            response.receipt_data = Some(response.receipt(record, merchant));
        }
        response
    }

    /// The answer for a transaction about which the point of sale is asked.
    pub fn asked(record: &Record, request: &OnlineRequest, merchant: &Merchant) -> Self {
        let mut response = Self::of(record, merchant);
        response.card = card_asked(request);
        response.chip_data = Some(ChipData::of(request));
        response
    }

    fn receipt(&self, record: &Record, merchant: &Merchant) -> ReceiptData {
        let card = self.card.as_ref();
        ReceiptData {
            merchant_name: merchant.name.clone(),
            merchant_id: merchant.merchant_id.clone(),
            terminal_id: merchant.terminal_id.clone(),
            transaction_id: self.transaction_id.clone(),
            date_time: local_time(&record.began),
            card_scheme: card.map(|card| card.card_scheme),
            masked_pan: card.map(|card| card.masked_pan.clone()),
            application_label: card.and_then(|card| stated(&card.application_label)),
            aid: card.and_then(|card| stated(&card.aid)),
            authorization_code: self.answer.authorization_code.clone(),
            amount: self.amount,
            tip_amount: self.tip_amount,
            cashback_amount: self.cashback_amount,
            total_amount: self.amount.saturating_add_unsigned(self.tip_amount),
            entry_mode: card.map(|card| card.entry_mode),
            cvm_performed: card.and_then(|card| card.cvm_result),
            approval_status: self.status,
        }
    }
}

/// UTC to the second.
pub(crate) fn timestamp(moment: &Zoned) -> String {
    utc(moment.timestamp())
}

/// The same of a moment without a time zone.
pub(crate) fn utc(moment: Timestamp) -> String {
    format!("{moment:.0}")
}

/// What was approved without tip and cashback; what was asked for when nothing was approved; what an
/// account holds when that was asked.
fn amount_minor(record: &Record) -> i64 {
    let outcome = record.outcome.as_ref();
    if let Some(balance) = outcome.and_then(|outcome| outcome.balance.as_ref()) {
        return balance.minor;
    }
    let minor = approved_minor(record).unwrap_or(record.request.amount_minor);
    i64::try_from(minor).unwrap_or(i64::MAX)
}

/// What was asked for, where less was approved.
fn requested_minor(record: &Record) -> Option<u64> {
    let requested = record.request.amount_minor;
    approved_minor(record)
        .filter(|approved| *approved != requested)
        .map(|_| requested)
}

/// What was approved without tip and cashback.
fn approved_minor(record: &Record) -> Option<u64> {
    let request = &record.request;
    record
        .outcome
        .as_ref()
        .filter(|outcome| outcome.ending == Ending::Approved)
        .map(|outcome| {
            outcome
                .approved_minor
                .saturating_sub(request.tip_minor)
                .saturating_sub(request.cashback_minor)
        })
}

fn answer(outcome: Option<&Outcome>) -> Answer {
    let approved = outcome
        .is_some_and(|outcome| matches!(outcome.ending, Ending::Approved | Ending::Completed));
    outcome
        .and_then(|outcome| outcome.answer.as_ref())
        .map_or_else(Answer::default, |answer| Answer {
            // What was not approved in the end has none, whatever the issuer had said.
            authorization_code: answer.authorisation_code.clone().filter(|_| approved),
            response_code: Some(answer.response_code.clone()),
            rrn: answer.retrieval_reference.clone(),
        })
}

/// A text, unless it is empty.
fn stated(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn local_time(moment: &Zoned) -> String {
    let local = moment.timestamp().display_with_offset(moment.offset());
    format!("{local:.0}")
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if passes a reference"
)]
pub(crate) fn is_zero(amount: &u64) -> bool {
    *amount == 0
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;
    use terminal_host::transaction::{
        AcquirerAnswer, Balance, CancelReason, CardDetails, CryptogramType, DeclineReason,
        EntryMode, EntryPreference, Failure, OnlineDecision, Referred, Request, ReversalState,
        Scheme, TransactionId, Verification,
    };

    use super::*;
    use crate::{error::ErrorCode, status::failure};

    const ID: &str = "txn_01JQXYZA7B8C9D0E1F2G3H4J5K";

    pub(crate) fn record(ending: Ending, reversal: ReversalState) -> Record {
        let approved = ending == Ending::Approved;
        Record {
            id: TransactionId::parse(ID).expect("an id"),
            request: Request {
                kind: Kind::Sale,
                amount_minor: 2500,
                tip_minor: 250,
                cashback_minor: 1000,
                currency: "NZD".into(),
                entry: EntryPreference::Auto,
                accepts_partial_approval: false,
                online_decision: OnlineDecision::Acquirer,
                reference: Some("POS-1".into()),
                original: None,
                metadata: BTreeMap::from([("till".into(), "3".into())]),
            },
            began: "2026-03-28T22:14:22.5+13:00[+13:00]"
                .parse()
                .expect("a moment"),
            outcome: Some(Outcome {
                ending,
                reversal,
                approved_minor: if approved { 3750 } else { 0 },
                trace_number: Some(1),
                answer: Some(AcquirerAnswer {
                    response_code: "00".into(),
                    authorisation_code: Some("A12345".into()),
                    retrieval_reference: Some("262803141422".into()),
                }),
                card: Some(CardDetails {
                    entry_mode: EntryMode::Contact,
                    scheme: Scheme::Visa,
                    masked_pan: "************1234".into(),
                    aid: "A0000000031010".into(),
                    application_label: "Visa Credit".into(),
                    tvr: "0000000000".into(),
                    tsi: "E800".into(),
                    cryptogram: Some(CryptogramType::Tc),
                    verification: Some(Verification::NoCvm),
                }),
                balance: None,
            }),
            batch: 1,
            refers_to: None,
            referred: Referred::default(),
            asked: false,
        }
    }

    pub(crate) fn merchant() -> Merchant {
        Merchant {
            name: "Tenon Coffee".into(),
            merchant_id: "MID123456789".into(),
            terminal_id: "TENON001".into(),
            serial_number: "SN000001".into(),
            currencies: vec!["NZD".into()],
        }
    }

    /// A plain answer has this status.
    #[test]
    fn a_plain_answer_is_never_given_while_money_may_have_moved() {
        use ReversalState::{Confirmed, None as Nothing};
        let declined = Ending::Declined(DeclineReason::Card);
        let cancelled = Ending::Cancelled(CancelReason::Cardholder);
        let lost = Ending::Failed(Failure::AnswerLost);
        let cases = [
            (Ending::Approved, Nothing, Status::Approved),
            (Ending::Approved, Confirmed, Status::Reversed),
            (declined, Nothing, Status::Declined),
            (declined, Confirmed, Status::Declined),
            (cancelled, Nothing, Status::Cancelled),
            (cancelled, Confirmed, Status::Cancelled),
            (lost, Confirmed, Status::Reversed),
            (Ending::Completed, Nothing, Status::Approved),
            (Ending::Completed, Confirmed, Status::Reversed),
        ];
        for (ending, reversal, expected) in cases {
            let plain = record(ending, reversal);
            assert_eq!(
                plain.outcome.as_ref().map(status),
                Some(expected),
                "{ending:?}"
            );
            assert_eq!(failure(&plain), None, "{ending:?}");
            let pending = record(ending, ReversalState::Pending);
            assert_eq!(
                pending.outcome.as_ref().map(status),
                Some(Status::Error),
                "{ending:?}"
            );
            let error = failure(&pending).expect("an error");
            assert_eq!(error.code, ErrorCode::Timeout, "{ending:?}");
        }
    }

    #[test]
    fn a_card_that_cannot_be_taken_contactless_is_refused_by_its_field() {
        let mut failed = record(Ending::Failed(Failure::NotSupported), ReversalState::None);
        let field = |record: &Record| failure(record).expect("an error").details.field;
        assert_eq!(field(&failed), None);
        failed.request.entry = EntryPreference::Contactless;
        assert_eq!(field(&failed).as_deref(), Some("entryMode"));
    }

    #[test]
    fn every_failure_has_its_code_and_names_the_transaction() {
        let cases = [
            (Failure::CardUnreadable, ErrorCode::CardReadError),
            (Failure::CardNotAccepted, ErrorCode::UnsupportedCard),
            (Failure::OtherCard, ErrorCode::UnsupportedCard),
            (Failure::AcquirerUnreachable, ErrorCode::CommunicationError),
            (Failure::AnswerLost, ErrorCode::Timeout),
            (Failure::DeviceFault, ErrorCode::TerminalUnavailable),
            (Failure::EngineFault, ErrorCode::InternalError),
            (Failure::NotSupported, ErrorCode::InvalidRequest),
        ];
        for (cause, code) in cases {
            let failed = record(Ending::Failed(cause), ReversalState::None);
            assert_eq!(
                failed.outcome.as_ref().map(status),
                Some(Status::Error),
                "{cause:?}"
            );
            let error = failure(&failed).expect("an error");
            assert_eq!(error.code, code, "{cause:?}");
            assert_eq!(error.details.transaction_id.as_deref(), Some(ID));
            let pending = record(Ending::Failed(cause), ReversalState::Pending);
            assert_eq!(
                failure(&pending).map(|error| error.code),
                Some(ErrorCode::Timeout)
            );
        }
    }

    #[test]
    fn a_record_without_an_end_is_no_answer() {
        let mut running = record(Ending::Approved, ReversalState::None);
        running.outcome = None;
        assert_eq!(
            failure(&running).map(|error| error.code),
            Some(ErrorCode::InternalError)
        );
    }

    #[test]
    fn an_approval_is_answered_whole() {
        let response =
            TransactionResponse::of(&record(Ending::Approved, ReversalState::None), &merchant());
        assert_eq!(
            serde_json::to_value(response).expect("JSON"),
            json!({
                "transactionId": ID,
                "status": "APPROVED",
                "type": "SALE",
                "amount": 2500,
                "currency": "NZD",
                "tipAmount": 250,
                "cashbackAmount": 1000,
                "authorizationCode": "A12345",
                "responseCode": "00",
                "rrn": "262803141422",
                "cardScheme": "VISA",
                "maskedPan": "************1234",
                "entryMode": "CONTACT",
                "aid": "A0000000031010",
                "applicationLabel": "Visa Credit",
                "cryptogramType": "TC",
                "tvr": "0000000000",
                "cvmResult": "NO_CVM",
                "referenceId": "POS-1",
                "timestamp": "2026-03-28T09:14:22Z",
                "metadata": {"till": "3"},
                "receiptData": {
                    "merchantName": "Tenon Coffee",
                    "merchantId": "MID123456789",
                    "terminalId": "TENON001",
                    "transactionId": ID,
                    "dateTime": "2026-03-28T22:14:22+13:00",
                    "cardScheme": "VISA",
                    "maskedPan": "************1234",
                    "applicationLabel": "Visa Credit",
                    "aid": "A0000000031010",
                    "authorizationCode": "A12345",
                    "amount": 2500,
                    "tipAmount": 250,
                    "cashbackAmount": 1000,
                    "totalAmount": 2750,
                    "entryMode": "CONTACT",
                    "cvmPerformed": "NO_CVM",
                    "approvalStatus": "APPROVED",
                },
            })
        );
    }

    #[test]
    fn a_partial_approval_shows_what_was_approved() {
        let mut partial = record(Ending::Approved, ReversalState::None);
        if let Some(outcome) = partial.outcome.as_mut() {
            outcome.approved_minor = 2000;
        }
        let response = TransactionResponse::of(&partial, &merchant());
        assert_eq!(
            (response.amount, response.requested_amount),
            (750, Some(2500))
        );
        let whole = record(Ending::Approved, ReversalState::None);
        let response = TransactionResponse::of(&whole, &merchant());
        assert_eq!(response.requested_amount, None);
    }

    #[test]
    fn a_balance_is_the_amount_and_may_be_below_zero() {
        let mut told = record(Ending::Completed, ReversalState::None);
        for minor in [8750, -100] {
            if let Some(outcome) = told.outcome.as_mut() {
                outcome.balance = Some(Balance {
                    currency: 554,
                    minor,
                });
            }
            let response = TransactionResponse::of(&told, &merchant());
            assert_eq!(
                (response.status, response.amount),
                (Status::Approved, minor)
            );
            assert_eq!(response.receipt_data, None);
        }
    }

    #[test]
    fn what_was_voided_is_reversed_from_then_on() {
        let mut voided = record(Ending::Approved, ReversalState::None);
        voided.referred.voided = true;
        let response = TransactionResponse::of(&voided, &merchant());
        assert_eq!(response.status, Status::Reversed);
        // The answer to the sale itself is not changed by it: a client that repeats it is told.
        assert_eq!(failure(&voided), None);
    }

    #[test]
    fn what_the_card_refused_after_the_issuer_approved_has_no_authorisation_code() {
        let declined = Ending::Declined(DeclineReason::Card);
        let record = record(declined, ReversalState::Confirmed);
        let response = TransactionResponse::of(&record, &merchant());
        assert_eq!(response.answer.authorization_code, None);
        assert_eq!(response.answer.response_code.as_deref(), Some("00"));
    }

    #[test]
    fn a_running_transaction_is_pending_without_a_receipt() {
        let mut running = record(Ending::Approved, ReversalState::None);
        running.outcome = None;
        let response =
            serde_json::to_value(TransactionResponse::of(&running, &merchant())).expect("JSON");
        assert_eq!(response["status"], "PENDING_COMPLETION");
        assert_eq!(response["amount"], 2500);
        assert!(response.get("receiptData").is_none(), "{response}");
        assert!(response.get("maskedPan").is_none(), "{response}");
    }

    #[test]
    fn a_reversed_or_failed_transaction_has_no_receipt() {
        for reversal in [ReversalState::Pending, ReversalState::Confirmed] {
            let record = record(Ending::Failed(Failure::AnswerLost), reversal);
            assert_eq!(
                TransactionResponse::of(&record, &merchant()).receipt_data,
                None
            );
        }
    }
}
