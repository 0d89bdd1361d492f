//! Whole transactions with a card that signs its cryptograms: the virtual card, which reads the
//! standard on its own, against the kernel.

use std::collections::BTreeMap;

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
    CardData, Cause, Completed, CryptogramType, Decision, Decliner, HostAnswer, Identity,
    Misbehaviour, Tag, Transaction, TransactionType, contact, tag,
};
use num_bigint::BigUint;
use virtual_card::{Issuer, Quirk, SignatureFault};

const CARD: &str = "mastercard-signed-cryptogram";
const PAN: &str = "2223003122003222";

/// A terminal with the virtual card in it.
struct Bench {
    card: virtual_card::Card,
    /// Whether the terminal holds the certification authorities' keys.
    keys: bool,
    /// P1 of each GENERATE AC.
    requests: Vec<u8>,
    rules: Vec<&'static str>,
}

impl Bench {
    fn new(quirk: Option<Quirk>) -> Self {
        let card = virtual_card::Card::named(CARD).expect("a card of the catalogue");
        let mut card = match quirk {
            Some(quirk) => card.with_quirk(quirk),
            None => card,
        };
        card.insert();
        Self {
            card,
            keys: true,
            requests: Vec::new(),
            rules: Vec::new(),
        }
    }
}

impl Card for Bench {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardFault> {
        if let [0x80, 0xAE, control, ..] = command {
            self.requests.push(*control);
        }
        Ok(self.card.transmit(command))
    }
}

impl Cardholder for Bench {
    fn choose_application(&mut self, _: &[Vec<u8>]) -> Result<usize, Interruption> {
        Ok(0)
    }

    fn enter_online_pin(&mut self) -> Result<PinEntry, Interruption> {
        Ok(PinEntry::Unavailable)
    }

    fn verify_offline_pin(
        &mut self,
        _: PinPrompt,
        _: &OfflinePinMethod,
    ) -> Result<OfflinePinEntry, Interruption> {
        Ok(OfflinePinEntry::Unavailable)
    }
}

impl Tools for Bench {
    fn rsa_recover(&mut self, modulus: &[u8], exponent: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let number = BigUint::from_bytes_be;
        let digits = number(data)
            .modpow(&number(exponent), &number(modulus))
            .to_bytes_be();
        let missing = modulus.len().checked_sub(digits.len())?;
        Some([vec![0; missing], digits].concat())
    }

    fn unpredictable_number(&mut self) -> [u8; 4] {
        [0xDE, 0xAD, 0xBE, 0xEF]
    }

    fn ca_public_key(&mut self, rid: &[u8; 5], index: u8) -> Option<CaPublicKey> {
        let key = virtual_card::ca_public_keys()
            .into_iter()
            .find(|key| self.keys && key.rid == *rid && key.index == index)?;
        Some(CaPublicKey {
            rid: key.rid,
            index: key.index,
            modulus: key.modulus,
            exponent: key.exponent,
            checksum: key.checksum,
            expires: None,
        })
    }

    fn card_identified(&mut self, _: &Identity) {}

    fn record(&mut self, event: Event) {
        self.rules.push(event.rule);
    }
}

/// One transaction: what is particular about it, and what must come of it.
struct Case {
    name: &'static str,
    mode: CdaMode,
    quirk: Option<Quirk>,
    keys: bool,
    /// Whether the amount stays below the floor limit, so that the terminal asks for a TC.
    offline: bool,
    host: Host,
    requests: &'static [u8],
    declined_by: Option<Decliner>,
    reversal: bool,
    tvr: Tvr,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Host {
    Approves,
    Unreachable,
    /// It must not be asked.
    Unasked,
}

const USUAL: Case = Case {
    name: "usual",
    mode: CdaMode::Mode1,
    quirk: None,
    keys: true,
    offline: false,
    host: Host::Approves,
    requests: &[0x90, 0x50],
    declined_by: None,
    reversal: false,
    tvr: Tvr::FLOOR_LIMIT_EXCEEDED,
};

const OFFLINE: Case = Case {
    name: "offline",
    offline: true,
    host: Host::Unasked,
    requests: &[0x50],
    tvr: Tvr::empty(),
    ..USUAL
};

fn terminal(mode: CdaMode) -> Terminal {
    Terminal {
        terminal_id: *b"TERMID01",
        merchant_id: *b"MERCHANT       ",
        merchant_name_and_location: b"SHOP".to_vec(),
        merchant_category_code: 5999,
        country: 554,
        kind: TerminalType::parse(0x22).expect("a type"),
        capabilities: TerminalCapabilities::from_bytes([0x20, 0xF8, 0xC8]),
        additional_capabilities: AdditionalTerminalCapabilities::from_bytes([
            0x60, 0, 0xF0, 0xA0, 1,
        ]),
        interface_device_serial_number: *b"12345678",
        languages: vec![*b"en"],
        cda_mode: mode,
    }
}

fn application(offline: bool) -> Application {
    Application {
        aid: Aid::parse(&[0xA0, 0, 0, 0, 0x04, 0x10, 0x10]).expect("an AID"),
        partial_selection: true,
        version: 0x0002,
        tac_default: Tvr::empty(),
        tac_denial: Tvr::empty(),
        tac_online: Tvr::empty(),
        floor_limit: if offline { 5000 } else { 0 },
        random_selection: RandomSelection::default(),
        default_ddol: vec![0x9F, 0x37, 0x04],
        default_tdol: Vec::new(),
    }
}

const TRANSACTION: Transaction = Transaction {
    amount: 2500,
    amount_other: 0,
    currency: 554,
    currency_exponent: 2,
    kind: TransactionType::GoodsAndServices,
    date: [0x26, 0x11, 0x21],
    time: [0x12, 0x34, 0x56],
    sequence: 7,
    merchant_forced_online: false,
    only_issuer_approves: false,
};

/// What field 55 tells the issuer.
fn elements(card: &CardData) -> BTreeMap<u32, Vec<u8>> {
    [
        0x9F26, 0x9F27, 0x9F10, 0x9F37, 0x9F36, 0x95, 0x9A, 0x9C, 0x9F02, 0x9F03, 0x5F2A, 0x82,
        0x9F1A,
    ]
    .into_iter()
    .filter_map(|number| Some((number, card.value(Tag::new(number))?.to_vec())))
    .collect()
}

fn run(case: &Case, bench: &mut Bench) -> Completed {
    let (terminal, applications) = (terminal(case.mode), [application(case.offline)]);
    let decision =
        contact::start(bench, &terminal, &applications, &TRANSACTION).expect("a decision");
    let request = match decision {
        Decision::Approved(completed) | Decision::Declined(completed) => return completed,
        Decision::Online(request) => request,
    };
    assert!(
        case.host != Host::Unasked,
        "{}: the issuer is asked",
        case.name
    );
    let answer = if case.host == Host::Unreachable {
        HostAnswer::UnableToGoOnline
    } else {
        let issuer = Issuer::for_pan(PAN).expect("a card of the catalogue");
        let elements = elements(request.card());
        // The cryptogram came out of the signature where there was one.
        assert!(issuer.verify_cryptogram(&elements), "{}", case.name);
        HostAnswer::Answered {
            approved: true,
            response_code: *b"00",
            issuer_authentication_data: Some(issuer.authentication_data(&elements, *b"00")),
            scripts: Vec::new(),
        }
    };
    request.complete(bench, &answer).expect("an end")
}

fn check(case: &Case) {
    let name = case.name;
    let mut bench = Bench {
        keys: case.keys,
        ..Bench::new(case.quirk)
    };
    let completed = run(case, &mut bench);
    assert_eq!(bench.requests, case.requests, "{name}");
    assert_eq!(completed.declined_by, case.declined_by, "{name}");
    assert_eq!(completed.approved, case.declined_by.is_none(), "{name}");
    assert_eq!(completed.reversal_required, case.reversal, "{name}");
    assert_eq!(completed.card.tvr(), case.tvr, "{name}");
    assert!(bench.rules.contains(&"ODA-07"), "{name}");
}

#[test]
fn a_signed_approval_counts() {
    for case in [
        OFFLINE,
        USUAL,
        Case {
            name: "mode 2",
            mode: CdaMode::Mode2,
            requests: &[0x90, 0x40],
            ..USUAL
        },
        Case {
            name: "mode 3",
            mode: CdaMode::Mode3,
            requests: &[0x80, 0x40],
            ..USUAL
        },
        Case {
            name: "mode 4",
            mode: CdaMode::Mode4,
            requests: &[0x80, 0x50],
            ..USUAL
        },
        Case {
            name: "mode 3, offline",
            mode: CdaMode::Mode3,
            ..OFFLINE
        },
        Case {
            name: "mode 3, without the issuer",
            mode: CdaMode::Mode3,
            host: Host::Unreachable,
            requests: &[0x80, 0x50],
            ..USUAL
        },
        Case {
            name: "keys unknown",
            keys: false,
            requests: &[0x80, 0x40],
            tvr: Tvr::CDA_FAILED.union(Tvr::FLOOR_LIMIT_EXCEEDED),
            ..USUAL
        },
        Case {
            name: "keys unknown, below the floor limit",
            keys: false,
            offline: true,
            requests: &[0x80, 0x40],
            tvr: Tvr::CDA_FAILED,
            ..USUAL
        },
    ] {
        check(&case);
    }
}

#[test]
fn an_approval_with_a_wrong_signature_does_not_count() {
    use SignatureFault::{Broken, Missing, OtherInformation, OtherTransactionData};
    let online = Tvr::CDA_FAILED.union(Tvr::FLOOR_LIMIT_EXCEEDED);
    for fault in [Missing, Broken, OtherInformation, OtherTransactionData] {
        let first = Case {
            quirk: Some(Quirk::SignatureAt(1, fault)),
            host: Host::Unasked,
            declined_by: Some(Decliner::Terminal),
            ..USUAL
        };
        if fault != OtherInformation {
            check(&Case {
                name: "wrong on the TC",
                offline: true,
                requests: &[0x50],
                tvr: Tvr::CDA_FAILED,
                ..first
            });
            check(&Case {
                name: "wrong on the ARQC",
                requests: &[0x90, 0x00],
                tvr: online,
                ..first
            });
        }
        check(&Case {
            name: "wrong on the second TC",
            quirk: Some(Quirk::SignatureAt(2, fault)),
            declined_by: Some(Decliner::Terminal),
            reversal: true,
            tvr: online,
            ..USUAL
        });
    }
}

#[test]
fn the_type_inside_the_signature_is_what_the_card_said() {
    let quirk = Quirk::SignatureAt(1, SignatureFault::OtherInformation);
    for (offline, requests, misbehaviour) in [
        // An ARQC inside a TC is cancelled, which a card that is done refuses.
        (true, &[0x50, 0x00][..], Misbehaviour::StatusWord(0x6985)),
        // A TC inside an ARQC is more than was asked for.
        (false, &[0x90], Misbehaviour::CryptogramTooHigh),
    ] {
        let mut bench = Bench::new(Some(quirk));
        let (terminal, applications) = (terminal(CdaMode::Mode1), [application(offline)]);
        let ended = contact::start(&mut bench, &terminal, &applications, &TRANSACTION)
            .expect_err("no decision");
        assert_eq!(ended.cause, Cause::CardMisbehaved(misbehaviour));
        assert!(ended.card.tvr().contains(Tvr::CDA_FAILED));
        assert_eq!(bench.requests, requests);
    }
}

#[test]
fn a_decline_is_not_signed_and_does_not_fail() {
    let mut bench = Bench::new(None);
    let applications = [Application {
        tac_denial: Tvr::from_bytes([0xFF; 5]),
        ..application(false)
    }];
    let terminal = terminal(CdaMode::Mode1);
    let decision = contact::start(&mut bench, &terminal, &applications, &TRANSACTION);
    let Ok(Decision::Declined(completed)) = decision else {
        panic!("{decision:?}")
    };
    assert_eq!(bench.requests, [0x00]);
    assert_eq!(completed.declined_by, Some(Decliner::Terminal));
    assert_eq!(completed.card.cryptogram_type(), Some(CryptogramType::Aac));
    assert_eq!(completed.card.tvr(), Tvr::FLOOR_LIMIT_EXCEEDED);
    assert!(completed.card.value(tag::ICC_DYNAMIC_NUMBER).is_none());
}
