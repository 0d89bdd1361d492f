//! What people see, and that no input breaks it.

use proptest::prelude::*;

use super::*;

/// A card number for tests, and the ways it is written.
const PANS: [&str; 3] = ["4761739001010010", "5413330089020029", "374245001741007"];

fn text(decoded: Result<Decoded, HexError>) -> String {
    decoded.expect("hexadecimal").to_text(Colours::Off)
}

#[test]
fn objects_have_names_and_words() {
    let shown = text(tlv(
        "701D 5A084761739001010010 5F2403251231 9F0702FF80 5F200541422F43 44",
        Secrets::Hidden,
    ));
    let expected = "\
Data objects
  70  READ RECORD Response Message Template
    5A  Application Primary Account Number (PAN)  ************0010
    5F24  Application Expiration Date  251231  2025-12-31
    9F07  Application Usage Control  (EMV 4.4 Book 3, Annex C2)  FF80
      [x] byte 1 bit 8  Valid for domestic cash transactions
";
    assert!(shown.starts_with(expected), "{shown}");
    assert!(
        shown.ends_with("5F20  Cardholder Name  **********  \"*****\"\n"),
        "{shown}"
    );
}

#[test]
fn what_is_secret_can_be_revealed_but_no_pin() {
    let object = "5A084761739001010010";
    assert!(text(tlv(object, Secrets::Revealed)).contains("4761739001010010"));
    for secrets in [Secrets::Hidden, Secrets::Revealed] {
        for shown in [
            text(command("0020008008241234FFFFFFFFFF", secrets)),
            text(command("00200080 0A 241234FFFFFFFFFF", secrets)),
            text(command("00200080 01 241234FFFFFFFFFF", secrets)),
            text(tlv("9908 241234FFFFFFFFFF", secrets)),
            text(tlv("860D 00200080 08 241234FFFFFFFFFF", secrets)),
            text(tlv("DF01 08 241234FFFFFFFFFF", secrets)),
        ] {
            assert!(!shown.contains("1234") && shown.contains("****"), "{shown}");
        }
    }
}

#[test]
fn what_is_malformed_is_decoded_as_far_as_it_goes() {
    let decoded = tlv("9A03260701 700C 9C0100 5F2A02", Secrets::Hidden).expect("hexadecimal");
    assert!(decoded.is_faulty());
    assert_eq!(
        decoded.to_text(Colours::Off),
        "\
Data objects
  9A  Transaction Date  260701  2026-07-01
  70  READ RECORD Response Message Template
    ! byte 5: tag 70 announces 12 bytes, and has 6
    9C  Transaction Type  00  purchase of goods and services
    5F2A  Transaction Currency Code
      ! byte 10: tag 5F2A announces 2 bytes, and has 0
"
    );
    for (input, fault) in [
        ("9F", "byte 0: it ends within a tag"),
        ("820218009F", "byte 4: it ends within a tag"),
        (
            "9C80",
            "byte 0: the indefinite length, which EMV does not use",
        ),
        (
            "820118",
            "byte 2: Application Interchange Profile has 2 bytes, not 1",
        ),
    ] {
        let shown = text(tlv(input, Secrets::Hidden));
        assert!(shown.contains(fault), "{input}: {shown}");
    }
}

#[test]
fn a_list_is_filled_in() {
    let list = "9F0206 5F2A02 9503";
    assert_eq!(
        text(dol(
            list,
            Some("000000002500 0554 000000 AA"),
            Secrets::Hidden
        )),
        "\
Data object list  3 elements, 11 bytes in all
  9F02  Amount, Authorised (Numeric)  000000002500  2500 minor units
  5F2A  Transaction Currency Code  0554  554
  95  Terminal Verification Results  000000
  Not asked for  AA
    ! byte 11: 1 byte more than the list asks for
"
    );
    let short = text(dol(list, Some("000000002500 05"), Secrets::Hidden));
    assert!(
        short.contains("! byte 6: the list asks for 2 bytes, and has 1"),
        "{short}"
    );
    assert!(text(dol("9F0206 5F2A", None, Secrets::Hidden)).contains("tag 5F2A has no length"));
}

#[test]
fn a_response_in_format_1_is_read_for_its_command() {
    let shown = text(exchange(
        "80AE900002AABB00",
        "8012 80 002A 0102030405060708 06010A03A0A800 9000",
        Secrets::Hidden,
    ));
    for line in [
        "P1  Parameter 1  90  ARQC: the issuer is to be asked, with a CDA signature\n",
        "      9F36  Application Transaction Counter (ATC)  002A  42\n",
        "      9F10  Issuer Application Data  06010A03A0A800\n",
        "    SW1 SW2  Status word  9000  command carried out\n",
    ] {
        assert!(shown.contains(line), "{line}{shown}");
    }
    let options = response("800618000801010 09000", Some(0xA8), Secrets::Hidden);
    assert!(text(options).contains("SFI 1  File  08010100  record 1, none in offline"));
    for name in ["GPO", "get processing options", "A8"] {
        assert_eq!(instruction(name).map(|row| row.code), Some(0xA8), "{name}");
    }
    assert_eq!(instruction("GET"), None);
}

#[test]
fn an_answer_to_reset_is_checked() {
    let good = atr("3BF01300FF918131FE4586").expect("hexadecimal");
    assert!(!good.is_faulty(), "{}", good.to_text(Colours::Off));
    assert_eq!(good.value.as_deref(), Some("T=1, blocks"));
    for (input, fault) in [
        (
            "3BF01300FF918131FE4580",
            "byte 10: the check byte would be 86",
        ),
        ("3B65000020", "byte 4: it ends here, and more was announced"),
        ("3C00", "byte 0: TS is 3B or 3F"),
        ("3B0011", "byte 2: 1 byte too many"),
    ] {
        let shown = text(atr(input));
        assert!(shown.contains(fault), "{input}: {shown}");
    }
}

#[test]
fn set_bits_come_first() {
    let shown = text(element(Kind::Tvr, "0080008004"));
    let lines: Vec<_> = shown.lines().map(str::trim_start).collect();
    assert_eq!(
        lines[1..5],
        [
            "[x] byte 2 bit 8  ICC and terminal have different application versions",
            "[x] byte 4 bit 8  Transaction exceeds floor limit",
            "[x] byte 5 bit 3  CA ECC key missing",
            "[ ] byte 1 bit 8  Offline data authentication was not performed",
        ]
    );
    let reserved = text(element(Kind::Tsi, "0001"));
    assert!(
        reserved.contains("[x] byte 2 bit 1  Reserved for future use"),
        "{reserved}"
    );
    let results = text(element(Kind::Cvm, "420302"));
    assert!(results.contains("Result  02  successful"), "{results}");
    assert!(element(Kind::Cid, "8000").expect("hexadecimal").is_faulty());
}

#[test]
fn a_message_is_decoded_as_far_as_it_goes() {
    let bytes = |text: &str| hexadecimal(text.as_bytes());
    let message = bytes("0200")
        + "6000000020001200"
        + &bytes("164761739001010010000000")
        + &bytes("374761739001010010=2212")
        + "1122334455667788"
        + &bytes("0079C0");
    let shown = text(iso8583(&message, Secrets::Hidden));
    for line in [
        "  MTI  Message type  0200, financial transaction request\n",
        "  2  Primary account number (PAN)  ************0010\n",
        "  3  Processing code  000000, purchase of goods and services\n",
        "! byte 36: field 35 needs 37 bytes, and has 35\n",
    ] {
        assert!(shown.contains(line), "{line}{shown}");
    }
    // Track 2 is too long for what is there, and the PIN block is somewhere in the rest.
    assert!(!shown.contains("1122334455667788"), "{shown}");
}

#[test]
fn json_has_what_the_text_has() {
    let decoded = element(Kind::Cid, "80").expect("hexadecimal");
    let json: serde_json::Value = serde_json::from_str(&decoded.to_json()).expect("JSON");
    assert_eq!(json["label"], "9F27");
    assert_eq!(
        json["children"][0]["name"],
        "ARQC: the issuer is to be asked"
    );
    let plain = decoded.to_text(Colours::Off);
    let coloured = decoded.to_text(Colours::On);
    assert!(!plain.contains('\u{1b}') && coloured.contains("\u{1b}[1;36m9F27\u{1b}[0m"));
}

/// Everything that decodes `first`, and `second` where two texts are taken.
fn everything(first: &str, second: &str, secrets: Secrets) -> Vec<Decoded> {
    let kinds = [
        Kind::Tvr,
        Kind::Tsi,
        Kind::Aip,
        Kind::Auc,
        Kind::Cvm,
        Kind::Cid,
        Kind::Capabilities,
    ];
    let mut all = vec![
        tlv(first, secrets),
        dol(first, None, secrets),
        dol(first, Some(second), secrets),
        dol(second, Some(first), secrets),
        command(first, secrets),
        exchange(second, first, secrets),
        atr(first),
        iso8583(first, secrets),
    ];
    all.extend(kinds.map(|kind| element(kind, first)));
    all.extend([0xA8, 0xAE, 0x88, 0x84, 0xB2].map(|ins| response(first, Some(ins), secrets)));
    all.into_iter().flatten().collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
}

/// Every text in a tree: what the renderers print is made of these.
fn strings(node: &Decoded) -> Vec<&str> {
    let own = [&node.label, &node.name].into_iter();
    own.chain(&node.raw)
        .chain(&node.value)
        .chain(&node.faults)
        .map(String::as_str)
        .chain(node.children.iter().flat_map(strings))
        .collect()
}

/// A PAN as half bytes and as characters, each as a card or a message would hold it.
fn forms(pan: &str) -> Vec<Vec<u8>> {
    let packed = hex::parse(&format!(
        "{pan}{}",
        if pan.len().is_multiple_of(2) { "" } else { "F" }
    ))
    .expect("digits")
    .to_vec();
    let track = format!("{pan}D22122011143878089");
    let track = hex::parse(
        &(track.clone()
            + if track.len().is_multiple_of(2) {
                ""
            } else {
                "F"
            }),
    )
    .expect("digits")
    .to_vec();
    let object = |tag: &[u8], value: &[u8]| {
        let length = u8::try_from(value.len()).expect("short");
        [tag, &[length], value].concat()
    };
    let ascii = pan.as_bytes().to_vec();
    let message = |bitmap: u64, fields: String| {
        [b"0200", &bitmap.to_be_bytes()[..], fields.as_bytes()].concat()
    };
    let length = pan.len();
    vec![
        object(&[0x5A], &packed),
        object(&[0x57], &track),
        object(&[0x9F, 0x6B], &track),
        object(&[0x56], &[b"B", &ascii[..], b"^NAME/A^2212"].concat()),
        object(&[0x9F, 0x1F], &ascii),
        object(&[0xDF, 0x01], &packed),
        object(&[0xC1], &ascii),
        object(&[0x70], &object(&[0x5A], &packed)),
        message(1 << 62, format!("{length}{pan}")),
        message(1 << 29, format!("{:02}{pan}=2212", length + 5)),
        message(1 << 19, format!("{:02}B{pan}^A/B^2212", length + 10)),
        message(1 << 16, format!("{:03}REF {pan} X", length + 6)),
        [&[0x00, 0xE2, 0x00, 0x00, 0x08][..], &packed].concat(),
        packed,
        ascii,
    ]
}

proptest! {
    // Each case goes through every function, some hundred times.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_bytes_break_it(
        first in proptest::collection::vec(any::<u8>(), 1..200),
        second in proptest::collection::vec(any::<u8>(), 1..60),
        bitmap in any::<[u8; 8]>(),
    ) {
        let message = [b"0210", &bitmap[..], &first].concat();
        for input in [&first, &message] {
            for decoded in everything(&hexadecimal(input), &hexadecimal(&second), Secrets::Revealed) {
                let text = decoded.to_text(Colours::On);
                prop_assert!(text.ends_with('\n'));
                prop_assert!(!decoded.to_json().is_empty());
            }
        }
    }

    #[test]
    fn no_text_breaks_it(first in any::<String>(), second in "[0-9a-fx \n]{0,40}") {
        everything(&first, &second, Secrets::Hidden);
        everything(&second, &first, Secrets::Hidden);
    }

    #[test]
    fn no_card_number_is_shown(
        before in proptest::collection::vec(any::<u8>(), 0..12),
        after in proptest::collection::vec(any::<u8>(), 0..12),
        list in "(5A0[8A]|5713|9F1F10|DF0110|9F0206|[0-9A-F]{2}0[0-9A-F]){1,5}",
        which in 0..PANS.len(),
    ) {
        let pan = PANS[which];
        let in_ascii = hexadecimal(pan.as_bytes());
        for form in forms(pan) {
            for input in [form.clone(), [&before[..], &form, &after].concat()] {
                for decoded in everything(&hexadecimal(&input), &list, Secrets::Hidden) {
                    for shown in strings(&decoded) {
                        prop_assert!(!shown.contains(pan), "{}", shown);
                        prop_assert!(!shown.contains(&in_ascii), "{}", shown);
                    }
                }
            }
        }
    }
}
