//! The receipt printer: driver trait and lines.

mod host;

use async_trait::async_trait;

use crate::text::TextLine;

/// A receipt printer.
#[async_trait]
pub trait Printer: Send {
    /// Prints `lines` (already reduced to printable characters), and cuts the paper when `cut`.
    async fn print(&mut self, lines: &[Line], cut: bool) -> Result<(), Fault>;
}

/// One line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Text, left-aligned, cut at the paper width.
    Text(String),
    /// Text on the left and on the right of the same line.
    Columns(String, String),
    /// An empty line.
    Blank,
    /// A line of the point of sale's own. What is too long goes on in the next line.
    Styled(TextLine),
}

/// Why a receipt was not printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The paper ran out.
    #[error("the printer is out of paper")]
    OutOfPaper,
    /// The printer failed.
    #[error("the printer failed")]
    Printer,
}
