//! What a personalization becomes when its issuer has signed it: files, lists and keys.

use std::collections::BTreeMap;

use crate::alteration::Signed;
use crate::certificate::{self, Made, Subject};
use crate::cryptogram::{MasterKeyOption, TdesKey, bcd};
use crate::elliptic::{self, Authority, EllipticKey};
use crate::keys::{self, Purpose};
use crate::personalization::{ApplicationData, Personalization};
use crate::record::{Content, RecordLayout};
use crate::rsa::RsaKey;
use crate::tlv;

/// Signed static application data's own code (tag 9F45): it only has to be the same every time.
const DATA_AUTHENTICATION_CODE: [u8; 2] = [0x00, 0x01];

/// The keys a card holds.
#[derive(Clone, Debug)]
pub(crate) struct IccKeys {
    pub(crate) rsa: RsaKey,
    /// The key under which PINs come enciphered (EMV 4.4 Book 2, 7.1).
    pub(crate) pin: RsaKey,
    /// The key on a curve, for cards that have one.
    pub(crate) elliptic: Option<EllipticKey>,
    /// For application cryptograms and ARPCs (EMV 4.4 Book 2, 8).
    pub(crate) application_cryptogram: TdesKey,
    /// For the MAC of script commands (EMV 4.4 Book 2, 9.2).
    pub(crate) script_mac: TdesKey,
    /// For enciphered data in script commands (EMV 4.4 Book 2, 9.3).
    pub(crate) script_confidentiality: TdesKey,
}

/// One application as it leaves the issuer.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) data: ApplicationData,
    /// All data objects, the computed ones too. PUT DATA may change those that are not signed.
    pub(crate) elements: BTreeMap<u32, Vec<u8>>,
    /// Tag 94.
    pub(crate) afl: Vec<u8>,
    pub(crate) keys: IccKeys,
}

/// The master key of one card for one purpose.
pub(crate) fn icc_master_key(card: &Personalization, rid: [u8; 5], purpose: Purpose) -> TdesKey {
    keys::issuer_master_key(rid, purpose).icc_master_key(
        &card.pan,
        &card.sequence,
        MasterKeyOption::A,
    )
}

impl Issued {
    /// Signs an application of a card.
    pub(crate) fn new(card: &Personalization, data: &ApplicationData) -> Self {
        let rid = data.rid();
        let issuer = keys::issuer_key(rid, card.issuer_key_length);
        let icc = keys::icc_key(&card.pan, card.icc_key_length);
        let pin = if card.pin_key {
            keys::pin_key(&card.pan)
        } else {
            icc.clone()
        };
        let mut elements = BTreeMap::from([
            (0x57, track_2(card)),
            (0x5A, card.pan_bytes(card.pan.len().div_ceil(2))),
            (0x5F24, bcd(&card.expiry)),
            (0x5F34, bcd(&card.sequence)),
            (0x8F, vec![keys::CA_INDEX]),
            (0x9F32, issuer.exponent()),
            (0x9F47, icc.exponent()),
            // Only the application interchange profile may be named (EMV 4.4 Book 2, 5.1.1).
            (0x9F4A, vec![0x82]),
        ]);
        elements.extend(data.elements.clone());
        elements.retain(|tag, _| !data.dropped.contains(tag));
        let records = signed_records(data, &elements);
        let mut signed = sign(
            card,
            data,
            [&issuer, &icc, &pin],
            &static_data_to_be_authenticated(&records, &elements),
        );
        let elliptic = card.elliptic_keys.then(|| keys::ecc_icc_key(&card.pan));
        if let Some(key) = &elliptic {
            // In front of the certificates with RSA, which they stand in place of.
            signed.splice(0..0, sign_elliptic(card, data, key, &records));
        }
        for (tag, value) in signed {
            if !data.dropped.contains(&tag) {
                elements.entry(tag).or_insert(value);
            }
        }
        elements.extend(data.tampered.clone());
        let keys = IccKeys {
            rsa: icc,
            pin,
            elliptic,
            application_cryptogram: icc_master_key(card, rid, Purpose::ApplicationCryptogram),
            script_mac: icc_master_key(card, rid, Purpose::ScriptMac),
            script_confidentiality: icc_master_key(card, rid, Purpose::ScriptConfidentiality),
        };
        Self {
            data: data.clone(),
            afl: elements
                .get(&0x94)
                .cloned()
                .unwrap_or_else(|| file_locator(data)),
            elements,
            keys,
        }
    }

    /// The value of a data object, empty when the card has none.
    pub(crate) fn element(&self, tag: u32) -> &[u8] {
        self.elements.get(&tag).map_or(&[], Vec::as_slice)
    }

    /// A record as READ RECORD answers it, template 70 included. `None` when there is none.
    pub(crate) fn record(&self, sfi: u8, number: u8) -> Option<Vec<u8>> {
        let wanted = |layout: &&RecordLayout| (layout.sfi, layout.number) == (sfi, number);
        let layout = self.data.records.iter().find(wanted)?;
        Some(match &layout.content {
            Content::Objects(tags) => tlv::template(0x70, &objects(tags, &self.elements)),
            Content::Raw(bytes) => bytes.clone(),
        })
    }

    /// Whether the card has a file of this short identifier.
    pub(crate) fn has_file(&self, sfi: u8) -> bool {
        self.data.records.iter().any(|layout| layout.sfi == sfi)
    }
}

/// Everything that is signed, by tag.
fn sign(
    card: &Personalization,
    data: &ApplicationData,
    [issuer, icc, pin]: [&RsaKey; 3],
    static_data: &[u8],
) -> Vec<(u32, Vec<u8>)> {
    let alterations = &data.alterations;
    let made = |signed| Made {
        signed,
        alterations,
    };
    let number = card.pan_bytes(10);
    let for_issuer = Subject {
        key: issuer,
        identifier: &issuer_identifier(card),
        expiry: [0x12, 0x40],
    };
    let for_icc = Subject {
        key: icc,
        identifier: &number,
        expiry: icc_expiry(card.expiry_month_year()),
    };
    let ca = keys::ca_key(data.rid());
    let issuer_certificate = certificate::public_key(&ca, for_issuer, &[], made(Signed::Issuer));
    let icc_certificate = certificate::public_key(issuer, for_icc, static_data, made(Signed::Icc));
    let code = DATA_AUTHENTICATION_CODE;
    let mut signed = vec![
        (0x90, issuer_certificate.signed),
        (0x92, issuer_certificate.remainder),
        (
            0x93,
            certificate::static_data(issuer, code, static_data, alterations),
        ),
        (0x9F46, icc_certificate.signed),
        (0x9F48, icc_certificate.remainder),
    ];
    if card.pin_key {
        let for_pin = Subject {
            key: pin,
            ..for_icc
        };
        let certificate = certificate::public_key(issuer, for_pin, &[], made(Signed::Pin));
        signed.extend([
            (0x9F2D, certificate.signed),
            (0x9F2E, pin.exponent()),
            (0x9F2F, certificate.remainder),
        ]);
    }
    signed
}

/// The certificate outlives no card: it ends in the card's own month, but an expired card keeps a
/// certificate that is still good, so that expiry is found by processing restrictions alone.
fn icc_expiry([month, year]: [u8; 2]) -> [u8; 2] {
    [month, year.max(0x31)]
}

/// Tag 57: the same as on the stripe, two digits a byte (EMV 4.4 Book 3, Annex A).
fn track_2(card: &Personalization) -> Vec<u8> {
    let mut track = card.track_2().replace('=', "D");
    if !track.len().is_multiple_of(2) {
        track.push('F');
    }
    bcd(&track)
}

/// The first eight digits of the number (EMV 4.4 Book 2, 5.1, table 2).
fn issuer_identifier(card: &Personalization) -> [u8; 4] {
    card.pan_bytes(10)
        .first_chunk()
        .copied()
        .unwrap_or_default()
}

/// The certificates of a card with elliptic curves, by tag.
fn sign_elliptic(
    card: &Personalization,
    data: &ApplicationData,
    icc: &EllipticKey,
    records: &[u8],
) -> [(u32, Vec<u8>); 2] {
    let rid = data.rid();
    let issuer = keys::ecc_issuer_key(rid);
    let authority = Authority {
        key: &keys::ecc_ca_key(rid),
        rid,
        index: keys::CA_INDEX,
    };
    let identifier = card
        .pan_bytes(10)
        .first_chunk()
        .copied()
        .unwrap_or_default();
    let pdol = data.elements.get(&0x9F38).map(Vec::as_slice);
    let card_data = elliptic::card_data(records, data.element(0x82), &data.aid, pdol);
    [
        (
            0x90,
            elliptic::issuer_certificate(authority, &issuer, identifier),
        ),
        (0x9F46, elliptic::icc_certificate(&issuer, icc, &card_data)),
    ]
}

/// The signed records, then the application interchange profile where tag 9F4A names it
/// (EMV 4.4 Book 3, 10.3).
fn static_data_to_be_authenticated(records: &[u8], elements: &BTreeMap<u32, Vec<u8>>) -> Vec<u8> {
    let mut bytes = records.to_vec();
    if elements.contains_key(&0x9F4A) {
        bytes.extend(elements.get(&0x82).map(Vec::as_slice).unwrap_or_default());
    }
    bytes
}

/// What is in the signed records.
fn signed_records(data: &ApplicationData, elements: &BTreeMap<u32, Vec<u8>>) -> Vec<u8> {
    let signed = data.records.iter().filter(|layout| layout.signed);
    signed
        .flat_map(|layout| match &layout.content {
            Content::Objects(tags) => objects(tags, elements).concat(),
            // The whole record of a file outside EMV, the content of the template of others.
            Content::Raw(bytes) if layout.sfi > 10 => bytes.clone(),
            Content::Raw(bytes) => tlv::content(bytes).unwrap_or_default().to_vec(),
        })
        .collect()
}

/// The objects there are; zero stands for a byte of padding.
fn objects(tags: &[u32], elements: &BTreeMap<u32, Vec<u8>>) -> Vec<Vec<u8>> {
    tags.iter()
        .filter_map(|tag| match tag {
            0 => Some(vec![0x00]),
            _ => Some(tlv::object(*tag, elements.get(tag)?)),
        })
        .collect()
}

/// The application file locator (EMV 4.4 Book 3, 10.2): one entry a file, its signed records first.
fn file_locator(data: &ApplicationData) -> Vec<u8> {
    let mut entries: Vec<[u8; 4]> = Vec::new();
    for layout in &data.records {
        let file = layout.sfi << 3;
        let signed = u8::from(layout.signed);
        match entries.last_mut() {
            Some([sfi, _, last, count]) if *sfi == file => {
                *last = layout.number;
                *count = count.saturating_add(signed);
            }
            _ => entries.push([file, layout.number, layout.number, signed]),
        }
    }
    entries.concat()
}
