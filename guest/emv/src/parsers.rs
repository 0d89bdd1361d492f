//! The kernel's parsers of what a card, a certification authority or an issuer wrote, for
//! `tests/fuzz` (feature `parsers`). What is public anyway, such as [`crate::tlv`], is not here.
//!
//! Each takes bytes, and gives what it made of them in plain numbers and bytes, or `None`.

use crate::afl;
use crate::bits::AdditionalTerminalCapabilities;
use crate::certificate::{self, Companion, Exchanged};
use crate::cryptogram;
use crate::cvm::CvmList;
use crate::date::{Date, Minute};
use crate::ecc_certificate;
use crate::elliptic::EllipticKey;
use crate::identity::Pan;
use crate::parameters::{AlgorithmSuite, EccCaPublicKey};
use crate::records::{self, ProcessingOptions};
use crate::script::{self, Moment};
use crate::selection::{self, Candidate, Fci, Labels};
use crate::tag::Tag;

/// One entry of tag 94, and the records it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Short file identifier, first record, last record, and how many are authenticated offline.
    pub fields: [u8; 4],
    /// Each record's number, and whether it is authenticated offline.
    pub records: Vec<(u8, bool)>,
}

/// Tag 94 (EMV 4.4 Book 3, 10.2).
pub fn file_locator(bytes: &[u8]) -> Option<Vec<FileEntry>> {
    let entries = afl::parse(bytes).ok()?;
    let entries = entries.into_iter().map(|entry| FileEntry {
        fields: [entry.sfi, entry.first, entry.last, entry.authenticated],
        records: entry.records().collect(),
    });
    Some(entries.collect())
}

/// Tag 8E: the two amounts, and each rule's code and condition (EMV 4.4 Book 3, 10.5).
pub fn cvm_list(bytes: &[u8]) -> Option<([u32; 2], Vec<[u8; 2]>)> {
    let list = CvmList::parse(bytes)?;
    let rules = list.rules.iter().map(|rule| [rule.code, rule.condition]);
    Some(([list.amount_x, list.amount_y], rules.collect()))
}

/// An application that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its name: tag 84 or 4F.
    pub name: Vec<u8>,
    /// What the cardholder is shown by a terminal with every code table, and by one with none.
    pub shown: [Vec<u8>; 2],
    /// What the terminal keeps of the rest.
    pub elements: Vec<(Tag, Vec<u8>)>,
}

/// The answer to SELECT of an application (EMV 4.4 Book 1, 11.3.4).
pub fn file_control_information(bytes: &[u8]) -> Option<Named> {
    let fci = Fci::parse(bytes)?;
    Some(named(fci.name.as_bytes(), &fci.labels, fci.elements))
}

/// The file of the directory in the answer to SELECT of the payment system environment
/// (EMV 4.4 Book 1, 11.3.4).
pub fn directory_file(bytes: &[u8]) -> Option<u8> {
    selection::directory_sfi(bytes)
}

/// A record of the directory (EMV 4.4 Book 1, 12.2.3).
pub fn directory_record(bytes: &[u8]) -> Option<Vec<Named>> {
    let entries = selection::directory_entries(bytes)?;
    let named = |entry: &Candidate| named(entry.name.as_bytes(), &entry.labels, Vec::new());
    Some(entries.iter().map(named).collect())
}

fn named(name: &[u8], labels: &Labels, elements: Vec<(Tag, Vec<u8>)>) -> Named {
    let with_tables = |byte| AdditionalTerminalCapabilities::from_bytes([0, 0, 0, byte, byte]);
    Named {
        name: name.to_vec(),
        shown: [0xFF, 0x00].map(|byte| labels.displayed(with_tables(byte)).to_vec()),
        elements,
    }
}

/// The answer to GET PROCESSING OPTIONS: tags 82 and 94 (EMV 4.4 Book 3, 6.5.8.4).
pub fn processing_options(bytes: &[u8]) -> Option<([u8; 2], Vec<u8>)> {
    let options = ProcessingOptions::parse(bytes).ok()?;
    Some((options.aip.to_bytes(), options.afl))
}

/// A record of the application (EMV 4.4 Book 3, 6.5.11.4).
pub fn record(sfi: u8, bytes: &[u8]) -> Option<Vec<(Tag, &[u8])>> {
    let objects = records::elements(sfi, bytes).ok()?;
    Some(objects.iter().map(|one| (one.tag, one.value)).collect())
}

/// The answer to GENERATE AC (EMV 4.4 Book 3, 6.5.5.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cryptogram {
    /// Tag 9F27.
    pub information: u8,
    /// Tag 9F36.
    pub counter: [u8; 2],
    /// Tag 9F26.
    pub value: Option<[u8; 8]>,
    /// Tag 9F10.
    pub issuer_application_data: Option<Vec<u8>>,
    /// Tag 9F4B.
    pub signature: Option<Vec<u8>>,
    /// What the signature covers.
    pub signed_objects: Vec<u8>,
}

/// See [`Cryptogram`].
pub fn generate_ac(bytes: &[u8]) -> Option<Cryptogram> {
    let parsed = cryptogram::parse(bytes).ok()?;
    Some(Cryptogram {
        information: parsed.information.0,
        counter: parsed.atc,
        value: parsed.value,
        issuer_application_data: parsed.issuer_application_data,
        signature: parsed.signature,
        signed_objects: parsed.signed_objects,
    })
}

/// One issuer script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Whether it is due before the second GENERATE AC.
    pub before: bool,
    /// Its commands; `None` when it must not be run.
    pub commands: Option<Vec<Vec<u8>>>,
}

/// The scripts of an issuer's answer (EMV 4.4 Book 3, 10.10).
pub fn scripts(bytes: &[u8]) -> Vec<Script> {
    let scripts = script::parse(bytes).into_iter();
    scripts
        .map(|script| Script {
            before: script.moment == Moment::BeforeFinal,
            commands: script.commands,
        })
        .collect()
}

/// What stands beside an RSA certificate.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// The rest of the key.
    pub remainder: &'a [u8],
    /// The exponent.
    pub exponent: &'a [u8],
    /// The card's number.
    pub pan: &'a Pan,
    /// The day as YYMMDD, BCD.
    pub today: [u8; 3],
    /// What the certificate of a card covers of its records.
    pub static_data: &'a [u8],
}

impl Beside<'_> {
    fn companion(&self) -> Option<Companion<'_>> {
        Some(Companion {
            remainder: self.remainder,
            exponent: self.exponent,
            pan: self.pan,
            today: Date::parse(self.today)?,
        })
    }
}

/// An issuer's RSA certificate after the RSA operation: modulus and exponent of the key
/// (EMV 4.4 Book 2, 5.3).
pub fn issuer_certificate(recovered: &[u8], beside: &Beside<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    let (key, _) = certificate::issuer_key(recovered, beside.companion()?).ok()?;
    Some((key.modulus, key.exponent))
}

/// A card's RSA certificate after the RSA operation: modulus and exponent of the key
/// (EMV 4.4 Book 2, 6.4).
pub fn icc_certificate(recovered: &[u8], beside: &Beside<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    let companion = beside.companion()?;
    let key = certificate::icc_key(recovered, companion, beside.static_data).ok()?;
    Some((key.modulus, key.exponent))
}

/// Signed static data after the RSA operation: tag 9F45 (EMV 4.4 Book 2, 5.4).
pub fn static_signature(recovered: &[u8], static_data: &[u8]) -> Option<[u8; 2]> {
    certificate::static_signature(recovered, static_data).ok()
}

/// Signed dynamic data after the RSA operation: tag 9F4C (EMV 4.4 Book 2, 6.5.2).
pub fn dynamic_signature(recovered: &[u8], terminal_data: &[u8]) -> Option<Vec<u8>> {
    certificate::dynamic_signature(recovered, terminal_data).ok()
}

/// A combined signature after the RSA operation: tags 9F4C and 9F26 (EMV 4.4 Book 2, 6.6.2).
pub fn combined_signature(
    recovered: &[u8],
    unpredictable_number: [u8; 4],
    information: u8,
    transaction_data: &[u8],
) -> Option<(Vec<u8>, [u8; 8])> {
    let exchanged = Exchanged {
        unpredictable_number,
        information,
        transaction_data,
    };
    let combined = certificate::combined_signature(recovered, &exchanged).ok()?;
    Some((combined.dynamic_number, combined.cryptogram))
}

/// An issuer's certificate with elliptic curves, on a day as YYYYMMDD: the key
/// (EMV 4.4 Book 2, 12.3).
pub fn ecc_issuer_certificate(
    ca: &EccCaPublicKey,
    certificate: &[u8],
    pan: &Pan,
    today: [u8; 4],
) -> Option<(AlgorithmSuite, Vec<u8>)> {
    let today = Date::parse_long(today)?;
    let (key, _) = ecc_certificate::issuer_key(ca, certificate, pan, today).ok()?;
    Some((key.suite, key.x))
}

/// A card's certificate with elliptic curves, at noon of a day as YYYYMMDD: the key
/// (EMV 4.4 Book 2, 12.4).
pub fn ecc_icc_certificate(
    issuer: (AlgorithmSuite, &[u8]),
    certificate: &[u8],
    card_data: &[u8],
    today: [u8; 4],
) -> Option<(AlgorithmSuite, Vec<u8>)> {
    let issuer = elliptic_key(issuer);
    let noon = Minute::parse_long(today, [0x12, 0x00])?;
    let key = ecc_certificate::icc_key(&issuer, certificate, card_data, noon).ok()?;
    Some((key.suite, key.x))
}

/// Signed dynamic data with elliptic curves: whether it is the key's (EMV 4.4 Book 2, 12.5).
pub fn ecc_dynamic_signature(
    key: (AlgorithmSuite, &[u8]),
    signed_data: &[u8],
    exchanged: &[u8],
) -> bool {
    ecc_certificate::dynamic_signature(&elliptic_key(key), signed_data, exchanged).is_ok()
}

fn elliptic_key((suite, x): (AlgorithmSuite, &[u8])) -> EllipticKey {
    EllipticKey {
        suite,
        x: x.to_vec(),
    }
}
