//! Why a call of the host gave nothing.

use engine::ports::{
    CardReaderError, CryptoError, DisplayError, JournalError, LinkError, PinEntryError,
    PrinterError,
};

use crate::bindings::terminal::{
    acquirer_link::acquirer_link, card_reader::card_reader, crypto::crypto, display::display,
    journal::journal, pin_entry::pin_entry, printer::printer,
};

pub(crate) fn card_reader(error: card_reader::ErrorCode) -> CardReaderError {
    match error {
        card_reader::ErrorCode::TimedOut => CardReaderError::TimedOut,
        card_reader::ErrorCode::Cancelled => CardReaderError::Cancelled,
        card_reader::ErrorCode::Aborted => CardReaderError::Aborted,
        card_reader::ErrorCode::CardRemoved => CardReaderError::CardRemoved,
        card_reader::ErrorCode::CardUnresponsive => CardReaderError::CardUnresponsive,
        card_reader::ErrorCode::CardCollision => CardReaderError::CardCollision,
        card_reader::ErrorCode::ReaderFault => CardReaderError::ReaderFault,
    }
}

pub(crate) fn pin_entry(error: pin_entry::ErrorCode) -> PinEntryError {
    match error {
        pin_entry::ErrorCode::TimedOut => PinEntryError::TimedOut,
        pin_entry::ErrorCode::Cancelled => PinEntryError::Cancelled,
        pin_entry::ErrorCode::Aborted => PinEntryError::Aborted,
        pin_entry::ErrorCode::Bypassed => PinEntryError::Bypassed,
        pin_entry::ErrorCode::CardRemoved => PinEntryError::CardRemoved,
        pin_entry::ErrorCode::ChallengeRefused => PinEntryError::ChallengeRefused,
        pin_entry::ErrorCode::KeypadFault => PinEntryError::KeypadFault,
    }
}

pub(crate) fn crypto(error: crypto::ErrorCode) -> CryptoError {
    match error {
        crypto::ErrorCode::KeyMissing => CryptoError::KeyMissing,
        crypto::ErrorCode::KeyExhausted => CryptoError::KeyExhausted,
        crypto::ErrorCode::InvalidInput => CryptoError::InvalidInput,
        crypto::ErrorCode::VaultFault => CryptoError::VaultFault,
    }
}

pub(crate) fn display(error: display::ErrorCode) -> DisplayError {
    match error {
        display::ErrorCode::TimedOut => DisplayError::TimedOut,
        display::ErrorCode::Cancelled => DisplayError::Cancelled,
        display::ErrorCode::Aborted => DisplayError::Aborted,
    }
}

pub(crate) fn printer(error: printer::ErrorCode) -> PrinterError {
    match error {
        printer::ErrorCode::OutOfPaper => PrinterError::OutOfPaper,
        printer::ErrorCode::PrinterFault => PrinterError::PrinterFault,
    }
}

pub(crate) fn acquirer_link(error: acquirer_link::ErrorCode) -> LinkError {
    match error {
        acquirer_link::ErrorCode::Unreachable => LinkError::Unreachable,
        acquirer_link::ErrorCode::PeerRefused => LinkError::PeerRefused,
        acquirer_link::ErrorCode::AnswerLost => LinkError::AnswerLost,
        acquirer_link::ErrorCode::AnswerTooLong => LinkError::AnswerTooLong,
    }
}

/// Both cases mean the same to the engine: nothing was written.
pub(crate) fn journal(error: journal::ErrorCode) -> JournalError {
    match error {
        journal::ErrorCode::Full | journal::ErrorCode::StorageFault => JournalError,
    }
}
