//! What cards there are.

use std::sync::OnceLock;

use crate::personalization::{self, Personalization};

/// The card files, in the catalogue's order.
pub(crate) const FILES: [&str; 17] = [
    include_str!("../cards/visa-credit.card"),
    include_str!("../cards/mastercard-debit.card"),
    include_str!("../cards/eftpos.card"),
    include_str!("../cards/visa-expired.card"),
    include_str!("../cards/visa-offline-decline.card"),
    include_str!("../cards/visa-offline-approve.card"),
    include_str!("../cards/visa-issuer-scripts.card"),
    include_str!("../cards/mastercard-two-applications.card"),
    include_str!("../cards/mastercard-signed-cryptogram.card"),
    include_str!("../cards/visa-elliptic-curve.card"),
    include_str!("../cards/visa-offline-pin.card"),
    include_str!("../cards/mastercard-enciphered-pin.card"),
    include_str!("../cards/visa-pin-and-signature.card"),
    include_str!("../cards/visa-pin-blocked.card"),
    include_str!("../cards/visa-stripe.card"),
    include_str!("../cards/visa-mute-chip.card"),
    include_str!("../cards/visa-blocked.card"),
];

/// What a person who picks a card needs to know about it.
#[derive(Clone, Debug)]
pub struct CardInfo {
    /// The name that `Card::named` takes, as `visa-credit`.
    pub name: &'static str,
    /// One line about what the card is for.
    pub description: &'static str,
    /// The scheme as merchants write it: `VISA`, `MASTERCARD`, `EFTPOS`.
    pub scheme: &'static str,
    /// The card number, all but its first six and last four digits masked.
    pub masked_pan: String,
    /// The PIN, four to twelve digits. These are test cards: everyone may know it.
    pub pin: &'static str,
}

/// All cards, in the order a menu should show them.
pub fn catalogue() -> &'static [CardInfo] {
    static CATALOGUE: OnceLock<Vec<CardInfo>> = OnceLock::new();
    CATALOGUE.get_or_init(|| personalization::all().iter().map(CardInfo::of).collect())
}

impl CardInfo {
    fn of(card: &'static Personalization) -> Self {
        Self {
            name: &card.name,
            description: &card.description,
            scheme: &card.scheme,
            masked_pan: masked(&card.pan),
            pin: &card.pin,
        }
    }
}

fn masked(pan: &str) -> String {
    let last = pan.len().saturating_sub(4);
    let hidden = |index: usize| (6..last).contains(&index);
    pan.chars()
        .enumerate()
        .map(|(index, digit)| if hidden(index) { '*' } else { digit })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_whole_number() {
        assert_eq!(masked("4111111111111111"), "411111******1111");
        for card in catalogue() {
            assert!(card.masked_pan.contains("******"), "{}", card.name);
            assert!(!card.description.is_empty(), "{}", card.name);
        }
    }
}
