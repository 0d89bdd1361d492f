//! Totals and settlements as the API answers them. Amounts in minor units.

use serde::{Deserialize, Serialize};
use terminal_host::batch::{self, CurrencyTotals, Settlement, SettlementState};

use crate::{
    listing::Paged,
    openapi::schema::{Described, Schema},
    response,
    terminal::Merchant,
};

/// The totals of one currency.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TotalsResponse {
    #[serde(flatten)]
    totals: Totals,
    pre_auth_count: u32,
    pre_auth_amount: u64,
    currency: String,
}

impl Described for TotalsResponse {
    const NAME: &'static str = "Totals";

    fn schema() -> Schema {
        Totals::describe(Schema::object(
            "What a batch adds up to in one currency. Amounts in minor units.",
        ))
        .required(
            "preAuthCount",
            Schema::count("How many amounts were reserved."),
        )
        .required("preAuthAmount", Schema::count("What was reserved."))
        .required("currency", Schema::currency())
    }
}

/// What settlements and totals have in common.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Totals {
    sale_count: u32,
    sale_amount: u64,
    refund_count: u32,
    refund_amount: u64,
    void_count: u32,
    void_amount: u64,
}

impl Totals {
    fn describe(object: Schema) -> Schema {
        object
            .required("saleCount", Schema::count("Sales and completions."))
            .required(
                "saleAmount",
                Schema::count("What they came to, with tips and cashback."),
            )
            .required("refundCount", Schema::count("Refunds."))
            .required("refundAmount", Schema::count("What was given back."))
            .required("voidCount", Schema::count("Voids."))
            .required("voidAmount", Schema::count("What was undone."))
    }
}

impl From<&batch::Totals> for Totals {
    fn from(totals: &batch::Totals) -> Self {
        Self {
            sale_count: totals.sale.count,
            sale_amount: totals.sale.minor,
            refund_count: totals.refund.count,
            refund_amount: totals.refund.minor,
            void_count: totals.void.count,
            void_amount: totals.void.minor,
        }
    }
}

/// How a reconciliation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum ReconciliationStatus {
    /// Everything is closed.
    Success,
    /// Nothing is closed.
    Failed,
    /// Some currencies or batches are closed, and others are not.
    Partial,
}

impl ReconciliationStatus {
    pub(super) fn of(settlements: &[Settlement]) -> Self {
        let settled = |one: &&Settlement| one.state == SettlementState::Settled;
        match settlements.iter().filter(settled).count() {
            closed if closed == settlements.len() => Self::Success,
            0 => Self::Failed,
            _ => Self::Partial,
        }
    }
}

/// The answer to a reconciliation. `settlements` is an addition to the reference's schema.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReconciliationResponse {
    pub(super) status: ReconciliationStatus,
    pub(super) totals: TotalsResponse,
    pub(super) timestamp: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) settlements: Vec<SettlementResponse>,
}

impl Described for ReconciliationResponse {
    const NAME: &'static str = "Reconciliation";

    fn schema() -> Schema {
        Schema::object("How a reconciliation ended.")
            .required(
                "status",
                Schema::names::<ReconciliationStatus>(
                    "`SUCCESS`: everything is closed. `FAILED`: nothing is. `PARTIAL`: some \
                     currencies or batches are closed, and others are not.",
                ),
            )
            .required(
                "totals",
                Schema::to::<TotalsResponse>(
                    "Of the terminal's usual currency, or of the one currency there is.",
                ),
            )
            .required("timestamp", Schema::moment("When it was answered, UTC."))
            .optional(
                "settlements",
                Schema::list(
                    Schema::to::<SettlementResponse>("One for each currency."),
                    "What was closed. Left out in a dry run.",
                ),
            )
    }
}

/// A settlement's state, in the API's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum SettlementStatus {
    Pending,
    Settled,
    Failed,
}

/// A settlement.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SettlementResponse {
    id: String,
    /// When the acquirer closed it; when it was frozen, as long as it has not.
    closed_at: String,
    status: SettlementStatus,
    currency: String,
    net_amount: i64,
    merchant_id: String,
    terminal_id: String,
    #[serde(flatten)]
    totals: Totals,
    /// The batch's number, six digits, as the acquirer knows it.
    acquirer_batch_ref: String,
}

impl Described for SettlementResponse {
    const NAME: &'static str = "Settlement";

    fn schema() -> Schema {
        let described = Schema::object("One closed batch in one currency.")
            .required("id", Schema::identifier("stl", "`stl_` and a ULID."))
            .required(
                "closedAt",
                Schema::moment(
                    "When the acquirer closed it; when it was frozen, as long as it has not. UTC.",
                ),
            )
            .required(
                "status",
                Schema::names::<SettlementStatus>(
                    "`PENDING`: the acquirer has not answered yet. `FAILED`: it disputes the totals.",
                ),
            )
            .required("currency", Schema::currency())
            .required("netAmount", Schema::integer("Sales less refunds and voids."))
            .required("merchantId", Schema::text("The acquirer's name of the merchant (MID)."))
            .required("terminalId", Schema::text("The acquirer's name of the terminal (TID)."))
            .required(
                "acquirerBatchRef",
                Schema::text("The batch's number, as the acquirer knows it.").example("000007"),
            );
        Totals::describe(described)
    }
}

impl Paged for SettlementResponse {
    const PAGE: &'static str = "SettlementPage";
}

impl SettlementResponse {
    pub(crate) fn of(settlement: &Settlement, merchant: &Merchant) -> Self {
        Self {
            id: settlement.id.as_str().to_owned(),
            closed_at: response::timestamp(
                settlement.closed.as_ref().unwrap_or(&settlement.frozen),
            ),
            status: match settlement.state {
                SettlementState::Pending => SettlementStatus::Pending,
                SettlementState::Settled => SettlementStatus::Settled,
                SettlementState::Disputed => SettlementStatus::Failed,
            },
            currency: settlement.totals.currency.clone(),
            net_amount: settlement.totals.totals.net_minor(),
            merchant_id: merchant.merchant_id.clone(),
            terminal_id: merchant.terminal_id.clone(),
            totals: (&settlement.totals.totals).into(),
            acquirer_batch_ref: format!("{:06}", settlement.batch),
        }
    }
}

/// The totals of this currency; zero where there are none.
pub(super) fn totals_in(all: &[CurrencyTotals], currency: &str) -> TotalsResponse {
    let found = all.iter().find(|of| of.currency == currency);
    let totals = found.map(|of| of.totals).unwrap_or_default();
    TotalsResponse {
        totals: (&totals).into(),
        pre_auth_count: totals.pre_auth.count,
        pre_auth_amount: totals.pre_auth.minor,
        currency: currency.to_owned(),
    }
}
