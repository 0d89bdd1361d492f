//! What the card of a dialogue gave, whether or not the kernel has a use for it.

use serde_json::{Value, json};

use super::fields::hex;
use crate::card_data::CardData;
use crate::scripted::Scripted;
use crate::selection;
use crate::tag::Tag;
use crate::tlv;

/// What a card said of itself before any record of an application: directory and FCI. The kernel
/// keeps little of it.
#[derive(Default)]
pub(super) struct Given(Vec<(Tag, Vec<u8>)>);

impl Given {
    /// Takes in an answer.
    pub(super) fn note(&mut self, data: &[u8]) {
        let objects = tlv::primitives(data).unwrap_or_default();
        let objects = objects.iter();
        self.0
            .extend(objects.map(|object| (object.tag, object.value.to_vec())));
    }

    /// What stands in the answers up to the application's own.
    pub(super) fn of_selection(ports: &Scripted) -> Self {
        let mut given = Self::default();
        let initiated = |command: &[u8]| command.starts_with(&[0x80, 0xA8]);
        let before = ports
            .card
            .iter()
            .take_while(|(command, _)| !initiated(command));
        for (_, answer) in before {
            if let Some(data) = answer.strip_suffix(&[0x90, 0x00]) {
                given.note(data);
            }
        }
        given
    }

    /// What was said last of an element that the kernel has no use for.
    fn value(&self, tag: Tag) -> Option<&[u8]> {
        let mut said = self.0.iter().rev().filter(|(said, _)| *said == tag);
        let (_, value) = said.next().filter(|_| !selection::KEPT.contains(&tag))?;
        Some(value)
    }
}

/// The elements that a case expects of the card: as the kernel keeps them, else as they were
/// given.
pub(super) fn stored(case: &Value, card: &CardData, given: &Given) -> Value {
    let elements = case.pointer("/expect/card_data_objects");
    let elements = elements.and_then(Value::as_object);
    let stored = elements.into_iter().flatten().map(|(digits, _)| {
        let tag = u32::from_str_radix(digits, 16).ok().map(Tag::new);
        let value = tag.and_then(|tag| card.value(tag).or_else(|| given.value(tag)));
        (digits.clone(), json!(value.map(hex)))
    });
    Value::Object(stored.collect())
}
