//! Card reader, display, printer.

use engine::{
    money::Amount,
    ports::{
        CardReader, CardReaderError, Display, DisplayError, DisplayMessage, Line, PresentedCard,
        Printer, PrinterError, Technologies,
    },
};

use super::Imports;
use crate::{
    bindings::terminal::{card_reader::card_reader, display::display, printer::printer},
    convert,
};

impl CardReader for Imports {
    type Card = card_reader::Card;

    fn wait_for_card(
        &mut self,
        accepted: Technologies,
        timeout_ms: u32,
    ) -> Result<PresentedCard<Self::Card>, CardReaderError> {
        card_reader::wait_for_card(convert::transactions::technologies(accepted), timeout_ms)
            .map(|presented| match presented {
                card_reader::PresentedCard::Contact(card) => PresentedCard::Contact(card),
                card_reader::PresentedCard::Contactless(card) => PresentedCard::Contactless(card),
                card_reader::PresentedCard::Magstripe(tracks) => {
                    PresentedCard::Magstripe(tracks.track_2.map(Into::into))
                }
            })
            .map_err(convert::errors::card_reader)
    }

    fn transmit(&mut self, card: &Self::Card, command: &[u8]) -> Result<Vec<u8>, CardReaderError> {
        card.transmit(command).map_err(convert::errors::card_reader)
    }
}

impl Display for Imports {
    fn show(&mut self, message: DisplayMessage) {
        display::show(convert::people::message(message));
    }

    fn present_card(&mut self, amount: Amount, currency: u16) {
        display::present_card(amount.minor(), currency);
    }

    fn choose_application(
        &mut self,
        labels: &[Vec<u8>],
        timeout_ms: u32,
    ) -> Result<u32, DisplayError> {
        display::choose_application(labels, timeout_ms).map_err(convert::errors::display)
    }
}

impl Printer for Imports {
    fn print(&mut self, lines: &[Line]) -> Result<(), PrinterError> {
        let lines: Vec<_> = lines.iter().map(convert::people::line).collect();
        printer::print(&lines).map_err(convert::errors::printer)
    }
}
