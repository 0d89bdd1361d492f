//! Bit strings, bit by bit.

use emv::bits::BitString;

use crate::{Decoded, Reading};

/// The bits of a value that has the right length: the set ones first, then the others when all are
/// asked for. A reserved bit is listed when it is set.
pub(crate) fn bits(
    rows: &BitString,
    bytes: &[u8],
    offset: usize,
    reading: Reading,
) -> Vec<Decoded> {
    let mut set = Vec::new();
    let mut clear = Vec::new();
    let last = bytes.len().saturating_sub(1);
    for (place, byte) in bytes.iter().enumerate() {
        for number in (1..=8_u32).rev() {
            let is_set = (byte >> number.saturating_sub(1)) & 1 == 1;
            let shift = u32::try_from(last.saturating_sub(place))
                .unwrap_or_default()
                .saturating_mul(8)
                .saturating_add(number.saturating_sub(1));
            let mask = 1_u64.checked_shl(shift).unwrap_or_default();
            let row = rows.bits.iter().find(|bit| bit.mask == mask);
            if row.is_none() && !is_set {
                continue;
            }
            let label = format!("byte {} bit {number}", place.saturating_add(1));
            let node = Decoded {
                set: Some(is_set),
                ..Decoded::new(
                    offset.saturating_add(place),
                    label,
                    row.map_or("Reserved for future use", |bit| bit.words),
                )
            };
            if is_set {
                set.push(node);
            } else if reading.all_bits {
                clear.push(node);
            }
        }
    }
    set.append(&mut clear);
    set
}
