//! Offline data authentication, checked as a terminal would with the published keys.

use num_bigint::BigUint;
use sha1::{Digest, Sha1};
use virtual_card::{Card, ca_public_keys, catalogue};

use crate::terminal::{
    CDOL1, MASTERCARD, Session, VISA, command, expect, hex, objects, open, send, shown,
};

fn recover(signed: &[u8], modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    assert_eq!(signed.len(), modulus.len());
    let number = |bytes| BigUint::from_bytes_be(bytes);
    let block = number(signed)
        .modpow(&number(exponent), &number(modulus))
        .to_bytes_be();
    assert_eq!(
        (block[0], block[block.len() - 1], block.len()),
        (0x6A, 0xBC, modulus.len())
    );
    block
}

/// Checks the hash of a recovered block, and returns the fields before it.
fn checked(block: &[u8], also_hashed: &[u8]) -> Vec<u8> {
    let (fields, hash) = (
        &block[1..block.len() - 21],
        &block[block.len() - 21..block.len() - 1],
    );
    assert_eq!(Sha1::digest([fields, also_hashed].concat())[..], *hash);
    fields.to_vec()
}

/// The modulus in a certificate: what is inside, then the remainder.
fn modulus(fields: &[u8], header: usize, remainder: &[u8]) -> Vec<u8> {
    let length = usize::from(fields[header - 2]);
    let inside = length - remainder.len();
    [&fields[header..header + inside], remainder].concat()
}

/// The issuer's and the card's moduli, through both certificates.
fn chain(session: &Session) -> (Vec<u8>, Vec<u8>) {
    let elements = &session.elements;
    let rid = &elements[&0x84][..5];
    let keys = ca_public_keys();
    let ca = keys
        .iter()
        .find(|key| key.rid == rid && vec![key.index] == elements[&0x8F])
        .unwrap();
    let block = recover(&elements[&0x90], &ca.modulus, &ca.exponent);
    let fields = checked(&block, &[&elements[&0x92][..], &elements[&0x9F32]].concat());
    assert_eq!(fields[0], 0x02);
    assert_eq!(fields[1..5], elements[&0x5A][..4]);
    let issuer = modulus(&fields, 14, &elements[&0x92]);
    let block = recover(&elements[&0x9F46], &issuer, &elements[&0x9F32]);
    let fields = checked(
        &block,
        &[
            &elements[&0x9F48][..],
            &elements[&0x9F47],
            &session.static_data,
        ]
        .concat(),
    );
    assert_eq!(fields[0], 0x04);
    assert_eq!(fields[1..9], elements[&0x5A][..]);
    let icc = modulus(&fields, 20, &elements[&0x9F48]);
    (issuer, icc)
}

#[test]
fn every_card_has_a_whole_chain() {
    for info in catalogue() {
        let mut card = Card::named(info.name).unwrap();
        if card.insert().is_empty() || info.name == "visa-blocked" {
            continue;
        }
        send(
            &mut card,
            "00A404000E315041592E5359532E444446303100",
            0x9000,
        );
        let aid = objects(&send(&mut card, "00B2010C00", 0x9000))[0].1.clone();
        let aid = shown(&aid);
        let session = open(card, &aid);
        let certificate = &session.elements[&0x90];
        if info.name == "visa-elliptic-curve" {
            // EMV 4.4 Book 2, 12.3 and 12.4: formats 12 and 14.
            let formats = (certificate[0], session.elements[&0x9F46][0]);
            assert_eq!(formats, (0x12, 0x14));
            continue;
        }
        let (issuer, icc) = chain(&session);
        assert_eq!((issuer.len(), icc.len()), (144, 128), "{}", info.name);
        let block = recover(
            &session.elements[&0x93],
            &issuer,
            &session.elements[&0x9F32],
        );
        assert_eq!(
            checked(&block, &session.static_data)[0],
            0x03,
            "{}",
            info.name
        );
    }
}

#[test]
fn internal_authenticate_signs_the_unpredictable_number() {
    for (name, aid, format) in [
        ("visa-credit", VISA, 0x80),
        ("mastercard-debit", MASTERCARD, 0x9F4B),
    ] {
        let mut session = open(Card::named(name).unwrap(), aid);
        let (_, icc) = chain(&session);
        let answer = send(&mut session.card, "00880000040A0B0C0D00", 0x9000);
        let (tag, signature) = objects(&answer)[0].clone();
        assert_eq!(tag, format, "{name}");
        let block = recover(&signature, &icc, &session.elements[&0x9F47]);
        let fields = checked(&block, &hex("0A0B0C0D"));
        assert_eq!(fields[..4], [0x05, 0x01, 0x09, 0x08], "{name}");
        assert!(fields[12..].iter().all(|byte| *byte == 0xBB), "{name}");
    }
}

#[test]
fn combined_signatures_carry_the_cryptogram_and_all_data() {
    let mut session = open(Card::named("mastercard-debit").unwrap(), MASTERCARD);
    let (_, icc) = chain(&session);
    let cdol1 = hex(CDOL1);
    let cdol2 = [
        vec![0; 10],
        b"00".to_vec(),
        hex("0000008000"),
        hex("01020304"),
    ]
    .concat();
    assert_eq!(session.first(0x90), 0x80);
    let check = |session: &Session, signed: &[u8]| {
        let elements = &session.elements;
        let block = recover(&elements[&0x9F4B], &icc, &elements[&0x9F47]);
        let fields = checked(&block, &hex("01020304"));
        assert_eq!(fields[..4], [0x05, 0x01, 38, 8]);
        assert_eq!(fields[12], elements[&0x9F27][0]);
        let mut hashed = signed.to_vec();
        for tag in [0x9F27_u32, 0x9F36, 0x9F10] {
            hashed.extend(&tag.to_be_bytes()[2..]);
            hashed.push(u8::try_from(elements[&tag].len()).unwrap());
            hashed.extend(&elements[&tag]);
        }
        assert_eq!(fields[21..41], Sha1::digest(hashed)[..]);
        fields[13..21].to_vec()
    };
    let cryptogram = check(&session, &cdol1);
    session.elements.insert(0x9F26, cryptogram);
    let issuer = virtual_card::Issuer::for_pan("5555555555554444").unwrap();
    assert!(issuer.verify_cryptogram(&session.elements));
    let data = issuer.authentication_data(&session.elements, *b"00");
    let cdol2 = [&data, &cdol2[10..]].concat();
    assert_eq!(session.generate(0x50, &cdol2), 0x40);
    check(&session, &[cdol1, cdol2].concat());
}

#[test]
fn an_enciphered_pin_needs_this_cards_challenge() {
    let mut session = open(Card::named("mastercard-debit").unwrap(), MASTERCARD);
    let (_, icc) = chain(&session);
    let exponent = session.elements[&0x9F47].clone();
    let encipher = |block: &str, challenge: &[u8]| {
        let clear = [&[0x7F][..], &hex(block), challenge, &[0x55; 111]].concat();
        let number = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
        let bytes = number(&clear)
            .modpow(&number(&exponent), &number(&icc))
            .to_bytes_be();
        command("00200088", &[vec![0; 128 - bytes.len()], bytes].concat())
    };
    let (right, wrong) = ("244321FFFFFFFFFF", "244322FFFFFFFFFF");
    for (block, stale, status) in [
        (right, false, 0x9000),
        (wrong, false, 0x63C2),
        (right, true, 0x6984),
    ] {
        let mut challenge = send(&mut session.card, "0084000000", 0x9000);
        if stale {
            challenge[0] ^= 1;
        }
        expect(&mut session.card, &encipher(block, &challenge), status);
    }
    expect(&mut session.card, &encipher(right, &[0; 8]), 0x6985);
}
