//! `terminal:point-of-sale` for the guest.

use std::time::Duration;

use wasmtime::{Result, bail};

use super::{DetectedCard, Enciphered, OnlineRequest, PinBlock, PinBlockFormat, chip_data};
use crate::{
    bindings::terminal::{
        crypto::crypto, parameters::parameters, point_of_sale::point_of_sale as wit,
    },
    interruption::Interruption,
    journal::{AppendError, STEPS_MAX},
    parameters::to_hex,
    printable::printable_bytes,
    service::Progress,
    terminal::{Scope, Terminal},
    transaction::{EntryMode, Scheme},
};

/// The longest wait for a decision, whatever the parameters say: a call of the engine has ten minutes.
const DECISION_MAX: Duration = Duration::from_mins(5);

/// The longest bytes under a key: a PIN block has sixteen, track 2 with its padding forty.
const ENCIPHERED_MAX: usize = 64;

/// The most digits of a PAN (ISO 7812).
const PAN_LENGTH_MAX: usize = 19;

impl wit::Host for Terminal {
    async fn report(&mut self, progress: wit::Progress) -> Result<()> {
        if self.reports >= STEPS_MAX {
            bail!("the guest reports too many steps");
        }
        self.reports = self.reports.saturating_add(1);
        (self.progress)(match progress {
            wit::Progress::WaitingForCard => Progress::WaitingForCard,
            wit::Progress::CardDetected(card) => {
                let card = DetectedCard {
                    entry_mode: card.entry_mode.into(),
                    scheme: card.scheme.into(),
                    masked_pan: masked_again(&card.masked_pan),
                };
                self.detected = Some(card.clone());
                Progress::CardDetected {
                    entry_mode: card.entry_mode,
                    scheme: card.scheme,
                    masked_pan: card.masked_pan,
                }
            }
            wit::Progress::EnteringPin => Progress::EnteringPin,
            wit::Progress::Authorising => Progress::Authorising,
            wit::Progress::Reversing => Progress::Reversing,
        });
        Ok(())
    }

    async fn proceed(&mut self) -> Result<bool> {
        Ok(self.abort.proceed())
    }

    async fn authorise_online(
        &mut self,
        request: wit::OnlineRequest,
        timeout_ms: u32,
    ) -> Result<std::result::Result<wit::OnlineAnswer, wit::ErrorCode>> {
        let (Some(desk), Scope::Transaction { id, .. }) = (self.desk.clone(), &self.scope) else {
            bail!("the guest asks the point of sale for a decision that is the acquirer's");
        };
        if !self.enciphered.holds(&request) {
            bail!("the guest hands out what the vault did not encipher");
        }
        self.conduct.ask_point_of_sale()?;
        let asked = match self.journal.ask_point_of_sale(id) {
            Ok(asked) => asked,
            Err(AppendError::OutOfOrder) => bail!("the guest asks the point of sale too late"),
            Err(AppendError::Full | AppendError::StorageFault) => {
                return Ok(Err(wit::ErrorCode::Unavailable));
            }
        };
        desk.put(online_request(request, self.detected.clone()));
        // Whoever is told finds the question.
        self.journal.told(asked);
        (self.progress)(Progress::AskingPointOfSale);
        let timeout = Duration::from_millis(timeout_ms.into()).min(DECISION_MAX);
        Ok(match desk.answer_within(timeout).await {
            Ok(answer) => {
                self.conduct.point_of_sale_answered();
                Ok(wit::OnlineAnswer {
                    response_code: answer.response_code,
                    authorisation_code: answer.authorisation_code,
                    issuer_authentication_data: answer.issuer_authentication_data,
                    issuer_scripts: answer.issuer_scripts,
                })
            }
            Err(Interruption::TimedOut) => Err(wit::ErrorCode::TimedOut),
            Err(Interruption::Aborted) => Err(wit::ErrorCode::Aborted),
        })
    }

    // No point of sale says that it accepts signatures: answered as the WIT has it.
    async fn accept_signature(
        &mut self,
        _: u32,
    ) -> Result<std::result::Result<bool, wit::ErrorCode>> {
        Ok(Err(wit::ErrorCode::Unavailable))
    }
}

/// What the engine hands out, reduced to what may leave.
fn online_request(request: wit::OnlineRequest, card: Option<DetectedCard>) -> OnlineRequest {
    OnlineRequest {
        card,
        chip_data: chip_data::passed_on(&request.chip_data),
        pin: request.pin.map(|pin| PinBlock {
            block: enciphered(&pin.block),
            format: match pin.format {
                crypto::PinBlockFormat::Iso0 => PinBlockFormat::Iso0,
                crypto::PinBlockFormat::Iso1 => PinBlockFormat::Iso1,
                crypto::PinBlockFormat::Iso3 => PinBlockFormat::Iso3,
                crypto::PinBlockFormat::Iso4 => PinBlockFormat::Iso4,
            },
        }),
        track_2: request.track_2.as_ref().map(enciphered),
    }
}

fn enciphered(protected: &crypto::Protected) -> Enciphered {
    let cut = |bytes: &[u8]| to_hex(bytes.get(..ENCIPHERED_MAX).unwrap_or(bytes));
    Enciphered {
        bytes: cut(&protected.bytes),
        key_serial_number: cut(&protected.key_serial_number),
    }
}

/// Masks all but the last four digits, whatever the guest masked: a faulty engine must not put a
/// PAN on a screen.
pub(crate) fn masked_again(pan: &[u8]) -> String {
    let text = printable_bytes(pan, PAN_LENGTH_MAX);
    let shown_from = text.len().saturating_sub(4);
    text.char_indices()
        .map(|(index, character)| if index < shown_from { '*' } else { character })
        .collect()
}

impl From<wit::EntryMode> for EntryMode {
    fn from(mode: wit::EntryMode) -> Self {
        match mode {
            wit::EntryMode::Contact => Self::Contact,
            wit::EntryMode::Contactless => Self::Contactless,
            wit::EntryMode::Magstripe => Self::Magstripe,
            wit::EntryMode::Manual => Self::Manual,
        }
    }
}

impl From<parameters::Scheme> for Scheme {
    fn from(scheme: parameters::Scheme) -> Self {
        match scheme {
            parameters::Scheme::Visa => Self::Visa,
            parameters::Scheme::Mastercard => Self::Mastercard,
            parameters::Scheme::Amex => Self::Amex,
            parameters::Scheme::Discover => Self::Discover,
            parameters::Scheme::Jcb => Self::Jcb,
            parameters::Scheme::Unionpay => Self::UnionPay,
            parameters::Scheme::Eftpos => Self::Eftpos,
            parameters::Scheme::Other => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::masked_again;

    #[test]
    fn shows_the_last_four_digits_only() {
        for (given, shown) in [
            (&b"4761739001010119"[..], "************0119"),
            (b"************0119", "************0119"),
            (b"12", "12"),
            (b"", ""),
        ] {
            assert_eq!(masked_again(given), shown);
        }
    }
}
