//! A virtual card on the command line: one by its name, or one that a file describes.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use virtual_card::{Card, TEXT_BYTES_MAX};

/// How files of cards are named.
const EXTENSION: &str = ".card";

/// A virtual card, before anybody looked whether it is right.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CardArgument {
    /// One of the catalogue.
    Named(String),
    /// The text of a file in the language of the card files.
    Written(String),
}

impl CardArgument {
    /// What the argument means: a file when it has a slash in it, ends in `.card`, or names a file and
    /// no card. Fails when the file cannot be read, or is longer than a card may be.
    pub(crate) fn read(argument: &str) -> Result<Self> {
        let path = Path::new(argument);
        let looks_like_a_file = argument.contains('/') || argument.ends_with(EXTENSION);
        if looks_like_a_file || (Card::named(argument).is_none() && path.is_file()) {
            text_of(path).map(Self::Written)
        } else {
            Ok(Self::Named(argument.to_owned()))
        }
    }
}

/// The card that an argument means. Fails too when the file is no card, with the line that is wrong.
pub(crate) fn card(argument: &str) -> Result<Card> {
    match CardArgument::read(argument)? {
        CardArgument::Written(text) => {
            Card::from_text(&text).with_context(|| format!("{argument} is refused"))
        }
        CardArgument::Named(name) => match Card::named(&name) {
            Some(card) => Ok(card),
            None => bail!(
                "there is no card named {name:?}, and no such file; `tenon cards` lists the names"
            ),
        },
    }
}

fn text_of(path: &Path) -> Result<String> {
    let reading = || format!("reading {}", path.display());
    // Opening a pipe would wait for a writer.
    let metadata = fs::metadata(path).with_context(reading)?;
    ensure!(metadata.is_file(), "{} is no file", path.display());
    let limit = u64::try_from(TEXT_BYTES_MAX)?;
    let mut text = String::new();
    File::open(path)
        .with_context(reading)?
        .take(limit.saturating_add(1))
        .read_to_string(&mut text)
        .with_context(reading)?;
    ensure!(
        text.len() <= TEXT_BYTES_MAX,
        "{} is longer than a card, which has at most {TEXT_BYTES_MAX} bytes",
        path.display()
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = include_str!("../../../tests/virtual-card/cards/visa-credit.card");

    fn refused(argument: &str) -> String {
        format!("{:#}", card(argument).expect_err("refused"))
    }

    #[test]
    fn a_name_is_a_name_and_a_path_is_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mine.card");
        let path = path.to_str().expect("a name");
        fs::write(path, TEXT.replace("visa-credit", "mine")).expect("a file");
        assert_eq!(card(path).expect("a card").name(), "mine");
        assert_eq!(card("eftpos").expect("a card").name(), "eftpos");
        for (argument, said) in [
            ("gold", "`tenon cards` lists"),
            ("gold.card", "reading gold.card"),
            ("./gold", "reading ./gold"),
            (folder.path().to_str().expect("a name"), "is no file"),
        ] {
            let problem = refused(argument);
            assert!(problem.contains(said), "{argument}: {problem}");
        }
    }

    #[test]
    fn a_refusal_says_which_file_which_line_and_what_was_expected() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mine.card");
        let path = path.to_str().expect("a name");
        fs::write(path, "name mine\nexpiry soon\n").expect("a file");
        let why = "mine.card is refused: line 2: bad value; expected six digits, YYMMDD";
        assert!(refused(path).ends_with(why), "{}", refused(path));
        fs::write(path, "#".repeat(TEXT_BYTES_MAX + 1)).expect("a file");
        assert!(refused(path).contains("at most 65536 bytes"));
        fs::write(path, [0xFF, 0xFE]).expect("a file");
        assert!(refused(path).contains("UTF-8"), "{}", refused(path));
    }
}
