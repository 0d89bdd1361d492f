//! Offline data authentication, in whole sales with the virtual card: SDA, DDA and CDA with RSA, XDA
//! with elliptic curves, and cards that are wrong in any field of what is signed
//! (EMV 4.4 Book 2, 5, 6 and 12; EMV 4.4 Book 3, 10.3).

use std::fmt::Write;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::comparison::{Area, Difference, compare};
use crate::dates::bcd;
use crate::sale::{Keys, Sale, Verdict, ours, theirs};

#[derive(Debug, Clone, PartialEq, Eq)]
struct Input {
    method: Method,
    /// Bytes of the issuer's modulus, where they are not as many as the authority's.
    issuer_key_length: Option<usize>,
    changes: Vec<Change>,
    keys: Keys,
    revoked: Option<[u8; 3]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Sda,
    Dda,
    Cda,
    Xda,
}

/// What is different on a card.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    /// A field of something signed: signed as it stands.
    Field(&'static str, &'static str, Vec<u8>),
    /// An object before the issuer signed.
    Object(u32, Vec<u8>),
    /// An object after the issuer signed.
    Tampered(u32, Vec<u8>),
    /// An object that is missing.
    Dropped(u32),
}

const AREA: Area<Input, Verdict> = Area {
    ours: |input| ours::sell(&input.sale()),
    theirs: |input| theirs::sell(&input.sale()),
    differences: &[
        Difference {
            name: "another hash or key algorithm",
            ours: "knows SHA-1 and RSA, and refuses what names others (EMV 4.4 Book 2, 5.3, 5.4, 6.4, \
                   6.5.2 and 6.6.2).",
            theirs: "leaves the indicators to its caller, and its driver does not look at them.",
            instead: |input, verdict| as_seen::<0>(input, *verdict),
        },
        Difference {
            name: "the last month of a certificate",
            ours: "is a month, and of the last century when YY is 50 or more.",
            theirs: "is any two bytes, compared as digits.",
            instead: |input, verdict| as_seen::<1>(input, *verdict),
        },
        Difference {
            name: "a key with a wrong checksum",
            ours: "is not used (EMV 4.4 Book 2, 11.2.2).",
            theirs: "has no checksum.",
            instead: |input, verdict| as_seen::<2>(input, *verdict),
        },
        Difference {
            name: "the rest of a key is missing",
            ours: "data is missing: TVR byte 1 bit 6 (EMV 4.4 Book 3, 7.5).",
            theirs: "the certificate is refused, and no more.",
            instead: |input, verdict| {
                let mut other = *verdict;
                other.tvr[0] &= !0x20;
                let alone = !input.lacks_what_it_needs();
                (alone && other != *verdict).then_some(other)
            },
        },
        Difference {
            name: "no index of the authority's elliptic-curve key",
            ours: "there is no such key: TVR byte 5 bit 3 (EMV 4.4 Book 3, 10.3).",
            theirs: "the card's key could not be recovered: bit 2.",
            instead: |input, verdict| {
                let missing =
                    input.method == Method::Xda && input.changes.contains(&Change::Dropped(0x8F));
                let mut other = *verdict;
                other.tvr[4] ^= 0x06;
                missing.then_some(other)
            },
        },
        Difference {
            name: "a failed signature over the cryptogram, and the TSI",
            ours: "authentication was performed, whatever came of it: TSI byte 1 bit 8 \
                   (EMV 4.4 Book 3, 10.3).",
            theirs: "sets the bit only when CDA or XDA succeeds.",
            instead: |input, verdict| {
                let failed = match input.method {
                    Method::Cda => verdict.tvr[0] & 0x04 != 0,
                    Method::Xda => verdict.tvr[3] & 0x01 != 0 || verdict.tvr[4] & 0x06 != 0,
                    Method::Sda | Method::Dda => false,
                };
                let mut other = *verdict;
                other.tsi[0] &= !0x80;
                (failed && other != *verdict).then_some(other)
            },
        },
    ],
};

/// How their kernel sees a card, one thing after the other: as if it were this one.
const SEEN: [fn(&mut Input); 3] = [
    |input| {
        input.changes.retain(|change| {
            let algorithm = |field: &str| field.ends_with("algorithm");
            !matches!(change, Change::Field(_, field, _) if algorithm(field))
        });
    },
    |input| {
        for change in &mut input.changes {
            if let Change::Field(_, "expiry", last) = change
                && !is_month_of_this_century(last)
            {
                let digits = |byte: u8| (byte >> 4) * 10 + (byte & 0x0F);
                let valid = (digits(last[1]), digits(last[0])) >= (26, 11);
                *last = if valid {
                    vec![0x12, 0x49]
                } else {
                    vec![0x12, 0x00]
                };
            }
        }
    },
    |input| {
        if input.keys == Keys::WrongChecksum {
            input.keys = Keys::Right;
        }
    },
];

/// Whether two bytes are MMYY of 2000 to 2049.
fn is_month_of_this_century(last: &[u8]) -> bool {
    let [month, year] = [last[0], last[1]];
    matches!(month, 0x01..=0x09 | 0x10..=0x12) && year < 0x50 && year & 0x0F < 0x0A
}

/// What ours says to a card seen with the first `N + 1` of these, where it says `verdict` with the
/// first `N`. `None` when that is the same.
fn as_seen<const N: usize>(input: &Input, verdict: Verdict) -> Option<Verdict> {
    let seen = |count| {
        let mut seen = input.clone();
        SEEN.iter().take(count).for_each(|see| see(&mut seen));
        seen
    };
    let after = seen(N + 1);
    if after == seen(N) {
        return None;
    }
    let other = (AREA.ours)(&after);
    (other != verdict).then_some(other)
}

impl Input {
    /// Whether the card lacks what its method needs in any case (EMV 4.4 Book 3, 7.5).
    fn lacks_what_it_needs(&self) -> bool {
        let needed: &[u32] = match self.method {
            Method::Sda => &[0x8F, 0x90, 0x93, 0x9F32],
            Method::Dda | Method::Cda => &[0x8F, 0x90, 0x9F32, 0x9F46, 0x9F47],
            Method::Xda => &[0x8F, 0x90, 0x9F46],
        };
        let mut needed = needed.iter();
        needed.any(|tag| self.changes.contains(&Change::Dropped(*tag)))
    }

    fn sale(&self) -> Sale {
        let (base, first) = match self.method {
            Method::Sda => ("visa-offline-approve", "82 = 5C00"),
            Method::Dda => ("visa-offline-approve", "82 = 7C00"),
            Method::Cda => ("mastercard-signed-cryptogram", "82 = 6100"),
            Method::Xda => ("visa-offline-approve", "elliptic-keys\n82 = FC00"),
        };
        let mut changes = format!("{first}\ncounter 20\nlast-online-counter 19\n");
        if let Some(length) = self.issuer_key_length {
            changes = format!("issuer-key-length {length}\n{changes}");
        }
        for change in &self.changes {
            change.write(&mut changes);
        }
        Sale {
            base,
            changes,
            security: 0xCC,
            keys: self.keys,
            revoked: self.revoked,
        }
    }
}

impl Change {
    /// In the language of the card files.
    fn write(&self, text: &mut String) {
        let hex = |bytes: &[u8]| emv::vectors::fields::hex(bytes);
        let written = match self {
            Self::Field(signed, field, value) => {
                writeln!(text, "{signed} {field} {}", hex(value))
            }
            Self::Object(tag, value) => writeln!(text, "{tag:X} = {}", hex(value)),
            Self::Tampered(tag, value) => writeln!(text, "tamper {tag:X} = {}", hex(value)),
            Self::Dropped(tag) => writeln!(text, "drop {tag:X}"),
        };
        written.expect("a text grows");
    }
}

/// Any field of anything signed with RSA.
fn field() -> impl Strategy<Value = Change> {
    let certificates = || select(vec!["issuer-certificate", "icc-certificate"]);
    let byte = || prop_oneof![0..6_u8, any::<u8>()].prop_map(|byte| vec![byte]);
    let month = (prop_oneof![4 => 1..=12_u8, 1 => 0..=99_u8], 0..=99_u8)
        .prop_map(|(month, year)| vec![bcd(month), bcd(year)]);
    // The month of the sale is a certificate's last one.
    let near = select(vec![
        [0x10, 0x26],
        [0x11, 0x26],
        [0x12, 0x26],
        [0x12, 0x25],
        [0x01, 0x27],
    ]);
    let month = prop_oneof![
        2 => near.prop_map(Vec::from),
        2 => month,
        1 => any::<[u8; 2]>().prop_map(Vec::from),
    ];
    let length = prop_oneof![
        Just(vec![0x80]),
        Just(vec![0x90]),
        (0x55..0x95_u8).prop_map(|byte| vec![byte])
    ];
    prop_oneof![
        2 => (certificates(), select(vec!["header", "format", "trailer"]), byte())
            .prop_map(|(signed, field, value)| Change::Field(signed, field, value)),
        3 => (certificates(), month).prop_map(|(signed, value)| Change::Field(signed, "expiry", value)),
        3 => (certificates(), select(vec!["hash-algorithm", "key-algorithm"]), byte())
            .prop_map(|(signed, field, value)| Change::Field(signed, field, value)),
        1 => (certificates(), length)
            .prop_map(|(signed, value)| Change::Field(signed, "key-length", value)),
        1 => (certificates(), byte())
            .prop_map(|(signed, value)| Change::Field(signed, "exponent-length", value)),
        1 => any::<[u8; 3]>()
            .prop_map(|serial| Change::Field("issuer-certificate", "serial", serial.to_vec())),
        5 => identifier().prop_map(|value| Change::Field("issuer-certificate", "identifier", value)),
        1 => any::<[u8; 10]>()
            .prop_map(|value| Change::Field("icc-certificate", "identifier", value.to_vec())),
        3 => (
            select(vec!["static-signature", "dynamic-signature"]),
            select(vec!["header", "format", "trailer", "hash-algorithm"]),
            byte(),
        )
            .prop_map(|(signed, field, value)| Change::Field(signed, field, value)),
        2 => byte().prop_map(|value| Change::Field("dynamic-signature", "data-length", value)),
        1 => (
            select(vec![
                "issuer-certificate",
                "icc-certificate",
                "static-signature",
                "dynamic-signature",
            ]),
            any::<[u8; 2]>(),
        )
            .prop_map(|(signed, hash)| Change::Field(signed, "hash", hash.to_vec())),
    ]
}

/// The beginning of the numbers of both cards, right and wrong, with padding.
fn identifier() -> impl Strategy<Value = Vec<u8>> {
    (
        select(vec!["42424242", "22230031"]),
        select(vec![2_usize, 3, 6, 8]),
        option::weighted(0.2, any::<u8>()),
    )
        .prop_map(|(digits, count, other)| {
            let padded = format!("{:F<8}", &digits[..count]);
            let mut bytes = emv::vectors::fields::unhex(&padded).expect("digits");
            if let Some(other) = other {
                bytes[usize::from(other % 4)] = other;
            }
            bytes
        })
}

/// Objects that authentication reads.
fn object() -> impl Strategy<Value = Change> {
    let needed = select(vec![
        0x8F_u32, 0x90, 0x92, 0x93, 0x9F32, 0x9F46, 0x9F47, 0x9F48, 0x9F49, 0x9F4A,
    ]);
    let covered = select(vec![0x9F07_u32, 0x5F28]);
    // Of a length the element may have: another ends the transaction before authentication begins.
    let long = select(vec![0x90_u32, 0x92, 0x93, 0x9F46, 0x9F48, 0x9F49]);
    let long = (long, prop::collection::vec(any::<u8>(), 1..6));
    let exponent = prop_oneof![
        Just(vec![0x03]),
        Just(vec![0x01, 0x00, 0x01]),
        Just(vec![0x02])
    ];
    let short = prop_oneof![
        3 => (select(vec![0x9F32_u32, 0x9F47]), exponent),
        1 => (Just(0x8F_u32), any::<u8>().prop_map(|index| vec![index])),
    ];
    prop_oneof![
        needed.prop_map(Change::Dropped),
        prop_oneof![long, short].prop_map(|(tag, value)| Change::Tampered(tag, value)),
        (covered, any::<[u8; 2]>()).prop_map(|(tag, value)| Change::Tampered(tag, value.to_vec())),
        select(vec![
            vec![0x82],
            vec![0x82, 0x82],
            vec![0x9F, 0x07],
            vec![0x5A]
        ])
        .prop_map(|value| Change::Object(0x9F4A, value)),
        select(vec![
            vec![0x9F, 0x37, 0x04],
            vec![0x9F, 0x37, 0x04, 0x9F, 0x1A, 0x02, 0x95, 0x05],
            vec![0x9F, 0x02, 0x06],
            vec![0x9F, 0x37],
        ])
        .prop_map(|value| Change::Object(0x9F49, value)),
    ]
}

/// A card each for what the kernels are known to see differently, so that every run meets it.
fn known() -> Vec<Input> {
    let card = |method, change| Input {
        method,
        issuer_key_length: None,
        changes: vec![change],
        keys: Keys::Right,
        revoked: None,
    };
    let field = |signed, field, value: &[u8]| Change::Field(signed, field, value.to_vec());
    let unchanged = Change::Field("issuer-certificate", "serial", vec![0, 0, 1]);
    vec![
        card(
            Method::Dda,
            field("icc-certificate", "hash-algorithm", &[2]),
        ),
        card(
            Method::Sda,
            field("issuer-certificate", "expiry", &[0x12, 0x99]),
        ),
        card(Method::Dda, Change::Dropped(0x92)),
        card(Method::Xda, Change::Dropped(0x8F)),
        card(Method::Cda, field("dynamic-signature", "trailer", &[0])),
        Input {
            keys: Keys::WrongChecksum,
            ..card(Method::Dda, unchanged)
        },
    ]
}

fn inputs() -> impl Strategy<Value = Input> {
    let method = select(vec![Method::Sda, Method::Dda, Method::Cda, Method::Xda]);
    let keys = prop_oneof![
        8 => Just(Keys::Right),
        1 => Just(Keys::Absent),
        1 => Just(Keys::WrongChecksum),
    ];
    let change = prop_oneof![2 => field(), 1 => object()];
    let changes = prop::collection::vec(change, 0..3);
    let revoked = option::weighted(0.1, prop_oneof![Just([0, 0, 1]), any::<[u8; 3]>()]);
    let issuer_key_length = option::weighted(0.3, select(vec![96_usize, 128]));
    let any = (method, issuer_key_length, changes, keys, revoked).prop_map(
        |(method, issuer_key_length, changes, keys, revoked)| Input {
            method,
            issuer_key_length,
            changes,
            keys,
            revoked,
        },
    );
    prop_oneof![6 => any, 1 => select(known())]
}

#[test]
fn both_kernels_authenticate_alike() {
    compare(&AREA, &inputs(), 1);
}

#[test]
fn the_cards_of_the_catalogue_are_authentic_to_both() {
    for method in [Method::Sda, Method::Dda, Method::Cda, Method::Xda] {
        let input = Input {
            method,
            issuer_key_length: None,
            changes: Vec::new(),
            keys: Keys::Right,
            revoked: None,
        };
        let (ours, theirs) = ((AREA.ours)(&input), (AREA.theirs)(&input));
        assert_eq!(ours, theirs, "{method:?}");
        assert_eq!(ours.decision, crate::sale::Decision::Approved, "{method:?}");
        assert_eq!(ours.tsi[0] & 0x80, 0x80, "{method:?}");
    }
}
