//! The decision of a point of sale (granular mode): asked once, answered once, or not in time.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    interruption::{AbortWindow, Interruption},
    transaction::{EntryMode, Scheme},
};

/// What the point of sale needs to ask an acquirer of its own. Nothing in it names the card in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct OnlineRequest {
    /// The card, as watchers were told of it.
    pub card: Option<DetectedCard>,
    /// Chip data: tags and values, both in hexadecimal digits; none of a stripe.
    pub chip_data: BTreeMap<String, String>,
    /// The PIN, when one was entered for the issuer.
    pub pin: Option<PinBlock>,
    /// ISO 8583 field 35, when the terminal has a key for it.
    pub track_2: Option<Enciphered>,
}

impl fmt::Debug for OnlineRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnlineRequest")
            .field("card", &self.card)
            .field("tags", &self.chip_data.keys().collect::<Vec<_>>())
            .field("pin", &self.pin.is_some())
            .field("track_2", &self.track_2.is_some())
            .finish()
    }
}

/// What watchers were told of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectedCard {
    /// How it was read.
    pub entry_mode: EntryMode,
    /// Its scheme.
    pub scheme: Scheme,
    /// The last four digits of the PAN and a star for each other one.
    pub masked_pan: String,
}

/// Bytes under a key of the terminal, and that key's serial number, both in hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Enciphered {
    /// The bytes.
    pub bytes: String,
    /// ANSI X9.24; empty for a fixed key.
    pub key_serial_number: String,
}

/// A PIN block.
#[derive(Clone, PartialEq, Eq)]
pub struct PinBlock {
    /// The block.
    pub block: Enciphered,
    /// Its format.
    pub format: PinBlockFormat,
}

/// The formats of ISO 9564-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "the names are the standard's")]
pub enum PinBlockFormat {
    #[serde(rename = "ISO_0")]
    Iso0,
    #[serde(rename = "ISO_1")]
    Iso1,
    #[serde(rename = "ISO_3")]
    Iso3,
    #[serde(rename = "ISO_4")]
    Iso4,
}

/// What the point of sale's acquirer answered. The caller has seen to its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnlineAnswer {
    /// ISO 8583 field 39: two letters or digits. `00` approves.
    pub response_code: String,
    /// ISO 8583 field 38: at most six letters or digits.
    pub authorisation_code: Option<String>,
    /// Tag 91: eight to sixteen bytes.
    pub issuer_authentication_data: Option<Vec<u8>>,
    /// Templates 71 and 72, with tags and lengths.
    pub issuer_scripts: Vec<u8>,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// It decides the transaction; or it did before, when it was given already.
    Taken,
    /// Another answer decided it before.
    Otherwise,
    /// The point of sale was not asked yet.
    NotAsked,
    /// It is too late: the transaction has its end, or goes to it without a decision.
    Over,
    /// There is no such transaction.
    Unknown,
}

/// How far the question is.
enum Stage {
    Unasked,
    Asked(Arc<OnlineRequest>),
    Answered(OnlineAnswer),
    Over,
}

/// Where a question is put and answered. Clones share one.
#[derive(Clone)]
pub(crate) struct Desk {
    stage: Arc<watch::Sender<Stage>>,
    abort: AbortWindow,
}

impl Desk {
    /// A desk for a transaction that this window aborts.
    pub(crate) fn new(abort: AbortWindow) -> Self {
        Self {
            stage: Arc::new(watch::channel(Stage::Unasked).0),
            abort,
        }
    }

    /// Puts the question.
    pub(crate) fn put(&self, request: OnlineRequest) {
        self.stage.send_replace(Stage::Asked(Arc::new(request)));
    }

    /// Waits for the answer. Once this has failed no answer is taken any more.
    pub(crate) async fn answer_within(
        &self,
        timeout: Duration,
    ) -> Result<OnlineAnswer, Interruption> {
        let closing = Closing(self);
        let waited = self.abort.bound(timeout, self.answered()).await;
        drop(closing);
        waited.or_else(|interruption| match &*self.stage.borrow() {
            // It was taken while the time ran out.
            Stage::Answered(answer) => Ok(answer.clone()),
            Stage::Unasked | Stage::Asked(_) | Stage::Over => Err(interruption),
        })
    }

    /// Takes no answer any more.
    fn close(&self) {
        self.stage.send_if_modified(|stage| {
            let open = matches!(stage, Stage::Unasked | Stage::Asked(_));
            if open {
                *stage = Stage::Over;
            }
            open
        });
    }

    /// Takes an answer. It closes the window for an abort, and is refused when one was accepted.
    pub(crate) fn answer(&self, answer: OnlineAnswer) -> Decided {
        let mut decided = Decided::Over;
        self.stage.send_if_modified(|stage| match stage {
            Stage::Asked(_) if self.abort.proceed() => {
                decided = Decided::Taken;
                *stage = Stage::Answered(answer);
                true
            }
            Stage::Answered(before) => {
                decided = if *before == answer {
                    Decided::Taken
                } else {
                    Decided::Otherwise
                };
                false
            }
            Stage::Unasked => {
                decided = Decided::NotAsked;
                false
            }
            Stage::Asked(_) | Stage::Over => false,
        });
        decided
    }

    /// The question, while it waits for its answer.
    pub(crate) fn question(&self) -> Option<Arc<OnlineRequest>> {
        match &*self.stage.borrow() {
            Stage::Asked(request) => Some(Arc::clone(request)),
            Stage::Unasked | Stage::Answered(_) | Stage::Over => None,
        }
    }

    /// Waits until the question is put.
    pub(crate) async fn asked(&self) {
        let mut stage = self.stage.subscribe();
        // The sender lives as long as this desk.
        drop(
            stage
                .wait_for(|stage| !matches!(stage, Stage::Unasked))
                .await,
        );
    }

    async fn answered(&self) -> OnlineAnswer {
        let mut stage = self.stage.subscribe();
        loop {
            if let Stage::Answered(answer) = &*stage.borrow_and_update() {
                return answer.clone();
            }
            if stage.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Closes a desk when nobody waits at it any more: the call of the guest may be cut.
struct Closing<'desk>(&'desk Desk);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> OnlineRequest {
        OnlineRequest {
            card: None,
            chip_data: BTreeMap::new(),
            pin: None,
            track_2: None,
        }
    }

    fn answer(code: &str) -> OnlineAnswer {
        OnlineAnswer {
            response_code: code.to_owned(),
            authorisation_code: None,
            issuer_authentication_data: None,
            issuer_scripts: Vec::new(),
        }
    }

    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn a_question_is_answered_once() {
        let abort = AbortWindow::default();
        let desk = Desk::new(abort.clone());
        assert_eq!(desk.answer(answer("00")), Decided::NotAsked);
        desk.put(request());
        desk.asked().await;
        assert!(desk.question().is_some());
        assert_eq!(desk.answer(answer("00")), Decided::Taken);
        assert_eq!(desk.answer(answer("00")), Decided::Taken, "repeated");
        assert_eq!(desk.answer(answer("51")), Decided::Otherwise);
        assert!(!abort.request(), "an answer closes the window");
        assert_eq!(desk.question(), None);
        assert_eq!(desk.answer_within(LONG).await, Ok(answer("00")));
    }

    #[tokio::test]
    async fn no_answer_is_taken_after_the_time_or_an_abort() {
        let desk = Desk::new(AbortWindow::default());
        desk.put(request());
        let waited = desk.answer_within(SHORT).await;
        assert_eq!(waited, Err(Interruption::TimedOut));
        assert_eq!(desk.answer(answer("00")), Decided::Over);
        let abort = AbortWindow::default();
        let desk = Desk::new(abort.clone());
        desk.put(request());
        assert!(abort.request());
        assert_eq!(desk.answer(answer("00")), Decided::Over);
        let waited = desk.answer_within(LONG).await;
        assert_eq!(waited, Err(Interruption::Aborted));
    }

    #[tokio::test]
    async fn no_answer_is_taken_when_nobody_waits_any_more() {
        let desk = Desk::new(AbortWindow::default());
        desk.put(request());
        let cut = tokio::time::timeout(SHORT, desk.answer_within(LONG)).await;
        assert!(cut.is_err());
        assert_eq!(desk.question(), None);
        assert_eq!(desk.answer(answer("00")), Decided::Over);
    }

    #[tokio::test]
    async fn an_answer_that_was_taken_counts_though_time_ran_out() {
        let desk = Desk::new(AbortWindow::default());
        desk.put(request());
        assert_eq!(desk.answer(answer("00")), Decided::Taken);
        assert_eq!(desk.answer_within(Duration::ZERO).await, Ok(answer("00")));
    }
}
