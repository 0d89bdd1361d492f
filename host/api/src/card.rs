//! What a transaction's answer says of its card.

use serde::Serialize;
use terminal_host::{
    point_of_sale::OnlineRequest,
    transaction::{CardDetails, CryptogramType, EntryMode, Outcome, Scheme, Verification},
};

use crate::openapi::schema::Schema;

/// The members that come from the card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Card {
    /// The scheme of the application used.
    pub card_scheme: Scheme,
    /// The last four digits and a star for each other one.
    pub masked_pan: String,
    /// How the card was read.
    pub entry_mode: EntryMode,
    /// Hexadecimal; left out for a stripe.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub aid: String,
    /// Printable characters; left out for a stripe.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub application_label: String,
    /// The last cryptogram.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cryptogram_type: Option<CryptogramType>,
    /// Ten hexadecimal digits; left out for a stripe.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tvr: String,
    /// How the cardholder was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cvm_result: Option<Verification>,
}

impl Card {
    pub(crate) fn describe(object: Schema) -> Schema {
        object
            .optional(
                "cardScheme",
                Schema::names::<Scheme>("Of the application used."),
            )
            .optional("maskedPan", Schema::masked_pan())
            .optional(
                "entryMode",
                Schema::names::<EntryMode>("How the card was read."),
            )
            .optional(
                "aid",
                Schema::text("Application identifier, hexadecimal.").example("A0000000031010"),
            )
            .optional(
                "applicationLabel",
                Schema::text("As the card says it.").example("Visa Credit"),
            )
            .optional(
                "cryptogramType",
                Schema::names::<CryptogramType>("The last one."),
            )
            .optional(
                "tvr",
                Schema::text("Tag 95, hexadecimal.")
                    .with("minLength", 10)
                    .with("maxLength", 10)
                    .example("0000000000"),
            )
            .optional(
                "cvmResult",
                Schema::names::<Verification>("How the cardholder was verified."),
            )
    }
}

/// What the card of an outcome gave.
pub(crate) fn card(outcome: Option<&Outcome>) -> Option<Card> {
    let card = outcome?.card.as_ref()?;
    Some(Card {
        card_scheme: card.scheme,
        masked_pan: card.masked_pan.clone(),
        entry_mode: card.entry_mode,
        aid: card.aid.clone(),
        application_label: card.application_label.clone(),
        cryptogram_type: card.cryptogram,
        tvr: tvr(card),
        cvm_result: card.verification,
    })
}

/// The card that the point of sale is asked about.
pub(crate) fn card_asked(request: &OnlineRequest) -> Option<Card> {
    let tag = |name: &str| request.chip_data.get(name).cloned().unwrap_or_default();
    request.card.as_ref().map(|card| Card {
        card_scheme: card.scheme,
        masked_pan: card.masked_pan.clone(),
        entry_mode: card.entry_mode,
        aid: tag("84"),
        application_label: String::new(),
        cryptogram_type: (!request.chip_data.is_empty()).then_some(CryptogramType::Arqc),
        tvr: tag("95"),
        cvm_result: None,
    })
}

/// Tag 95 is about a chip: nothing was verified of a stripe.
fn tvr(card: &CardDetails) -> String {
    match card.entry_mode {
        EntryMode::Contact | EntryMode::Contactless => card.tvr.clone(),
        EntryMode::Magstripe | EntryMode::Manual => String::new(),
    }
}
