//! The hands of cardholder and merchant.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, broadcast};
use virtual_card::{Card, Quirk};
use zeroize::Zeroizing;

use crate::{acquirer::AcquirerHandle, paper::Paper, questions::Asked};

/// Most key presses that wait for somebody to ask.
const KEYS_MAX: usize = 64;

/// How many screens and papers a slow watcher may lag behind.
const SHOWN_MAX: usize = 256;

/// What came out of the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A screen: lines with a newline between them. A PIN shows as asterisks.
    Screen(String),
    /// A printed paper: lines with a newline after each.
    Paper(String),
}

/// How a card is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Entry {
    /// In the contact slot.
    Contact,
    /// By its magnetic stripe.
    Magstripe,
}

/// A key of the keypad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Key {
    /// Ends the entry. Without a digit it bypasses PIN entry, where that is allowed.
    Enter,
    /// Takes the digits of this entry back.
    Clear,
    /// Ends a PIN entry, a choice, or the wait for a card.
    Cancel,
}

/// What the keypad does when nobody presses a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum KeypadMode {
    /// It types the card's own PIN, takes the first choice, and answers every question.
    #[default]
    Automatic,
    /// Nothing, until the terminal's time is over.
    Silent,
}

/// Why the emulator did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text of a card cannot be read.
    #[error("the card: {0}")]
    CardText(#[from] virtual_card::Error),
    /// There is no card with this name.
    #[error("there is no card named {name:?}; there are {known}", known = card_names().join(", "))]
    UnknownCard {
        /// The name, shortened.
        name: String,
    },
    /// A card is being read; pull it first.
    #[error("a card is in use; pull it with DELETE /emulator/card first")]
    CardInUse,
    /// There is no card in the slot.
    #[error("there is no card in the slot")]
    NoCard,
    /// Something else than one to twelve digits.
    #[error("keys are one to twelve digits")]
    NotDigits,
    /// Too many keys were pressed before somebody asked for them.
    #[error("too many keys wait already")]
    TooManyKeys,
    /// Nobody asks anything.
    #[error("no question is on the screen")]
    NoQuestion,
}

/// The hands of cardholder and merchant, and what they see. Clones are the same hands.
#[derive(Clone)]
pub struct Controls {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Told of every change of the state.
    changed: Notify,
    shown: broadcast::Sender<Shown>,
}

/// One press: of a digit or of another key.
#[derive(Clone, Copy)]
pub(crate) enum Press {
    Digit(u8),
    Key(Key),
}

/// What the devices and the hands share.
#[derive(Default)]
pub(crate) struct State {
    /// The card that is presented to every transaction.
    pub(crate) automatic_card: Option<Card>,
    pub(crate) slot: Option<InsertedCard>,
    /// A card that was swiped and not read yet.
    pub(crate) swiped: Option<Card>,
    /// The PIN of the card that was swiped last.
    swiped_pin: Option<Zeroizing<String>>,
    /// Numbers the cards that were inserted.
    pub(crate) cards_inserted: u64,
    /// The reader waits for a card: cancel is for it.
    pub(crate) reader_waits: bool,
    pub(crate) wait_cancelled: bool,
    pub(crate) presses: VecDeque<Press>,
    pub(crate) keypad_mode: KeypadMode,
    pub(crate) screen: String,
    pub(crate) paper: Paper,
    /// The question on the screen.
    pub(crate) question: Option<Asked>,
    /// What was answered to it.
    pub(crate) typed: Option<String>,
    acquirer: Option<AcquirerHandle>,
}

/// A card in the slot.
pub(crate) struct InsertedCard {
    pub(crate) number: u64,
    pub(crate) card: Card,
    /// The terminal reads it, or has read it.
    pub(crate) in_use: bool,
}

impl Controls {
    pub(crate) fn new(automatic_card: Option<String>) -> Result<Self, Error> {
        let state = State {
            automatic_card: automatic_card.map(|name| named(&name)).transpose()?,
            ..State::default()
        };
        let (shown, _) = broadcast::channel(SHOWN_MAX);
        Ok(Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                changed: Notify::new(),
                shown,
            }),
        })
    }

    /// Presents the card of this name, fresh from its issuer, with faults or without: puts it into
    /// the slot, or swipes it. It is read by the transaction that waits, or by the next one, and
    /// leaves the slot when the terminal is done with it.
    ///
    /// A card that was not read yet is replaced. Fails with [`Error::UnknownCard`], or with
    /// [`Error::CardInUse`] while the terminal reads one.
    pub fn present_card(&self, name: &str, entry: Entry, quirks: &[Quirk]) -> Result<(), Error> {
        self.present(named(name)?, entry, quirks)
    }

    /// Presents a card in the same way that may be in no catalogue. An attached acquirer knows it.
    ///
    /// Fails with [`Error::CardInUse`] while the terminal reads one.
    pub fn present(&self, card: Card, entry: Entry, quirks: &[Quirk]) -> Result<(), Error> {
        let card = with_faults(card, quirks);
        self.change(|state| {
            if state.slot.as_ref().is_some_and(|inserted| inserted.in_use) {
                return Err(Error::CardInUse);
            }
            (state.slot, state.swiped) = (None, None);
            match entry {
                Entry::Contact => drop(state.insert(card, false)),
                Entry::Magstripe => state.swiped = Some(card),
            }
            Ok(())
        })
    }

    /// Presents a copy of this card to every transaction from now on.
    pub fn present_always(&self, card: Card) {
        self.change(|state| state.automatic_card = Some(card));
    }

    /// Presents a card to no transaction by itself any more.
    pub fn present_none(&self) {
        self.change(|state| state.automatic_card = None);
    }

    /// Pulls the card out, also while it is being read.
    ///
    /// Fails with [`Error::NoCard`] when there is none.
    pub fn pull_card(&self) -> Result<(), Error> {
        self.change(|state| {
            let swiped = state.swiped.take().map(drop);
            let inserted = state.slot.take().map(drop);
            inserted.or(swiped).ok_or(Error::NoCard)
        })
    }

    /// Types digits and presses enter. When nobody asks for a PIN or a choice yet, the keys wait.
    ///
    /// Fails with [`Error::NotDigits`] or [`Error::TooManyKeys`].
    pub fn type_keys(&self, digits: &str) -> Result<(), Error> {
        let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits || !(1..=12).contains(&digits.len()) {
            return Err(Error::NotDigits);
        }
        let digits = digits.bytes().map(|byte| byte.wrapping_sub(b'0'));
        self.press_all(
            digits
                .map(Press::Digit)
                .chain([Press::Key(Key::Enter)])
                .collect(),
        )
    }

    /// Presses one key.
    ///
    /// Fails with [`Error::TooManyKeys`].
    pub fn press(&self, key: Key) -> Result<(), Error> {
        let cancelled = self.change(|state| {
            let for_reader = key == Key::Cancel && state.reader_waits;
            state.wait_cancelled |= for_reader;
            for_reader
        });
        if cancelled {
            Ok(())
        } else {
            self.press_all(vec![Press::Key(key)])
        }
    }

    /// What the keypad does from now on when nobody presses a key.
    pub fn set_keypad_mode(&self, mode: KeypadMode) {
        self.change(|state| state.keypad_mode = mode);
    }

    /// What the screen shows: lines with a newline between them.
    pub fn screen(&self) -> String {
        self.state().screen.clone()
    }

    /// Everything that is shown and printed from now on.
    pub fn shown(&self) -> broadcast::Receiver<Shown> {
        self.shared.shown.subscribe()
    }

    /// Lets `GET /emulator/ledger` show what this acquirer believes, and makes it know every card that is
    /// presented.
    pub fn attach_acquirer(&self, acquirer: AcquirerHandle) {
        self.change(|state| state.acquirer = Some(acquirer));
    }

    pub(crate) fn acquirer(&self) -> Option<AcquirerHandle> {
        self.state().acquirer.clone()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and tells who waits.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.shared.changed.notify_waiters();
        result
    }

    /// Waits until `take` finds what it looks for. `take` runs under the lock, at every change.
    pub(crate) async fn until<T>(&self, mut take: impl FnMut(&mut State) -> Option<T> + Send) -> T {
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            let found = take(&mut self.state());
            if let Some(found) = found {
                return found;
            }
            changed.await;
        }
    }

    pub(crate) fn show(&self, text: String) {
        self.change(|state| state.screen.clone_from(&text));
        self.tell(Shown::Screen(text));
    }

    /// Tells who watches. Nobody may be watching.
    pub(crate) fn tell(&self, shown: Shown) {
        drop(self.shared.shown.send(shown));
    }

    fn press_all(&self, presses: Vec<Press>) -> Result<(), Error> {
        self.change(|state| {
            if state.presses.len().saturating_add(presses.len()) > KEYS_MAX {
                return Err(Error::TooManyKeys);
            }
            state.presses.extend(presses);
            Ok(())
        })
    }
}

impl fmt::Debug for Controls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controls").finish_non_exhaustive()
    }
}

impl State {
    /// Puts a card in the slot and returns its number.
    pub(crate) fn insert(&mut self, card: Card, in_use: bool) -> u64 {
        self.issue(&card);
        self.cards_inserted = self.cards_inserted.saturating_add(1);
        let number = self.cards_inserted;
        self.slot = Some(InsertedCard {
            number,
            card,
            in_use,
        });
        number
    }

    /// Reads a stripe: track 2.
    pub(crate) fn read_stripe(&mut self, card: &Card) -> String {
        self.issue(card);
        self.swiped_pin = Some(Zeroizing::new(card.pin().to_owned()));
        card.track_2()
    }

    fn issue(&self, card: &Card) {
        if let Some(acquirer) = &self.acquirer {
            acquirer.issue(card);
        }
    }

    /// The PIN of the card in the slot, or of the one that was swiped.
    pub(crate) fn card_pin(&self) -> Option<Zeroizing<String>> {
        match &self.slot {
            Some(inserted) => Some(Zeroizing::new(inserted.card.pin().to_owned())),
            None => self.swiped_pin.clone(),
        }
    }
}

/// The names of all cards.
pub(crate) fn card_names() -> Vec<&'static str> {
    virtual_card::catalogue()
        .iter()
        .map(|card| card.name)
        .collect()
}

/// The card with these faults.
pub(crate) fn with_faults(card: Card, quirks: &[Quirk]) -> Card {
    quirks
        .iter()
        .fold(card, |card, quirk| card.with_quirk(*quirk))
}

pub(crate) fn named(name: &str) -> Result<Card, Error> {
    Card::named(name).ok_or_else(|| Error::UnknownCard {
        name: name.chars().take(64).collect(),
    })
}
