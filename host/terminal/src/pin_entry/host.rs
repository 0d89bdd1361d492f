//! `terminal:pin-entry` for the guest.

use std::time::Duration;

use vault::Pin;
use wasmtime::{Result, bail, component::Resource};
use zeroize::Zeroizing;

use super::{EnteredPin, Fault, PinPrompt, PromptText};
use crate::{
    bindings::terminal::pin_entry::pin_entry as wit,
    card_reader::{self, ActiveCard},
    interruption::Interruption,
    terminal::Terminal,
};

/// The longest a cardholder may take for a whole PIN, however often a key is pressed.
const ENTRY_TIMEOUT: Duration = Duration::from_mins(5);

/// GET CHALLENGE (EMV 4.4 Book 3, 6.5.6).
const GET_CHALLENGE: [u8; 5] = [0x00, 0x84, 0x00, 0x00, 0x00];

/// The bytes of a challenge (EMV 4.4 Book 2, 7.2).
const CHALLENGE_LENGTH: usize = 8;

impl wit::Host for Terminal {
    async fn enter_pin(
        &mut self,
        rules: wit::PinRules,
    ) -> Result<std::result::Result<Resource<EnteredPin>, wit::ErrorCode>> {
        if rules.digits_min < 4 || rules.digits_max > 12 || rules.digits_min > rules.digits_max {
            bail!("the guest asks for a PIN of a length that is none");
        }
        let prompt = PinPrompt::from(&rules);
        let mut devices = self.devices.lock().await;
        let entry = self
            .abort
            .bound(ENTRY_TIMEOUT, devices.keypad.enter_pin(&prompt))
            .await;
        drop(devices);
        match entry {
            Ok(Ok(pin)) => Ok(Ok(self.table.push(EnteredPin { pin })?)),
            Ok(Err(Fault::Bypassed)) if !rules.allow_bypass => {
                tracing::error!("the keypad reports a bypass that was not allowed");
                Ok(Err(wit::ErrorCode::KeypadFault))
            }
            Ok(Err(fault)) => {
                tracing::info!(%fault, "no PIN was taken");
                Ok(Err(fault.into()))
            }
            Err(Interruption::TimedOut) => Ok(Err(wit::ErrorCode::TimedOut)),
            Err(Interruption::Aborted) => Ok(Err(wit::ErrorCode::Aborted)),
        }
    }

    async fn verify_offline(
        &mut self,
        pin: Resource<EnteredPin>,
        card: Resource<ActiveCard>,
        method: wit::OfflineMethod,
    ) -> Result<std::result::Result<u16, wit::ErrorCode>> {
        let EnteredPin { pin } = self.table.delete(pin)?;
        let command = match method {
            wit::OfflineMethod::Plaintext => {
                let Ok(vault) = self.vault.lock() else {
                    return Ok(Err(wit::ErrorCode::KeypadFault));
                };
                vault.plaintext_verify(pin)
            }
            wit::OfflineMethod::Enciphered(key) => match self.encipher(pin, &card, &key).await? {
                Ok(command) => command,
                Err(error) => return Ok(Err(error)),
            },
        };
        let card = self.table.get_mut(&card)?;
        Ok(card
            .transmit(&command, &self.abort)
            .await
            .map_err(card_fault)
            .and_then(|response| status(&response)))
    }
}

impl wit::HostEnteredPin for Terminal {
    async fn drop(&mut self, pin: Resource<EnteredPin>) -> Result<()> {
        self.table.delete(pin)?;
        Ok(())
    }
}

impl Terminal {
    /// Builds the enciphered VERIFY command (EMV 4.4 Book 2, 7.2).
    async fn encipher(
        &mut self,
        pin: Pin,
        card: &Resource<ActiveCard>,
        key: &wit::CardPublicKey,
    ) -> Result<std::result::Result<Zeroizing<Vec<u8>>, wit::ErrorCode>> {
        let card = self.table.get_mut(card)?;
        let response = match card.transmit(&GET_CHALLENGE, &self.abort).await {
            Ok(response) => response,
            Err(fault) => return Ok(Err(card_fault(fault))),
        };
        let Some((challenge, [0x90, 0x00])) = response.split_last_chunk::<2>() else {
            return Ok(Err(wit::ErrorCode::ChallengeRefused));
        };
        if challenge.len() != CHALLENGE_LENGTH {
            return Ok(Err(wit::ErrorCode::ChallengeRefused));
        }
        let Ok(vault) = self.vault.lock() else {
            return Ok(Err(wit::ErrorCode::KeypadFault));
        };
        Ok(vault
            .enciphered_verify(pin, &key.modulus, &key.exponent, challenge)
            .map_err(|error| {
                tracing::warn!(?error, "the PIN was not enciphered");
                wit::ErrorCode::KeypadFault
            }))
    }
}

fn status(response: &[u8]) -> std::result::Result<u16, wit::ErrorCode> {
    response
        .last_chunk()
        .map(|status| u16::from_be_bytes(*status))
        .ok_or(wit::ErrorCode::CardRemoved)
}

/// Both a card that left and a card that fell silent are `card-removed` here.
fn card_fault(_: card_reader::Fault) -> wit::ErrorCode {
    wit::ErrorCode::CardRemoved
}

impl From<&wit::PinRules> for PinPrompt {
    fn from(rules: &wit::PinRules) -> Self {
        Self {
            text: match rules.prompt {
                wit::Prompt::EnterPin => PromptText::EnterPin,
                wit::Prompt::IncorrectPin => PromptText::IncorrectPin,
                wit::Prompt::LastTry => PromptText::LastTry,
            },
            amount_minor: rules.amount_minor,
            currency: rules.currency,
            digits_min: rules.digits_min,
            digits_max: rules.digits_max,
            allow_bypass: rules.allow_bypass,
            key_timeout_ms: rules.key_timeout_ms,
        }
    }
}

impl From<Fault> for wit::ErrorCode {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::TimedOut => Self::TimedOut,
            Fault::Cancelled => Self::Cancelled,
            Fault::Bypassed => Self::Bypassed,
            Fault::Keypad => Self::KeypadFault,
        }
    }
}
