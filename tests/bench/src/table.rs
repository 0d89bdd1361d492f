//! The table.

use std::fmt;

/// Rows of what was measured, in order.
pub(crate) struct Table {
    rows: Vec<[String; 3]>,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            rows: vec![["what".into(), "measured".into(), "reach".into()]],
        }
    }

    /// Adds a row. `reached` is `None` for a figure that has nothing to reach.
    pub(crate) fn row(&mut self, what: &str, measured: String, reach: &str, reached: Option<bool>) {
        let verdict = match reached {
            Some(true) => format!("{reach}: reached"),
            Some(false) => format!("{reach}: MISSED"),
            None => reach.to_owned(),
        };
        self.rows.push([what.to_owned(), measured, verdict]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        };
        let (first, second) = (width(0), width(1));
        for [what, measured, reach] in &self.rows {
            writeln!(f, "{what:first$}  {measured:>second$}  {reach}")?;
        }
        Ok(())
    }
}

/// The middle of what was measured.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
