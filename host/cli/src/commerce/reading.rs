//! What the commands that move no money have in common: a call, and its answer printed.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::{Result, bail};
use serde_json::Value;

use super::{
    call::{Answer, Call},
    outcome::{REFUSED, minor, refusal, text},
    terminal::Terminal,
    terminal_options::TerminalOptions,
};

/// The most rows that `--all` collects.
const ROWS_MAX: usize = 100_000;

/// Makes a call, and prints its answer as `render` writes it.
pub(super) fn show(
    options: &TerminalOptions,
    call: &Call,
    render: impl FnOnce(&Value) -> String,
) -> Result<ExitCode> {
    let answer = options.terminal()?.call(call)?;
    if !is_success(&answer) {
        return refused(options, &answer);
    }
    if options.json {
        print_json(&answer)?;
    } else {
        print(&render(&answer.body))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints an error of the API: its line on stderr, or its JSON on stdout.
pub(super) fn refused(options: &TerminalOptions, answer: &Answer) -> Result<ExitCode> {
    if options.json {
        print_json(answer)?;
    } else {
        writeln!(io::stderr(), "{}", refusal(answer))?;
    }
    Ok(ExitCode::from(REFUSED))
}

/// Prints an answer as it came.
pub(super) fn print_json(answer: &Answer) -> io::Result<()> {
    writeln!(io::stdout(), "{}", answer.text.trim_end())
}

pub(super) fn is_success(answer: &Answer) -> bool {
    answer.status == 200
}

/// Which part of a list.
#[derive(Debug, clap::Args)]
pub(crate) struct Paging {
    /// How many a page has
    #[arg(long, value_name = "COUNT")]
    limit: Option<u32>,

    /// Where the page begins, as the one before said
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,

    /// Every page, one after the other
    #[arg(long)]
    all: bool,
}

impl Paging {
    /// Every page.
    pub(super) const ALL: Self = Self {
        limit: None,
        cursor: None,
        all: true,
    };
}

/// The rows of a list, or the answer that refused it.
pub(super) type Rows = Result<Vec<Value>, Answer>;

/// Reads the pages of a list, hands each to `page`, and collects their rows. Says on stderr when there
/// are more.
pub(super) fn pages(
    terminal: &Terminal,
    call: Call,
    paging: &Paging,
    mut page: impl FnMut(&Answer) -> io::Result<()>,
) -> Result<Rows> {
    let mut call = call
        .with("limit", paging.limit)
        .with("cursor", paging.cursor.as_deref());
    let mut rows = Vec::new();
    let mut cursor = paging.cursor.clone();
    loop {
        let answer = terminal.call(&call)?;
        if !is_success(&answer) {
            return Ok(Err(answer));
        }
        page(&answer)?;
        let data = answer.body.get("data").and_then(Value::as_array);
        rows.extend(data.into_iter().flatten().cloned());
        let next = text(&answer.body, "nextCursor").map(str::to_owned);
        let Some(next) = next else {
            return Ok(Ok(rows));
        };
        if !paging.all || rows.len() >= ROWS_MAX {
            writeln!(io::stderr(), "  there are more: --cursor {next}, or --all")?;
            return Ok(Ok(rows));
        }
        if cursor.as_ref() == Some(&next) {
            bail!("the terminal gives the same page again: {next}");
        }
        call = call.with("cursor", Some(&next));
        cursor = Some(next);
    }
}

/// Prints a list as `render` writes it, or its pages as JSON, each on its line.
pub(super) fn show_list(
    options: &TerminalOptions,
    call: Call,
    paging: &Paging,
    render: impl FnOnce(&[Value]) -> String,
) -> Result<ExitCode> {
    let terminal = options.terminal()?;
    let page = |answer: &Answer| {
        if options.json {
            print_json(answer)
        } else {
            Ok(())
        }
    };
    let rows = match pages(&terminal, call, paging, page)? {
        Ok(rows) => rows,
        Err(answer) => return refused(options, &answer),
    };
    if options.json {
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        writeln!(io::stderr(), "  there are none")?;
    }
    print(&render(&rows))?;
    Ok(ExitCode::SUCCESS)
}

/// A member as it is read; `None` where there is none.
pub(super) fn shown(body: &Value, member: &str) -> Option<String> {
    let value = body.get(member).filter(|value| !value.is_null())?;
    let text = value.as_str().map(str::to_owned);
    Some(text.unwrap_or_else(|| value.to_string()))
}

/// An amount in the currency of `body`.
pub(super) fn money_of(body: &Value, member: &str) -> Option<String> {
    let currency = text(body, "currency")?;
    Some(super::money::display(minor(body, member)?, currency))
}

/// Prints a text.
pub(super) fn print(text: &str) -> io::Result<()> {
    io::stdout().write_all(text.as_bytes())
}
