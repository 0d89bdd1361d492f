//! Which rules there are, and which cases stand on which side of them.

use std::fmt::Write as _;

use crate::case::Case;
use crate::configuration::Claimed;
use crate::fault::Fault;

/// A rule the kernel is tested for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Such as `CV-05`.
    pub id: String,
    /// What it says, in a few words.
    pub statement: String,
    /// Why no case stands on its passing side, when that is so.
    pub passing_hole: Option<String>,
    /// Why no case stands on its failing side, when that is so.
    pub failing_hole: Option<String>,
    /// Why the rule is not this kernel's, when that is so.
    pub other: Option<String>,
    /// What of the rule is tested elsewhere, and where.
    pub elsewhere: Vec<String>,
}

/// The rules, from `rules.txt`: a rule and its statement on a line; below it `hole +`, `hole -`,
/// `other` or `elsewhere`, and a reason.
pub fn rules() -> Result<Vec<Rule>, Fault> {
    let mut rules: Vec<Rule> = Vec::new();
    for (index, line) in include_str!("../rules.txt").lines().enumerate() {
        let number = index.saturating_add(1);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (first, rest) = line
            .split_once(' ')
            .ok_or(Fault::new(number, "a rule needs words"))?;
        let rest = rest.trim();
        if !["hole", "other", "elsewhere"].contains(&first) {
            rules.push(Rule {
                id: first.to_owned(),
                statement: rest.to_owned(),
                passing_hole: None,
                failing_hole: None,
                other: None,
                elsewhere: Vec::new(),
            });
            continue;
        }
        let rule = rules
            .last_mut()
            .ok_or(Fault::new(number, "a hole is below its rule"))?;
        match (first, rest.split_once(' ')) {
            ("other", Some(_)) => rule.other = Some(rest.to_owned()),
            ("elsewhere", Some(_)) => rule.elsewhere.push(rest.to_owned()),
            ("hole", Some(("+", reason))) => rule.passing_hole = Some(reason.trim().to_owned()),
            ("hole", Some(("-", reason))) => rule.failing_hole = Some(reason.trim().to_owned()),
            _ => return Err(Fault::new(number, "a hole has a side and a reason")),
        }
    }
    Ok(rules)
}

/// The document: how many cases there are, the matrix, its holes, the terminals, and every case.
pub fn document(rules: &[Rule], cases: &[Case], claimed: &[Claimed]) -> String {
    let mut text = String::from(HEAD);
    let mut areas: Vec<(&str, usize)> = Vec::new();
    for rule in rules {
        let area = area(&rule.id);
        let count = of(cases, &rule.id).count();
        match areas.last_mut() {
            Some((last, sum)) if *last == area => *sum = sum.saturating_add(count),
            Some(_) | None => areas.push((area, count)),
        }
    }
    text.push_str("| area | cases |\n|---|---|\n");
    for (area, count) in areas {
        line(&mut text, &format!("| {area} | {count} |"));
    }
    line(&mut text, &format!("| **all** | **{}** |", cases.len()));
    text.push_str("\n## Matrix\n\n| rule | what it says | met | broken |\n|---|---|---|---|\n");
    for rule in rules {
        let sides = [true, false].map(|side| {
            let names: Vec<&str> = of(cases, &rule.id)
                .filter(|case| case.passing == side)
                .filter_map(|case| case.name.rsplit('-').next())
                .collect();
            if rule.other.is_some() {
                "other kernel".to_owned()
            } else if names.is_empty() {
                "hole".to_owned()
            } else {
                names.join(" ")
            }
        });
        let [met, broken] = sides;
        line(
            &mut text,
            &format!("| {} | {} | {met} | {broken} |", rule.id, rule.statement),
        );
    }
    text.push_str(&holes(rules));
    text.push_str(&crate::terminals::document(claimed));
    text.push_str("\n## Cases\n\n");
    for rule in rules {
        if of(cases, &rule.id).next().is_none() {
            continue;
        }
        let (area, id) = (area(&rule.id), &rule.id);
        line(
            &mut text,
            &format!("[{id}](../tests/conformance/cases/{area}/{id}.txt)\n"),
        );
        for case in of(cases, &rule.id) {
            let side = if case.passing { "met" } else { "broken" };
            line(
                &mut text,
                &format!("- {} ({side}): {}", case.name, case.title),
            );
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// What has no case here, and why.
fn holes(rules: &[Rule]) -> String {
    let mut text = String::from("\n## Holes\n\n");
    let mut none = true;
    for rule in rules {
        for (side, reason) in [("met", &rule.passing_hole), ("broken", &rule.failing_hole)] {
            if let Some(reason) = reason {
                line(&mut text, &format!("- {}, {side}: {reason}", rule.id));
                none = false;
            }
        }
    }
    if none {
        line(&mut text, "None: each rule has cases on both sides.");
    }
    for rule in rules {
        if let Some(reason) = &rule.other {
            line(
                &mut text,
                &format!("\nNot of this kernel: {}, {reason}.", rule.id),
            );
        }
    }
    text.push_str("\n## Tested elsewhere\n\n");
    for rule in rules {
        for part in &rule.elsewhere {
            line(&mut text, &format!("- {}, in part: {part}", rule.id));
        }
    }
    text
}

const HEAD: &str = "# Conformance of the contact kernel

Made by `make conformance` from [tests/conformance](../tests/conformance/src/lib.rs); a test checks that it is
current. Each case puts a card in software, with real keys and cryptograms, into a terminal around the kernel and
says what must come of it. This is our own suite and no type approval.

A case is on the side of its rule where the rule is met, or on the side where it is broken or says that something
must not be done.

";

/// The cases of one rule.
fn of<'a>(cases: &'a [Case], rule: &'a str) -> impl Iterator<Item = &'a Case> {
    let named = move |case: &&Case| {
        let rest = case.name.strip_prefix(rule);
        rest.is_some_and(|rest| rest.starts_with('-'))
    };
    cases.iter().filter(named)
}

fn area(rule: &str) -> &str {
    rule.split('-').next().unwrap_or_default()
}

pub(crate) fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _: Result<(), std::fmt::Error> = writeln!(text, "{line}");
}
