//! `terminal:printer` for the guest.

use wasmtime::{Result, bail};

use super::{Fault, Line};
use crate::{
    bindings::terminal::printer::printer as wit, printable::printable_text, terminal::Terminal,
};

/// The most lines of one receipt.
const LINES_MAX: usize = 100;

/// The most characters of a line that reach a driver; the driver cuts at its paper's width.
const LINE_LENGTH_MAX: usize = 80;

impl wit::Host for Terminal {
    async fn print(
        &mut self,
        lines: Vec<wit::Line>,
    ) -> Result<std::result::Result<(), wit::ErrorCode>> {
        if lines.len() > LINES_MAX {
            bail!("the guest prints too many lines");
        }
        let lines: Vec<Line> = lines.into_iter().map(Line::from).collect();
        let printed = self.devices.lock().await.printer.print(&lines, true).await;
        Ok(printed.map_err(|fault| {
            tracing::warn!(%fault, "the receipt was not printed");
            fault.into()
        }))
    }
}

impl From<wit::Line> for Line {
    fn from(line: wit::Line) -> Self {
        match line {
            wit::Line::Text(text) => Self::Text(printable_text(&text, LINE_LENGTH_MAX)),
            wit::Line::Columns((left, right)) => Self::Columns(
                printable_text(&left, LINE_LENGTH_MAX),
                printable_text(&right, LINE_LENGTH_MAX),
            ),
            wit::Line::Blank => Self::Blank,
        }
    }
}

impl From<Fault> for wit::ErrorCode {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::OutOfPaper => Self::OutOfPaper,
            Fault::Printer => Self::PrinterFault,
        }
    }
}
