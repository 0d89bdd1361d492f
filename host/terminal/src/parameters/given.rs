//! What must be written although it may be nothing.

use serde::{Deserialize, Deserializer};

/// An optional value that must be written, as `null` at least: a limit that was forgotten is not
/// taken for one that there is not.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}
