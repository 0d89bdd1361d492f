//! The receipt printer: paper as text.

use std::collections::VecDeque;

use async_trait::async_trait;
use terminal_host::{
    printer::{Fault, Line, Printer},
    text::{Alignment, TextLine},
};

use crate::controls::{Controls, Shown};

/// Most papers that are kept.
const PAPERS_MAX: usize = 32;

/// Where a paper that nobody cuts ends, in bytes.
const PAPER_BYTES_MAX: usize = 256 * 1024;

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
    /// Every width.
    pub(crate) const ALL: [Self; 2] = [Self::Columns32, Self::Columns40];

    /// The characters of a line.
    pub fn columns(self) -> usize {
        match self {
            Self::Columns32 => 32,
            Self::Columns40 => 40,
        }
    }
}

/// What is in the printer, and what came out.
#[derive(Default)]
pub(crate) struct Paper {
    width: PaperWidth,
    out: bool,
    /// The last paper was not cut: what is printed next stands below it.
    uncut: bool,
    printed: VecDeque<String>,
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
    async fn print(&mut self, lines: &[Line], cut: bool) -> Result<(), Fault> {
        let (columns, out_of_paper) = {
            let state = self.controls.state();
            (state.paper.width.columns(), state.paper.out)
        };
        if out_of_paper {
            return Err(Fault::OutOfPaper);
        }
        let text = lines.iter().map(|line| set(line, columns) + "\n").collect();
        self.controls.print(text, cut);
        Ok(())
    }
}

impl Controls {
    /// Puts in paper of this width.
    pub fn load_paper(&self, width: PaperWidth) {
        self.change(|state| {
            state.paper.width = width;
            state.paper.out = false;
        });
    }

    /// Takes the paper out: the printer fails until some is loaded.
    pub fn remove_paper(&self) {
        self.change(|state| state.paper.out = true);
    }

    /// The last papers that were printed, the oldest first, at most 32.
    pub fn papers(&self) -> Vec<String> {
        self.state().paper.printed.iter().cloned().collect()
    }

    pub(crate) fn print(&self, text: String, cut: bool) {
        self.change(|state| {
            let uncut = std::mem::replace(&mut state.paper.uncut, !cut);
            match state.paper.printed.back_mut() {
                Some(paper) if uncut && paper.len() < PAPER_BYTES_MAX => paper.push_str(&text),
                Some(_) | None => {
                    if state.paper.printed.len() >= PAPERS_MAX {
                        state.paper.printed.pop_front();
                    }
                    state.paper.printed.push_back(text.clone());
                }
            }
        });
        self.tell(Shown::Paper(text));
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
        Line::Styled(line) => styled(line, columns),
    }
}

/// A line of the point of sale's own, in as many lines as it needs. Paper as text has one size and
/// one weight.
fn styled(line: &TextLine, columns: usize) -> String {
    let characters: Vec<char> = line.text.chars().collect();
    let parts = characters.chunks(columns.max(1)).map(|part| {
        let text: String = part.iter().collect();
        match line.alignment {
            Alignment::Left => text,
            Alignment::Center => format!("{text:^columns$}").trim_end().to_owned(),
            Alignment::Right => format!("{text:>columns$}"),
        }
    });
    parts.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_filled_and_never_run_into_each_other() {
        let pair = |left: &str, right: &str| Line::Columns(left.into(), right.into());
        let own = |text: &str, alignment| {
            Line::Styled(TextLine {
                text: text.into(),
                alignment,
                ..TextLine::default()
            })
        };
        for (line, expected) in [
            (pair("TOTAL", "25.00"), "TOTAL 25.00".to_owned()),
            (pair("A", "B"), "A         B".to_owned()),
            (
                pair("SUBTOTAL", "25.00"),
                "SUBTOTAL\n      25.00".to_owned(),
            ),
            (Line::Text("twelve chars".into()), "twelve char".to_owned()),
            (Line::Blank, String::new()),
            (own("", Alignment::Center), String::new()),
            (own("one", Alignment::Left), "one".to_owned()),
            (own("one", Alignment::Center), "    one".to_owned()),
            (own("one", Alignment::Right), "        one".to_owned()),
            (
                own("twelve chars", Alignment::Right),
                "twelve char\n          s".to_owned(),
            ),
        ] {
            assert_eq!(set(&line, 11), expected);
        }
    }
}
