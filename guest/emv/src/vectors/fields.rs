//! How the members of a case are read. A member that is missing or of another kind is an error
//! that names it, never a default.

use serde_json::Value;

use crate::tag::Tag;

/// The text of a member.
pub fn text<'a>(object: &'a Value, name: &str) -> Result<&'a str, String> {
    object[name]
        .as_str()
        .ok_or_else(|| format!("{name} is missing or no text"))
}

/// The bytes of a member in hexadecimal digits.
pub fn bytes(object: &Value, name: &str) -> Result<Vec<u8>, String> {
    unhex(text(object, name)?).ok_or_else(|| format!("{name} is not hexadecimal"))
}

/// The bytes of a member, as many as the type says.
pub fn array<const N: usize>(object: &Value, name: &str) -> Result<[u8; N], String> {
    bytes(object, name)?
        .try_into()
        .map_err(|_| format!("{name} is not {N} bytes long"))
}

/// A whole number that is not negative.
pub fn number(object: &Value, name: &str) -> Result<u64, String> {
    object[name]
        .as_u64()
        .ok_or_else(|| format!("{name} is missing or no number"))
}

/// A number that fits the type wanted.
pub fn small<T: TryFrom<u64>>(object: &Value, name: &str) -> Result<T, String> {
    T::try_from(number(object, name)?).map_err(|_| format!("{name} is too large"))
}

/// Whether something is so.
pub fn truth(object: &Value, name: &str) -> Result<bool, String> {
    object[name]
        .as_bool()
        .ok_or_else(|| format!("{name} is missing or neither true nor false"))
}

/// The elements of a member.
pub fn list<'a>(object: &'a Value, name: &str) -> Result<&'a [Value], String> {
    object[name]
        .as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| format!("{name} is missing or no list"))
}

/// What `read` makes of a member; `None` when it is absent or null.
pub fn optional<'a, T>(
    read: impl Fn(&'a Value, &str) -> Result<T, String>,
    object: &'a Value,
    name: &str,
) -> Result<Option<T>, String> {
    if object[name].is_null() {
        return Ok(None);
    }
    read(object, name).map(Some)
}

/// The bytes of each element of a member that is a list of hexadecimal texts.
pub fn byte_list(object: &Value, name: &str) -> Result<Vec<Vec<u8>>, String> {
    list(object, name)?
        .iter()
        .map(|element| element.as_str().and_then(unhex))
        .collect::<Option<_>>()
        .ok_or_else(|| format!("{name} is not all hexadecimal"))
}

/// Data objects by tag, in the order of the text of their tags.
pub fn objects(object: &Value, name: &str) -> Result<Vec<(Tag, Vec<u8>)>, String> {
    let members = object[name]
        .as_object()
        .ok_or_else(|| format!("{name} is missing or no object"))?;
    members
        .keys()
        .map(|digits| {
            let tag = u32::from_str_radix(digits, 16).map_err(|_| format!("{digits} is no tag"))?;
            Ok((Tag::new(tag), bytes(&object[name], digits)?))
        })
        .collect()
}

/// Bytes as upper-case hexadecimal digits, as the vectors write them.
pub fn hex(bytes: &[u8]) -> String {
    crate::scripted::hex(bytes)
}

/// The bytes of hexadecimal digits. `None` when a character is none, or one is left over.
pub fn unhex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, odd) = digits.as_bytes().as_chunks::<2>();
    if !odd.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    pairs
        .iter()
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
