//! What a personalization becomes when its issuer has signed it: files, lists and keys.

use std::collections::BTreeMap;

use crate::certificate;
use crate::cryptogram::{MasterKeyOption, TdesKey, bcd};
use crate::keys::{self, Purpose};
use crate::personalization::{ApplicationData, Personalization};
use crate::rsa::RsaKey;
use crate::tlv;

/// Signed static application data's own code (tag 9F45): it only has to be the same every time.
const DATA_AUTHENTICATION_CODE: [u8; 2] = [0x00, 0x01];

/// The keys a card holds.
#[derive(Clone, Debug)]
pub(crate) struct IccKeys {
    pub(crate) rsa: RsaKey,
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
        card.pan,
        card.sequence,
        MasterKeyOption::A,
    )
}

impl Issued {
    /// Signs an application of a card.
    pub(crate) fn new(card: &Personalization, data: &ApplicationData) -> Self {
        let rid = data.rid();
        let (ca, issuer, icc) = (
            keys::ca_key(rid),
            keys::issuer_key(rid),
            keys::icc_key(card.pan),
        );
        let expiry = card.expiry_month_year();
        let mut elements = data.elements.clone();
        elements.extend([
            (0x57, track_2(card)),
            (0x5A, card.pan_bytes(card.pan.len().div_ceil(2))),
            (0x5F24, bcd(card.expiry)),
            (0x5F34, bcd(card.sequence)),
            (0x8F, vec![keys::CA_INDEX]),
            (0x9F32, issuer.exponent()),
            (0x9F47, icc.exponent()),
            // Only the application interchange profile may be named (EMV 4.4 Book 2, 5.1.1).
            (0x9F4A, vec![0x82]),
        ]);
        let static_data = static_data_to_be_authenticated(data, &elements);
        let identifier = issuer_identifier(card);
        let for_issuer = certificate::issuer(&ca, &issuer, identifier, [0x12, 0x40]);
        let for_icc = certificate::icc(
            &issuer,
            &icc,
            &card.pan_bytes(10),
            icc_expiry(expiry),
            &static_data,
        );
        elements.extend([
            (0x90, for_issuer.signed),
            (0x92, for_issuer.remainder),
            (
                0x93,
                certificate::static_data(&issuer, DATA_AUTHENTICATION_CODE, &static_data),
            ),
            (0x9F46, for_icc.signed),
            (0x9F48, for_icc.remainder),
        ]);
        let keys = IccKeys {
            rsa: icc,
            application_cryptogram: icc_master_key(card, rid, Purpose::ApplicationCryptogram),
            script_mac: icc_master_key(card, rid, Purpose::ScriptMac),
            script_confidentiality: icc_master_key(card, rid, Purpose::ScriptConfidentiality),
        };
        Self {
            data: data.clone(),
            elements,
            afl: file_locator(data),
            keys,
        }
    }

    /// The value of a data object, empty when the card has none.
    pub(crate) fn element(&self, tag: u32) -> &[u8] {
        self.elements.get(&tag).map_or(&[], Vec::as_slice)
    }

    /// A record as READ RECORD answers it, template 70 included. `None` when there is none.
    pub(crate) fn record(&self, sfi: u8, number: u8) -> Option<Vec<u8>> {
        let wanted = |layout: &&crate::personalization::RecordLayout| {
            (layout.sfi, layout.number) == (sfi, number)
        };
        let layout = self.data.records.iter().find(wanted)?;
        Some(tlv::template(0x70, &objects(&layout.tags, &self.elements)))
    }

    /// Whether the card has a file of this short identifier.
    pub(crate) fn has_file(&self, sfi: u8) -> bool {
        self.data.records.iter().any(|layout| layout.sfi == sfi)
    }
}

/// The certificate outlives no card: it ends in the card's own month, but an expired card keeps a
/// certificate that is still good, so that expiry is found by processing restrictions alone.
fn icc_expiry([month, year]: [u8; 2]) -> [u8; 2] {
    [month, year.max(0x31)]
}

/// Tag 57: number, separator, expiry, service code 201 and discretionary data
/// (ISO 7813:2006, 4.2).
fn track_2(card: &Personalization) -> Vec<u8> {
    let year_month = card.expiry.get(..4).unwrap_or_default();
    let mut track = format!("{}D{year_month}20100000", card.pan);
    if track.len() % 2 != 0 {
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

/// The values of the signed records, then the application interchange profile
/// (EMV 4.4 Book 3, 10.3).
fn static_data_to_be_authenticated(
    data: &ApplicationData,
    elements: &BTreeMap<u32, Vec<u8>>,
) -> Vec<u8> {
    let signed = data.records.iter().filter(|layout| layout.signed);
    let mut bytes: Vec<u8> = signed
        .flat_map(|layout| objects(&layout.tags, elements).concat())
        .collect();
    bytes.extend(data.element(0x82));
    bytes
}

fn objects(tags: &[u32], elements: &BTreeMap<u32, Vec<u8>>) -> Vec<Vec<u8>> {
    let present = tags
        .iter()
        .filter_map(|tag| Some((tag, elements.get(tag)?)));
    present
        .map(|(tag, value)| tlv::object(*tag, value))
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
