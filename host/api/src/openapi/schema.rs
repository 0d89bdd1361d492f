//! Schemas, in the words of JSON Schema 2020-12 that OpenAPI 3.1 and AsyncAPI 3.0 share.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::names;

/// A type that has a schema of its own in the documents.
pub(crate) trait Described {
    /// The schema's name.
    const NAME: &'static str;

    /// The schema. It stands beside the type; the tests hold real answers against it.
    fn schema() -> Schema;
}

/// One schema.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schema(Map<String, Value>);

impl Schema {
    fn of(kind: &str, description: &str) -> Self {
        Self(Map::new())
            .with("type", kind)
            .with("description", description)
    }

    /// A string.
    pub(crate) fn text(description: &str) -> Self {
        Self::of("string", description)
    }

    /// A moment as ISO 8601 writes it, with its offset.
    pub(crate) fn moment(description: &str) -> Self {
        Self::text(description).with("format", "date-time")
    }

    /// A string that begins so.
    pub(crate) fn identifier(prefix: &str, description: &str) -> Self {
        Self::text(description).with("pattern", format!("^{prefix}_"))
    }

    /// A currency.
    pub(crate) fn currency() -> Self {
        Self::text("ISO 4217 alphabetic code of a currency that the terminal takes.")
            .with("pattern", "^[A-Z]{3}$")
            .example("NZD")
    }

    /// The number of a card, of which four digits are clear.
    pub(crate) fn masked_pan() -> Self {
        Self::text("The last four digits, and a star for each other one.")
            .with("pattern", "^[*]+[0-9]{4}$")
            .example("************1234")
    }

    /// Any value.
    pub(crate) fn anything(description: &str) -> Self {
        Self(Map::new()).with("description", description)
    }

    /// True or false.
    pub(crate) fn boolean(description: &str) -> Self {
        Self::of("boolean", description)
    }

    /// An integer.
    pub(crate) fn integer(description: &str) -> Self {
        Self::of("integer", description)
    }

    /// A number of things, or an amount in minor units that is never below zero.
    pub(crate) fn count(description: &str) -> Self {
        Self::integer(description).with("minimum", 0)
    }

    /// One of the names that an enumeration has.
    pub(crate) fn names<T: DeserializeOwned>(description: &str) -> Self {
        Self::text(description).with("enum", names::of::<T>())
    }

    /// This value and no other.
    pub(crate) fn constant(value: impl Into<Value>, description: &str) -> Self {
        Self(Map::new())
            .with("const", value)
            .with("description", description)
    }

    /// A list.
    pub(crate) fn list(items: Self, description: &str) -> Self {
        Self::of("array", description).with("items", items)
    }

    /// What is described elsewhere.
    pub(crate) fn to<T: Described>(description: &str) -> Self {
        Self::reference(T::NAME).with("description", description)
    }

    /// What is described under this name.
    pub(crate) fn reference(name: &str) -> Self {
        Self(Map::new()).with("$ref", format!("#/components/schemas/{name}"))
    }

    /// An object without members.
    pub(crate) fn one_of(schemas: Vec<Self>) -> Self {
        let schemas: Vec<Value> = schemas.into_iter().map(Value::from).collect();
        Self(Map::from_iter([("oneOf".to_owned(), schemas.into())]))
    }

    pub(crate) fn object(description: &str) -> Self {
        Self::of("object", description)
            .with("properties", json!({}))
            .with("required", json!([]))
    }

    /// An object with any members.
    pub(crate) fn open_object(description: &str) -> Self {
        Self::of("object", description)
    }

    /// A member that is always there.
    pub(crate) fn required(mut self, name: &str, schema: Self) -> Self {
        if let Some(Value::Array(required)) = self.0.get_mut("required") {
            required.push(name.into());
        }
        self.optional(name, schema)
    }

    /// A member that may be left out.
    pub(crate) fn optional(mut self, name: &str, schema: Self) -> Self {
        if let Some(Value::Object(members)) = self.0.get_mut("properties") {
            members.insert(name.into(), schema.into());
        }
        self
    }

    /// No further members.
    pub(crate) fn closed(self) -> Self {
        self.with("additionalProperties", false)
    }

    /// `null` too.
    pub(crate) fn or_null(mut self) -> Self {
        if let Some(kind) = self.0.get("type").cloned() {
            self = self.with("type", json!([kind, "null"]));
        }
        if let Some(Value::Array(names)) = self.0.get_mut("enum") {
            names.push(Value::Null);
        }
        if let Some(value) = self.0.remove("const") {
            self = self.with("enum", json!([value, null]));
        }
        self
    }

    /// Sets a keyword.
    pub(crate) fn with(mut self, keyword: &str, value: impl Into<Value>) -> Self {
        self.0.insert(keyword.into(), value.into());
        self
    }

    /// Shows an example.
    pub(crate) fn example(self, value: impl Into<Value>) -> Self {
        self.with("examples", vec![value.into()])
    }
}

impl From<Schema> for Value {
    fn from(schema: Schema) -> Self {
        Self::Object(schema.0)
    }
}
