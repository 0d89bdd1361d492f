//! What is wrong on purpose with what the keys sign, field by field.

use std::collections::BTreeMap;

/// Something that is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Signed {
    /// The issuer's certificate, tag 90.
    Issuer,
    /// The card's certificate, tag 9F46.
    Icc,
    /// The certificate of the key for PINs, tag 9F2D.
    Pin,
    /// Signed static application data, tag 93.
    Static,
    /// Signed dynamic application data, tag 9F4B.
    Dynamic,
}

/// A field that may be given another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Header,
    Format,
    /// The issuer identifier, or the number of the card.
    Identifier,
    /// MMYY.
    Expiry,
    Serial,
    HashAlgorithm,
    KeyAlgorithm,
    KeyLength,
    ExponentLength,
    /// The length of what the card says beside its signature.
    DataLength,
    /// Bytes that stand in place of the first ones of the hash.
    Hash,
    Trailer,
}

/// The fields that have other values than they should.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alterations {
    fields: BTreeMap<(Signed, Field), Vec<u8>>,
}

impl Alterations {
    /// Gives a field, by the name it has in a card's text, another value. `None` when there is no
    /// such field.
    pub(crate) fn add(&mut self, signed: Signed, field: &str, value: Vec<u8>) -> Option<()> {
        let field = match field {
            "header" => Field::Header,
            "format" => Field::Format,
            "identifier" => Field::Identifier,
            "expiry" => Field::Expiry,
            "serial" => Field::Serial,
            "hash-algorithm" => Field::HashAlgorithm,
            "key-algorithm" => Field::KeyAlgorithm,
            "key-length" => Field::KeyLength,
            "exponent-length" => Field::ExponentLength,
            "data-length" => Field::DataLength,
            "hash" => Field::Hash,
            "trailer" => Field::Trailer,
            _ => return None,
        };
        self.fields.insert((signed, field), value);
        Some(())
    }

    /// The value of a field: the altered one, else the right one.
    pub(crate) fn or<'a>(&'a self, signed: Signed, field: Field, right: &'a [u8]) -> &'a [u8] {
        self.fields
            .get(&(signed, field))
            .map_or(right, Vec::as_slice)
    }
}
