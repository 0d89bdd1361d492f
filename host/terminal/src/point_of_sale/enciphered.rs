//! What the vault enciphered in a call of a guest: nothing else is handed out as enciphered.

use crate::bindings::terminal::{
    crypto::crypto::{PinBlockFormat, Protected},
    point_of_sale::point_of_sale::OnlineRequest,
};

/// The last PIN block and the last data that the vault enciphered in one call.
#[derive(Default)]
pub(crate) struct LastEnciphered {
    pin_block: Option<(Protected, PinBlockFormat)>,
    data: Option<Protected>,
}

impl LastEnciphered {
    /// The vault made this PIN block.
    pub(crate) fn pin_block(&mut self, block: &Protected, format: PinBlockFormat) {
        self.pin_block = Some((block.clone(), format));
    }

    /// The vault enciphered data to this.
    pub(crate) fn data(&mut self, data: &Protected) {
        self.data = Some(data.clone());
    }

    /// Whether the vault made what the request says is enciphered.
    pub(crate) fn holds(&self, request: &OnlineRequest) -> bool {
        let pin = request.pin.as_ref().is_none_or(|pin| {
            let made = |(block, format): &(Protected, _)| {
                is_same(block, &pin.block) && *format == pin.format
            };
            self.pin_block.as_ref().is_some_and(made)
        });
        let track_2 = request.track_2.as_ref().is_none_or(|track_2| {
            let made = |data| is_same(data, track_2);
            self.data.as_ref().is_some_and(made)
        });
        pin && track_2
    }
}

fn is_same(one: &Protected, other: &Protected) -> bool {
    one.bytes == other.bytes && one.key_serial_number == other.key_serial_number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::terminal::point_of_sale::point_of_sale::PinBlock;

    fn protected(byte: u8) -> Protected {
        Protected {
            bytes: vec![byte; 8],
            key_serial_number: vec![byte],
        }
    }

    fn request(pin: Option<u8>, track_2: Option<u8>) -> OnlineRequest {
        OnlineRequest {
            chip_data: Vec::new(),
            pin: pin.map(|byte| PinBlock {
                block: protected(byte),
                format: PinBlockFormat::Iso0,
            }),
            track_2: track_2.map(protected),
        }
    }

    #[test]
    fn only_what_the_vault_made_last_is_handed_out() {
        let mut enciphered = LastEnciphered::default();
        assert!(enciphered.holds(&request(None, None)));
        assert!(!enciphered.holds(&request(Some(1), None)), "no PIN block");
        assert!(!enciphered.holds(&request(None, Some(2))), "no data");
        enciphered.pin_block(&protected(1), PinBlockFormat::Iso0);
        enciphered.data(&protected(2));
        assert!(enciphered.holds(&request(Some(1), Some(2))));
        assert!(!enciphered.holds(&request(Some(2), None)), "another block");
        assert!(
            !enciphered.holds(&request(None, Some(1))),
            "a PIN block as data"
        );
        let mut serial_number = request(None, Some(2));
        if let Some(track_2) = &mut serial_number.track_2 {
            track_2.key_serial_number.clear();
        }
        assert!(!enciphered.holds(&serial_number), "another key");
        enciphered.pin_block(&protected(1), PinBlockFormat::Iso3);
        assert!(!enciphered.holds(&request(Some(1), None)), "another format");
    }
}
