//! The tree as text for a window of 80 columns.

use crate::Decoded;

/// Whether the text has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colours {
    /// Plain text.
    #[default]
    Off,
    /// With the escape sequences of terminals (ECMA-48, 8.3.117).
    On,
}

/// The width of a line.
const COLUMNS: usize = 80;

/// The least room that is left for values, however deep they stand.
const ROOM_MIN: usize = 32;

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy)]
enum Ink {
    Label,
    Raw,
    Value,
    Faint,
    Fault,
}

impl Decoded {
    /// The tree as indented text, with a line break at its end.
    pub fn to_text(&self, colours: Colours) -> String {
        let mut output = String::new();
        self.write(0, colours, &mut output);
        output
    }

    fn write(&self, depth: usize, colours: Colours, output: &mut String) {
        let indent = " ".repeat(depth.saturating_mul(2));
        output.push_str(&indent);
        let mut width = indent.len();
        let mut put = |ink: Option<Ink>, text: &str| {
            width = width.saturating_add(text.chars().count());
            output.push_str(&painted(ink, text, colours));
        };
        match self.set {
            Some(true) => put(Some(Ink::Value), "[x] "),
            Some(false) => put(Some(Ink::Faint), "[ ] "),
            None => {}
        }
        if !self.label.is_empty() {
            put(Some(Ink::Label), &self.label);
            put(None, "  ");
        }
        put((self.set == Some(false)).then_some(Ink::Faint), &self.name);
        if let Some(section) = &self.section {
            put(Some(Ink::Faint), &format!("  ({section})"));
        }
        self.write_value(&indent, width, colours, output);
        for fault in &self.faults {
            for (number, line) in folded(fault, room(&indent, 4)).into_iter().enumerate() {
                let start = if number == 0 { "  ! " } else { "    " };
                output.push_str(&indent);
                output.push_str(&painted(
                    Some(Ink::Fault),
                    &format!("{start}{line}"),
                    colours,
                ));
                output.push('\n');
            }
        }
        for child in &self.children {
            child.write(depth.saturating_add(1), colours, output);
        }
    }

    /// Bytes and words: on the line of the name when there is room, else on lines of their own.
    fn write_value(&self, indent: &str, width: usize, colours: Colours, output: &mut String) {
        let raw = self.raw.as_deref().filter(|raw| !raw.is_empty());
        let value = self.value.as_deref();
        let length =
            |text: Option<&str>| text.map_or(0, |text| text.chars().count().saturating_add(2));
        let needed = width
            .saturating_add(length(raw))
            .saturating_add(length(value));
        if needed <= COLUMNS {
            for (ink, text) in [(Ink::Raw, raw), (Ink::Value, value)] {
                if let Some(text) = text {
                    output.push_str("  ");
                    output.push_str(&painted(Some(ink), text, colours));
                }
            }
            output.push('\n');
            return;
        }
        output.push('\n');
        let room = room(indent, 4);
        let digits: Vec<char> = raw.unwrap_or_default().chars().collect();
        let bytes = digits.chunks(room.saturating_sub(room % 2).max(2));
        let lines = bytes.map(|line| (Ink::Raw, line.iter().collect::<String>()));
        let words = value.map(|value| folded(value, room)).unwrap_or_default();
        let words = words.into_iter().map(|line| (Ink::Value, line));
        for (ink, line) in lines.chain(words) {
            output.push_str(indent);
            output.push_str("    ");
            output.push_str(&painted(Some(ink), &line, colours));
            output.push('\n');
        }
    }
}

fn room(indent: &str, more: usize) -> usize {
    COLUMNS
        .saturating_sub(indent.len())
        .saturating_sub(more)
        .max(ROOM_MIN)
}

/// The text in lines of at most so many columns, broken at spaces where there are some.
fn folded(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let needed = line
            .chars()
            .count()
            .saturating_add(1)
            .saturating_add(word.chars().count());
        if !line.is_empty() && needed > room {
            lines.push(core::mem::take(&mut line));
        } else if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

fn painted(ink: Option<Ink>, text: &str, colours: Colours) -> String {
    let code = match (colours, ink) {
        (Colours::Off, _) | (_, None) => return text.to_owned(),
        (Colours::On, Some(Ink::Label)) => "1;36",
        (Colours::On, Some(Ink::Raw)) => "33",
        (Colours::On, Some(Ink::Value)) => "32",
        (Colours::On, Some(Ink::Faint)) => "2",
        (Colours::On, Some(Ink::Fault)) => "1;31",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}
