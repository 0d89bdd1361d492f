//! Responses of a card.

use emv::{tag, words};

use crate::element::object;
use crate::veil::Veiled;
use crate::{Decoded, Reading, tlv};

/// INS bytes whose answer is not BER-TLV when it is in format 1, or never.
const GENERATE_AC: u8 = 0xAE;
const GET_CHALLENGE: u8 = 0x84;
const GET_PROCESSING_OPTIONS: u8 = 0xA8;
const INTERNAL_AUTHENTICATE: u8 = 0x88;

/// The node of a response to the command with this INS byte.
pub(crate) fn node(bytes: &[u8], instruction: Option<u8>, reading: Reading) -> Decoded {
    let node = Decoded::new(0, "", "Response");
    let Some((data, status)) = bytes.split_last_chunk::<2>() else {
        let veiled = Veiled::scanned(bytes, reading.secrets);
        return node
            .raw(&veiled)
            .fault("byte 0: a response has at least the two bytes of its status word");
    };
    let mut children = match data {
        [] => Vec::new(),
        data => contents(data, instruction, reading),
    };
    let veiled = Veiled::scanned(status, reading.secrets);
    let mut word = Decoded::new(data.len(), "SW1 SW2", "Status word")
        .raw(&veiled)
        .value(words::status_word(u16::from_be_bytes(*status)));
    if data.len() > 256 {
        word = word.fault("a response has at most 256 bytes before its status word");
    }
    children.push(word);
    node.children(children)
}

fn contents(data: &[u8], instruction: Option<u8>, reading: Reading) -> Vec<Decoded> {
    if instruction == Some(GET_CHALLENGE) {
        let veiled = Veiled::scanned(data, reading.secrets);
        return vec![Decoded::new(0, "", "Challenge").raw(&veiled)];
    }
    let objects = tlv::objects(data, None, 0, reading);
    let Some(value) = emv::tlv::only(data, tag::RESPONSE_TEMPLATE_1) else {
        return objects;
    };
    let head = data.len().saturating_sub(value.len());
    let template = Decoded::new(
        0,
        tag::RESPONSE_TEMPLATE_1.to_string(),
        "Response Message Template Format 1",
    );
    let children = match instruction {
        Some(GET_PROCESSING_OPTIONS) => options(value, head, reading),
        Some(GENERATE_AC) => cryptogram(value, head, reading),
        Some(INTERNAL_AUTHENTICATE) => Some(vec![object(
            tag::SIGNED_DYNAMIC_APPLICATION_DATA,
            None,
            value,
            head,
            reading,
        )]),
        _ => return objects,
    };
    let Some(children) = children else {
        let fault = "byte 0: too short for format 1 of this command";
        return objects.into_iter().map(|node| node.fault(fault)).collect();
    };
    vec![template.children(children)]
}

/// AIP and AFL (EMV 4.4 Book 3, 6.5.8.4).
fn options(value: &[u8], at: usize, reading: Reading) -> Option<Vec<Decoded>> {
    let (profile, locator) = value.split_first_chunk::<2>()?;
    Some(vec![
        object(tag::AIP, None, profile, at, reading),
        object(tag::AFL, None, locator, at.saturating_add(2), reading),
    ])
}

/// CID, ATC, cryptogram and issuer application data (EMV 4.4 Book 3, 6.5.5.4).
fn cryptogram(value: &[u8], at: usize, reading: Reading) -> Option<Vec<Decoded>> {
    let (information, rest) = value.split_first_chunk::<1>()?;
    let (counter, rest) = rest.split_first_chunk::<2>()?;
    let (cryptogram, issuer) = rest.split_first_chunk::<8>()?;
    let mut children = vec![
        object(
            tag::CRYPTOGRAM_INFORMATION_DATA,
            None,
            information,
            at,
            reading,
        ),
        object(tag::ATC, None, counter, at.saturating_add(1), reading),
        object(
            tag::APPLICATION_CRYPTOGRAM,
            None,
            cryptogram,
            at.saturating_add(3),
            reading,
        ),
    ];
    if !issuer.is_empty() {
        children.push(object(
            tag::ISSUER_APPLICATION_DATA,
            None,
            issuer,
            at.saturating_add(11),
            reading,
        ));
    }
    Some(children)
}
