//! The hand that works the emulated devices, and the state they share with it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Deserialize;
use terminal_host::parameters::Currency;
use tokio::sync::{Notify, broadcast, futures::Notified};
use virtual_card::{Card, Quirk};

/// Receipts that are kept for reading.
const RECEIPTS_MAX: usize = 50;

/// Keys that may wait to be read.
const KEYS_MAX: usize = 64;

/// What is shown and printed, that a slow reader may miss.
const SHOWN_MAX: usize = 256;

/// Works the devices. Cheap to clone; all clones work the same terminal.
#[derive(Clone)]
pub struct Controls {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Notify,
    shown: broadcast::Sender<Shown>,
    currencies: Vec<Currency>,
}

struct State {
    slot: Slot,
    /// Presented to every transaction by itself.
    standing: Option<String>,
    /// Counts cards, so that a card that was pulled is told from the next one.
    cards: u64,
    keys: VecDeque<Key>,
    typing: Typing,
    paper: bool,
    screen: String,
    receipts: VecDeque<Vec<String>>,
}

/// The contact slot.
enum Slot {
    Empty,
    /// A card that no transaction has read.
    Fresh(Box<Card>),
    /// The card of a transaction, with its number and its PIN.
    InUse {
        number: u64,
        pin: String,
    },
}

/// A card that a transaction took from the slot.
pub(crate) struct Taken {
    pub(crate) card: Card,
    pub(crate) number: u64,
    pub(crate) presentation: Presentation,
}

/// How a card is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Presentation {
    /// In the contact slot.
    #[default]
    Contact,
}

/// A key of the keypad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// 0 to 9.
    Digit(u8),
    /// Ends entry.
    Enter,
    /// Takes the digits back.
    Clear,
    /// Ends the transaction.
    Cancel,
}

/// Who types when a PIN is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Typing {
    /// The emulator types the card's own PIN when no key waits.
    #[default]
    Auto,
    /// Nobody but the caller.
    Manual,
}

/// What was shown or printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A screen.
    Screen(String),
    /// A receipt, line by line.
    Receipt(Vec<String>),
}

/// No card of the catalogue has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no card named {0:?}; there are: {names}", names = card_names())]
pub struct UnknownCard(pub String);

fn card_names() -> String {
    virtual_card::catalogue()
        .iter()
        .map(|card| card.name)
        .collect::<Vec<_>>()
        .join(", ")
}

impl Controls {
    pub(crate) fn new(
        standing: Option<String>,
        currencies: Vec<Currency>,
    ) -> Result<Self, UnknownCard> {
        if let Some(name) = &standing {
            named(name)?;
        }
        let state = State {
            slot: Slot::Empty,
            standing,
            cards: 0,
            keys: VecDeque::new(),
            typing: Typing::Auto,
            paper: true,
            screen: "WELCOME".to_owned(),
            receipts: VecDeque::new(),
        };
        let shared = Shared {
            state: Mutex::new(state),
            changed: Notify::new(),
            shown: broadcast::channel(SHOWN_MAX).0,
            currencies,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Puts a card into the slot, in place of what was there, with a fault if one is wanted.
    ///
    /// Fails when the catalogue has no such card.
    pub fn present(&self, name: &str, quirk: Option<Quirk>) -> Result<(), UnknownCard> {
        let card = named(name)?;
        let card = match quirk {
            Some(quirk) => card.with_quirk(quirk),
            None => card,
        };
        self.state().slot = Slot::Fresh(Box::new(card));
        self.tell();
        Ok(())
    }

    /// Presents this card to every transaction from now on, or none.
    ///
    /// Fails when the catalogue has no such card.
    pub fn present_always(&self, name: Option<String>) -> Result<(), UnknownCard> {
        if let Some(name) = &name {
            named(name)?;
        }
        self.state().standing = name;
        self.tell();
        Ok(())
    }

    /// Pulls the card, in the middle of a transaction or not. `false` when there was none.
    pub fn pull(&self) -> bool {
        let was = std::mem::replace(&mut self.state().slot, Slot::Empty);
        self.tell();
        !matches!(was, Slot::Empty)
    }

    /// Presses keys. What goes beyond the keypad's memory is lost, as on a real one.
    pub fn press(&self, keys: impl IntoIterator<Item = Key>) {
        let mut state = self.state();
        for key in keys {
            if state.keys.len() < KEYS_MAX {
                state.keys.push_back(key);
            }
        }
        drop(state);
        self.tell();
    }

    /// Says who types when a PIN is asked for.
    pub fn set_typing(&self, typing: Typing) {
        self.state().typing = typing;
    }

    /// Takes the paper out, or puts it in.
    pub fn set_paper(&self, paper: bool) {
        self.state().paper = paper;
    }

    /// What the screen shows.
    pub fn screen(&self) -> String {
        self.state().screen.clone()
    }

    /// The receipts printed, oldest first.
    pub fn receipts(&self) -> Vec<Vec<String>> {
        self.state().receipts.iter().cloned().collect()
    }

    /// Everything that is shown and printed from now on.
    pub fn shown(&self) -> broadcast::Receiver<Shown> {
        self.shared.shown.subscribe()
    }

    /// Resolves at the next change, once enabled.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.shared.changed.notified()
    }

    /// Takes a card that no transaction has read; the standing one when the slot is empty.
    pub(crate) fn take_card(&self, contact_accepted: bool) -> Option<Taken> {
        if !contact_accepted {
            return None;
        }
        let mut state = self.state();
        let card = match std::mem::replace(&mut state.slot, Slot::Empty) {
            Slot::Fresh(card) => *card,
            Slot::Empty => named(state.standing.as_deref()?).ok()?,
            in_use @ Slot::InUse { .. } => {
                state.slot = in_use;
                return None;
            }
        };
        state.cards = state.cards.wrapping_add(1);
        let number = state.cards;
        state.slot = Slot::InUse {
            number,
            pin: card.pin().to_owned(),
        };
        // Keys that were pressed before belong to nobody.
        state.keys.retain(|key| !matches!(key, Key::Cancel));
        Some(Taken {
            card,
            number,
            presentation: Presentation::Contact,
        })
    }

    pub(crate) fn is_in_slot(&self, card: u64) -> bool {
        matches!(self.state().slot, Slot::InUse { number, .. } if number == card)
    }

    /// Takes this card out, if it is the one in the slot.
    pub(crate) fn remove(&self, card: u64) {
        let mut state = self.state();
        if matches!(state.slot, Slot::InUse { number, .. } if number == card) {
            state.slot = Slot::Empty;
        }
    }

    /// Whether cancel was pressed while no card was there.
    pub(crate) fn take_cancel(&self) -> bool {
        let mut state = self.state();
        let cancelled = state.keys.contains(&Key::Cancel);
        if cancelled {
            state.keys.clear();
        }
        cancelled
    }

    pub(crate) fn take_key(&self) -> Option<Key> {
        self.state().keys.pop_front()
    }

    /// Types the PIN of the card in the slot, unless somebody has typed or wants to.
    pub(crate) fn type_the_pin(&self) {
        let mut state = self.state();
        if let (Typing::Auto, true, Slot::InUse { pin, .. }) =
            (state.typing, state.keys.is_empty(), &state.slot)
        {
            let digits: Vec<Key> = keys_of(pin);
            state.keys.extend(digits);
            state.keys.push_back(Key::Enter);
        }
    }

    /// Chooses the first of a list, unless somebody has typed or wants to.
    pub(crate) fn choose_the_first(&self) {
        let mut state = self.state();
        if state.typing == Typing::Auto && state.keys.is_empty() {
            state.keys.push_back(Key::Digit(1));
        }
    }

    pub(crate) fn has_paper(&self) -> bool {
        self.state().paper
    }

    pub(crate) fn show(&self, text: String) {
        self.state().screen.clone_from(&text);
        // An error means that nobody looks.
        drop(self.shared.shown.send(Shown::Screen(text)));
    }

    pub(crate) fn print(&self, lines: Vec<String>) {
        let mut state = self.state();
        if state.receipts.len() == RECEIPTS_MAX {
            state.receipts.pop_front();
        }
        state.receipts.push_back(lines.clone());
        drop(state);
        drop(self.shared.shown.send(Shown::Receipt(lines)));
    }

    /// An amount as the display writes it: `NZD 25.00`.
    pub(crate) fn amount(&self, minor: u64, currency: u16) -> String {
        let known = self
            .shared
            .currencies
            .iter()
            .find(|known| known.numeric == currency);
        let Some(known) = known else {
            return format!("{minor} ({currency})");
        };
        let letters = &known.alphabetic;
        let places = usize::from(known.exponent);
        let digits = format!("{minor:0>width$}", width = places.saturating_add(1));
        let (major, rest) = digits.split_at(digits.len().saturating_sub(places));
        if rest.is_empty() {
            format!("{letters} {major}")
        } else {
            format!("{letters} {major}.{rest}")
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.shared.changed.notify_waiters();
    }
}

/// The keys that type these digits; other characters are no keys.
pub(crate) fn keys_of(digits: &str) -> Vec<Key> {
    digits
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(|byte| Key::Digit(byte & 0x0F))
        .collect()
}

fn named(name: &str) -> Result<Card, UnknownCard> {
    Card::named(name).ok_or_else(|| UnknownCard(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn controls() -> Controls {
        let currency = |numeric, alphabetic: &str, exponent| Currency {
            numeric,
            alphabetic: alphabetic.into(),
            exponent,
        };
        Controls::new(None, vec![currency(554, "NZD", 2), currency(392, "JPY", 0)]).unwrap()
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        for (minor, currency, text) in [
            (2500, 554, "NZD 25.00"),
            (5, 554, "NZD 0.05"),
            (2500, 392, "JPY 2500"),
            (2500, 840, "2500 (840)"),
        ] {
            assert_eq!(controls().amount(minor, currency), text);
        }
    }

    #[test]
    fn an_unknown_card_is_answered_with_the_names_there_are() {
        let refused = controls()
            .present("visa-gold", None)
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("visa-gold") && refused.contains("visa-credit"),
            "{refused}"
        );
    }

    #[test]
    fn a_card_is_read_by_one_transaction_only() {
        let controls = controls();
        controls.present("visa-credit", None).unwrap();
        let taken = controls.take_card(true).unwrap();
        assert!(controls.take_card(true).is_none());
        assert!(controls.is_in_slot(taken.number));
        assert!(controls.pull());
        assert!(!controls.is_in_slot(taken.number));
    }
}
