//! No card number, track, PIN or key is in anything written or logged, at the most talkative level.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::terminal::{Options, Terminal};

/// Cards of the catalogue, and their numbers.
const PANS: [(&str, &str); 4] = [
    ("visa-credit", "4111111111111111"),
    ("mastercard-debit", "5555555555554444"),
    ("eftpos", "6011000990139424"),
    ("visa-stripe", "4539578763621486"),
];

/// A PIN that stands nowhere by chance. No card has it: the issuer declines.
const PIN: &str = "90817263";

/// The emulator's keys, all published: base derivation keys and the initial key of the first.
const KEYS: [&str; 3] = [
    "0123456789ABCDEFFEDCBA9876543210",
    "FEDCBA98765432100123456789ABCDEF",
    "6AC292FAA1315B4D858AB3A3D7D5933A",
];

/// Something that must not get out, in one of its forms.
struct Needle {
    what: String,
    bytes: Vec<u8>,
}

#[test]
fn nothing_that_is_secret_gets_out() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut outputs = Vec::new();
    let configuration = tempfile::tempdir().expect("a temporary folder");
    let parameters = configuration.path().join("parameters.json");
    fs::write(&parameters, with_an_exception_file().to_string()).expect("a file");
    let terminal = Terminal::start(&Options {
        log: "trace",
        parameters: Some(&parameters),
        ..Options::on(data.path())
    })
    .expect("the terminal starts");
    for (card, _) in PANS {
        for amount in [2500, 2551, 9005, 9012] {
            outputs.extend(sell(&terminal, card, amount, None));
        }
        outputs.extend(sell(&terminal, card, 8100, Some(PIN)));
    }
    for path in [
        "/emulator/paper",
        "/emulator/screen",
        "/emulator/ledger",
        "/v1/device/health",
    ] {
        let (_, body) = terminal.get(path).expect("an answer");
        outputs.push((path.to_owned(), body.to_string().into_bytes()));
    }
    outputs.push(("output and log".to_owned(), terminal.into_output()));
    outputs.extend(files(data.path()));

    let log = &outputs
        .iter()
        .find(|(name, _)| name == "output and log")
        .expect("the log")
        .1;
    assert!(
        contains(log, b"DEBUG"),
        "the log was not at its most talkative"
    );
    assert!(
        outputs
            .iter()
            .any(|(name, _)| name.ends_with("journal.sqlite")),
        "no journal"
    );
    assert!(
        outputs
            .iter()
            .any(|(_, content)| contains(content, b"************1111"))
    );

    let found: Vec<String> = needles()
        .iter()
        .flat_map(|needle| {
            outputs
                .iter()
                .filter(|(name, _)| !is_native_code(name))
                .filter(|(_, content)| contains(content, &needle.bytes))
                .map(|(name, _)| format!("{} in {name}", needle.what))
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// The emulator's parameters, and the first card on the exception file.
fn with_an_exception_file() -> Value {
    let mut parameters: Value =
        serde_json::from_str(emulator::PARAMETERS).expect("the emulator's parameters are JSON");
    let [(_, pan), ..] = PANS;
    parameters["exception_file"] = json!([{ "pan": pan, "sequence_number": null }]);
    parameters
}

/// The compiled engine is made before any sale, from a file that everyone has. It is left out because
/// SHA-1's initial state in it has the very bytes of the published test key of ANSI X9.24.
fn is_native_code(name: &str) -> bool {
    name.ends_with("/engine.native")
}

/// The search itself finds what it looks for.
#[test]
fn the_search_would_find_it() {
    let planted = b"... card 4111111111111111 was read ...";
    assert!(
        needles()
            .iter()
            .any(|needle| contains(planted, &needle.bytes))
    );
    let packed = [
        0x00, 0x57, 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0xD3,
    ];
    assert!(
        needles()
            .iter()
            .any(|needle| contains(&packed, &needle.bytes))
    );
}

/// One sale: what was asked and every answer.
fn sell(terminal: &Terminal, card: &str, amount: i64, pin: Option<&str>) -> Vec<(String, Vec<u8>)> {
    terminal.delete("/emulator/card");
    let (status, _) = terminal
        .post("/emulator/card", &json!({ "card": card }), None)
        .expect("the emulator answers");
    assert_eq!(status, 200);
    if let Some(pin) = pin {
        for keys in [json!({ "keys": pin }), json!({ "key": "ENTER" })] {
            let (status, _) = terminal
                .post("/emulator/keypad", &keys, None)
                .expect("the emulator answers");
            assert_eq!(status, 204, "the PIN was not typed");
        }
    }
    let key = format!("{card}-{amount}");
    let (_, answer) = terminal.sale(amount, &key).expect("the terminal answers");
    terminal.wait_until_settled();
    vec![(
        format!("the answer to {key}"),
        answer.to_string().into_bytes(),
    )]
}

/// Every form in which a secret might be written.
fn needles() -> Vec<Needle> {
    let mut needles = Vec::new();
    let mut add = |what: String, bytes: Vec<u8>| needles.push(Needle { what, bytes });
    for (card, pan) in PANS {
        add(format!("the number of {card}"), pan.as_bytes().to_vec());
        add(format!("the number of {card}, packed"), packed(pan));
        add(
            format!("the number of {card}, without its check digit"),
            pan.as_bytes()[..15].to_vec(),
        );
        add(format!("the number of {card}, as digits"), digits(pan));
    }
    add("the PIN".to_owned(), PIN.as_bytes().to_vec());
    add("the PIN, packed".to_owned(), packed(PIN));
    add("the PIN, as digits".to_owned(), digits(PIN));
    for key in KEYS {
        add("a key".to_owned(), packed(key));
        add("a key, in hexadecimal".to_owned(), key.as_bytes().to_vec());
        add(
            "a key, in hexadecimal".to_owned(),
            key.to_lowercase().into_bytes(),
        );
    }
    needles
}

fn packed(hexadecimal: &str) -> Vec<u8> {
    hexadecimal
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).expect("ASCII");
            u8::from_str_radix(pair, 16).expect("hexadecimal")
        })
        .collect()
}

fn digits(text: &str) -> Vec<u8> {
    text.bytes().map(|byte| byte - b'0').collect()
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![folder.to_path_buf()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder");
            open.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else {
            found.push((path.display().to_string(), fs::read(&path).expect("a file")));
        }
    }
    assert!(found.len() > 2, "{} files", found.len());
    found
}

fn contains(content: &[u8], needle: &[u8]) -> bool {
    content.windows(needle.len()).any(|window| window == needle)
}
