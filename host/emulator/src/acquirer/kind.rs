//! The kinds of message that the acquirer answers, and their fields.

use super::fields::number as field;

/// What kind of message it is, repeats included (ISO 8583:1987, 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Advice,
    Reversal,
    /// One transaction of a batch.
    Upload,
    /// Totals, to be compared.
    Reconciliation,
    /// Totals, after every transaction was told.
    Closing,
    Network,
}

impl Kind {
    pub(super) fn of(message_type: u16) -> Option<Self> {
        match message_type {
            100 | 101 | 200 | 201 => Some(Self::Request),
            220 | 221 => Some(Self::Advice),
            400 | 401 | 420 | 421 => Some(Self::Reversal),
            320 | 321 => Some(Self::Upload),
            500 | 501 => Some(Self::Reconciliation),
            520 | 521 => Some(Self::Closing),
            800 => Some(Self::Network),
            _ => None,
        }
    }

    /// The fields without which a message is refused with 30.
    pub(super) fn mandatory(self) -> &'static [u8] {
        match self {
            Self::Request | Self::Advice => &[
                field::PAN,
                field::PROCESSING_CODE,
                field::AMOUNT,
                field::LOCAL_TIME,
                field::LOCAL_DATE,
                field::ENTRY_MODE,
                field::MERCHANT_ID,
                field::CURRENCY,
            ],
            Self::Reversal => &[field::ORIGINAL_DATA],
            Self::Upload => &[
                field::PAN,
                field::AMOUNT,
                field::CURRENCY,
                field::ORIGINAL_DATA,
            ],
            Self::Reconciliation | Self::Closing => &[
                field::CREDITS,
                field::DEBITS,
                field::CREDITS_AMOUNT,
                field::DEBITS_AMOUNT,
            ],
            Self::Network => &[field::NETWORK_CODE],
        }
    }

    /// The fields that an answer repeats.
    pub(super) fn echoed(self) -> &'static [u8] {
        match self {
            Self::Request | Self::Advice => &[
                field::PROCESSING_CODE,
                field::AMOUNT,
                field::TRANSMISSION_TIME,
                field::TRACE_NUMBER,
                field::LOCAL_TIME,
                field::LOCAL_DATE,
                field::RETRIEVAL_REFERENCE,
                field::TERMINAL_ID,
                field::CURRENCY,
                field::MAC_KEY_SERIAL_NUMBER,
            ],
            Self::Reversal | Self::Upload => &[
                field::AMOUNT,
                field::TRANSMISSION_TIME,
                field::TRACE_NUMBER,
                field::RETRIEVAL_REFERENCE,
                field::TERMINAL_ID,
                field::MAC_KEY_SERIAL_NUMBER,
                // Puts the code in field 128, as in the request.
                field::ORIGINAL_DATA,
            ],
            Self::Reconciliation | Self::Closing | Self::Network => &[
                field::TRANSMISSION_TIME,
                field::TRACE_NUMBER,
                field::TERMINAL_ID,
                field::MAC_KEY_SERIAL_NUMBER,
                field::NETWORK_CODE,
            ],
        }
    }
}
