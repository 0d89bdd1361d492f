//! The terminal as a device.

use axum::extract::State;
use serde::Serialize;
use terminal_host::service::Health;

use crate::{
    answer::Json,
    openapi::{
        exchange::Exchange,
        schema::{Described, Schema},
    },
    response,
    router::Api,
    terminal::Merchant,
};

/// What [`health`] answers.
pub(crate) fn health_exchange() -> Exchange {
    Exchange::answers::<HealthResponse>()
}

/// `GET /v1/device/health`: how the terminal is, read for this request.
pub(crate) async fn health(State(api): State<Api>) -> Json<HealthResponse> {
    let health = api.terminal.health().await;
    Json(HealthResponse::of(health, &api.merchant))
}

/// The health document. The last four members are additions to the reference's schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HealthResponse {
    /// Whether the terminal serves: it can record a transaction, and is not stopping.
    connected: bool,
    terminal_id: String,
    serial_number: String,
    firmware_version: String,
    /// A terminal on mains has none.
    battery_level: Option<u8>,
    last_transaction_time: Option<String>,
    /// Seconds.
    uptime: u64,
    engine: String,
    /// SHA-256, hexadecimal.
    engine_digest: String,
    /// Reversals and advices that wait for the acquirer.
    awaiting_acquirer: u32,
    /// Journal entries found damaged: what they were about must be settled by hand.
    damaged_entries: u32,
}

impl Described for HealthResponse {
    const NAME: &'static str = "Health";

    fn schema() -> Schema {
        Schema::object("How the terminal is, read for this request.")
            .required(
                "connected",
                Schema::boolean(
                    "Whether the terminal can record a transaction, and is not stopping. One that \
                     runs, or an acquirer that is away, changes nothing here.",
                ),
            )
            .required(
                "terminalId",
                Schema::text("The acquirer's name of the terminal (TID)."),
            )
            .required("serialNumber", Schema::text("The device's serial number."))
            .required("firmwareVersion", Schema::text("The version of the host."))
            .required(
                "batteryLevel",
                Schema::count("Per cent; `null` on mains.")
                    .with("maximum", 100)
                    .or_null(),
            )
            .required(
                "lastTransactionTime",
                Schema::moment("When the last transaction ended, UTC.").or_null(),
            )
            .required("uptime", Schema::count("Seconds since the start."))
            .required(
                "engine",
                Schema::text("The transaction engine and its version."),
            )
            .required(
                "engineDigest",
                Schema::text("SHA-256 of the engine, hexadecimal.")
                    .with("minLength", 64)
                    .with("maxLength", 64),
            )
            .required(
                "awaitingAcquirer",
                Schema::count("Reversals and advices that wait for the acquirer."),
            )
            .required(
                "damagedEntries",
                Schema::count("Damaged journal entries, to be settled by hand."),
            )
    }
}

impl HealthResponse {
    pub(crate) fn of(health: Health, merchant: &Merchant) -> Self {
        Self {
            connected: health.ready,
            terminal_id: health.terminal_id,
            serial_number: merchant.serial_number.clone(),
            firmware_version: health.host_version,
            battery_level: None,
            last_transaction_time: health.last_transaction.as_ref().map(response::timestamp),
            uptime: health.uptime.as_secs(),
            engine: health.engine,
            engine_digest: health.engine_digest,
            awaiting_acquirer: health.waiting,
            damaged_entries: health.damaged,
        }
    }
}
