//! The kernel's trace, as the host keeps it.

mod host;

use serde::Serialize;

/// One decision of the engine. The texts are the engine's own; see `wit/deps/trace.wit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceEvent {
    /// Where in the transaction, as the WIT enum's kebab-case name.
    pub step: &'static str,
    /// The rule's name, such as `PR-04`.
    pub rule: String,
    /// The section of the standard.
    pub section: String,
    /// `passed`, `failed`, `not-applicable` or `done`.
    pub finding: &'static str,
    /// What happened, in words.
    pub statement: String,
    /// Tag and value, both hexadecimal.
    pub elements: Vec<(String, String)>,
}
