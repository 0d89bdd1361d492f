//! A terminal whose devices do what a test says.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use cap_std::{ambient_authority, fs::Dir};
use jiff::Zoned;
use tempfile::TempDir;
use terminal_host::{
    Devices, EngineFile, TerminalConfig, TransactionService, acquirer_link,
    card_reader::{self, Card, CardReader, Presented, Technologies},
    clock::{Clock, SystemClock},
    display::{Display, Screen},
    input::{self, Given, Input, Question},
    observer::{NoObserver, Observer},
    parameters::Parameters,
    pin_entry::{self, Keypad, PinPrompt},
    printer::{self, Line, Printer},
    service::{Begun, Claim, StartError},
    text::TextLine,
    transaction::{EntryPreference, Kind, OnlineDecision, Record, Request, TransactionId},
    vault::{DeviceKey, Pin, Storage, Vault},
};
use tokio::sync::{Notify, mpsc, watch};
use zeroize::Zeroizing;

use crate::guest::Behaviour;

/// Longer than any limit of the host that these tests reach.
const BOUND: Duration = Duration::from_mins(2);

/// A terminal and the hands on its devices.
pub(crate) struct TestTerminal {
    pub(crate) service: TransactionService,
    pub(crate) hands: Hands,
    folder: TempDir,
}

/// Lines, and whether the paper was cut after them.
type Printed = (Vec<Line>, bool);

/// What the devices do.
#[derive(Clone)]
pub(crate) struct Hands {
    /// Whether a card is always there, or never.
    pub(crate) card: Arc<AtomicBool>,
    /// Whether the printer's driver panics.
    pub(crate) printer_panics: Arc<AtomicBool>,
    /// What the display shows.
    pub(crate) screen: watch::Sender<Screen>,
    /// What was printed, and whether the paper was cut.
    pub(crate) papers: Arc<Mutex<Vec<Printed>>>,
    /// Gives the cardholder's next answer.
    pub(crate) give: mpsc::UnboundedSender<Result<Given, input::Fault>>,
    given: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Result<Given, input::Fault>>>>,
    /// Whether the last question was asked again.
    pub(crate) asked_again: Arc<AtomicBool>,
    /// What the acquirer does.
    pub(crate) acquirer: watch::Sender<Acquirer>,
    /// Notified when the acquirer is asked.
    pub(crate) asked: Arc<Notify>,
    /// How many days the clock is ahead.
    pub(crate) clock_days: watch::Sender<i64>,
    /// How often the acquirer was asked.
    pub(crate) exchanges: Arc<AtomicU32>,
}

impl Hands {
    fn new() -> Self {
        let (give, given) = mpsc::unbounded_channel();
        Self {
            card: Arc::default(),
            printer_panics: Arc::default(),
            screen: watch::Sender::new(Screen::Idle),
            papers: Arc::default(),
            give,
            given: Arc::new(tokio::sync::Mutex::new(given)),
            asked_again: Arc::default(),
            acquirer: watch::Sender::new(Acquirer::Answers),
            asked: Arc::default(),
            clock_days: watch::Sender::new(0),
            exchanges: Arc::default(),
        }
    }
}

/// What the acquirer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acquirer {
    Answers,
    Waits,
    LosesTheAnswer,
}

impl TestTerminal {
    pub(crate) async fn start(engine: EngineFile) -> Self {
        Self::try_start(engine).await.expect("the terminal starts")
    }

    pub(crate) async fn try_start(engine: EngineFile) -> Result<Self, StartError> {
        let folder = tempfile::tempdir().expect("a folder");
        Self::start_in(folder, engine, Hands::new()).await
    }

    /// Starts again over the same storage, with another engine and the same hands.
    pub(crate) async fn restart(self, engine: EngineFile) -> Result<Self, StartError> {
        let Self {
            service,
            folder,
            hands,
        } = self;
        service.shut_down().await;
        drop(service);
        Self::start_in(folder, engine, hands).await
    }

    async fn start_in(
        folder: TempDir,
        engine: EngineFile,
        hands: Hands,
    ) -> Result<Self, StartError> {
        let vault = Vault::open(Box::new(NoStorage), DeviceKey(Zeroizing::new([1; 32])));
        let config = TerminalConfig {
            engine,
            files: Dir::open_ambient_dir(folder.path(), ambient_authority()).expect("a folder"),
            journal: folder.path().join("journal.sqlite"),
            devices: devices(&hands),
            input: Box::new(Questions(hands.clone())),
            vault: vault.unwrap_or_else(|_| panic!("an empty vault opens")),
            parameters: Parameters::from_json(include_str!("../parameters.json"))
                .expect("right parameters"),
            clock: Arc::new(SetClock(hands.clock_days.subscribe())),
            observer: Arc::new(NoObserver),
            recordings: None,
        };
        let service = within(TransactionService::start(config)).await?;
        Ok(Self {
            service,
            hands,
            folder,
        })
    }

    /// Begins a sale that makes the guest behave so.
    pub(crate) async fn begin(&self, behaviour: Behaviour) -> TransactionId {
        match self.service.begin(request(behaviour), None).await {
            Ok(Begun::Started(id)) => id,
            other => panic!("the sale was not started: {other:?}"),
        }
    }

    /// Runs a sale that makes the guest behave so, to its end.
    pub(crate) async fn run(&self, behaviour: Behaviour) -> Record {
        let id = self.begin(behaviour).await;
        self.ended(&id).await
    }

    /// The size of the journal on disk, its log included.
    pub(crate) fn journal_length(&self) -> u64 {
        ["journal.sqlite", "journal.sqlite-wal"]
            .iter()
            .map(|name| {
                self.folder
                    .path()
                    .join(name)
                    .metadata()
                    .map_or(0, |file| file.len())
            })
            .sum()
    }

    /// Waits for a transaction's end.
    pub(crate) async fn ended(&self, id: &TransactionId) -> Record {
        let ended = within(self.service.ended(id)).await;
        Arc::unwrap_or_clone(ended.expect("the transaction is in the records"))
    }
}

/// Fails the test when `wait` is not over in time.
pub(crate) async fn within<T>(wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, wait)
        .await
        .expect("over in time")
}

pub(crate) fn request(behaviour: Behaviour) -> Request {
    Request {
        kind: Kind::Sale,
        // The guest reads its behaviour from the amount.
        amount_minor: behaviour.amount_minor(),
        tip_minor: 0,
        cashback_minor: 0,
        currency: "NZD".into(),
        entry: EntryPreference::Auto,
        accepts_partial_approval: false,
        online_decision: OnlineDecision::Acquirer,
        reference: None,
        original: None,
        metadata: std::collections::BTreeMap::new(),
    }
}

pub(crate) fn claim(key: &str, fingerprint: u8) -> Claim {
    Claim {
        key: key.into(),
        fingerprint: [fingerprint; 32],
    }
}

fn devices(hands: &Hands) -> Devices {
    Devices {
        card_reader: Box::new(Reader(Arc::clone(&hands.card))),
        keypad: Box::new(NoKeypad),
        display: Box::new(Panel(hands.clone())),
        printer: Box::new(Paper(hands.clone())),
        acquirer_link: Box::new(Link(hands.clone())),
    }
}

/// The system's clock, as somebody has set it.
struct SetClock(watch::Receiver<i64>);

impl Clock for SetClock {
    fn now(&self) -> Zoned {
        let days = jiff::Span::new().days(*self.0.borrow());
        SystemClock.now().checked_add(days).expect("a date")
    }
}

struct Reader(Arc<AtomicBool>);

#[async_trait]
impl CardReader for Reader {
    async fn wait_for_card(&mut self, _: Technologies) -> Result<Presented, card_reader::Fault> {
        if self.0.load(Ordering::Relaxed) {
            Ok(Presented::Contact(Box::new(SilentCard)))
        } else {
            std::future::pending().await
        }
    }
}

struct SilentCard;

#[async_trait]
impl Card for SilentCard {
    async fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, card_reader::Fault> {
        Err(card_reader::Fault::CardUnresponsive)
    }
}

struct NoKeypad;

#[async_trait]
impl Keypad for NoKeypad {
    async fn enter_pin(&mut self, _: &PinPrompt) -> Result<Pin, pin_entry::Fault> {
        Err(pin_entry::Fault::Keypad)
    }
}

struct Panel(Hands);

#[async_trait]
impl Display for Panel {
    fn show(&mut self, screen: &Screen) {
        self.0.screen.send_replace(screen.clone());
    }

    async fn choose(&mut self, _: &[String]) -> Option<usize> {
        None
    }
}

/// Gives what the test says, when it says something.
struct Questions(Hands);

#[async_trait]
impl Input for Questions {
    async fn ask(&mut self, question: &Question, again: bool) -> Result<Given, input::Fault> {
        self.0.asked_again.store(again, Ordering::SeqCst);
        self.0
            .screen
            .send_replace(Screen::Text(vec![line(question.prompt())]));
        let given = {
            let mut given = self.0.given.lock().await;
            given.recv().await
        };
        given.expect("the test goes on")
    }
}

/// A line of the usual form.
pub(crate) fn line(text: &str) -> TextLine {
    TextLine {
        text: text.into(),
        ..TextLine::default()
    }
}

struct Paper(Hands);

#[async_trait]
impl Printer for Paper {
    async fn print(&mut self, lines: &[Line], cut: bool) -> Result<(), printer::Fault> {
        assert!(
            !self.0.printer_panics.load(Ordering::Relaxed),
            "the printer's driver is faulty"
        );
        let mut papers = self.0.papers.lock().expect("not poisoned");
        papers.push((lines.to_vec(), cut));
        Ok(())
    }
}

struct Link(Hands);

#[async_trait]
impl acquirer_link::AcquirerLink for Link {
    async fn exchange(
        &mut self,
        _: &[u8],
        _: Duration,
        _: &dyn Observer,
    ) -> Result<Vec<u8>, acquirer_link::Fault> {
        self.0.exchanges.fetch_add(1, Ordering::Relaxed);
        self.0.asked.notify_one();
        let mut acquirer = self.0.acquirer.subscribe();
        let decided = acquirer
            .wait_for(|acquirer| *acquirer != Acquirer::Waits)
            .await;
        match decided.as_deref() {
            Ok(Acquirer::Answers) => Ok(b"0110".to_vec()),
            Ok(Acquirer::LosesTheAnswer | Acquirer::Waits) | Err(_) => {
                Err(acquirer_link::Fault::AnswerLost)
            }
        }
    }
}

struct NoStorage;

impl Storage for NoStorage {
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn replace(&self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}
