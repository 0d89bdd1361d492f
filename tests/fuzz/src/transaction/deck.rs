//! The cards there are: those of the catalogue, and others that reach what those do not.

use std::sync::OnceLock;

use virtual_card::{Card, Issuer};

/// Lengths of the keys, in the language of the card files: the shortest that a combined signature
/// fits in, so that a transaction takes little time.
const SHORT_KEYS: &str = "issuer-key-length 96\nicc-key-length 64";

/// Each card by the one it is made of, and the changes in the language of the card files.
const DECK: [(&str, &str); 19] = [
    ("visa-credit", ""),
    ("visa-offline-approve", ""),
    ("visa-offline-decline", ""),
    ("visa-expired", ""),
    ("visa-issuer-scripts", ""),
    ("mastercard-debit", ""),
    ("mastercard-signed-cryptogram", ""),
    ("mastercard-two-applications", ""),
    ("eftpos", ""),
    // Plaintext offline PIN, then nothing.
    ("mastercard-debit", "8E = 000000000000000041030100"),
    ("visa-credit", "8E = 0000000000000000410043001E00"),
    // Enciphered offline PIN, with the card's own key and with one for PINs.
    ("mastercard-debit", "8E = 0000000000000000440045001F00"),
    (
        "mastercard-debit",
        "8E = 000000000000000044000100\npin-key\nrecord 4.3 9F2D 9F2E 9F2F",
    ),
    // One try left, and none.
    (
        "visa-credit",
        "8E = 00000000000000004100410042001E00\ntries 1",
    ),
    (
        "mastercard-debit",
        "8E = 0000000000000000410044001F00\ntries 0",
    ),
    // Signed cryptograms where the card approves alone.
    (
        "mastercard-signed-cryptogram",
        "offline-limit 99999\n9F14 = FF\n9F23 = FF",
    ),
    // Elliptic curves.
    (
        "visa-offline-approve",
        "elliptic-keys\n82 = FC00\ncounter 20\nlast-online-counter 19",
    ),
    // No directory, a PDOL, both sides' hashes, static data only.
    (
        "visa-credit",
        "directory none\n9F38 = 9F37049F02065F2A029F3303\n82 = 5C00",
    ),
    (
        "visa-offline-approve",
        "8C = 9F02069F03069F1A0295055F2A029A039C019F37049814\n97 = 9F02069A039F3704\n82 = 7C00",
    ),
];

/// A card that was not in any slot yet, its issuer, and its PIN.
#[derive(Clone, Debug)]
pub(super) struct Dealt {
    pub(super) card: Card,
    pub(super) issuer: Option<Issuer>,
}

/// The card at this position, counted round and round.
pub(super) fn deal(position: u8) -> Dealt {
    static CARDS: OnceLock<Vec<Dealt>> = OnceLock::new();
    let cards = CARDS.get_or_init(|| DECK.iter().map(made).collect());
    let index = usize::from(position).checked_rem(cards.len()).unwrap_or(0);
    cards
        .get(index)
        .cloned()
        .unwrap_or_else(|| made(&("visa-credit", "")))
}

/// How many cards there are.
pub(super) const fn size() -> usize {
    DECK.len()
}

#[expect(clippy::expect_used, reason = "the cards stand in this file")]
fn made((base, changes): &(&str, &str)) -> Dealt {
    let changes = [SHORT_KEYS, changes].join("\n");
    let card = Card::changed(base, &changes).expect("the deck's own cards are cards");
    let issuer = Issuer::of(&card);
    Dealt { card, issuer }
}
