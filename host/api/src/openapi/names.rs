//! The names that an enumeration has on the wire, asked of the enumeration itself.
//!
//! A derived `Deserialize` tells its deserializer every name before it reads one. This deserializer
//! listens and reads nothing, so that a list of names beside the type is not needed.

use serde::{
    Deserializer,
    de::{DeserializeOwned, Error as _, Visitor, value::Error},
    forward_to_deserialize_any,
};

/// The names of `T`, in the order of its variants; none when it is no enumeration.
pub(super) fn of<T: DeserializeOwned>() -> Vec<&'static str> {
    let mut names: &'static [&'static str] = &[];
    // It always fails: nothing is read.
    drop(T::deserialize(Listening(&mut names)));
    names.to_vec()
}

struct Listening<'names>(&'names mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Listening<'_> {
    type Error = Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = variants;
        Err(Error::custom("only the names are asked for"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("this is no enumeration"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use terminal_host::transaction::{Kind, Scheme};

    use super::*;

    #[test]
    fn an_enumeration_tells_its_names_and_nothing_else_does() {
        assert_eq!(
            of::<Kind>(),
            [
                "SALE",
                "PRE_AUTH",
                "PRE_AUTH_COMPLETE",
                "REFUND",
                "VOID",
                "CARD_READ",
                "BALANCE_INQUIRY"
            ]
        );
        assert!(of::<Scheme>().contains(&"UNIONPAY"));
        assert!(of::<String>().is_empty());
        assert!(of::<Option<Kind>>().is_empty());
    }
}
