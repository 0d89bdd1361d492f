//! What is shown, printed and reported.

use engine::ports::{DisplayMessage, Line, NoDecision, OnlineAnswer, OnlineRequest, Progress};

use super::{crypto, transactions};
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

pub(crate) fn online_request(request: &OnlineRequest) -> point_of_sale::OnlineRequest {
    point_of_sale::OnlineRequest {
        chip_data: request.chip_data.clone(),
        pin: request.pin.as_ref().map(|pin| point_of_sale::PinBlock {
            block: crypto::handed_on(&pin.block),
            format: crypto::pin_block_format(pin.format),
        }),
        track_2: request.track_2.as_ref().map(crypto::handed_on),
    }
}

pub(crate) fn online_answer(answer: point_of_sale::OnlineAnswer) -> OnlineAnswer {
    OnlineAnswer {
        response_code: answer.response_code,
        authorisation_code: answer.authorisation_code,
        issuer_authentication_data: answer.issuer_authentication_data,
        issuer_scripts: answer.issuer_scripts,
    }
}

pub(crate) fn no_decision(error: point_of_sale::ErrorCode) -> NoDecision {
    match error {
        point_of_sale::ErrorCode::TimedOut => NoDecision::TimedOut,
        point_of_sale::ErrorCode::Aborted => NoDecision::Aborted,
        point_of_sale::ErrorCode::Unavailable => NoDecision::Unavailable,
    }
}
