//! The fields of the built-in dialect (ISO 8583:1987, 4.3.4), as this program reads them.

/// How one field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// So many digits.
    Digits(usize),
    /// So many characters.
    Characters(usize),
    /// So many bytes.
    Bytes(usize),
    /// Two digits of length, then digits, at most so many.
    LongDigits(usize),
    /// Two digits of length, then characters, at most so many.
    Long(usize),
    /// Three digits of length, then characters, at most so many.
    Longer(usize),
    /// Three digits of length, then bytes, at most so many.
    LongerBytes(usize),
}

const FIELDS: [(u8, Format); 48] = [
    (2, Format::LongDigits(19)),
    (3, Format::Digits(6)),
    (4, Format::Digits(12)),
    (7, Format::Digits(10)),
    (11, Format::Digits(6)),
    (12, Format::Digits(6)),
    (13, Format::Digits(4)),
    (14, Format::Digits(4)),
    (15, Format::Digits(4)),
    (18, Format::Digits(4)),
    (22, Format::Digits(3)),
    (23, Format::Digits(3)),
    (24, Format::Digits(3)),
    (25, Format::Digits(2)),
    (26, Format::Digits(2)),
    (28, Format::Characters(9)),
    (32, Format::LongDigits(11)),
    (33, Format::LongDigits(11)),
    (35, Format::Long(37)),
    (37, Format::Characters(12)),
    (38, Format::Characters(6)),
    (39, Format::Characters(2)),
    (41, Format::Characters(8)),
    (42, Format::Characters(15)),
    (43, Format::Characters(40)),
    (44, Format::Long(25)),
    (45, Format::Long(76)),
    (48, Format::Longer(999)),
    (49, Format::Digits(3)),
    (52, Format::Bytes(8)),
    (53, Format::Digits(16)),
    (54, Format::Longer(120)),
    (55, Format::LongerBytes(255)),
    (60, Format::Longer(999)),
    (61, Format::Longer(999)),
    (62, Format::LongerBytes(999)),
    (63, Format::LongerBytes(999)),
    (64, Format::Bytes(8)),
    (66, Format::Digits(1)),
    (70, Format::Digits(3)),
    (74, Format::Digits(10)),
    (76, Format::Digits(10)),
    (86, Format::Digits(16)),
    (88, Format::Digits(16)),
    (90, Format::Digits(42)),
    (95, Format::Characters(42)),
    (102, Format::Long(28)),
    (128, Format::Bytes(8)),
];

/// The format of a field; `None` when the dialect does not have it.
pub(super) fn format(number: u8) -> Option<Format> {
    FIELDS
        .iter()
        .find(|(known, _)| *known == number)
        .map(|(_, format)| *format)
}
