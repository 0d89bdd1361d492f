//! The tree that decoding gives.

use std::borrow::Cow;

use serde::Serialize;

use crate::veil::Veiled;

/// One thing that was decoded. Nothing in it is secret but what was asked to be revealed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Decoded {
    /// Where it starts, in bytes from the start of its input.
    pub offset: usize,
    /// The tag, the field's number, the byte's name; empty for what has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// What the standard calls it.
    pub name: String,
    /// The bytes in hexadecimal, hidden digits as `*`; `None` where the children show them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// The value in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Of a bit: whether it is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<bool>,
    /// Where the standard defines it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<Cow<'static, str>>,
    /// What it consists of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Self>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

impl Decoded {
    /// Whether anything was wrong, here or below.
    pub fn is_faulty(&self) -> bool {
        !self.faults.is_empty() || self.children.iter().any(Self::is_faulty)
    }

    /// The tree as JSON, indented, with a line break at its end.
    pub fn to_json(&self) -> String {
        // A tree of strings and numbers always has a JSON form.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    pub(crate) fn new(offset: usize, label: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            offset,
            label: label.into(),
            name: name.into(),
            ..Self::default()
        }
    }

    pub(crate) fn raw(self, veiled: &Veiled<'_>) -> Self {
        Self {
            raw: Some(veiled.hexadecimal()),
            ..self
        }
    }

    pub(crate) fn value(self, words: impl Into<String>) -> Self {
        Self {
            value: Some(words.into()),
            ..self
        }
    }

    pub(crate) fn maybe(self, words: Option<String>) -> Self {
        Self {
            value: words,
            ..self
        }
    }

    pub(crate) fn section(self, section: impl Into<Cow<'static, str>>) -> Self {
        Self {
            section: Some(section.into()),
            ..self
        }
    }

    pub(crate) fn children(self, children: Vec<Self>) -> Self {
        Self { children, ..self }
    }

    pub(crate) fn fault(mut self, fault: impl Into<String>) -> Self {
        self.faults.push(fault.into());
        self
    }
}

/// A number of things, in the singular when there is one.
pub(crate) fn counted(count: usize, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    }
}
