//! Command and response APDUs (EMV 4.4 Book 3, 6).

use core::fmt;

use zeroize::Zeroizing;

use crate::outcome::{Cause, Misbehaviour};
use crate::tag::Tag;

/// The name of the payment system environment, `1PAY.SYS.DDF01` (EMV 4.4 Book 1, 12.2.2).
pub(crate) const PAYMENT_SYSTEM_ENVIRONMENT: &[u8] = b"1PAY.SYS.DDF01";

/// The longest response: 256 bytes and the status word.
const RESPONSE_LENGTH_MAX: usize = 258;

/// Status words (EMV 4.4 Book 3, 6.3.5).
pub(crate) mod status {
    /// The command was carried out.
    pub(crate) const SUCCESS: u16 = 0x9000;
    /// Selected file invalidated: the application is blocked.
    pub(crate) const INVALIDATED: u16 = 0x6283;
    /// Authentication method blocked.
    pub(crate) const METHOD_BLOCKED: u16 = 0x6983;
    /// Referenced data invalidated.
    pub(crate) const DATA_INVALIDATED: u16 = 0x6984;
    /// Conditions of use not satisfied.
    pub(crate) const CONDITIONS_NOT_SATISFIED: u16 = 0x6985;
    /// Function not supported.
    pub(crate) const NOT_SUPPORTED: u16 = 0x6A81;
    /// Record not found.
    pub(crate) const RECORD_NOT_FOUND: u16 = 0x6A83;
}

/// What the card answered.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Response {
    /// Everything before the status word. Wiped when dropped: a record holds the PAN.
    pub(crate) data: Zeroizing<Vec<u8>>,
    /// SW1 and SW2.
    pub(crate) status: u16,
}

impl fmt::Debug for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.data.len();
        write!(formatter, "Response({length} bytes, {:04X})", self.status)
    }
}

impl Response {
    /// Splits a response APDU. `None` when it has fewer than 2 or more than 258 bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (data, status) = bytes.split_last_chunk::<2>()?;
        (bytes.len() <= RESPONSE_LENGTH_MAX).then(|| Self {
            data: Zeroizing::new(data.to_vec()),
            status: u16::from_be_bytes(*status),
        })
    }

    /// The data, when the command was carried out.
    pub(crate) fn success(&self) -> Option<&[u8]> {
        (self.status == status::SUCCESS).then_some(self.data.as_slice())
    }

    /// The data of a command that must be carried out for the transaction to go on.
    pub(crate) fn expect_success(&self) -> Result<&[u8], Cause> {
        self.success()
            .ok_or(Cause::CardMisbehaved(Misbehaviour::StatusWord(self.status)))
    }
}

/// Which of several applications with the same beginning of their names SELECT means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occurrence {
    /// The first or only one.
    First,
    /// The next one.
    Next,
}

/// SELECT by name (EMV 4.4 Book 1, 11.3).
pub(crate) fn select(name: &[u8], occurrence: Occurrence) -> Option<Vec<u8>> {
    let second = match occurrence {
        Occurrence::First => 0x00,
        Occurrence::Next => 0x02,
    };
    with_data([0x00, 0xA4, 0x04, second], name, true)
}

/// READ RECORD (EMV 4.4 Book 3, 6.5.11). `sfi` is at most 30.
pub(crate) fn read_record(sfi: u8, record: u8) -> Vec<u8> {
    vec![0x00, 0xB2, record, (sfi << 3) | 0x04, 0x00]
}

/// GET PROCESSING OPTIONS (EMV 4.4 Book 3, 6.5.8); `data` is the command template, tag 83.
pub(crate) fn get_processing_options(data: &[u8]) -> Option<Vec<u8>> {
    with_data([0x80, 0xA8, 0x00, 0x00], data, true)
}

/// GET DATA (EMV 4.4 Book 3, 6.5.7). `None` for a tag of more than two bytes.
pub(crate) fn get_data(tag: Tag) -> Option<Vec<u8>> {
    let [high, low] = u16::try_from(tag.number()).ok()?.to_be_bytes();
    Some(vec![0x80, 0xCA, high, low, 0x00])
}

/// INTERNAL AUTHENTICATE (EMV 4.4 Book 3, 6.5.9).
pub(crate) fn internal_authenticate(data: &[u8]) -> Option<Vec<u8>> {
    with_data([0x00, 0x88, 0x00, 0x00], data, true)
}

/// GENERATE AC (EMV 4.4 Book 3, 6.5.5).
pub(crate) fn generate_ac(reference_control: u8, data: &[u8]) -> Option<Vec<u8>> {
    with_data([0x80, 0xAE, reference_control, 0x00], data, true)
}

/// EXTERNAL AUTHENTICATE (EMV 4.4 Book 3, 6.5.4).
pub(crate) fn external_authenticate(data: &[u8]) -> Option<Vec<u8>> {
    with_data([0x00, 0x82, 0x00, 0x00], data, false)
}

/// Builds a command with data. `None` when the data is longer than 255 bytes. No data at all
/// makes a command without Lc.
fn with_data(header: [u8; 4], data: &[u8], response_expected: bool) -> Option<Vec<u8>> {
    let mut command = header.to_vec();
    if !data.is_empty() {
        command.push(u8::try_from(data.len()).ok()?);
        command.extend(data);
    }
    if response_expected {
        command.push(0x00);
    }
    Some(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag;

    #[test]
    fn commands_are_coded_as_book_3_writes_them() {
        let aid = [0xA0, 0x00, 0x00, 0x00, 0x03];
        for (command, bytes) in [
            (
                select(&aid, Occurrence::First),
                &[0, 0xA4, 4, 0, 5, 0xA0, 0, 0, 0, 3, 0][..],
            ),
            (
                select(&aid, Occurrence::Next),
                &[0, 0xA4, 4, 2, 5, 0xA0, 0, 0, 0, 3, 0],
            ),
            (Some(read_record(1, 2)), &[0, 0xB2, 2, 0x0C, 0]),
            (get_data(tag::ATC), &[0x80, 0xCA, 0x9F, 0x36, 0]),
            (get_data(Tag::new(0x00DF_8129)), &[]),
            (internal_authenticate(&[1]), &[0, 0x88, 0, 0, 1, 1, 0]),
            (generate_ac(0x80, &[]), &[0x80, 0xAE, 0x80, 0, 0]),
            (external_authenticate(&[1, 2]), &[0, 0x82, 0, 0, 2, 1, 2]),
            (generate_ac(0, &[0; 256]), &[]),
        ] {
            assert_eq!(command.unwrap_or_default(), bytes);
        }
    }

    #[test]
    fn a_response_has_a_status_word_and_is_not_too_long() {
        for (length, parsed) in [(0, false), (1, false), (2, true), (258, true), (259, false)] {
            assert_eq!(
                Response::parse(&vec![0x90; length]).is_some(),
                parsed,
                "{length}"
            );
        }
        let response = Response::parse(&[0xAA, 0x90, 0x00]).expect("long enough");
        assert_eq!(format!("{response:?}"), "Response(1 bytes, 9000)");
        assert_eq!(response.success(), Some(&[0xAA][..]));
    }
}
