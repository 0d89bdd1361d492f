//! Whole transactions with scripted cards, and what becomes of them when the card leaves, answers
//! garbage, or never ends.
//!
//! A dialogue is a text: `#` begins a comment, `>` a command of the terminal, `<` the card's
//! answer; other lines set something (`amount 2500`) or expect something (`tvr 0000008000`).

use std::collections::VecDeque;

use emv::bits::{AdditionalTerminalCapabilities, TerminalCapabilities, Tvr};
use emv::parameters::{
    Aid, Application, CaPublicKey, CdaMode, RandomSelection, Terminal, TerminalType,
};
use emv::ports::{
    Card, CardFault, Cardholder, Interruption, OfflinePinEntry, OfflinePinMethod, PinEntry,
    PinPrompt, Tools,
};
use emv::trace::Event;
use emv::{
    Cause, Completed, CryptogramType, Decision, Ended, HostAnswer, Identity, Misbehaviour,
    NotAccepted, Tag, Transaction, TransactionType, contact, tag,
};
use proptest::prelude::*;

const DIALOGUES: &[(&str, &str)] = &[
    (
        "online-pin-approved",
        include_str!("online-pin-approved.txt"),
    ),
    ("offline-approved", include_str!("offline-approved.txt")),
    ("expired-declined", include_str!("expired-declined.txt")),
    (
        "card-declines-after-approval",
        include_str!("card-declines-after-approval.txt"),
    ),
    ("issuer-declines", include_str!("issuer-declines.txt")),
    (
        "unable-to-go-online",
        include_str!("unable-to-go-online.txt"),
    ),
    ("second-application", include_str!("second-application.txt")),
    ("offline-pin-retry", include_str!("offline-pin-retry.txt")),
];

/// More commands than any transaction may take, so that an endless one is noticed.
const COMMANDS_BEYOND_ANY: usize = 300;

/// A dialogue, read.
#[derive(Clone, Default)]
struct Script {
    apdus: Vec<(String, String)>,
    settings: Vec<(String, String)>,
}

impl Script {
    fn parse(text: &str) -> Self {
        let mut script = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.split_once(' ') {
                Some(("#", _)) => {}
                Some((">", command)) => script.apdus.push((command.to_owned(), String::new())),
                Some(("<", answer)) => {
                    answer.clone_into(&mut script.apdus.last_mut().expect("a command before").1);
                }
                Some((name, value)) => script.settings.push((name.to_owned(), value.to_owned())),
                None => panic!("{line}"),
            }
        }
        script
    }

    fn setting(&self, name: &str) -> Option<&str> {
        self.settings
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.setting(name).map(unhex)
    }
}

/// What the card of a dialogue does in the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// It follows the dialogue.
    Faithful,
    /// It leaves at the command of this number, counted from zero.
    LeavesAt(usize),
    /// It answers whatever it is asked, in the order of the dialogue and then from its start.
    Deaf,
}

struct Bench {
    answers: Vec<Vec<u8>>,
    expected: Vec<String>,
    manner: Manner,
    sent: Vec<Vec<u8>>,
    pins: VecDeque<String>,
    events: Vec<Event>,
    identified: Option<Identity>,
}

impl Bench {
    fn new(script: &Script, manner: Manner) -> Self {
        Self {
            answers: script
                .apdus
                .iter()
                .map(|(_, answer)| unhex(answer))
                .collect(),
            expected: script
                .apdus
                .iter()
                .map(|(command, _)| command.clone())
                .collect(),
            manner,
            sent: Vec::new(),
            pins: script
                .setting("pin")
                .unwrap_or("")
                .split(' ')
                .map(str::to_owned)
                .collect(),
            events: Vec::new(),
            identified: None,
        }
    }

    fn next_pin(&mut self) -> Result<String, Interruption> {
        match (self.manner, self.pins.pop_front()) {
            (Manner::Deaf, _) => Ok("ok".to_owned()),
            (_, Some(pin)) => Ok(pin),
            (_, None) => Err(Interruption::TimedOut),
        }
    }
}

impl Card for Bench {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardFault> {
        let number = self.sent.len();
        self.sent.push(command.to_vec());
        assert!(number < COMMANDS_BEYOND_ANY, "the transaction does not end");
        match self.manner {
            Manner::LeavesAt(last) if number >= last => Err(CardFault::Removed),
            Manner::Faithful | Manner::LeavesAt(_) => {
                let expected = self
                    .expected
                    .get(number)
                    .map(String::as_str)
                    .unwrap_or_default();
                assert_eq!(hex(command), expected, "command {number}");
                Ok(self.answers[number].clone())
            }
            Manner::Deaf if self.answers.is_empty() => Err(CardFault::Unresponsive),
            Manner::Deaf => Ok(self
                .answers
                .iter()
                .cycle()
                .nth(number)
                .expect("endless")
                .clone()),
        }
    }
}

impl Cardholder for Bench {
    fn choose_application(&mut self, labels: &[Vec<u8>]) -> Result<usize, Interruption> {
        assert!((1..=16).contains(&labels.len()), "what the display takes");
        Ok(0)
    }

    fn enter_online_pin(&mut self) -> Result<PinEntry, Interruption> {
        match self.next_pin()?.as_str() {
            "ok" => Ok(PinEntry::Entered),
            "bypassed" => Ok(PinEntry::Bypassed),
            "broken" => Ok(PinEntry::Unavailable),
            other => panic!("{other}"),
        }
    }

    fn verify_offline_pin(
        &mut self,
        prompt: PinPrompt,
        _method: &OfflinePinMethod,
    ) -> Result<OfflinePinEntry, Interruption> {
        match self.next_pin()?.as_str() {
            "ok" => Ok(OfflinePinEntry::Answered(0x9000)),
            "wrong" => {
                assert_eq!(prompt, PinPrompt::Enter);
                Ok(OfflinePinEntry::Answered(0x63C1))
            }
            "last" => {
                assert_eq!(prompt, PinPrompt::LastTry);
                Ok(OfflinePinEntry::Answered(0x63C0))
            }
            other => panic!("{other}"),
        }
    }
}

impl Tools for Bench {
    fn rsa_recover(&mut self, _: &[u8], _: &[u8], _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn unpredictable_number(&mut self) -> [u8; 4] {
        [0xDE, 0xAD, 0xBE, 0xEF]
    }

    fn ca_public_key(&mut self, _: &[u8; 5], _: u8) -> Option<CaPublicKey> {
        None
    }

    fn card_identified(&mut self, identity: &Identity) {
        self.identified = Some(identity.clone());
    }

    fn record(&mut self, event: Event) {
        self.events.push(event);
    }
}

fn terminal(script: &Script) -> Terminal {
    let kind = script.bytes("terminal-type").map_or(0x22, |bytes| bytes[0]);
    Terminal {
        terminal_id: *b"TERMID01",
        merchant_id: *b"MERCHANT       ",
        merchant_name_and_location: b"SHOP".to_vec(),
        merchant_category_code: 5999,
        country: 554,
        kind: TerminalType::parse(kind).expect("a type"),
        capabilities: TerminalCapabilities::from_bytes([0xE0, 0xF8, 0xC8]),
        additional_capabilities: AdditionalTerminalCapabilities::from_bytes([
            0xF0, 0, 0xF0, 0xA0, 1,
        ]),
        interface_device_serial_number: *b"12345678",
        languages: vec![*b"en"],
        cda_mode: CdaMode::Mode1,
    }
}

fn applications(script: &Script) -> Vec<Application> {
    let codes = |name| {
        let bytes = script.bytes(name).unwrap_or_else(|| vec![0; 5]);
        Tvr::from_bytes(bytes.try_into().expect("five bytes"))
    };
    ["A0000000031010", "A0000000041010"]
        .into_iter()
        .map(|aid| Application {
            aid: Aid::parse(&unhex(aid)).expect("an AID"),
            partial_selection: true,
            version: 0x0096,
            tac_default: codes("tac-default"),
            tac_denial: codes("tac-denial"),
            tac_online: codes("tac-online"),
            floor_limit: number(script, "floor-limit", 0),
            random_selection: RandomSelection::default(),
            default_ddol: vec![0x9F, 0x37, 0x04],
            default_tdol: Vec::new(),
        })
        .collect()
}

fn number(script: &Script, name: &str, absent: u64) -> u64 {
    script
        .setting(name)
        .map_or(absent, |value| value.parse().expect("a number"))
}

fn transaction(script: &Script) -> Transaction {
    Transaction {
        amount: number(script, "amount", 2500),
        amount_other: 0,
        currency: 554,
        currency_exponent: 2,
        kind: TransactionType::GoodsAndServices,
        date: [0x26, 0x11, 0x21],
        time: [0x12, 0x34, 0x56],
        sequence: 7,
        merchant_forced_online: false,
        only_issuer_approves: false,
    }
}

fn answer(script: &Script) -> HostAnswer {
    match script.setting("host") {
        Some("unable") | None => HostAnswer::UnableToGoOnline,
        Some(code) => HostAnswer::Answered {
            approved: code == "3030",
            response_code: unhex(code).try_into().expect("two bytes"),
            issuer_authentication_data: script.bytes("host-91"),
            scripts: script.bytes("host-scripts").unwrap_or_default(),
        },
    }
}

/// Runs a dialogue to its end.
fn run(script: &Script, bench: &mut Bench) -> Result<Completed, Ended> {
    let (terminal, applications) = (terminal(script), applications(script));
    match contact::start(bench, &terminal, &applications, &transaction(script))? {
        Decision::Approved(completed) | Decision::Declined(completed) => Ok(completed),
        Decision::Online(request) => request.complete(bench, &answer(script)),
    }
}

#[test]
fn dialogues_end_as_they_say() {
    for (name, text) in DIALOGUES {
        let script = Script::parse(text);
        let mut bench = Bench::new(&script, Manner::Faithful);
        let completed =
            run(&script, &mut bench).unwrap_or_else(|ended| panic!("{name}: {ended:?}"));
        assert_eq!(bench.sent.len(), script.apdus.len(), "{name}: all commands");
        let ending = match completed.declined_by {
            None => "approved".to_owned(),
            Some(decliner) => format!("declined by {decliner:?}"),
        };
        assert_eq!(Some(ending.as_str()), script.setting("ends"), "{name}");
        assert_eq!(
            completed.reversal_required,
            script.setting("reversal").is_some(),
            "{name}"
        );
        for (setting, tag) in [
            ("tvr", tag::TVR),
            ("tsi", tag::TSI),
            ("cvm", tag::CVM_RESULTS),
            ("arc", tag::AUTHORISATION_RESPONSE_CODE),
            ("script-results", tag::ISSUER_SCRIPT_RESULTS),
        ] {
            let actual = completed.card.value(tag).map(hex);
            assert_eq!(
                actual.as_deref(),
                script.setting(setting),
                "{name}: {setting}"
            );
        }
        let rules: Vec<&str> = bench.events.iter().map(|event| event.rule).collect();
        assert_eq!(
            rules.join(" "),
            script.setting("rules").unwrap_or_default(),
            "{name}"
        );
    }
}

/// The script's card, whatever it is asked.
fn deaf(name: &str) -> (Script, Bench) {
    let (_, text) = DIALOGUES
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a dialogue");
    let script = Script::parse(text);
    let bench = Bench::new(&script, Manner::Deaf);
    (script, bench)
}

#[test]
fn a_card_is_read_and_asked_for_no_payment() {
    let (script, mut bench) = deaf("expired-declined");
    let (terminal, applications) = (terminal(&script), applications(&script));
    let refund = Transaction {
        kind: TransactionType::Refund,
        ..transaction(&script)
    };
    let card = contact::read(&mut bench, &terminal, &applications, &refund).expect("a card");
    let pan = card.identity().expect("whose it is").pan.masked();
    assert_eq!(pan, b"************0010");
    assert_eq!(card.cryptogram_type(), Some(CryptogramType::Aac));
    assert_eq!(card.tvr(), Tvr::ODA_NOT_PERFORMED);
    assert_eq!(bench.sent.last().expect("a command")[..3], [0x80, 0xAE, 0]);
    assert_eq!(bench.sent.len(), script.apdus.len());

    // A card that would pay is against the standard.
    let last = bench.answers.len() - 1;
    let mut bench = Bench::new(&script, Manner::Deaf);
    bench.answers[last][2] = 0x40;
    let ended = contact::read(&mut bench, &terminal, &applications, &refund).expect_err("a fault");
    let too_high = Cause::CardMisbehaved(Misbehaviour::CryptogramTooHigh);
    assert_eq!(ended.cause, too_high);
}

#[test]
fn what_only_the_issuer_approves_is_never_approved_without_it() {
    let (script, mut bench) = deaf("offline-approved");
    let (mut terminal, applications) = (terminal(&script), applications(&script));
    let reservation = Transaction {
        only_issuer_approves: true,
        ..transaction(&script)
    };
    let asked_for = |bench: &Bench| bench.sent.last().expect("a command")[2] & 0xC0;
    // The card answers with a TC, which is more than was asked for.
    let ended = contact::start(&mut bench, &terminal, &applications, &reservation);
    assert!(ended.is_err(), "{ended:?}");
    assert_eq!(asked_for(&bench), 0x80);
    // A terminal that cannot ask stays as it is; who owns it does not offer what needs the issuer.
    terminal.kind = TerminalType::parse(0x23).expect("a type");
    let mut bench = Bench::new(&script, Manner::Deaf);
    drop(contact::start(
        &mut bench,
        &terminal,
        &applications,
        &reservation,
    ));
    assert_eq!(asked_for(&bench), 0x40);
}

#[test]
fn a_card_that_leaves_at_any_command_ends_the_transaction() {
    for (name, text) in DIALOGUES {
        let script = Script::parse(text);
        let approved_by_issuer = script.setting("host") == Some("3030");
        for last in 0..script.apdus.len() {
            let mut bench = Bench::new(&script, Manner::LeavesAt(last));
            let command = script.apdus[last].0.as_str();
            match run(&script, &mut bench) {
                // The last cryptogram was given: only a script can have failed.
                Ok(completed) => {
                    assert!(!command.starts_with("80AE"), "{name} {last}");
                    assert!(
                        completed
                            .card
                            .tvr()
                            .contains(Tvr::SCRIPT_FAILED_AFTER_FINAL),
                        "{name}"
                    );
                }
                Err(ended) => {
                    assert_eq!(
                        ended.cause,
                        Cause::Card(CardFault::Removed),
                        "{name} {last}"
                    );
                    let online = bench.events.iter().any(|event| event.rule == "ONL-01");
                    let during = command.starts_with("0082");
                    let due = approved_by_issuer && (online || during);
                    assert_eq!(ended.reversal_required, due, "{name} {last}");
                }
            }
            assert_eq!(
                bench.sent.len(),
                last + 1,
                "{name}: nothing is sent to a card that left"
            );
        }
    }
}

#[test]
fn garbage_at_any_command_ends_the_transaction() {
    let long = vec![0x70; 300];
    let garbage: [&[u8]; 7] = [
        &[],
        &[0x00],
        &[0x90, 0x00],
        &[0x6F, 0x00],
        &[0x77, 0xFF, 0x90, 0x00],
        &[0xFF; 258],
        &long,
    ];
    for (name, text) in DIALOGUES {
        let script = Script::parse(text);
        for position in 0..script.apdus.len() {
            for answer in garbage {
                let mut bench = Bench::new(&script, Manner::Deaf);
                bench.answers[position] = answer.to_vec();
                check_invariants(name, &script, &mut bench);
            }
        }
    }
}

#[test]
fn an_amount_no_card_can_hold_is_refused_before_any_command() {
    for (amount, amount_other, refused) in [
        (999_999_999_999, 0, false),
        (1_000_000_000_000, 0, true),
        (100, 101, true),
    ] {
        let script = Script::parse(DIALOGUES[0].1);
        let mut bench = Bench::new(&script, Manner::LeavesAt(0));
        let transaction = Transaction {
            amount,
            amount_other,
            ..transaction(&script)
        };
        let (terminal, applications) = (terminal(&script), applications(&script));
        let ended = contact::start(&mut bench, &terminal, &applications, &transaction)
            .expect_err("no card answers");
        let out_of_range = Cause::NotAccepted(NotAccepted::AmountOutOfRange);
        assert_eq!(
            ended.cause == out_of_range,
            refused,
            "{amount} {amount_other}"
        );
        assert_eq!(bench.sent.is_empty(), refused, "{amount} {amount_other}");
    }
}

#[test]
fn a_card_that_never_ends_is_stopped() {
    // A directory whose every record names another application.
    let entry = "701861164F07A0000000031010500B56495341204352454449549000";
    let pse = "6F15840E315041592E5359532E4444463031A5038801019000";
    let script = Script::default();
    let mut bench = Bench::new(&script, Manner::Deaf);
    bench.answers = vec![unhex(pse)];
    bench.answers.extend(vec![unhex(entry); 400]);
    let ended = run(&script, &mut bench).expect_err("no transaction");
    assert_eq!(
        ended.cause,
        Cause::CardMisbehaved(Misbehaviour::TooManyCommands)
    );

    // An application behind every SELECT next.
    let mut bench = Bench::new(&script, Manner::Deaf);
    bench.answers = vec![unhex("6F0F8408A000000003101001A5035001569000")];
    assert!(run(&script, &mut bench).is_err());
    let selects = bench
        .sent
        .iter()
        .filter(|command| command[1] == 0xA4)
        .count();
    assert!(selects <= 1 + 2 * 16 + 16, "{selects}");
}

#[test]
fn no_trace_shows_the_pan() {
    for (name, text) in DIALOGUES {
        let script = Script::parse(text);
        let mut bench = Bench::new(&script, Manner::Faithful);
        let completed = run(&script, &mut bench).expect("a dialogue");
        let identity = completed.card.identity().expect("read").clone();
        let pan = String::from_utf8(identity.pan.digits().to_vec()).expect("digits");
        let shown: String = bench
            .events
            .iter()
            .flat_map(|event| &event.elements)
            .map(|(_, value)| hex(value))
            .chain([format!("{identity:?} {completed:?}")])
            .collect();
        assert!(!shown.contains(&pan[..pan.len() - 4]), "{name}");
        assert_eq!(bench.identified, Some(identity), "{name}");
    }
}

#[test]
fn field_55_holds_what_was_asked_for() {
    let script = Script::parse(DIALOGUES[0].1);
    let mut bench = Bench::new(&script, Manner::Faithful);
    let (terminal, applications) = (terminal(&script), applications(&script));
    let decision = contact::start(&mut bench, &terminal, &applications, &transaction(&script));
    let Ok(Decision::Online(request)) = decision else {
        panic!("{decision:?}")
    };
    let tags = [
        tag::AMOUNT_AUTHORISED,
        Tag::new(0x9F7C),
        tag::CRYPTOGRAM_INFORMATION_DATA,
    ];
    assert_eq!(
        hex(&request.card().encode(&tags)),
        "9F02060000000025009F270180"
    );
    let verification = request.card().verification().expect("verified");
    assert!(verification.online_pin_entered);
}

/// What holds for every card: the transaction ends, and no rule of the book is broken.
fn check_invariants(name: &str, script: &Script, bench: &mut Bench) {
    let ended = run(script, bench);
    let count = |instruction| {
        bench
            .sent
            .iter()
            .filter(|command| command[1] == instruction)
            .count()
    };
    assert!(count(0xAE) <= 2, "{name}: two GENERATE AC");
    assert!(count(0x82) <= 1, "{name}: one EXTERNAL AUTHENTICATE");
    let mut before = Tvr::empty();
    for event in &bench.events {
        let shown = event.elements.iter().find(|(tag, _)| *tag == tag::TVR);
        if let Some((_, value)) = shown {
            let tvr = Tvr::from_bytes(value.as_slice().try_into().expect("five bytes"));
            assert!(tvr.contains(before), "{name}: a TVR bit was cleared");
            before = tvr;
        }
    }
    if let Ok(completed) = ended {
        assert_eq!(
            completed.approved,
            completed.declined_by.is_none(),
            "{name}"
        );
        let denied = script.setting("tac-denial") == Some("FFFFFFFFFF");
        assert!(
            !(denied && completed.approved),
            "{name}: approved against every action code"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_card_ends_and_is_denied_when_everything_is_denied(
        dialogue in 0..DIALOGUES.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 0..6),
        moved in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..4),
    ) {
        let (name, text) = DIALOGUES[dialogue];
        let mut script = Script::parse(text);
        script.settings.retain(|(setting, _)| !setting.starts_with("tac-") && setting != "host");
        script.settings.push(("tac-denial".to_owned(), "FFFFFFFFFF".to_owned()));
        let mut bench = Bench::new(&script, Manner::Deaf);
        for (answer, byte, value) in changes {
            let answer = answer.index(bench.answers.len());
            let byte = byte.index(bench.answers[answer].len());
            bench.answers[answer][byte] = value;
        }
        for (from, to) in moved {
            let (from, to) = (from.index(bench.answers.len()), to.index(bench.answers.len()));
            bench.answers.swap(from, to);
        }
        check_invariants(name, &script, &mut bench);
    }

    #[test]
    fn any_bytes_end(
        answers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..260), 1..12),
        successful in any::<bool>(),
    ) {
        let mut script = Script::default();
        script.settings.push(("tac-denial".to_owned(), "FFFFFFFFFF".to_owned()));
        let mut bench = Bench::new(&script, Manner::Deaf);
        bench.answers = answers;
        if successful {
            bench.answers.iter_mut().for_each(|answer| answer.extend([0x90, 0x00]));
        }
        check_invariants("random", &script, &mut bench);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0x0F])
        .map(digit)
        .collect()
}

fn digit(nibble: u8) -> char {
    char::from_digit(nibble.into(), 16)
        .expect("a nibble")
        .to_ascii_uppercase()
}

fn unhex(digits: &str) -> Vec<u8> {
    let (pairs, odd) = digits.as_bytes().as_chunks::<2>();
    assert!(odd.is_empty(), "{digits}");
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).expect("ASCII"), 16);
    pairs
        .iter()
        .map(|pair| byte(pair).expect("hexadecimal"))
        .collect()
}
