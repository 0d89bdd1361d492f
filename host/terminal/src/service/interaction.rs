//! What a point of sale shows, asks and prints while nothing is paid.
//!
//! The devices are the engine's while a transaction runs. One that begins takes them back: a text goes
//! from the display, and a question that waits ends as cancelled. Of two questions the second is
//! refused.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::{OwnedMutexGuard, oneshot, watch},
    task::AbortHandle,
    time,
};

use super::{Inner, TransactionService};
use crate::{
    config::Devices,
    display::Screen,
    input::{self, Input, Question},
    printable::printable_text,
    printer::{self, Line},
    text::{DISPLAY_LINES_MAX, PAPER_LINES_MAX, TEXT_CHARS_MAX, TextLine},
    transaction::TransactionId,
};

/// How long the devices are waited for: a reversal on its way to the acquirer may hold them.
const DEVICES_MAX: Duration = Duration::from_secs(5);

/// How long a printer may take. A driver that takes longer hangs.
const PRINT_MAX: Duration = Duration::from_secs(30);

/// How often an answer that is none is asked for again, before the question ends as cancelled.
const TRIES_MAX: u32 = 20;

/// A text for the display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The lines, cut at [`DISPLAY_LINES_MAX`].
    pub lines: Vec<TextLine>,
    /// When it goes by itself; `None` leaves it until another one or a transaction takes its place.
    pub duration: Option<Duration>,
    /// Whether the lines of the text before stay above it, as far as there is room.
    pub keeps_previous: bool,
}

/// What became of a question.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// The cardholder's answer: what was typed, the option, `YES` or `NO`, the rating's digit.
    Answered(String),
    /// The cardholder pressed cancel, or a transaction began.
    Cancelled,
    /// Nobody answered in time.
    TimedOut,
}

/// An answer is never logged.
impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Answered(_) => "Answered",
            Self::Cancelled => "Cancelled",
            Self::TimedOut => "TimedOut",
        })
    }
}

/// Why nothing was shown, asked or printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InteractionError {
    /// A transaction runs, a question waits, or the devices are in use.
    #[error("a transaction runs, a question waits, or the devices are in use")]
    Busy,
    /// The terminal is shutting down.
    #[error("the terminal is shutting down")]
    ShuttingDown,
    /// The printer has no paper. A part may have been printed.
    #[error("the printer is out of paper")]
    OutOfPaper,
    /// The device cannot do this.
    #[error("the device cannot do this")]
    NotSupported,
    /// The device failed. A part may have been done.
    #[error("the device failed")]
    DeviceFault,
}

/// The part of a terminal that serves points of sale and no engine.
pub(super) struct Interaction {
    input: tokio::sync::Mutex<Box<dyn Input>>,
    screen: Mutex<OwnScreen>,
}

/// What a point of sale has on the display. Changed while the devices are held.
#[derive(Default)]
struct OwnScreen {
    /// Counts what was put there: what ends takes nothing away that came later.
    number: u64,
    lines: Vec<TextLine>,
    /// A text or a question is there.
    shown: bool,
    /// A question waits for its answer.
    asking: bool,
    /// Ends the text by itself.
    timer: Option<AbortHandle>,
}

impl TransactionService {
    /// Shows a text until its time is over, another one takes its place, or a transaction begins.
    pub async fn display(&self, text: Text) -> Result<(), InteractionError> {
        on_a_task(show(Arc::clone(&self.inner), text)).await
    }

    /// Asks the cardholder, and waits for the answer, for `time_max` at most. Dropping the future ends
    /// the question.
    pub async fn ask(
        &self,
        question: Question,
        time_max: Duration,
    ) -> Result<Reply, InteractionError> {
        let (told, heard) = oneshot::channel();
        tokio::spawn(ask(Arc::clone(&self.inner), question, time_max, told));
        // Nothing is told where a driver panicked.
        heard.await.unwrap_or(Err(InteractionError::DeviceFault))
    }

    /// Prints lines, cut at [`PAPER_LINES_MAX`], and cuts the paper when `cut`. Not idempotent. It goes
    /// on when the future is dropped.
    pub async fn print(&self, lines: Vec<TextLine>, cut: bool) -> Result<(), InteractionError> {
        on_a_task(print(Arc::clone(&self.inner), lines, cut)).await
    }
}

/// Runs on a task of its own: it goes on when nobody waits, and a driver that panics ends it only.
async fn on_a_task(
    work: impl Future<Output = Result<(), InteractionError>> + Send + 'static,
) -> Result<(), InteractionError> {
    tokio::spawn(work)
        .await
        .unwrap_or(Err(InteractionError::DeviceFault))
}

async fn show(inner: Arc<Inner>, text: Text) -> Result<(), InteractionError> {
    let mut devices = inner.idle_devices().await?;
    let (number, lines) = {
        let mut screen = inner.interaction.screen();
        let kept = std::mem::take(&mut screen.lines);
        let number = screen.put();
        let kept = if text.keeps_previous {
            kept
        } else {
            Vec::new()
        };
        let all = kept
            .into_iter()
            .chain(printable(text.lines, DISPLAY_LINES_MAX));
        screen.lines = all.collect();
        let over = screen.lines.len().saturating_sub(DISPLAY_LINES_MAX);
        screen.lines.drain(..over);
        (number, screen.lines.clone())
    };
    devices.display.show(&Screen::Text(lines));
    if let Some(duration) = text.duration {
        let ending = Arc::downgrade(&inner);
        let timer = tokio::spawn(async move {
            time::sleep(duration).await;
            if let Some(inner) = ending.upgrade() {
                inner.clear(number).await;
            }
        });
        inner.interaction.screen().timer = Some(timer.abort_handle());
    }
    Ok(())
}

async fn print(inner: Arc<Inner>, lines: Vec<TextLine>, cut: bool) -> Result<(), InteractionError> {
    let mut devices = inner.idle_devices().await?;
    let lines: Vec<Line> = printable(lines, PAPER_LINES_MAX)
        .map(Line::Styled)
        .collect();
    let printed = time::timeout(PRINT_MAX, devices.printer.print(&lines, cut)).await;
    match printed {
        Ok(Ok(())) => Ok(()),
        Ok(Err(printer::Fault::OutOfPaper)) => Err(InteractionError::OutOfPaper),
        Ok(Err(printer::Fault::Printer)) | Err(_) => Err(InteractionError::DeviceFault),
    }
}

type Told = oneshot::Sender<Result<Reply, InteractionError>>;

async fn ask(inner: Arc<Inner>, question: Question, time_max: Duration, mut told: Told) {
    let asking = match Asking::begin(&inner).await {
        Ok(asking) => asking,
        Err(refused) => {
            // Who asked may be gone.
            drop(told.send(Err(refused)));
            return;
        }
    };
    let number = asking.number;
    let mut running = inner.running.subscribe();
    let reply = {
        let mut input = inner.interaction.input.lock().await;
        tokio::select! {
            biased;
            () = told.closed() => None,
            () = begins(&mut running) => Some(Ok(Reply::Cancelled)),
            reply = answer(input.as_mut(), &question) => Some(reply),
            () = time::sleep(time_max) => Some(Ok(Reply::TimedOut)),
        }
    };
    drop(asking);
    if let Some(reply) = reply {
        // Who asked may be gone.
        drop(told.send(reply));
    }
    inner.clear(number).await;
}

/// Waits until a transaction runs.
async fn begins(running: &mut watch::Receiver<Option<TransactionId>>) {
    // An error would mean that the terminal is gone.
    drop(running.wait_for(Option::is_some).await);
}

/// Asks until an answer is one.
async fn answer(input: &mut dyn Input, question: &Question) -> Result<Reply, InteractionError> {
    for attempt in 0..TRIES_MAX {
        match input.ask(question, attempt > 0).await {
            Ok(given) => {
                if let Some(value) = question.taken(given) {
                    return Ok(Reply::Answered(value));
                }
            }
            Err(input::Fault::Cancelled) => return Ok(Reply::Cancelled),
            Err(input::Fault::NotSupported) => return Err(InteractionError::NotSupported),
            Err(input::Fault::Input) => return Err(InteractionError::DeviceFault),
        }
    }
    Ok(Reply::Cancelled)
}

/// A question that waits. Dropping it lets another one be asked.
struct Asking {
    inner: Arc<Inner>,
    number: u64,
}

impl Asking {
    async fn begin(inner: &Arc<Inner>) -> Result<Self, InteractionError> {
        // Nothing draws on the display between the look and the question.
        let _devices = inner.idle_devices().await?;
        let mut screen = inner.interaction.screen();
        screen.lines.clear();
        screen.asking = true;
        Ok(Self {
            inner: Arc::clone(inner),
            number: screen.put(),
        })
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.inner.interaction.screen().asking = false;
    }
}

impl Interaction {
    pub(super) fn new(input: Box<dyn Input>) -> Self {
        Self {
            input: tokio::sync::Mutex::new(input),
            screen: Mutex::default(),
        }
    }

    fn screen(&self) -> MutexGuard<'_, OwnScreen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OwnScreen {
    /// Something else is put on the display. Returns its number.
    fn put(&mut self) -> u64 {
        self.forget();
        self.shown = true;
        self.number
    }

    /// What was on the display is there no more, or not for long.
    fn forget(&mut self) {
        self.number = self.number.wrapping_add(1);
        self.shown = false;
        if let Some(timer) = self.timer.take() {
            timer.abort();
        }
    }
}

impl Inner {
    /// The turn to use the engine, with devices that no point of sale uses any more.
    pub(super) async fn turn_with_devices(&self) -> tokio::sync::MutexGuard<'_, ()> {
        let turn = self.turn.lock().await;
        // A question ends when a transaction runs; its driver is out of the way when this is free.
        drop(self.interaction.input.lock().await);
        let mut devices = self.devices.lock().await;
        let shown = {
            let mut screen = self.interaction.screen();
            let shown = screen.shown;
            screen.lines.clear();
            screen.forget();
            shown
        };
        if shown {
            devices.display.show(&Screen::Idle);
        }
        turn
    }

    /// The devices, for a point of sale.
    async fn idle_devices(&self) -> Result<OwnedMutexGuard<Devices>, InteractionError> {
        let is_free = || {
            if self.closing.load(Ordering::Acquire) {
                Err(InteractionError::ShuttingDown)
            } else if self.running.borrow().is_some() || self.interaction.screen().asking {
                Err(InteractionError::Busy)
            } else {
                Ok(())
            }
        };
        is_free()?;
        let devices = time::timeout(DEVICES_MAX, Arc::clone(&self.devices).lock_owned())
            .await
            .map_err(|_| InteractionError::Busy)?;
        // Something may have begun meanwhile. What begins from now on waits for the devices.
        is_free()?;
        Ok(devices)
    }

    /// Takes a text or a question from the display, when it is still there.
    async fn clear(&self, number: u64) {
        let mut devices = self.devices.lock().await;
        let clears = {
            let mut screen = self.interaction.screen();
            let clears = screen.shown && screen.number == number;
            if clears {
                screen.lines.clear();
                // This may run on the timer's task, which ends by itself.
                screen.timer = None;
                screen.forget();
            }
            clears
        };
        if clears {
            devices.display.show(&Screen::Idle);
        }
    }
}

/// Lines as drivers may have them.
fn printable(lines: Vec<TextLine>, count_max: usize) -> impl Iterator<Item = TextLine> {
    lines.into_iter().take(count_max).map(|line| TextLine {
        text: printable_text(&line.text, TEXT_CHARS_MAX),
        ..line
    })
}
