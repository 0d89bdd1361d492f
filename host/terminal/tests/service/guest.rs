//! Guests written as text, packed and signed as an engine is.

use ring::signature::{Ed25519KeyPair, KeyPair as _};
use terminal_host::EngineFile;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What the guest does in `run`: the amount that chooses it, in the order of `guest.wat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Ends as cancelled, like an engine to which no card was shown.
    Well,
    Loop,
    GrowMemory,
    Recurse,
    Trap,
    CallTheHost,
    HoldTwoCards,
    BegunToApproved,
    PrintTooMuch,
    ApprovedWithoutEntry,
    PointerOutside,
    UnknownEnding,
    Refuse,
    ComputeBetweenCalls,
    GrowTheJournal,
    WaitForACard,
    Authorise,
    SentAndTrap,
    PrintALine,
    SendWithoutEntry,
    SendTwice,
    ReadAnother,
    ApproveAnother,
    ReadTheExceptionFile,
    LookUpCards,
    PayAnother,
    ReportAgain,
}

impl Behaviour {
    /// The amount by which the guest knows it.
    #[expect(clippy::as_conversions, reason = "the number of a variant")]
    pub(crate) fn amount_minor(self) -> u64 {
        self as u64
    }
}

/// The engine of `guest.wat`.
pub(crate) fn engine() -> EngineFile {
    packed(include_str!("guest.wat"))
}

/// The same engine, which does `body` first when an export is called.
pub(crate) fn engine_that_does(body: &str, export: &str) -> EngineFile {
    let place = format!("(nop (;{export};))");
    let text = include_str!("guest.wat");
    assert_eq!(text.matches(&place).count(), 1, "one place for {export}");
    packed(&text.replace(&place, body))
}

fn packed(text: &str) -> EngineFile {
    let mut module = wat::parse_str(text).expect("the guest is WebAssembly text");
    let mut resolve = Resolve::default();
    let (package, _) = resolve
        .push_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit"))
        .expect("the interfaces");
    let world = resolve
        .select_world(&[package], Some("payment-engine"))
        .expect("the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("a module takes a section");
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|mut encoder| encoder.encode())
        .expect("the guest is of the world");
    signed(component)
}

/// Signed with a key of these tests.
fn signed(component: Vec<u8>) -> EngineFile {
    let key = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).expect("a seed");
    EngineFile {
        signature: key.sign(&component).as_ref().to_vec(),
        trusted_key: key.public_key().as_ref().try_into().expect("32 bytes"),
        component,
    }
}
