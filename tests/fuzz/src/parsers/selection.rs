//! What a card answers to SELECT, and the records of its directory.
//!
//! EMV 4.4 Book 1, 11.3.4 and 12.2.3.

use emv::parsers::{self, Named};
use emv::{tag, tlv};

use super::holds;

/// The answer to SELECT of an application or of the environment, or a record of the directory.
pub fn fci(data: &[u8]) {
    if let Some(sfi) = parsers::directory_file(data) {
        assert!((1..=10).contains(&sfi), "a file of the payment system");
    }
    for entry in parsers::directory_record(data).unwrap_or_default() {
        check(&entry, data);
    }
    let Some(named) = parsers::file_control_information(data) else {
        return;
    };
    check(&named, data);
    for (tag, value) in &named.elements {
        assert!(!value.is_empty(), "{tag}: an empty value is an absent one");
        assert!(holds(data, value), "{tag}");
    }
    let again = parsers::file_control_information(&written(&named));
    let again = again.map(|again| (again.name, again.elements));
    assert_eq!(again, Some((named.name, named.elements)));
}

fn check(named: &Named, data: &[u8]) {
    assert!((5..=16).contains(&named.name.len()), "ISO 7816-5");
    assert!(holds(data, &named.name));
    for shown in &named.shown {
        assert!(shown.len() <= 16, "what the display takes");
        assert!(holds(data, shown));
    }
}

/// An answer to SELECT that says the same.
fn written(named: &Named) -> Vec<u8> {
    let mut proprietary = Vec::new();
    for (tag, value) in &named.elements {
        tlv::encode(*tag, value, &mut proprietary);
    }
    let mut template = Vec::new();
    tlv::encode(tag::DF_NAME, &named.name, &mut template);
    tlv::encode(tag::FCI_PROPRIETARY_TEMPLATE, &proprietary, &mut template);
    let mut answer = Vec::new();
    tlv::encode(tag::FCI_TEMPLATE, &template, &mut answer);
    answer
}
