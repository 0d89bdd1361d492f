//! The receipt as data: the point of sale lays it out.

use serde::Serialize;
use terminal_host::transaction::{EntryMode, Scheme, Verification};

use crate::{
    openapi::schema::{Described, Schema},
    response::is_zero,
    status::Status,
};

/// What a receipt must show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptData {
    /// The merchant's trading name.
    pub merchant_name: String,
    /// ISO 8583 field 42.
    pub merchant_id: String,
    /// ISO 8583 field 41.
    pub terminal_id: String,
    /// `txn_` and a ULID.
    pub transaction_id: String,
    /// When it began, local time with its offset, `2026-03-28T22:14:22+13:00`.
    pub date_time: String,
    /// The scheme of the application used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_scheme: Option<Scheme>,
    /// The last four digits and a star for each other one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masked_pan: Option<String>,
    /// Printable characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_label: Option<String>,
    /// Hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aid: Option<String>,
    /// ISO 8583 field 38.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_code: Option<String>,
    /// Without tip and cashback, in minor units.
    pub amount: i64,
    /// In minor units.
    pub tip_amount: u64,
    /// In minor units, when there is one.
    #[serde(skip_serializing_if = "is_zero")]
    pub cashback_amount: u64,
    /// Amount and tip, in minor units.
    pub total_amount: i64,
    /// How the card was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_mode: Option<EntryMode>,
    /// How the cardholder was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cvm_performed: Option<Verification>,
    /// `APPROVED` or `DECLINED`.
    pub approval_status: Status,
}

impl Described for ReceiptData {
    const NAME: &'static str = "ReceiptData";

    fn schema() -> Schema {
        Schema::object("What a receipt must show. Amounts in minor units.")
            .required("merchantName", Schema::text("The trading name."))
            .required(
                "merchantId",
                Schema::text("The acquirer's name of the merchant (MID)."),
            )
            .required(
                "terminalId",
                Schema::text("The acquirer's name of the terminal (TID)."),
            )
            .required(
                "transactionId",
                Schema::identifier("txn", "`txn_` and a ULID."),
            )
            .required("dateTime", Schema::moment("When it began, local time."))
            .optional(
                "cardScheme",
                Schema::names::<Scheme>("Of the application used."),
            )
            .optional("maskedPan", Schema::masked_pan())
            .optional("applicationLabel", Schema::text("As the card says it."))
            .optional("aid", Schema::text("Application identifier, hexadecimal."))
            .optional("authorizationCode", Schema::text("ISO 8583 field 38."))
            .required("amount", Schema::integer("Without tip and cashback."))
            .required("tipAmount", Schema::count("The tip."))
            .optional(
                "cashbackAmount",
                Schema::count("When there is one. The card pays it with the total."),
            )
            .required("totalAmount", Schema::integer("Amount and tip."))
            .optional(
                "entryMode",
                Schema::names::<EntryMode>("How the card was read."),
            )
            .optional(
                "cvmPerformed",
                Schema::names::<Verification>("How the cardholder was verified."),
            )
            .required(
                "approvalStatus",
                Schema::text("What was decided.").with("enum", vec!["APPROVED", "DECLINED"]),
            )
    }
}
