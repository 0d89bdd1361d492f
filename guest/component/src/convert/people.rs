//! What is shown, printed and reported.

use engine::ports::{DisplayMessage, Line, Progress};

use super::transactions;
use crate::bindings::terminal::{display::display, point_of_sale::point_of_sale, printer::printer};

pub(crate) fn message(message: DisplayMessage) -> display::Message {
    match message {
        DisplayMessage::Approved => display::Message::Approved,
        DisplayMessage::CardError => display::Message::CardError,
        DisplayMessage::Declined => display::Message::Declined,
        DisplayMessage::NotAccepted => display::Message::NotAccepted,
        DisplayMessage::PleaseWait => display::Message::PleaseWait,
        DisplayMessage::ProcessingError => display::Message::ProcessingError,
        DisplayMessage::RemoveCard => display::Message::RemoveCard,
        DisplayMessage::UseChipReader => display::Message::UseChipReader,
        DisplayMessage::UseMagstripe => display::Message::UseMagstripe,
        DisplayMessage::TryAgain => display::Message::TryAgain,
        DisplayMessage::CardRemoved => display::Message::CardRemoved,
        DisplayMessage::Cancelled => display::Message::Cancelled,
        DisplayMessage::NoConnection => display::Message::NoConnection,
    }
}

pub(crate) fn line(line: &Line) -> printer::Line {
    match line {
        Line::Text(text) => printer::Line::Text(text.clone()),
        Line::Columns(left, right) => printer::Line::Columns((left.clone(), right.clone())),
        Line::Blank => printer::Line::Blank,
    }
}

pub(crate) fn progress(progress: Progress) -> point_of_sale::Progress {
    match progress {
        Progress::WaitingForCard => point_of_sale::Progress::WaitingForCard,
        Progress::CardDetected(card) => {
            point_of_sale::Progress::CardDetected(point_of_sale::DetectedCard {
                entry_mode: transactions::entry_mode(card.entry_mode),
                scheme: transactions::scheme(card.scheme),
                masked_pan: card.masked_pan,
            })
        }
        Progress::EnteringPin => point_of_sale::Progress::EnteringPin,
        Progress::Authorising => point_of_sale::Progress::Authorising,
        Progress::Reversing => point_of_sale::Progress::Reversing,
    }
}
