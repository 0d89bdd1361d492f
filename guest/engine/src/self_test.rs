//! The engine's own fixed checks, run in the field after an update.
//!
//! They use no port. Each states an answer known beforehand and compares.

use emv::ports::{
    Card, CardFault, Cardholder, Interruption, OfflinePinEntry, OfflinePinMethod, PinEntry,
    PinPrompt, Tools,
};
use emv::{Decision, Decliner, Ended, Identity, contact};

use crate::fixed_card;
use crate::iso8583::{Codec, Decoded, Message, fields, requests};
use crate::moment::{Moment, MomentParts};
use crate::money::Amount;
use crate::outcome::{Ending, Failure, Outcome};
use crate::record::{Open, Record};

/// One check of the self-test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// Whether it passed.
    pub passed: bool,
}

/// A name, and a function that answers `Some(true)` when all is well.
type Named = (&'static str, fn() -> Option<bool>);

const CHECKS: [Named; 8] = [
    ("iso8583 encode", encodes),
    ("iso8583 decode", decodes),
    ("iso8583 mac placement", places_the_code),
    ("iso8583 reversal", reverses),
    ("journal record", keeps_records),
    ("amount limit", limits_amounts),
    ("emv online decision", asks_the_issuer),
    ("emv denial by action code", declines_by_action_code),
];

/// Runs every check. Uses no port.
pub fn self_test() -> Vec<Check> {
    CHECKS
        .iter()
        .map(|(name, check)| Check {
            name,
            passed: check() == Some(true),
        })
        .collect()
}

/// A message of five fields, and the same message written down.
fn fixed_message() -> Message {
    let mut message = Message::new(requests::message_type(requests::FINANCIAL_REQUEST));
    for (number, value) in [
        (fields::number::AMOUNT, "000000002500"),
        (fields::number::TRANSMISSION_TIME, "1121100551"),
        (fields::number::TRACE_NUMBER, "000042"),
        (fields::number::ACQUIRER_ID, "123456"),
        (fields::number::TERMINAL_ID, "TERM0001"),
    ] {
        message.set(number, value);
    }
    message
}

/// The fixed message with a bitmap for 4, 7, 11, 32 and 41.
const FIXED_BYTES: &[u8] =
    b"0200\x12\x20\x00\x01\x00\x80\x00\x000000000025001121100551000042\x30\x36123456TERM0001";

fn codec() -> Option<Codec> {
    Codec::new(fields::built_in()).ok()
}

fn encodes() -> Option<bool> {
    let bytes = codec()?.encode(&fixed_message()).ok()?;
    Some(bytes.as_slice() == FIXED_BYTES)
}

fn decodes() -> Option<bool> {
    let Decoded {
        message,
        authenticated,
    } = codec()?.decode(FIXED_BYTES).ok()?;
    let truncated = codec()?.decode(FIXED_BYTES.split_last()?.1);
    Some(message == fixed_message() && authenticated.is_none() && truncated.is_err())
}

/// The code covers every byte before it, with its own bit set in the bitmap.
fn places_the_code() -> Option<bool> {
    let mut message = fixed_message();
    let covered = codec()?.authenticated_bytes(&message).ok()?;
    message.set(message.mac_field(), [0xA5; 8]);
    let whole = codec()?.encode(&message).ok()?;
    let (before, code) = whole.split_at_checked(covered.len())?;
    Some(before == covered.as_slice() && code == [0xA5; 8] && covered.get(11) == Some(&0x01))
}

fn reverses() -> Option<bool> {
    let reason = requests::ReversalReason::NoAnswer;
    let reversal = requests::reversal(&codec()?, &fixed_message(), reason, &fixed_moment()?);
    let named = b"020000004211211005510000012345600000000000";
    Some(
        reversal.message_type.number() == 420
            && reversal.field(fields::number::TRACE_NUMBER) == Some(b"000042")
            && reversal.field(fields::number::ORIGINAL_DATA) == Some(named),
    )
}

fn keeps_records() -> Option<bool> {
    let record = Record {
        outcome: Outcome::without_card(Ending::Failed(Failure::AnswerLost)),
        open: Some(Open {
            message: fixed_message(),
            reason: requests::ReversalReason::PowerLoss,
            refused: Some(fixed_moment()?.minute()),
        }),
    };
    let bytes = record.encode();
    let cut = Record::decode(bytes.split_last()?.1);
    Some(Record::decode(&bytes) == Ok(record) && cut.is_err())
}

fn limits_amounts() -> Option<bool> {
    let most = Amount::from_minor(999_999_999_999)?;
    Some(most.to_field() == "999999999999" && most.checked_add(Amount::from_minor(1)?).is_none())
}

/// With nothing in the denial codes, an online-only terminal asks.
fn asks_the_issuer() -> Option<bool> {
    let decision = decide([0; 5]).ok()?;
    Some(matches!(decision, Decision::Online(_)))
}

/// Offline data authentication was not performed: that bit of the TVR declines when the denial
/// code has it (EMV 4.4 Book 3, 10.7).
fn declines_by_action_code() -> Option<bool> {
    match decide([0x80, 0, 0, 0, 0]).ok()? {
        Decision::Declined(completed) => Some(
            completed.declined_by == Some(Decliner::Terminal)
                && completed.card.tvr().to_bytes().first() == Some(&0x80),
        ),
        Decision::Approved(_) | Decision::Online(_) => Some(false),
    }
}

fn fixed_moment() -> Option<Moment> {
    Moment::parse(MomentParts {
        year: 2026,
        month: 11,
        day: 21,
        hour: 10,
        minute: 5,
        second: 51,
        utc_offset_minutes: 0,
    })
}

/// What the kernel decides for the fixed card under a denial code.
fn decide(tac_denial: [u8; 5]) -> Result<Decision, Option<Ended>> {
    use emv::bits::{AdditionalTerminalCapabilities, TerminalCapabilities, Tvr};
    use emv::parameters::{Aid, Application, CdaMode, RandomSelection, Terminal, TerminalType};
    let terminal = Terminal {
        terminal_id: *b"TERM0001",
        merchant_id: *b"MERCHANT0000001",
        merchant_name_and_location: Vec::new(),
        merchant_category_code: 5999,
        country: 554,
        kind: TerminalType::parse(0x21).ok_or(None)?,
        capabilities: TerminalCapabilities::from_bytes([0xE0, 0x28, 0x00]),
        additional_capabilities: AdditionalTerminalCapabilities::from_bytes([0; 5]),
        interface_device_serial_number: *b"00000001",
        languages: Vec::new(),
        cda_mode: CdaMode::Mode1,
    };
    let application = Application {
        aid: Aid::parse(&fixed_card::AID).ok_or(None)?,
        partial_selection: false,
        version: 0x0096,
        tac_default: Tvr::empty(),
        tac_denial: Tvr::from_bytes(tac_denial),
        tac_online: Tvr::empty(),
        floor_limit: 0,
        random_selection: RandomSelection::default(),
        default_ddol: Vec::new(),
        default_tdol: Vec::new(),
    };
    let transaction = emv::Transaction {
        amount: 2500,
        amount_other: 0,
        currency: 554,
        currency_exponent: 2,
        kind: emv::TransactionType::GoodsAndServices,
        date: [0x26, 0x11, 0x21],
        time: [0x10, 0x05, 0x51],
        sequence: 1,
        merchant_forced_online: false,
        only_issuer_approves: false,
    };
    contact::start(&mut FixedPorts, &terminal, &[application], &transaction).map_err(Some)
}

/// The fixed card, and nobody in front of the terminal.
struct FixedPorts;

impl Card for FixedPorts {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardFault> {
        Ok(fixed_card::answer(command))
    }
}

impl Cardholder for FixedPorts {
    fn choose_application(&mut self, _: &[Vec<u8>]) -> Result<usize, Interruption> {
        Ok(0)
    }

    fn enter_online_pin(&mut self) -> Result<PinEntry, Interruption> {
        Ok(PinEntry::Unavailable)
    }

    fn verify_offline_pin(
        &mut self,
        _: PinPrompt,
        _: &OfflinePinMethod,
    ) -> Result<OfflinePinEntry, Interruption> {
        Ok(OfflinePinEntry::Unavailable)
    }
}

impl Tools for FixedPorts {
    fn rsa_recover(&mut self, _: &[u8], _: &[u8], _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn unpredictable_number(&mut self) -> [u8; 4] {
        [0xDE, 0xAD, 0xBE, 0xEF]
    }

    fn ca_public_key(&mut self, _: &[u8; 5], _: u8) -> Option<emv::parameters::CaPublicKey> {
        None
    }

    fn card_identified(&mut self, _: &Identity) {}

    fn record(&mut self, _: emv::trace::Event) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_passes() {
        let failed: Vec<&str> = self_test()
            .iter()
            .filter(|check| !check.passed)
            .map(|check| check.name)
            .collect();
        assert_eq!(failed, Vec::<&str>::new());
    }
}
