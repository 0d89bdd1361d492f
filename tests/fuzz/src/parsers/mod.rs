//! Targets that are one parser each.

mod answers;
mod certificates;
mod coding;
mod decode;
mod iso8583;
mod scripts;
mod selection;

pub use answers::answers;
pub use certificates::certificates;
pub use coding::{afl, cvm_list, dol, tlv};
pub use decode::decode;
pub use iso8583::iso8583;
pub use scripts::scripts;
pub use selection::fci;

/// Whether `part` is a piece of `whole` itself, and not only alike.
fn lies_within(part: &[u8], whole: &[u8]) -> bool {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    whole.start <= part.start && part.end <= whole.end
}

/// Whether `whole` holds these bytes in this order somewhere.
fn holds(whole: &[u8], part: &[u8]) -> bool {
    part.is_empty() || whole.windows(part.len()).any(|window| window == part)
}
