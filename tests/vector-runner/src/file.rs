//! One file of vectors: read, checked, and every case of it run.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Summary;
use crate::comparison;
use crate::kinds::{self, Case, Kind};

/// What became of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many cases passed and failed.
    pub summary: Summary,
    /// A line for each thing that is wrong, with the id of its case.
    pub failures: Vec<String>,
}

impl Report {
    fn pass(&mut self) {
        self.summary.passed = self.summary.passed.saturating_add(1);
    }

    fn fail(&mut self, lines: impl IntoIterator<Item = String>) {
        self.summary.failed = self.summary.failed.saturating_add(1);
        self.failures.extend(lines);
    }

    fn of_failure(line: String) -> Self {
        let mut report = Self::default();
        report.fail([line]);
        report
    }
}

/// The vector files of a folder, by name.
pub(crate) fn names(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Runs the file at `path`.
pub(crate) fn run(path: &Path) -> Report {
    // Opening a pipe would wait for a writer.
    let regular = fs::metadata(path).and_then(|metadata| {
        let error = || io::Error::other("it is no regular file");
        metadata.is_file().then_some(()).ok_or_else(error)
    });
    match regular.and_then(|()| fs::read_to_string(path)) {
        Ok(text) => run_text(&text),
        Err(error) => Report::of_failure(format!("the file cannot be read: {error}")),
    }
}

/// Runs a file's text.
pub(crate) fn run_text(text: &str) -> Report {
    match serde_json::from_str(text) {
        Ok(file) => run_cases(&file),
        Err(error) => Report::of_failure(format!("the file is not JSON: {error}")),
    }
}

fn run_cases(file: &Value) -> Report {
    let Some(name) = file["kind"].as_str() else {
        return Report::of_failure("the file has no kind".to_owned());
    };
    let Some(cases) = file["cases"].as_array() else {
        return Report::of_failure("the file has no list of cases".to_owned());
    };
    let Some(kind) = kinds::find(name) else {
        return Report::of_failure(format!("unknown kind {}", shortened(name)));
    };
    let mut report = Report::default();
    let count = u64::try_from(cases.len()).ok();
    if count.is_none() || file["count"].as_u64() != count {
        let (said, actual) = (&file["count"], cases.len());
        report.fail([format!("count: expected {said}, actual {actual}")]);
    }
    if cases.is_empty() {
        report.fail(["the file has no cases".to_owned()]);
    }
    for (position, case) in cases.iter().enumerate() {
        let lines = run_case(kind, file, case);
        let number = position.saturating_add(1);
        let id = match case["id"].as_str() {
            Some(id) => id.to_owned(),
            None => format!("case {number}"),
        };
        if lines.is_empty() {
            report.pass();
        } else {
            report.fail(lines.into_iter().map(|line| format!("{id}: {line}")));
        }
    }
    report
}

/// What is wrong with a case; nothing when it passes.
fn run_case(kind: &Kind, file: &Value, case: &Value) -> Vec<String> {
    if case["id"].as_str().is_none_or(str::is_empty) {
        return vec!["the case has no id".to_owned()];
    }
    let expected = match (kind.expected)(case) {
        Ok(expected) => expected,
        Err(error) => return vec![error],
    };
    // The functions below are made not to panic; this is for the day that one does.
    let outcome = catch_unwind(AssertUnwindSafe(|| (kind.run)(Case { file, case })));
    match outcome {
        Ok(Ok(actual)) => comparison::differences(&expected, &actual),
        Ok(Err(reason)) => vec![not_run(&expected, &reason)],
        Err(_) => vec![not_run(&expected, "the code panicked")],
    }
}

/// A name of whatever length, on one line.
fn shortened(name: &str) -> String {
    const SHOWN: usize = 40;
    let begin: String = name.chars().take(SHOWN).collect();
    let rest = if begin.len() < name.len() { "..." } else { "" };
    format!("{}{rest}", begin.escape_debug())
}

fn not_run(expected: &Value, reason: &str) -> String {
    let expected = comparison::shortened(expected);
    format!("expected {expected}, actual: {reason}")
}
