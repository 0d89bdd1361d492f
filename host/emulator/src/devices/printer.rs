//! The printer.

use async_trait::async_trait;
use terminal_host::printer::{self, Fault, Line};

use crate::controls::Controls;

/// Characters on a line of the paper.
const WIDTH: usize = 40;

/// A printer on a roll that is read back as text.
pub(super) struct Printer {
    controls: Controls,
}

impl Printer {
    pub(super) fn new(controls: Controls) -> Self {
        Self { controls }
    }
}

#[async_trait]
impl printer::Printer for Printer {
    async fn print(&mut self, lines: &[Line]) -> Result<(), Fault> {
        if !self.controls.has_paper() {
            return Err(Fault::OutOfPaper);
        }
        self.controls.print(lines.iter().map(set).collect());
        Ok(())
    }
}

/// One line as it stands on the paper.
fn set(line: &Line) -> String {
    match line {
        Line::Text(text) => cut(text, WIDTH),
        Line::Columns(left, right) => {
            let right = cut(right, WIDTH);
            let room = WIDTH
                .saturating_sub(right.chars().count())
                .saturating_sub(1);
            let left = cut(left, room);
            let gap = WIDTH.saturating_sub(left.chars().count() + right.chars().count());
            format!("{left}{}{right}", " ".repeat(gap))
        }
        Line::Blank => String::new(),
    }
}

fn cut(text: &str, width: usize) -> String {
    text.chars().take(width).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fill_the_line_and_the_right_one_stays_whole() {
        let line = set(&Line::Columns("TOTAL".into(), "NZD 25.00".into()));
        assert_eq!(line.len(), WIDTH);
        assert!(line.starts_with("TOTAL ") && line.ends_with(" NZD 25.00"));
        let long = set(&Line::Columns("x".repeat(60), "NZD 25.00".into()));
        assert_eq!(long.len(), WIDTH);
        assert!(long.ends_with("x NZD 25.00"));
    }
}
