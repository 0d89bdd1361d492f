//! What a card answers to the commands after SELECT.

use emv::parsers;
use emv::{Pan, Track2, tag, tlv};

use super::{holds, lies_within};
use crate::input::Input;

/// The answer to GET PROCESSING OPTIONS, READ RECORD or GENERATE AC, and who the card belongs to.
pub fn answers(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte();
    let data = input.remainder();
    match kind % 4 {
        0 => processing_options(data),
        1 => record(kind >> 2, data),
        2 => generate_ac(data),
        _ => identity(data),
    }
}

/// EMV 4.4 Book 3, 6.5.8.4.
fn processing_options(data: &[u8]) {
    let Some((aip, afl)) = parsers::processing_options(data) else {
        return;
    };
    assert!(parsers::file_locator(&afl).is_some());
    let mut first = Vec::new();
    let value = [&aip[..], &afl].concat();
    tlv::encode(tag::RESPONSE_TEMPLATE_1, &value, &mut first);
    let (mut inside, mut second) = (Vec::new(), Vec::new());
    tlv::encode(tag::AFL, &afl, &mut inside);
    tlv::encode(tag::AIP, &aip, &mut inside);
    tlv::encode(tag::RESPONSE_TEMPLATE_2, &inside, &mut second);
    for format in [first, second] {
        let again = parsers::processing_options(&format);
        assert_eq!(again, Some((aip, afl.clone())), "both formats say the same");
    }
}

/// EMV 4.4 Book 3, 6.5.11.4.
fn record(sfi: u8, data: &[u8]) {
    let Some(elements) = parsers::record(sfi, data) else {
        return;
    };
    assert!(sfi <= 10 || elements.is_empty(), "a file outside EMV");
    for (tag, value) in elements {
        assert!(!tag.is_constructed() && lies_within(value, data), "{tag}");
    }
}

/// EMV 4.4 Book 3, 6.5.5.4.
fn generate_ac(data: &[u8]) {
    let Some(cryptogram) = parsers::generate_ac(data) else {
        return;
    };
    assert!(cryptogram.value.is_some() || cryptogram.signature.is_some());
    let own = cryptogram.issuer_application_data.as_deref();
    assert!(own.is_none_or(|own| (1..=32).contains(&own.len()) && holds(data, own)));
    assert!(cryptogram.value.is_none_or(|value| holds(data, &value)));
    if let Some(signature) = &cryptogram.signature {
        assert!(holds(data, signature));
        let mut covered = tlv::objects(&cryptogram.signed_objects);
        let other = |object: Result<tlv::Object<'_>, tlv::Error>| {
            object.is_ok_and(|object| object.tag != tag::SIGNED_DYNAMIC_APPLICATION_DATA)
        };
        assert!(covered.all(other), "well-formed, and not the signature");
    } else {
        assert!(cryptogram.signed_objects.is_empty());
    }
    // Without a signature the first format says all there is to say.
    if let (Some(value), None) = (cryptogram.value, &cryptogram.signature) {
        let parts = [
            &[cryptogram.information][..],
            &cryptogram.counter,
            &value,
            own.unwrap_or_default(),
        ];
        let mut first = Vec::new();
        tlv::encode(tag::RESPONSE_TEMPLATE_1, &parts.concat(), &mut first);
        assert_eq!(parsers::generate_ac(&first), Some(cryptogram));
    }
}

/// Tags 5A and 57.
fn identity(data: &[u8]) {
    if let Some(pan) = Pan::parse(data) {
        let digits = pan.digits();
        assert!((8..=19).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit));
        let shown = format!("{pan:?}");
        assert!(!holds(shown.as_bytes(), digits), "a PAN is shown masked");
        let masked = pan.masked();
        assert_eq!(masked.len(), digits.len());
        assert_eq!(masked.iter().filter(|digit| **digit != b'*').count(), 4);
    }
    if let Some(track_2) = Track2::parse(data) {
        assert_eq!(track_2.as_bytes(), data);
        assert_eq!(format!("{track_2:?}"), "Track2(masked)");
    }
}
