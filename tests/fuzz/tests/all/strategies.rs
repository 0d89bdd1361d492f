//! Plays that mostly make sense.

use emv::Tag;
use fuzz::transaction::CARDS;
use fuzz::transaction::play::{
    Act, Authentication, Change, Command, Issuer, Play, Scripts, Setting, What, Word,
};
use proptest::array::uniform;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

/// Elements that decide something.
const DECISIVE: [u32; 24] = [
    0x82, 0x94, 0x8C, 0x8D, 0x8E, 0x5A, 0x5F24, 0x5F25, 0x5F28, 0x9F07, 0x9F08, 0x9F0D, 0x9F0E,
    0x9F0F, 0x9F10, 0x9F14, 0x9F23, 0x9F26, 0x9F27, 0x9F36, 0x9F38, 0x9F42, 0x9F49, 0x9F4B,
];

/// A play: one of events by chance, or of events that only mean something together.
pub(crate) fn plays() -> impl Strategy<Value = Play> {
    prop_oneof![20 => by_chance(), 2 => out_of_tries(), 1 => without_signature(), 1 => endless()]
}

/// A cardholder who does not know the PIN, and a card that does not count well, or does not tell.
fn out_of_tries() -> impl Strategy<Value = Play> {
    let acts = vec(prop_oneof![3 => Just(Act::Wrong), 1 => acts()], 1..20);
    let changes = proptest::sample::select(vec![
        Vec::new(),
        vec![change(Command::GetData, 0, What::Status([0x6A, 0x88]))],
        vec![change(Command::Verify, 0, What::Status([0x63, 0xC2]))],
    ]);
    (by_chance(), 9..15_u8, acts, changes).prop_map(|(play, card, acts, changes)| Play {
        card,
        acts,
        changes,
        ..play
    })
}

/// A card that should sign its cryptogram and gives one in clear.
fn without_signature() -> impl Strategy<Value = Play> {
    let cards = proptest::sample::select(vec![6_u8, 15, 16]);
    let nth = 1..3_u8;
    (by_chance(), cards, nth).prop_map(|(play, card, nth)| {
        let signature = What::Drop(Tag::new(0x9F4B));
        let cryptogram = What::Append(Tag::new(0x9F26), vec![0xAC; 8]);
        Play {
            card,
            changes: vec![
                change(Command::GenerateAc, nth, signature),
                change(Command::GenerateAc, nth, cryptogram),
            ],
            ..play
        }
    })
}

/// A card whose directory, or whose list of files, has no end.
fn endless() -> impl Strategy<Value = Play> {
    let empty = vec![0x70, 0x00, 0x90, 0x00];
    let records = change(Command::ReadRecord, 0, What::Instead(empty));
    let files = [0x08, 0x01, 0xFF, 0x00].repeat(4);
    let files = change(
        Command::GetProcessingOptions,
        1,
        What::Element(Tag::new(0x94), files),
    );
    let no_directory = change(Command::Select, 1, What::Status([0x6A, 0x82]));
    let changes = proptest::sample::select(vec![
        vec![records.clone()],
        vec![records, files, no_directory],
    ]);
    (by_chance(), changes).prop_map(|(play, changes)| Play { changes, ..play })
}

const fn change(to: Command, nth: u8, what: What) -> Change {
    Change { to, nth, what }
}

/// A card of the deck, and a few things that go otherwise.
fn by_chance() -> impl Strategy<Value = Play> {
    let cards = 0..u8::try_from(CARDS).expect("a deck");
    let acts = prop_oneof![2 => Just(Vec::new()), 1 => vec(acts(), 1..6)];
    let changes =
        prop_oneof![2 => Just(Vec::new()), 2 => vec(changes(), 1), 1 => vec(changes(), 2..5)];
    (cards, settings(), issuers(), acts, changes).prop_map(
        |(card, terminal, issuer, acts, changes)| Play {
            card,
            terminal,
            issuer,
            acts,
            changes,
        },
    )
}

/// Mostly the usual terminal.
fn settings() -> impl Strategy<Value = Setting> {
    let usual = |chance, strategy: BoxedStrategy<[u8; 5]>| {
        weighted(chance, strategy).prop_map(Option::unwrap_or_default)
    };
    let codes = || prop_oneof![2 => Just([0xFF; 5]), 1 => uniform(any::<u8>())].boxed();
    let action_codes = [
        usual(0.15, codes()),
        usual(0.4, codes()),
        usual(0.3, codes()),
    ];
    let capabilities = prop_oneof![
        6 => Just([0, 0, 0]),
        // Extended data authentication; none at all.
        2 => Just([0, 0, 0x04]),
        1 => Just([0, 0, 0xC8]),
        1 => uniform(any::<u8>()),
    ];
    let flags =
        prop_oneof![4 => Just(0), 1 => any::<u8>(), 2 => (0..8_u32).prop_map(|bit| 1 << bit)];
    let small = || prop_oneof![3 => Just(0_u8), 1 => any::<u8>()];
    let amount = prop_oneof![3 => Just(0_u16), 1 => any::<u16>()];
    let number = uniform(any::<u8>());
    (
        action_codes,
        capabilities,
        flags,
        small(),
        [small(), small(), small()],
        amount,
        number,
    )
        .prop_map(
            |(action_codes, capabilities, flags, kind, choices, amount, number)| {
                let [high, low] = amount.to_be_bytes();
                Setting {
                    kind,
                    capabilities,
                    action_codes,
                    amount: [0, 0, 0, 0, high, low],
                    choices,
                    flags,
                    number,
                    ..Setting::default()
                }
            },
        )
}

fn issuers() -> impl Strategy<Value = Issuer> {
    let word =
        prop_oneof![5 => Just(Word::Approves), 2 => Just(Word::Declines), 3 => Just(Word::Unable)];
    let authentication = prop_oneof![
        5 => Just(Authentication::Right),
        1 => Just(Authentication::Wrong),
        1 => Just(Authentication::Absent),
        1 => vec(any::<u8>(), 0..20).prop_map(Authentication::Bytes),
    ];
    let header = prop_oneof![
        Just(vec![0x84, 0x24, 0, 0, 0]),
        Just(vec![0x04, 0xDA, 0x9F, 0x14, 9, 7, 1, 2, 3, 4, 5, 6, 7, 8]),
        Just(vec![0x84, 0x1E, 0, 0, 0]),
        vec(any::<u8>(), 0..12),
    ];
    let scripts = prop_oneof![
        3 => Just(Scripts::Own),
        1 => vec(any::<u8>(), 0..40).prop_map(Scripts::Bytes),
        2 => vec((any::<bool>(), header), 1..5).prop_map(Scripts::Commands),
    ];
    (word, authentication, scripts).prop_map(|(word, authentication, scripts)| Issuer {
        word,
        code: [0, 0],
        authentication,
        scripts,
    })
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Right),
        4 => Just(Act::Wrong),
        1 => Just(Act::Bypass),
        1 => Just(Act::Unavailable),
        1 => Just(Act::Cancel),
        1 => Just(Act::Abort),
        1 => Just(Act::TimeOut),
        1 => Just(Act::Remove),
    ]
}

fn changes() -> impl Strategy<Value = Change> {
    // Some stand there more often, for the parts of a dialogue that decide.
    let commands = proptest::sample::select(vec![
        Command::Any,
        Command::Select,
        Command::GetProcessingOptions,
        Command::ReadRecord,
        Command::ReadRecord,
        Command::InternalAuthenticate,
        Command::GetData,
        Command::GetChallenge,
        Command::Verify,
        Command::GenerateAc,
        Command::GenerateAc,
        Command::GenerateAc,
        Command::ExternalAuthenticate,
        Command::ExternalAuthenticate,
        Command::Other,
    ]);
    let nth = prop_oneof![1 => Just(0_u8), 3 => 1..4_u8, 1 => any::<u8>()];
    let tags = || proptest::sample::select(DECISIVE.to_vec()).prop_map(Tag::new);
    let value = || prop_oneof![vec(any::<u8>(), 0..3), vec(any::<u8>(), 3..24)];
    let status = prop_oneof![
        Just([0x63, 0xC2]),
        Just([0x63, 0xC0]),
        Just([0x69, 0x83]),
        Just([0x69, 0x85]),
        Just([0x6A, 0x81]),
        Just([0x6A, 0x83]),
        Just([0x62, 0x83]),
        uniform(any::<u8>()),
    ];
    let what = prop_oneof![
        4 => (any::<u8>(), any::<u8>()).prop_map(|(position, mask)| What::Byte(position, mask)),
        2 => (0..4_u8, prop_oneof![Just(0x40), Just(0x80), Just(0xC0)])
            .prop_map(|(position, mask)| What::Byte(position, mask)),
        3 => status.prop_map(What::Status),
        1 => any::<u8>().prop_map(What::Cut),
        1 => vec(any::<u8>(), 0..24).prop_map(What::Instead),
        4 => (tags(), value()).prop_map(|(tag, value)| What::Element(tag, value)),
        2 => tags().prop_map(What::Drop),
        1 => (tags(), value()).prop_map(|(tag, value)| What::Append(tag, value)),
        2 => (0..3_u8).prop_map(What::Leave),
    ];
    (commands, nth, what).prop_map(|(to, nth, what)| Change { to, nth, what })
}
