//! What becomes of a card's answer.

use emv::ports::CardFault;
use emv::tlv;

use super::play::{Change, Command, What};
use emv::Tag;

/// How deep templates are opened.
const DEPTH_MAX: u8 = 4;

impl Change {
    /// Whether it is about this command, the one of this number by its name and of all.
    pub(super) fn is_about(&self, command: Command, nth: usize, nth_of_all: usize) -> bool {
        let any = self.to == Command::Any;
        let nth = if any { nth_of_all } else { nth };
        (any || self.to == command) && (self.nth == 0 || usize::from(self.nth) == nth)
    }

    /// The answer as it is now. Fails when the card left.
    pub(super) fn apply(&self, answer: &mut Vec<u8>) -> Result<(), CardFault> {
        let status = answer.last_chunk::<2>().copied().unwrap_or_default();
        let length = answer.len().saturating_sub(2);
        match &self.what {
            What::Byte(position, mask) => {
                let position = usize::from(*position).checked_rem(length);
                if let Some(byte) = position.and_then(|position| answer.get_mut(position)) {
                    *byte ^= mask;
                }
            }
            What::Status(other) => {
                answer.truncate(length);
                answer.extend(other);
            }
            What::Cut(kept) => {
                answer.truncate(length.min(usize::from(*kept)));
                answer.extend(status);
            }
            What::Instead(bytes) => answer.clone_from(bytes),
            What::Element(tag, value) => {
                let with = |output: &mut Vec<u8>| tlv::encode(*tag, value, output);
                replace(answer, *tag, status, with);
            }
            What::Drop(tag) => replace(answer, *tag, status, |_| {}),
            What::Append(tag, value) => append(answer, *tag, value, status),
            What::Leave(0) => return Err(CardFault::Removed),
            What::Leave(1) => return Err(CardFault::Unresponsive),
            What::Leave(_) => return Err(CardFault::Reader),
        }
        Ok(())
    }
}

/// Writes another object in place of each with this tag.
fn replace(answer: &mut Vec<u8>, tag: Tag, status: [u8; 2], with: impl Fn(&mut Vec<u8>)) {
    if let Some((data, _)) = answer.split_last_chunk::<2>() {
        let mut output = Vec::new();
        rewrite(data, tag, &with, DEPTH_MAX, &mut output);
        output.extend(status);
        *answer = output;
    }
}

fn rewrite(data: &[u8], tag: Tag, with: &impl Fn(&mut Vec<u8>), depth: u8, output: &mut Vec<u8>) {
    for object in tlv::objects(data).filter_map(Result::ok) {
        if object.tag == tag {
            with(output);
        } else if let (true, Some(depth)) = (object.tag.is_constructed(), depth.checked_sub(1)) {
            let mut inside = Vec::new();
            rewrite(object.value, tag, with, depth, &mut inside);
            tlv::encode(object.tag, &inside, output);
        } else {
            tlv::encode(object.tag, object.value, output);
        }
    }
}

/// Writes one more object at the end of the outermost template.
fn append(answer: &mut Vec<u8>, tag: Tag, value: &[u8], status: [u8; 2]) {
    let data = answer.split_last_chunk::<2>().map(|(data, _)| data);
    if let Some((template, _)) = data.and_then(|data| tlv::object(data).ok()) {
        let mut inside = template.value.to_vec();
        tlv::encode(tag, value, &mut inside);
        let mut output = Vec::new();
        tlv::encode(template.tag, &inside, &mut output);
        output.extend(status);
        *answer = output;
    }
}
