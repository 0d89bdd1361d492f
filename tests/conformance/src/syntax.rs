//! The form of a file of cases, before its keywords mean anything.
//!
//! A line is a comment (`#`), a heading, or a keyword and its value. A heading begins a case: `+` or
//! `-` for the side of the rule it is on, the name, and the title. Lines before the first heading,
//! and lines after `common`, go for every case below, until the next `common`. After
//! `table | KEYWORD | KEYWORD` a heading may go on with a cell for each keyword; `.` leaves one out.

use crate::fault::Fault;

/// A keyword and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) keyword: String,
    pub(crate) value: String,
    /// Counted from 1.
    pub(crate) number: usize,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) name: String,
    pub(crate) title: String,
    /// Whether the rule is met here, or broken.
    pub(crate) passing: bool,
    pub(crate) number: usize,
    /// What goes for several cases, then what is this one's own.
    pub(crate) common: Vec<Line>,
    pub(crate) own: Vec<Line>,
}

/// Reads the cases of a file.
pub(crate) fn parse(text: &str) -> Result<Vec<Block>, Fault> {
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate() {
        let number = index.saturating_add(1);
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            reader.read(line, number)?;
        }
    }
    Ok(reader.blocks)
}

#[derive(Default)]
struct Reader {
    common: Vec<Line>,
    columns: Vec<String>,
    blocks: Vec<Block>,
    /// Whether lines belong to the last case.
    in_case: bool,
}

impl Reader {
    fn read(&mut self, line: &str, number: usize) -> Result<(), Fault> {
        let (keyword, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let value = value.trim();
        match keyword {
            "common" if value.is_empty() => {
                self.common.clear();
                self.columns.clear();
                self.in_case = false;
            }
            "table" => {
                let columns = value.split('|').map(str::trim);
                self.columns = columns
                    .filter(|column| !column.is_empty())
                    .map(str::to_owned)
                    .collect();
            }
            "+" | "-" => self.heading(keyword == "+", value, number)?,
            _ => {
                let line = Line {
                    keyword: keyword.to_owned(),
                    value: value.to_owned(),
                    number,
                };
                match self.blocks.last_mut() {
                    Some(block) if self.in_case => block.own.push(line),
                    Some(_) | None => self.common.push(line),
                }
            }
        }
        Ok(())
    }

    fn heading(&mut self, passing: bool, value: &str, number: usize) -> Result<(), Fault> {
        let mut parts = value.split('|').map(str::trim);
        let (name, title) = parts
            .next()
            .and_then(|heading| heading.split_once(char::is_whitespace))
            .ok_or(Fault::new(number, "a case needs a name and a title"))?;
        let cells: Vec<&str> = parts.collect();
        if !cells.is_empty() && cells.len() != self.columns.len() {
            return Err(Fault::new(
                number,
                "the row has not one cell for each column",
            ));
        }
        let own = self
            .columns
            .iter()
            .zip(cells)
            .filter(|(_, cell)| *cell != ".")
            .map(|(column, cell)| {
                // A column may hold the beginning of its values: `trace TRM-01`.
                let (keyword, beginning) = column
                    .split_once(char::is_whitespace)
                    .unwrap_or((column, ""));
                Line {
                    keyword: keyword.to_owned(),
                    value: format!("{} {cell}", beginning.trim()).trim().to_owned(),
                    number,
                }
            })
            .collect();
        self.in_case = true;
        self.blocks.push(Block {
            name: name.to_owned(),
            title: title.trim().to_owned(),
            passing,
            number,
            common: self.common.clone(),
            own,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(keyword: &str, value: &str, number: usize) -> Line {
        Line {
            keyword: keyword.to_owned(),
            value: value.to_owned(),
            number,
        }
    }

    #[test]
    fn reads_headings_common_lines_and_tables() {
        let text = "# comment\ncard a\n+ X-01-01 First one\namount 5\ntable | amount | trace X-01\n\
                    - X-01-02 Second | . | failed\ncommon\n+ X-01-03 Third";
        let blocks = parse(text).unwrap();
        assert_eq!(blocks.len(), 3);
        assert_eq!(blocks[0].common, [line("card", "a", 2)]);
        assert_eq!(blocks[0].own, [line("amount", "5", 4)]);
        assert_eq!(blocks[1].own, [line("trace", "X-01 failed", 6)]);
        assert!(blocks[0].passing && !blocks[1].passing);
        assert_eq!(blocks[1].title, "Second");
        assert!(blocks[2].common.is_empty());
    }

    #[test]
    fn a_heading_has_a_title_and_a_row_all_its_cells() {
        assert_eq!(parse("\n+ X-01-01").unwrap_err().line, 2);
        assert_eq!(parse("table | a | b\n+ X-01-01 T | 1").unwrap_err().line, 2);
    }
}
