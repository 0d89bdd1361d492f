//! Card reader, display, printer.

use serde::{Deserialize, Serialize};
use wasmtime::{Result, component::Resource};

use super::{Answer, Asked, Boundary, cross, kept};
use crate::{
    bindings::{
        card_reader,
        terminal::{display::display, printer::printer},
    },
    card_reader::ActiveCard,
};

/// A presented card as it is kept: a chip is the number of its handle.
#[derive(Serialize, Deserialize)]
enum Presented {
    Contact(u32),
    Contactless(u32),
    Magstripe(Option<Vec<u8>>, Option<Vec<u8>>),
}

impl From<&card_reader::PresentedCard> for Presented {
    fn from(card: &card_reader::PresentedCard) -> Self {
        match card {
            card_reader::PresentedCard::Contact(card) => Self::Contact(card.rep()),
            card_reader::PresentedCard::Contactless(card) => Self::Contactless(card.rep()),
            card_reader::PresentedCard::Magstripe(tracks) => {
                Self::Magstripe(tracks.track_1.clone(), tracks.track_2.clone())
            }
        }
    }
}

impl From<Presented> for card_reader::PresentedCard {
    fn from(card: Presented) -> Self {
        match card {
            Presented::Contact(handle) => Self::Contact(Resource::new_own(handle)),
            Presented::Contactless(handle) => Self::Contactless(Resource::new_own(handle)),
            Presented::Magstripe(track_1, track_2) => {
                Self::Magstripe(card_reader::MagstripeTracks { track_1, track_2 })
            }
        }
    }
}

impl card_reader::Host for Boundary {
    async fn wait_for_card(
        &mut self,
        accepted: card_reader::Technologies,
        timeout_ms: u32,
    ) -> Answer<card_reader::PresentedCard, card_reader::ErrorCode> {
        type Kept = std::result::Result<Presented, card_reader::ErrorCode>;
        match self.ask::<_, Kept>("card-reader.wait-for-card", || (accepted, timeout_ms))? {
            Asked::Answered(answer) => Ok(answer.map(Into::into)),
            Asked::Terminal(terminal, tape) => {
                let answer =
                    card_reader::Host::wait_for_card(terminal, accepted, timeout_ms).await?;
                tape.answered(&answer.as_ref().map(Presented::from));
                Ok(answer)
            }
        }
    }
}

impl card_reader::HostCard for Boundary {
    async fn transmit(
        &mut self,
        card: Resource<ActiveCard>,
        command: Vec<u8>,
    ) -> Answer<Vec<u8>, card_reader::ErrorCode> {
        cross!(
            self,
            "card-reader.transmit",
            (card.rep(), command),
            card_reader::HostCard::transmit,
            card,
            command
        )
    }

    async fn drop(&mut self, card: Resource<ActiveCard>) -> Result<()> {
        cross!(
            self,
            "card-reader.drop-card",
            (card.rep()),
            card_reader::HostCard::drop,
            card
        )
    }
}

impl display::Host for Boundary {
    async fn show(&mut self, message: display::Message) -> Result<()> {
        cross!(
            self,
            "display.show",
            (message),
            display::Host::show,
            message
        )
    }

    async fn present_card(&mut self, amount_minor: u64, currency: u16) -> Result<()> {
        cross!(
            self,
            "display.present-card",
            (amount_minor, currency),
            display::Host::present_card,
            amount_minor,
            currency
        )
    }

    async fn choose_application(
        &mut self,
        labels: Vec<Vec<u8>>,
        timeout_ms: u32,
    ) -> Answer<u32, display::ErrorCode> {
        cross!(
            self,
            "display.choose-application",
            (labels, timeout_ms),
            display::Host::choose_application,
            labels,
            timeout_ms
        )
    }
}

impl printer::Host for Boundary {
    async fn print(&mut self, lines: Vec<printer::Line>) -> Answer<(), printer::ErrorCode> {
        cross!(self, "printer.print", (lines), printer::Host::print, lines)
    }
}
