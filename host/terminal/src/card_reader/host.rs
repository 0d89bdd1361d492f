//! `terminal:card-reader` for the guest.

use std::time::Duration;

use wasmtime::{Result, bail, component::Resource};

use super::{ActiveCard, Card, Fault, Presented, Technologies};
use crate::{
    bindings::card_reader as wit,
    interruption::{AbortWindow, Interruption},
    terminal::Terminal,
};

/// The longest a card may take for one command. A card may ask its reader for more time without end
/// (EMV Level 1), and no card needs a minute.
const COMMAND_MAX: Duration = Duration::from_mins(1);

/// The longest command APDU: an extended header, 65535 bytes and Le (ISO 7816-3, 12.1.3).
const COMMAND_LENGTH_MAX: usize = 65_544;

/// The longest response APDU: 65536 bytes and the status word.
const RESPONSE_LENGTH_MAX: usize = 65_538;

impl wit::Host for Terminal {
    async fn wait_for_card(
        &mut self,
        accepted: wit::Technologies,
        timeout_ms: u32,
    ) -> Result<std::result::Result<wit::PresentedCard, wit::ErrorCode>> {
        if self.card_active {
            bail!("the guest waits for a card while it holds one");
        }
        let mut devices = self.devices.lock().await;
        let wait = devices.card_reader.wait_for_card(accepted.into());
        let presented = match self
            .abort
            .bound(Duration::from_millis(timeout_ms.into()), wait)
            .await
        {
            Ok(Ok(presented)) => presented,
            Ok(Err(fault)) => {
                tracing::info!(%fault, "no card was read");
                return Ok(Err(fault.into()));
            }
            Err(Interruption::TimedOut) => return Ok(Err(wit::ErrorCode::TimedOut)),
            Err(Interruption::Aborted) => return Ok(Err(wit::ErrorCode::Aborted)),
        };
        drop(devices);
        if !presented.is_accepted(accepted.into()) {
            tracing::error!("the reader gave a card in a way that it was not asked for");
            return Ok(Err(wit::ErrorCode::ReaderFault));
        }
        Ok(Ok(match presented {
            Presented::Contact(driver) => wit::PresentedCard::Contact(self.hold(driver)?),
            Presented::Contactless(driver) => wit::PresentedCard::Contactless(self.hold(driver)?),
            Presented::Magstripe(tracks) => wit::PresentedCard::Magstripe(wit::MagstripeTracks {
                track_1: tracks.track_1,
                track_2: tracks.track_2,
            }),
        }))
    }
}

impl Terminal {
    fn hold(&mut self, driver: Box<dyn Card>) -> Result<Resource<ActiveCard>> {
        let card = self.table.push(ActiveCard { driver, dead: None })?;
        self.card_active = true;
        Ok(card)
    }
}

impl wit::HostCard for Terminal {
    async fn transmit(
        &mut self,
        card: Resource<ActiveCard>,
        command: Vec<u8>,
    ) -> Result<std::result::Result<Vec<u8>, wit::ErrorCode>> {
        if command.len() < 4 || command.len() > COMMAND_LENGTH_MAX {
            bail!("the guest sends a command that is no APDU");
        }
        let card = self.table.get_mut(&card)?;
        let answer = card.transmit(&command, &self.abort).await;
        Ok(answer.map_err(Into::into))
    }

    async fn drop(&mut self, card: Resource<ActiveCard>) -> Result<()> {
        self.table.delete(card)?;
        self.card_active = false;
        Ok(())
    }
}

impl ActiveCard {
    /// Sends one command. A card that was removed or fell silent stays so. It is given up when the point
    /// of sale has an abort accepted, and when it comes to no end: nobody waits for it then.
    pub(crate) async fn transmit(
        &mut self,
        command: &[u8],
        abort: &AbortWindow,
    ) -> std::result::Result<Vec<u8>, Fault> {
        self.transmit_within(COMMAND_MAX, command, abort).await
    }

    async fn transmit_within(
        &mut self,
        longest: Duration,
        command: &[u8],
        abort: &AbortWindow,
    ) -> std::result::Result<Vec<u8>, Fault> {
        if let Some(fault) = self.dead {
            return Err(fault);
        }
        let answer = abort.bound(longest, self.driver.transmit(command)).await;
        let answer = answer.unwrap_or_else(|interruption| {
            tracing::info!(?interruption, "the card is given up");
            Err(Fault::CardUnresponsive)
        });
        let answer = answer.and_then(|response| {
            // Anything else is no response APDU: the driver or the card broke the protocol.
            if (2..=RESPONSE_LENGTH_MAX).contains(&response.len()) {
                Ok(response)
            } else {
                Err(Fault::CardUnresponsive)
            }
        });
        if let Err(fault) = answer {
            tracing::info!(%fault, "the card gave no answer");
            self.dead = Some(fault);
        }
        answer
    }
}

impl From<wit::Technologies> for Technologies {
    fn from(accepted: wit::Technologies) -> Self {
        Self {
            contact: accepted.contains(wit::Technologies::CONTACT),
            contactless: accepted.contains(wit::Technologies::CONTACTLESS),
            magstripe: accepted.contains(wit::Technologies::MAGSTRIPE),
        }
    }
}

impl From<Fault> for wit::ErrorCode {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Cancelled => Self::Cancelled,
            Fault::CardRemoved => Self::CardRemoved,
            Fault::CardUnresponsive => Self::CardUnresponsive,
            Fault::CardCollision => Self::CardCollision,
            Fault::Reader => Self::ReaderFault,
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    /// A chip that asks for more time as often as it is let.
    struct Endless;

    #[async_trait]
    impl Card for Endless {
        async fn transmit(&mut self, _: &[u8]) -> std::result::Result<Vec<u8>, Fault> {
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_a_card_without_end() {
        let aborted = AbortWindow::default();
        assert!(aborted.request());
        for (longest, abort) in [
            (Duration::from_millis(1), AbortWindow::default()),
            (COMMAND_MAX, aborted),
        ] {
            let mut card = ActiveCard {
                driver: Box::new(Endless),
                dead: None,
            };
            let answer = card.transmit_within(longest, &[0; 4], &abort).await;
            assert_eq!(answer, Err(Fault::CardUnresponsive));
            // It is not asked again.
            let again = card.transmit(&[0; 4], &AbortWindow::default()).await;
            assert_eq!(again, Err(Fault::CardUnresponsive));
        }
    }
}
