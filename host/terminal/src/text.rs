//! Lines of a point of sale's own text: what a display shows and paper takes for it.

pub use crate::printable::is_printable;

/// The most characters of one line.
pub const TEXT_CHARS_MAX: usize = 200;

/// The most lines on a display.
pub const DISPLAY_LINES_MAX: usize = 10;

/// The most lines of one paper.
pub const PAPER_LINES_MAX: usize = 100;

/// One line. A driver that has no such size or weight takes the nearest that it has, and breaks what
/// is too long for one line of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextLine {
    /// What it says; empty for an empty line. The host has reduced it to printable characters.
    pub text: String,
    /// Where it stands.
    pub alignment: Alignment,
    /// How large it is.
    pub size: FontSize,
    /// Whether it is bold.
    pub bold: bool,
}

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Alignment {
    /// On the left.
    #[default]
    Left,
    /// In the middle.
    Center,
    /// On the right.
    Right,
}

/// How large a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum FontSize {
    /// Smaller than usual.
    Small,
    /// As usual.
    #[default]
    Medium,
    /// Larger than usual.
    Large,
}
