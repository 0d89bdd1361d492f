//! Text for a window of 80 columns.

/// The width of a line.
const COLUMNS: usize = 80;

/// The width of a label with the space after it.
const LABEL_COLUMNS: usize = 10;

/// `text` with `label` before it; further lines are indented under the first.
///
/// Lines break at spaces. A word that is longer than a line is left whole, since it is there to be
/// copied.
pub(crate) fn labelled(label: &str, text: &str) -> String {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let needed = line
            .chars()
            .count()
            .saturating_add(1)
            .saturating_add(word.chars().count());
        if !line.is_empty() && needed > COLUMNS.saturating_sub(LABEL_COLUMNS) {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    labels.zip(lines).fold(String::new(), |all, (label, line)| {
        all + &format!("{label:LABEL_COLUMNS$}{line}\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_stay_under_their_label() {
        let words = "seventeen letters ".repeat(8);
        let text = labelled("kernel", &words);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].starts_with("kernel    seventeen"), "{text}");
        assert!(lines[1].starts_with("          "), "{text}");
        assert!(
            lines.iter().all(|line| line.chars().count() <= COLUMNS),
            "{text}"
        );
        assert_eq!(
            text.split_whitespace()
                .skip(1)
                .collect::<Vec<_>>()
                .join(" "),
            words.trim()
        );
    }

    #[test]
    fn what_cannot_be_broken_is_left_whole() {
        let word = "x".repeat(100);
        assert_eq!(labelled("engine", &word), format!("engine    {word}\n"));
        assert_eq!(labelled("a", ""), "a         \n");
    }
}
