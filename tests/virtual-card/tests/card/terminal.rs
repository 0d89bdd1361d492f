//! Just enough of a terminal to talk to a card by hand. It reads TLV in its own way on purpose.

use std::collections::BTreeMap;

use virtual_card::Card;

pub(crate) type Elements = BTreeMap<u32, Vec<u8>>;

/// The values of CDOL1 for a sale of NZD 25.00.
pub(crate) const CDOL1: &str = concat!(
    "000000002500",
    "000000000000",
    "0554",
    "0000008000",
    "0554",
    "261121",
    "00",
    "01020304"
);

pub(crate) const VISA: &str = "A0000000031010";
pub(crate) const MASTERCARD: &str = "A0000000041010";

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
        .collect()
}

pub(crate) fn shown(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
}

/// The data of an answer that must have this status word.
pub(crate) fn expect(card: &mut Card, command: &[u8], status: u16) -> Vec<u8> {
    let answer = card.transmit(command);
    let (data, actual) = answer.split_at(answer.len() - 2);
    assert_eq!(
        actual,
        status.to_be_bytes(),
        "{command:02X?} -> {answer:02X?}"
    );
    data.to_vec()
}

pub(crate) fn send(card: &mut Card, command: &str, status: u16) -> Vec<u8> {
    expect(card, &hex(command), status)
}

pub(crate) fn command(header: &str, data: &[u8]) -> Vec<u8> {
    [&hex(header)[..], &[u8::try_from(data.len()).unwrap()], data].concat()
}

/// All primitive objects under `bytes`, and the order they came in.
pub(crate) fn objects(bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let first = bytes[at];
        let mut tag = u32::from(first);
        at += 1;
        if first & 0x1F == 0x1F {
            tag = (tag << 8) | u32::from(bytes[at]);
            at += 1;
        }
        let mut length = usize::from(bytes[at]);
        at += 1;
        if length == 0x81 {
            length = usize::from(bytes[at]);
            at += 1;
        }
        let value = &bytes[at..at + length];
        at += length;
        if first & 0x20 != 0 {
            found.extend(objects(value));
        } else {
            found.push((tag, value.to_vec()));
        }
    }
    found
}

/// A card, selected, with its options read.
pub(crate) struct Session {
    pub(crate) card: Card,
    pub(crate) elements: Elements,
    pub(crate) static_data: Vec<u8>,
}

/// Selects an application, gives processing options and reads every record of the AFL.
pub(crate) fn open(card: Card, aid: &str) -> Session {
    let mut card = card;
    assert_eq!(card.insert()[0], 0x3B);
    let mut elements = Elements::new();
    elements.extend(objects(&expect(
        &mut card,
        &command("00A40400", &hex(aid)),
        0x9000,
    )));
    let options = send(&mut card, "80A8000002830000", 0x9000);
    match objects(&options).as_slice() {
        [(0x80, value)] => {
            elements.insert(0x82, value[..2].to_vec());
            elements.insert(0x94, value[2..].to_vec());
        }
        both => elements.extend(both.to_vec()),
    }
    let mut static_data = Vec::new();
    for entry in elements[&0x94].clone().chunks(4) {
        for number in entry[1]..=entry[2] {
            let record = expect(&mut card, &[0, 0xB2, number, entry[0] | 4, 0], 0x9000);
            assert_eq!(record[0], 0x70);
            if number < entry[1] + entry[3] {
                static_data.extend(&record[if record[1] == 0x81 { 3 } else { 2 }..]);
            }
            for (tag, value) in objects(&record) {
                assert_eq!(elements.insert(tag, value), None, "{tag:X} twice");
            }
        }
    }
    static_data.extend(&elements[&0x82]);
    Session {
        card,
        elements,
        static_data,
    }
}

impl Session {
    /// GENERATE AC, its answer taken apart in either format, and added to the elements.
    pub(crate) fn generate(&mut self, p1: u8, values: &[u8]) -> u8 {
        let answer = expect(
            &mut self.card,
            &command(&format!("80AE{p1:02X}00"), values),
            0x9000,
        );
        match objects(&answer).as_slice() {
            [(0x80, value)] => {
                self.elements.insert(0x9F27, value[..1].to_vec());
                self.elements.insert(0x9F36, value[1..3].to_vec());
                self.elements.insert(0x9F26, value[3..11].to_vec());
                self.elements.insert(0x9F10, value[11..].to_vec());
            }
            several => self.elements.extend(several.to_vec()),
        }
        self.elements[&0x9F27][0]
    }

    /// The first GENERATE AC over `CDOL1`, its values added to the elements as field 55 would have them.
    pub(crate) fn first(&mut self, p1: u8) -> u8 {
        let values = hex(CDOL1);
        let mut at = 0;
        for (tag, length) in [
            (0x9F02, 6),
            (0x9F03, 6),
            (0x9F1A, 2),
            (0x95, 5),
            (0x5F2A, 2),
            (0x9A, 3),
            (0x9C, 1),
            (0x9F37, 4),
        ] {
            self.elements.insert(tag, values[at..at + length].to_vec());
            at += length;
        }
        self.generate(p1, &values)
    }

    /// The second GENERATE AC of cards whose CDOL2 is the ARC and CDOL1.
    pub(crate) fn second(&mut self, p1: u8, arc: &str) -> u8 {
        self.generate(p1, &[arc.as_bytes(), &hex(CDOL1)].concat())
    }
}
