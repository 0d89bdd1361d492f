//! Elements of one or a few bytes whose parts have meanings: CID, AFL, script results, dates.

use emv::words;

use crate::Decoded;
use crate::veil::{Secrets, Veiled};
use crate::verification::capital;

/// Tag 9F27 (EMV 4.4 Book 3, 6.5.5.4, table 15).
pub(crate) fn cryptogram_information(byte: u8, offset: usize) -> Vec<Decoded> {
    let bit = |label: &str, name: String| Decoded::new(offset, label, name);
    let advice = if byte & 0x08 == 0 {
        "No advice required"
    } else {
        "Advice required"
    };
    let mut children = vec![
        bit("bits 8-7", words::cryptogram_type(byte).to_owned()),
        bit("bit 4", advice.to_owned()),
        bit("bits 3-1", capital(words::reason(byte))),
    ];
    let payment_system = (byte >> 4) & 0x03;
    if payment_system != 0 {
        let name = format!("Payment system's own: {payment_system:02b}");
        children.insert(1, bit("bits 6-5", name));
    }
    children
}

/// Tag 94: which records to read (EMV 4.4 Book 3, 10.2).
pub(crate) fn file_locator(bytes: &[u8], offset: usize) -> (Vec<Decoded>, Option<String>) {
    let (entries, odd) = bytes.as_chunks::<4>();
    let mut at = offset;
    let mut children = Vec::new();
    for entry in entries {
        let [file, first, last, signed] = *entry;
        let records = if first == last {
            format!("record {first}")
        } else {
            format!("records {first} to {last}")
        };
        let words = match signed {
            0 => format!("{records}, none in offline data authentication"),
            1 => format!("{records}, 1 in offline data authentication"),
            count => format!("{records}, {count} in offline data authentication"),
        };
        let veiled = Veiled::scanned(entry, Secrets::Hidden);
        let mut node = Decoded::new(at, format!("SFI {}", file >> 3), "File")
            .raw(&veiled)
            .value(words);
        let many = last.saturating_sub(first).saturating_add(1);
        if first == 0 || last < first || signed > many || file & 0x07 != 0 {
            node = node.fault(format!("byte {at}: no entry of a file locator"));
        }
        children.push(node);
        at = at.saturating_add(4);
    }
    let fault = (!odd.is_empty()).then(|| format!("byte {at}: it ends within an entry"));
    (children, fault)
}

/// Tag 9F5B (EMV 4.4 Book 4, Annex A5).
pub(crate) fn script_results(bytes: &[u8], offset: usize) -> (Vec<Decoded>, Option<String>) {
    let (entries, odd) = bytes.as_chunks::<5>();
    let mut at = offset;
    let mut children = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        let [first, identifier @ ..] = *entry;
        let label = format!("script {}", number.saturating_add(1));
        let veiled = Veiled::scanned(entry, Secrets::Hidden);
        let identifier = u32::from_be_bytes(identifier);
        let name = format!("Identifier {identifier:08X}");
        children.push(
            Decoded::new(at, label, name)
                .raw(&veiled)
                .value(words::script_result(first)),
        );
        at = at.saturating_add(5);
    }
    let fault = (!odd.is_empty()).then(|| format!("byte {at}: it ends within an entry"));
    (children, fault)
}

/// A date of three bytes YYMMDD, or a time HHMMSS, when it can be one.
pub(crate) fn date(bytes: &[u8]) -> Option<String> {
    let [year, month, day] = digits(bytes)?;
    let century = if year < 50 { 20 } else { 19 };
    ((1..=12).contains(&month) && (1..=31).contains(&day))
        .then(|| format!("{century}{year:02}-{month:02}-{day:02}"))
}

/// A time of three bytes HHMMSS, when it can be one.
pub(crate) fn time(bytes: &[u8]) -> Option<String> {
    let [hour, minute, second] = digits(bytes)?;
    (hour < 24 && minute < 60 && second < 60).then(|| format!("{hour:02}:{minute:02}:{second:02}"))
}

/// Three bytes of two digits each.
fn digits(bytes: &[u8]) -> Option<[u8; 3]> {
    let bytes: [u8; 3] = bytes.try_into().ok()?;
    let decimal = bytes.iter().all(|byte| byte >> 4 < 10 && byte & 0x0F < 10);
    decimal.then(|| bytes.map(|byte| (byte >> 4).saturating_mul(10).saturating_add(byte & 0x0F)))
}

/// Who operates a terminal and where: tag 9F35 (EMV 4.4 Book 4, Annex A1).
pub(crate) fn terminal_type(byte: u8) -> Option<String> {
    use emv::parameters::{Connection, Operator, TerminalType};
    let kind = TerminalType::parse(byte)?;
    let attended = if kind.attended {
        "attended"
    } else {
        "unattended"
    };
    let connection = match kind.connection {
        Connection::OnlineOnly => "online only",
        Connection::OfflineWithOnline => "offline with online capability",
        Connection::OfflineOnly => "offline only",
    };
    let operator = match kind.operator {
        Operator::FinancialInstitution => "a financial institution",
        Operator::Merchant => "a merchant",
        Operator::Cardholder => "the cardholder",
    };
    Some(format!("{attended}, {connection}, operated by {operator}"))
}
