//! What a request asks for.

use serde::Serialize;

use super::{codec::Message, fields::number as field};

/// By message type and processing code (ISO 8583:1987, field 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Service {
    /// Takes money.
    Sale,
    /// Keeps money for a completion.
    PreAuth,
    /// Takes what was kept.
    PreAuthComplete,
    /// Gives money back.
    Refund,
    /// Undoes an earlier transaction.
    Void,
    /// Says what an account holds.
    BalanceInquiry,
}

impl Service {
    pub(super) fn of(message: &Message) -> Self {
        let code = message.text(field::PROCESSING_CODE).unwrap_or_default();
        let authorisation = (100..200).contains(&message.message_type);
        let names_original = message.field(field::ORIGINAL_DATA).is_some();
        match code.get(..2).unwrap_or_default() {
            "31" => Self::BalanceInquiry,
            "20" => Self::Refund,
            "02" => Self::Void,
            _ if authorisation => Self::PreAuth,
            _ if names_original => Self::PreAuthComplete,
            _ => Self::Sale,
        }
    }

    /// Whether it is about an earlier transaction, without its card.
    pub(super) fn refers(self) -> bool {
        matches!(self, Self::Void | Self::PreAuthComplete)
    }
}
