//! What is read at a terminal window: aligned tables, and blocks of names and values.

/// How a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// A column's name, and how its cells stand.
pub(super) type Column = (&'static str, Align);

/// Writes rows under the columns' names. A column whose cells are all empty is left out.
pub(super) fn table(columns: &[Column], rows: &[Vec<String>]) -> String {
    let cell = |row: &[String], place: usize| printable(row.get(place).map_or("", String::as_str));
    let shown: Vec<(usize, Column, usize)> = columns
        .iter()
        .enumerate()
        .filter_map(|(place, column)| {
            let widths = rows.iter().map(|row| cell(row, place).chars().count());
            let widest = widths.max().unwrap_or_default();
            (widest > 0).then(|| (place, *column, widest.max(column.0.len())))
        })
        .collect();
    let line = |cells: &dyn Fn(usize, Column) -> String| {
        let cells = shown.iter().map(|(place, column, width)| {
            let cell = cells(*place, *column);
            match column.1 {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        format!("{}\n", line.trim_end())
    };
    if shown.is_empty() {
        return String::new();
    }
    let head = line(&|_, column| column.0.to_owned());
    rows.iter()
        .fold(head, |text, row| text + &line(&|place, _| cell(row, place)))
}

/// Writes names and values, each on its line. What has no value is left out.
pub(super) fn block<'a>(rows: impl IntoIterator<Item = (&'a str, Option<String>)>) -> String {
    let rows: Vec<_> = rows
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or_default();
    rows.iter().fold(String::new(), |text, (name, value)| {
        text + &format!("{name:<width$}  {}\n", printable(value))
    })
}

/// A text that cannot drive a terminal window: points of sale choose references, and issuers labels.
pub(super) fn printable(text: &str) -> String {
    let shown = |letter: char| {
        if letter.is_control() {
            '\u{fffd}'
        } else {
            letter
        }
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        ("STATUS", Align::Left),
        ("AMOUNT", Align::Right),
        ("REFERENCE", Align::Left),
        ("ID", Align::Left),
    ];

    fn row(cells: [&str; 4]) -> Vec<String> {
        cells.map(str::to_owned).to_vec()
    }

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let rows = [
            row(["APPROVED", "NZD 1.00", "Māori café", "txn_1"]),
            row(["DECLINED", "NZD 1000.00", "", "txn_2"]),
        ];
        assert_eq!(
            table(COLUMNS, &rows),
            "STATUS         AMOUNT  REFERENCE   ID\n\
             APPROVED     NZD 1.00  Māori café  txn_1\n\
             DECLINED  NZD 1000.00              txn_2\n"
        );
    }

    #[test]
    fn a_column_without_anything_is_left_out_and_nothing_is_no_table() {
        let rows = [row(["APPROVED", "NZD 1.00", "", "txn_1"])];
        assert_eq!(
            table(COLUMNS, &rows),
            "STATUS      AMOUNT  ID\nAPPROVED  NZD 1.00  txn_1\n"
        );
        assert_eq!(table(COLUMNS, &[]), "");
    }

    #[test]
    fn a_block_has_no_line_for_what_is_not_there() {
        let rows = [
            ("status", Some("APPROVED".to_owned())),
            ("tip", None),
            ("authorization", Some("A1".to_owned())),
        ];
        assert_eq!(block(rows), "status         APPROVED\nauthorization  A1\n");
    }

    #[test]
    fn nothing_that_is_shown_drives_the_window() {
        let rows = [row(["a\u{1b}[2J", "\r1", "x\ny", "z"])];
        let shown = table(COLUMNS, &rows);
        assert_eq!(shown.lines().count(), 2, "{shown}");
        assert!(!shown.contains(['\u{1b}', '\r']), "{shown:?}");
    }
}
