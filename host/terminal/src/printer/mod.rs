//! The receipt printer: driver trait and lines.

mod host;

use async_trait::async_trait;

/// A receipt printer.
#[async_trait]
pub trait Printer: Send {
    /// Prints `lines` (already reduced to printable characters) and cuts the paper.
    async fn print(&mut self, lines: &[Line]) -> Result<(), Fault>;
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
