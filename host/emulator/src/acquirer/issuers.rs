//! Who issued which card.

use virtual_card::{Card, Issuer};

/// Most cards that are known beside the catalogue's.
const CARDS_MAX: usize = 64;

/// The issuers of the cards that were presented, and of the catalogue.
#[derive(Debug, Default)]
pub(super) struct Issuers {
    /// The latest one last; one for each number.
    presented: Vec<Issuer>,
}

impl Issuers {
    /// Remembers a card in place of another one with its number, and forgets the oldest beyond the most.
    pub(super) fn add(&mut self, card: &Card) {
        let Some(issuer) = Issuer::of(card) else {
            return;
        };
        self.presented.retain(|known| !known.has_number_of(&issuer));
        if self.presented.len() >= CARDS_MAX {
            self.presented.remove(0);
        }
        self.presented.push(issuer);
    }

    /// The issuer of the card with this number, digits only. `None` when no card has it.
    pub(super) fn of_number(&self, digits: &str) -> Option<Issuer> {
        let presented = self.presented.iter().find(|known| known.issued(digits));
        presented.cloned().or_else(|| Issuer::for_pan(digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_card_of_a_number_counts_and_the_oldest_are_forgotten() {
        let card = |pan: &str, expiry: &str| {
            let changes = format!("pan {pan}\nexpiry {expiry}\nchip none");
            Card::changed("visa-stripe", &changes).expect("a card")
        };
        let mut issuers = Issuers::default();
        let expiry = |issuers: &Issuers, pan: &str| {
            let issuer = issuers.of_number(pan);
            issuer.map(|issuer| issuer.expiry().to_owned())
        };
        assert_eq!(
            expiry(&issuers, "4111111111111111").as_deref(),
            Some("3112")
        );
        issuers.add(&card("4111111111111111", "280131"));
        issuers.add(&card("4111111111111111", "290131"));
        assert_eq!(
            expiry(&issuers, "4111111111111111").as_deref(),
            Some("2901")
        );
        for number in 0..CARDS_MAX {
            issuers.add(&card(&format!("49999999{number:08}"), "300131"));
        }
        assert_eq!(issuers.presented.len(), CARDS_MAX);
        assert_eq!(
            expiry(&issuers, "4111111111111111").as_deref(),
            Some("3112")
        );
        assert_eq!(expiry(&issuers, "5000000000000000"), None);
    }
}
