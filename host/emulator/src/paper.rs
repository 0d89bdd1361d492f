//! The receipt printer: paper as text.

use async_trait::async_trait;
use terminal_host::printer::{Fault, Line, Printer};

use crate::controls::Controls;

/// How many characters stand in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PaperWidth {
    /// 32: paper of 58 mm.
    #[default]
    Columns32,
    /// 40: paper of 80 mm in a large font.
    Columns40,
}

impl PaperWidth {
    /// The characters of a line.
    pub fn columns(self) -> usize {
        match self {
            Self::Columns32 => 32,
            Self::Columns40 => 40,
        }
    }
}

/// The printer's driver.
pub(crate) struct Roll {
    controls: Controls,
}

impl Roll {
    pub(crate) fn new(controls: Controls) -> Self {
        Self { controls }
    }
}

#[async_trait]
impl Printer for Roll {
    async fn print(&mut self, lines: &[Line]) -> Result<(), Fault> {
        let (columns, out_of_paper) = {
            let state = self.controls.state();
            (state.paper_width.columns(), state.out_of_paper)
        };
        if out_of_paper {
            return Err(Fault::OutOfPaper);
        }
        let text = lines.iter().map(|line| set(line, columns) + "\n").collect();
        self.controls.print(text);
        Ok(())
    }
}

/// One line as it stands on the paper. Columns that do not fit beside each other stand on two
/// lines, so that no amount is ever cut.
fn set(line: &Line, columns: usize) -> String {
    let cut = |text: &str| text.chars().take(columns).collect::<String>();
    match line {
        Line::Text(text) => cut(text),
        Line::Columns(left, right) => {
            let taken = left.chars().count().saturating_add(right.chars().count());
            match columns.checked_sub(taken) {
                Some(gap) if gap > 0 => format!("{left}{}{right}", " ".repeat(gap)),
                _ => format!("{}\n{:>columns$}", cut(left), cut(right)),
            }
        }
        Line::Blank => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_filled_and_never_run_into_each_other() {
        let pair = |left: &str, right: &str| Line::Columns(left.into(), right.into());
        for (line, expected) in [
            (pair("TOTAL", "25.00"), "TOTAL 25.00".to_owned()),
            (pair("A", "B"), "A         B".to_owned()),
            (
                pair("SUBTOTAL", "25.00"),
                "SUBTOTAL\n      25.00".to_owned(),
            ),
            (Line::Text("twelve chars".into()), "twelve char".to_owned()),
            (Line::Blank, String::new()),
        ] {
            assert_eq!(set(&line, 11), expected);
        }
    }
}
