//! The Markdown that descriptions have: paragraphs, tables, and code between backticks.

use maud::{Markup, html};

use crate::error::ErrorCode;

/// Paragraphs and tables.
pub(super) fn prose(text: &str) -> Markup {
    html! {
        @for block in text.split("\n\n").filter(|block| !block.trim().is_empty()) {
            @if block.starts_with('|') { (table(block)) } @else { p { (inline(block)) } }
        }
    }
}

/// One line: what stands between backticks is code, and the name of an error leads to its row.
pub(super) fn inline(text: &str) -> Markup {
    html! {
        @for (number, part) in text.split('`').enumerate() {
            @if number % 2 == 0 {
                (part)
            } @else if ErrorCode::ALL.iter().any(|code| code.as_str() == part) {
                a href={ "#" (part) } { code { (part) } }
            } @else {
                code { (part) }
            }
        }
    }
}

/// A table whose second line is its rule. A row that begins with code has it for its name.
fn table(block: &str) -> Markup {
    let mut rows = block.lines().map(cells);
    let head = rows.next().unwrap_or_default();
    html! {
        div.wide {
            table {
                thead { tr { @for cell in head { th scope="col" { (inline(cell)) } } } }
                tbody {
                    @for row in rows.skip(1) {
                        @let name = row.first().and_then(|cell| code(cell));
                        tr id=[name] {
                            @for cell in row {
                                td { @if code(cell).is_some() { code { (cell.trim_matches('`')) } } @else { (inline(cell)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cells(line: &str) -> Vec<&str> {
    let line = line.trim().trim_matches('|');
    line.split('|').map(str::trim).collect()
}

/// The text of a cell that is code and nothing else.
fn code(cell: &str) -> Option<&str> {
    let code = cell.strip_prefix('`')?.strip_suffix('`')?;
    (!code.contains('`')).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_tables_and_code_are_shown_and_nothing_else_is() {
        for (text, expected) in [
            ("", ""),
            ("a\n\nb", "<p>a</p><p>b</p>"),
            (
                "<b>&\"`<i>`",
                "<p>&lt;b&gt;&amp;&quot;<code>&lt;i&gt;</code></p>",
            ),
            (
                "`TIMEOUT`: no answer",
                "<p><a href=\"#TIMEOUT\"><code>TIMEOUT</code></a>: no answer</p>",
            ),
            (
                "| code |\n|---|\n| `TIMEOUT` |",
                "<div class=\"wide\"><table><thead><tr><th scope=\"col\">code</th></tr></thead>\
                 <tbody><tr id=\"TIMEOUT\"><td><code>TIMEOUT</code></td></tr></tbody></table></div>",
            ),
        ] {
            assert_eq!(prose(text).into_string().replace("> <", "><"), expected);
        }
    }
}
