//! `terminal:point-of-sale` for the guest.

use wasmtime::Result;

use crate::{
    bindings::terminal::{parameters::parameters, point_of_sale::point_of_sale as wit},
    printable::printable_bytes,
    service::Progress,
    terminal::Terminal,
    transaction::{EntryMode, Scheme},
};

/// The most digits of a PAN (ISO 7812).
const PAN_LENGTH_MAX: usize = 19;

impl wit::Host for Terminal {
    async fn report(&mut self, progress: wit::Progress) -> Result<()> {
        (self.progress)(match progress {
            wit::Progress::WaitingForCard => Progress::WaitingForCard,
            wit::Progress::CardDetected(card) => Progress::CardDetected {
                entry_mode: card.entry_mode.into(),
                scheme: card.scheme.into(),
                masked_pan: masked_again(&card.masked_pan),
            },
            wit::Progress::EnteringPin => Progress::EnteringPin,
            wit::Progress::Authorising => Progress::Authorising,
            wit::Progress::Reversing => Progress::Reversing,
        });
        Ok(())
    }

    async fn proceed(&mut self) -> Result<bool> {
        Ok(self.abort.proceed())
    }

    // No point of sale says yet that it decides, so each question is answered as the WIT has it.
    async fn authorise_online(
        &mut self,
        _: wit::OnlineRequest,
        _: u32,
    ) -> Result<std::result::Result<wit::OnlineAnswer, wit::ErrorCode>> {
        Ok(Err(wit::ErrorCode::Unavailable))
    }

    async fn accept_signature(
        &mut self,
        _: u32,
    ) -> Result<std::result::Result<bool, wit::ErrorCode>> {
        Ok(Err(wit::ErrorCode::Unavailable))
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
