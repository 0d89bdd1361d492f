//! What each target begins with.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use emv::{Tag, tlv};
use engine::iso8583::{Codec, Message, MessageType, fields};
use fuzz::transaction::CARDS;
use fuzz::transaction::play::{
    Act, Authentication, Change, Command, Issuer, Play, Scripts, Setting, What, Word,
};
use serde_json::Value;
use sha1::{Digest, Sha1};

/// The seeds of each target.
type Seeds = BTreeMap<&'static str, Vec<Vec<u8>>>;

/// A kind of certificate: its number, its fields, the rest of its key and the exponent.
type Kind<'a> = (u8, Vec<u8>, &'a [u8], &'a [u8]);

/// Writes a folder for each target, with a file for each seed.
pub(crate) fn write(vectors: &Path, folder: &Path) -> io::Result<()> {
    let mut seeds = Seeds::new();
    let plays = plays();
    for play in &plays {
        for (command, answer) in play.run().dialogue() {
            add_answer(&mut seeds, &command, &answer);
        }
    }
    let plays = plays.iter().map(Play::to_bytes).collect();
    seeds.insert("transaction", plays);
    for file in [
        "tlv",
        "dol",
        "app_selection",
        "init_and_read",
        "transcripts",
    ] {
        let text = fs::read_to_string(vectors.join(file).with_extension("json"))?;
        add_vectors(&mut seeds, &serde_json::from_str(&text)?, "");
    }
    add_certificates(&mut seeds);
    add_scripts(&mut seeds);
    add_lengths(&mut seeds);
    let text = fs::read_to_string(vectors.join("iso8583.json"))?;
    add_messages(&mut seeds, &serde_json::from_str(&text)?);
    for (target, seeds) in seeds {
        let folder = folder.join(target);
        fs::create_dir_all(&folder)?;
        for seed in seeds {
            fs::write(folder.join(name(&seed)), seed)?;
        }
    }
    Ok(())
}

/// As libFuzzer names its files.
fn name(seed: &[u8]) -> String {
    let hash = Sha1::digest(seed);
    hash.iter()
        .fold(String::new(), |name, byte| name + &format!("{byte:02x}"))
}

fn add(seeds: &mut Seeds, target: &'static str, parts: &[&[u8]]) {
    seeds.entry(target).or_default().push(parts.concat());
}

/// What a card answered, for each target that reads such things.
fn add_answer(seeds: &mut Seeds, command: &[u8], answer: &[u8]) {
    let Some((data, _)) = answer.split_last_chunk::<2>() else {
        return;
    };
    add(seeds, "decode", &[&[6], answer]);
    if data.is_empty() {
        return;
    }
    add(seeds, "tlv", &[data]);
    match command {
        [_, 0xA4, ..] => add(seeds, "fci", &[data]),
        [_, 0xA8, ..] => add(seeds, "answers", &[&[0], data]),
        [_, 0xAE, ..] => add(seeds, "answers", &[&[2], data]),
        [_, 0xB2, _, p2, ..] => {
            let sfi = p2 >> 3;
            add(seeds, "answers", &[&[(sfi << 2) | 1], data]);
            if sfi == 1 {
                add(seeds, "fci", &[data]);
            }
        }
        _ => {}
    }
    for object in tlv::primitives(data).unwrap_or_default() {
        add_element(seeds, object.tag, object.value);
    }
}

fn add_element(seeds: &mut Seeds, tag: Tag, value: &[u8]) {
    match tag.number() {
        0x94 => add(seeds, "afl", &[value]),
        0x8E => {
            add(seeds, "cvm_list", &[value]);
            add(seeds, "decode", &[&[4 << 3 | 7], value]);
        }
        0x5A | 0x57 => add(seeds, "answers", &[&[3], value]),
        0x8C | 0x8D | 0x97 | 0x9F38 | 0x9F49 => {
            let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
            let known = [
                0x9F, 0x02, 0x06, 0, 0, 0, 0, 0x25, 0, 0x5A, 0x03, 0x12, 0x34, 0x5F,
            ];
            add(seeds, "dol", &[&[length], value, &known]);
            add(seeds, "decode", &[&[1], value]);
        }
        _ => {}
    }
}

/// Every string of hexadecimal digits in a file of vectors, by the name it has.
fn add_vectors(seeds: &mut Seeds, value: &Value, name: &str) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                add_vectors(seeds, value, name);
            }
        }
        Value::Array(values) => {
            for value in values {
                add_vectors(seeds, value, name);
            }
        }
        Value::String(text) => {
            let Some(bytes) = emv_bytes(text) else { return };
            match name {
                "tlv" | "tag" => add(seeds, "tlv", &[&bytes]),
                "fci" | "fci_pse" => add(seeds, "fci", &[&bytes]),
                "afl_94" => add_element(seeds, Tag::new(0x94), &bytes),
                "cvm_list_8E" => add_element(seeds, Tag::new(0x8E), &bytes),
                "dol" => add_element(seeds, Tag::new(0x8C), &bytes),
                "c" => add(seeds, "decode", &[&[2], &bytes]),
                "r" => add_answer(seeds, &[0x00, 0xA4], &bytes),
                _ => {}
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn emv_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    let pairs = digits.chunks_exact(2);
    Some(
        pairs
            .map(|pair| pair.iter().fold(0, |byte, digit| (byte << 4) | digit))
            .collect(),
    )
}

/// One of each kind, with and without the right hash.
fn add_certificates(seeds: &mut Seeds) {
    let issuer = [
        &[0x47, 0x61, 0x73, 0x90, 0x12, 0x30, 1, 2, 3, 1, 1, 40, 1][..],
        &[0xC5; 36],
    ];
    let icc = [
        &[0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10, 0xFF, 0xFF][..],
        &[0x12, 0x30, 1, 2, 3, 1, 1, 8, 3],
        &[0xC5; 8],
    ];
    let dynamic = [&[1, 9, 8][..], &[0xAB; 8], &[0xBB; 20]];
    let combined = [&[1, 38, 8][..], &[0xAB; 8], &[0x80], &[0xAC; 8], &[0; 20]];
    let combined_beside = [1, 2, 3, 4, 0x80];
    let kinds: [Kind<'_>; 5] = [
        (0, issuer.concat(), &[0xC5; 4], &[3]),
        (1, icc.concat(), &[], &[1, 0, 1]),
        (2, [&[1, 0xDA, 0xC0][..], &[0xBB; 20]].concat(), &[], &[]),
        (3, dynamic.concat(), &[], &[]),
        (4, combined.concat(), &combined_beside, &[]),
    ];
    let block = |bytes: &[u8]| {
        let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        [&[length], bytes].concat()
    };
    for (kind, body, remainder, exponent) in kinds {
        for sealed in [0x00, 0x80] {
            let parts = [
                vec![kind | sealed, 0x21],
                block(&body),
                block(remainder),
                block(exponent),
                vec![0x5A, 0x02, 0x47, 0x61],
            ];
            seeds
                .entry("certificates")
                .or_default()
                .push(parts.concat());
        }
    }
    let long = [
        &[0x12, 0x00, 0x47, 0x61, 0x73, 0xFF, 0xFF, 0x10][..],
        &[0x20, 0x30, 0x12, 0x31],
    ];
    let long = [
        long.concat(),
        vec![1, 2, 3, 0xA0, 0, 0, 0, 3, 0x21],
        vec![0x11; 96],
    ]
    .concat();
    for kind in [5, 6, 7] {
        let parts = [vec![kind | 0x80, 0], block(&long), vec![0, 0, 0]];
        seeds
            .entry("certificates")
            .or_default()
            .push(parts.concat());
    }
}

/// Values that are longer or shorter than what is asked for or shown.
fn add_lengths(seeds: &mut Seeds) {
    let values = [
        &[0x9F, 0x02, 6, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12][..],
        &[0x5A, 8, 0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10],
        b"\x9F\x4E\x04SHOP",
    ]
    .concat();
    for list in [
        &[3, 0x9F, 0x02, 3][..],
        &[3, 0x9F, 0x02, 8],
        &[2, 0x5A, 3],
        &[2, 0x5A, 10],
        &[3, 0x9F, 0x4E, 2],
        &[3, 0x9F, 0x4E, 8],
        &[2, 0xE0, 4],
    ] {
        add(seeds, "dol", &[list, &values]);
    }
    let name = [0x84, 7, 0xA0, 0, 0, 0, 0x03, 0x10, 0x10];
    let label = b"\xA5\x16\x50\x14ABCDEFGHIJKLMNOPQRST";
    add(seeds, "fci", &[&[0x6F, 33], &name, label]);
}

fn add_scripts(seeds: &mut Seeds) {
    let command = [0x86, 0x0D, 0x84, 0x24, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];
    let identifier = [0x9F, 0x18, 4, 1, 2, 3, 4];
    let one = [&[0x71, 22][..], &identifier, &command].concat();
    let two = [&[0x72, 30][..], &command, &command].concat();
    let between = [0x91, 0x02, 0x30, 0x30];
    for seed in [
        one.clone(),
        two.clone(),
        [&one[..], &between, &two].concat(),
        two.repeat(17),
        vec![0x71, 0x05, 0x86, 0x03],
    ] {
        add(seeds, "scripts", &[&seed]);
        add(seeds, "decode", &[&[0], &seed]);
    }
}

fn add_messages(seeds: &mut Seeds, file: &Value) {
    let raw = file["cases"].as_array().into_iter().flatten();
    for bytes in raw.filter_map(|case| emv_bytes(case["raw_hex"].as_str()?)) {
        for variant in [[0, 0], [1, 0], [1, 1], [1, 2], [1, 4]] {
            add(seeds, "iso8583", &[&variant, &bytes]);
        }
    }
    let Ok(codec) = Codec::new(fields::built_in()) else {
        return;
    };
    for number in [200, 210, 400, 430, 800, 810] {
        let Some(kind) = MessageType::new(number) else {
            continue;
        };
        let mut message = Message::new(kind);
        for (number, value) in [
            (2, &b"4761739001010010"[..]),
            (3, b"000000"),
            (4, b"000000002500"),
            (11, b"000007"),
            (12, b"123456"),
            (13, b"1121"),
            (35, b"4761739001010010=30122010000"),
            (37, b"000000000007"),
            (38, b"A1B2C3"),
            (39, b"00"),
            (41, b"TERMID01"),
            (49, b"554"),
            (55, &[0x8A, 0x02, 0x30, 0x30]),
            (64, &[1, 2, 3, 4, 5, 6, 7, 8]),
        ] {
            if codec.knows(number) {
                message.set(number, value);
            }
            if let Ok(bytes) = codec.encode(&message) {
                add(seeds, "iso8583", &[&[0, 0], &bytes]);
                add(seeds, "decode", &[&[5], &bytes]);
            }
        }
    }
}

/// Each card with each answer of the issuer, and with one thing that goes otherwise.
fn plays() -> Vec<Play> {
    let mut plays = Vec::new();
    for card in (0..CARDS).filter_map(|card| u8::try_from(card).ok()) {
        let usual = Play {
            card,
            ..Play::default()
        };
        plays.push(usual.clone());
        for word in [Word::Declines, Word::Unable] {
            let issuer = Issuer {
                word,
                ..Issuer::default()
            };
            plays.push(Play {
                issuer,
                ..usual.clone()
            });
        }
        for terminal in settings() {
            plays.push(Play {
                terminal,
                ..usual.clone()
            });
        }
        for act in [Act::Wrong, Act::Bypass, Act::Unavailable, Act::Cancel] {
            plays.push(Play {
                acts: vec![act],
                ..usual.clone()
            });
        }
        for change in changes() {
            plays.push(Play {
                changes: vec![change],
                ..usual.clone()
            });
        }
    }
    plays.extend(stories());
    plays.extend(answers().into_iter().map(|issuer| Play {
        issuer,
        ..Play::default()
    }));
    plays
}

/// Plays in which several things go otherwise together.
fn stories() -> [Play; 5] {
    let change = |to, nth, what| Change { to, nth, what };
    let play = |card, wrong_pins, changes| Play {
        card,
        acts: vec![Act::Wrong; wrong_pins],
        changes,
        ..Play::default()
    };
    let no_counter = change(Command::GetData, 0, What::Status([0x6A, 0x88]));
    let new_try = change(Command::Verify, 0, What::Status([0x63, 0xC2]));
    let no_end = change(
        Command::ReadRecord,
        0,
        What::Instead(vec![0x70, 0, 0x90, 0]),
    );
    let unsigned = What::Drop(Tag::new(0x9F4B));
    let in_clear = What::Append(Tag::new(0x9F26), vec![0xAC; 8]);
    let unsigned = [unsigned, in_clear].map(|what| change(Command::GenerateAc, 1, what));
    [
        play(13, 6, vec![no_counter]),
        play(10, 40, vec![new_try]),
        play(0, 0, vec![no_end]),
        play(15, 0, unsigned.to_vec()),
        Play {
            issuer: Issuer {
                scripts: Scripts::Commands(vec![(true, vec![0x84, 0x24, 0, 0, 0]); 2]),
                ..Issuer::default()
            },
            ..play(0, 0, vec![change(Command::Other, 1, What::Leave(0))])
        },
    ]
}

fn settings() -> Vec<Setting> {
    let flags = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80].map(|flags| Setting {
        flags,
        ..Setting::default()
    });
    let mut settings = flags.to_vec();
    for action_codes in [
        [[0xFF; 5], [0; 5], [0; 5]],
        [[0; 5], [0xFF; 5], [0; 5]],
        [[0; 5], [0xFF; 5], [0xFF; 5]],
    ] {
        settings.push(Setting {
            action_codes,
            capabilities: [0, 0, 0x04],
            ..Setting::default()
        });
    }
    settings
}

fn answers() -> Vec<Issuer> {
    let usual = Issuer::default;
    vec![
        Issuer {
            authentication: Authentication::Wrong,
            ..usual()
        },
        Issuer {
            authentication: Authentication::Absent,
            ..usual()
        },
        Issuer {
            authentication: Authentication::Bytes(vec![1; 8]),
            ..usual()
        },
        Issuer {
            scripts: Scripts::Bytes(vec![0x72, 0x05, 0x86]),
            ..usual()
        },
        Issuer {
            scripts: Scripts::Commands(vec![
                (true, vec![0x84, 0x24, 0, 0, 0]),
                (false, vec![0x84, 0x1E, 0, 0, 0]),
            ]),
            ..usual()
        },
    ]
}

fn changes() -> Vec<Change> {
    let change = |to, nth, what| Change { to, nth, what };
    let element = |tag, value: &[u8]| What::Element(Tag::new(tag), value.to_vec());
    vec![
        change(Command::GenerateAc, 1, What::Byte(2, 0xC0)),
        change(Command::GenerateAc, 2, What::Byte(2, 0x40)),
        change(Command::GenerateAc, 2, What::Leave(0)),
        change(Command::ExternalAuthenticate, 1, What::Status([0x63, 0x00])),
        change(
            Command::ReadRecord,
            0,
            element(0x8E, &[0, 0, 0, 0, 0, 0, 0, 0, 0x41, 0, 0x42, 0]),
        ),
        change(Command::ReadRecord, 0, What::Drop(Tag::new(0x8D))),
        change(
            Command::Select,
            0,
            What::Append(Tag::new(0x9F38), vec![0x9F, 0x37, 0x04]),
        ),
        change(Command::Verify, 0, What::Status([0x63, 0xC2])),
        change(
            Command::GetProcessingOptions,
            0,
            element(0x82, &[0x7D, 0x00]),
        ),
    ]
}
