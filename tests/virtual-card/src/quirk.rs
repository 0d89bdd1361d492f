//! Ways in which a card misbehaves on purpose, for terminals to survive.

/// The seven bytes of an answer without sense: a template that promises more than it holds.
const GARBAGE: [u8; 7] = [0x77, 0x81, 0xFF, 0x9F, 0x1F, 0x90, 0x00];

/// One fault. Commands are counted from 1, anew at each insertion; SELECT counts like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// The card is pulled before it answers the nth command: this answer and all later ones are empty,
    /// until the card is inserted again, and then the nth command meets the same.
    RemovedAt(u32),
    /// The card gives no answer to reset, and none to any command.
    Mute,
    /// The card falls silent at the nth command, until it is inserted again.
    SilentAt(u32),
    /// The nth answer is broken TLV with 9000, and the command is not executed.
    GarbageAt(u32),
    /// Every answer is broken TLV with 9000.
    AlwaysGarbage,
    /// READ RECORD answers 9000 and an empty template for every record of every file, for ever.
    EndlessRecords,
    /// The nth answer is this status word alone, and the command is not executed.
    StatusAt(u32, u16),
    /// The nth signed answer to GENERATE AC of a transaction is signed wrong, in this way.
    SignatureAt(u32, SignatureFault),
}

/// What can be wrong with a signature over the answer to GENERATE AC (EMV 4.4 Book 2, 6.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureFault {
    /// The answer is not signed: the cryptogram is in clear, as if nobody had asked.
    Missing,
    /// One bit of the signature is wrong.
    Broken,
    /// The signature holds another type of cryptogram than the answer: an ARQC for a TC, and a
    /// TC for an ARQC.
    OtherInformation,
    /// The signature covers other data than was exchanged.
    OtherTransactionData,
}

/// What a fault puts in place of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Removed,
    Silent,
    Answer(Vec<u8>),
}

/// The first fault, if any, that the nth command meets.
pub(crate) fn fault_at(quirks: &[Quirk], nth: u32, command: &[u8]) -> Option<Fault> {
    quirks.iter().find_map(|quirk| match quirk {
        Quirk::RemovedAt(at) => (nth >= *at).then_some(Fault::Removed),
        Quirk::Mute => Some(Fault::Silent),
        Quirk::SilentAt(at) => (nth >= *at).then_some(Fault::Silent),
        Quirk::GarbageAt(at) => (nth == *at).then(|| Fault::Answer(GARBAGE.to_vec())),
        Quirk::AlwaysGarbage => Some(Fault::Answer(GARBAGE.to_vec())),
        Quirk::EndlessRecords => {
            let reads = matches!(command, [0x00, 0xB2, ..]);
            reads.then(|| Fault::Answer(vec![0x70, 0x00, 0x90, 0x00]))
        }
        Quirk::StatusAt(at, status) => {
            (nth == *at).then(|| Fault::Answer(status.to_be_bytes().to_vec()))
        }
        // The application's business.
        Quirk::SignatureAt(..) => None,
    })
}

/// Reads a fault as card files write it: `mute`, `removed-at N` or `silent-at N`.
pub(crate) fn parse(text: &str) -> Option<Quirk> {
    let (kind, nth) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let nth = nth.trim().parse().ok();
    match kind {
        "mute" => Some(Quirk::Mute),
        "removed-at" => nth.map(Quirk::RemovedAt),
        "silent-at" => nth.map(Quirk::SilentAt),
        _ => None,
    }
}
