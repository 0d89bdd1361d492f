//! Why a transaction went as it did, from the kernel's trace.

mod cause;

use emv::Tag;
use emv::tag::{self, Element, Sensitivity};

use crate::veil::Veiled;
use crate::{Decoded, Reading, Secrets, element, hex};

/// One decision of a trace, as a terminal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The rule's name, such as `PR-04`.
    pub rule: String,
    /// The section of the standard; empty for the engine's own rules.
    pub section: String,
    /// `passed`, `failed`, `not-applicable` or `done`.
    pub finding: String,
    /// What happened, in words.
    pub statement: String,
    /// The data elements looked at: tag and value, both hexadecimal. What is not is left out.
    pub elements: Vec<(String, String)>,
}

/// How the transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Approved, offline or by the issuer.
    Approved,
    /// Declined by card, terminal or issuer.
    Declined,
    /// It ended before a decision, or its end is not known.
    Undecided,
}

/// The whole trace as a tree: in its first line why it ended so, below it each decision with the
/// elements it looked at.
///
/// `ending` says how it ended, such as `DECLINED`.
pub fn explain(name: &str, ending: &str, verdict: Verdict, trace: &[Decision]) -> Decoded {
    let why = cause::of(verdict, trace);
    let summary = match why {
        Some(why) => format!("{ending}: {why}"),
        None => ending.to_owned(),
    };
    Decoded::new(0, "", name)
        .value(summary)
        .children(trace.iter().map(Decision::node).collect())
}

impl Decision {
    fn failed(&self) -> bool {
        self.finding == "failed"
    }

    fn passed(&self) -> bool {
        self.finding == "passed"
    }

    /// The element's value, when the decision looked at it.
    fn element(&self, tag: Tag) -> Option<Vec<u8>> {
        let wanted = tag.to_string();
        let (_, value) = self.elements.iter().find(|(name, _)| *name == wanted)?;
        hex::parse(value).ok().map(|bytes| bytes.to_vec())
    }

    fn node(&self) -> Decoded {
        let node = Decoded::new(0, self.rule.clone(), self.statement.clone());
        let node = node.value(self.finding.clone()).children(self.nodes());
        match self.section.as_str() {
            "" => node,
            section => node.section(section.to_owned()),
        }
    }

    fn nodes(&self) -> Vec<Decoded> {
        let nodes = self.elements.iter().filter_map(|(tag, value)| {
            let tag = Tag::new(u32::from_str_radix(tag, 16).ok()?);
            // The kernel empties what it does not show.
            let bytes = hex::parse(value).map(|bytes| bytes.to_vec());
            Some(node(tag, &bytes.unwrap_or_default()))
        });
        nodes.collect()
    }

    /// The elements on one line: `5F24 = 2025-12-31, 9A = 2026-11-21`.
    fn elements_in_words(&self) -> String {
        let words = |node: Decoded| {
            let value = node.value.or(node.raw).filter(|value| !value.is_empty())?;
            Some(format!("{} = {value}", node.label))
        };
        let all: Vec<String> = self.nodes().into_iter().filter_map(words).collect();
        all.join(", ")
    }
}

/// An element as a trace has it: what names the cardholder is masked in it, the rest is in clear.
fn node(tag: Tag, bytes: &[u8]) -> Decoded {
    let open = |row: &Element| row.sensitivity == Sensitivity::Open;
    let name = cause::action_code_name(tag);
    let in_clear = name.is_some() || tag.element().is_some_and(open);
    let secrets = if in_clear {
        Secrets::Revealed
    } else {
        Secrets::Hidden
    };
    let as_tvr = name.and(Some(tag::TVR));
    let node = element::object(as_tvr.unwrap_or(tag), None, bytes, 0, Reading::new(secrets));
    match (name, masked_pan(tag, bytes)) {
        (Some(name), _) => Decoded {
            label: tag.to_string(),
            name: name.to_owned(),
            section: None,
            ..node
        },
        (None, Some(masked)) => Decoded {
            raw: Some(masked),
            value: None,
            ..node
        },
        (None, None) => Decoded {
            faults: Vec::new(),
            ..node
        },
    }
}

/// A PAN of which the kernel left the last four digits, with `*` for the others.
fn masked_pan(tag: Tag, bytes: &[u8]) -> Option<String> {
    let digits = Veiled::scanned(bytes, Secrets::Revealed).hexadecimal();
    let last = digits.trim_start_matches('F');
    let shown = last.trim_end_matches('F');
    let is_masked = tag == tag::PAN && !shown.is_empty() && shown.len() <= 4;
    let hidden = digits.len().saturating_sub(last.len());
    is_masked.then(|| format!("{}{shown}", "*".repeat(hidden)))
}

#[cfg(test)]
mod tests;
