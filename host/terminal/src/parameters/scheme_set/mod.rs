//! What is public about each card scheme's parameters: where an acquirer starts from.
//!
//! An element of `applications` or `ca_public_keys` that names a set begins as the set's element of
//! its AID or index, and its own members stand in place of the set's. A set holds published values
//! and nothing else: what is not public, or is published as a placeholder, the element must have
//! itself, and is refused without. No limit, and no last day of a key, is in any set. Published action
//! codes are samples: the acquirer confirms or replaces each.

mod members;

use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};
use serde_json::{Map, Value};

use super::{Application, CaPublicKey, HexBytes, to_hex};
use members::Members;

/// The sets, one file each.
const FILES: [&str; 11] = [
    include_str!("visa.json"),
    include_str!("visa_electron.json"),
    include_str!("mastercard.json"),
    include_str!("maestro.json"),
    include_str!("amex.json"),
    include_str!("discover.json"),
    include_str!("jcb.json"),
    include_str!("unionpay.json"),
    include_str!("eftpos_australia.json"),
    include_str!("interac.json"),
    include_str!("us_common_debit.json"),
];

/// The member that names a set.
const SCHEME_SET: &str = "scheme_set";

/// What an application of the parameters has, in the order a person reads it.
const APPLICATION_MEMBERS: [&str; 13] = [
    "aid",
    "partial_selection",
    "scheme",
    "application_version",
    "tac_default",
    "tac_denial",
    "tac_online",
    "floor_limit_minor",
    "random_threshold_minor",
    "random_target_percent",
    "random_target_percent_max",
    "default_ddol",
    "default_tdol",
];

/// What is public about one card scheme's parameters.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemeSet {
    /// The name that `scheme_set` takes, such as `visa`.
    pub name: String,
    /// The scheme as it calls itself.
    pub title: String,
    applications: Vec<PublishedApplication>,
    ca_public_keys: Vec<PublishedKey>,
    ca_public_keys_left_out: Vec<LeftOut>,
}

/// An application of a set.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct PublishedApplication {
    aid: HexBytes,
    /// Published values that stand for others: shown to whoever must give the right ones.
    #[serde(default)]
    placeholders: Map<String, Value>,
    /// The other members, as an application of the parameters has them.
    #[serde(flatten)]
    members: Map<String, Value>,
}

/// A certification authority's key of a set, whose checksum was published with it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct PublishedKey {
    index: u8,
    /// The other members, as a key of the parameters has them.
    #[serde(flatten)]
    members: Map<String, Value>,
}

/// A key that the scheme has, and why the set has not.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct LeftOut {
    index: u8,
    reason: String,
}

/// Every set.
pub fn scheme_sets() -> &'static [SchemeSet] {
    static SETS: OnceLock<Vec<SchemeSet>> = OnceLock::new();
    // A file with a fault would be missing here; a test parses each of them.
    SETS.get_or_init(|| {
        let parsed = FILES.iter().map(|text| serde_json::from_str(text));
        parsed.filter_map(Result::ok).collect()
    })
}

impl SchemeSet {
    /// What an acquirer starts from: elements of `applications` and of `ca_public_keys` that name this
    /// set, with `null` for each value that is not public. They are refused until it is given.
    pub fn draft(&self) -> Value {
        let applications = self.applications.iter().map(|application| {
            let mut element = self.element("aid", to_hex(&application.aid).into());
            let nothing = Map::new();
            let missing = application.missing(&nothing);
            element.extend(missing.map(|name| (name.to_owned(), Value::Null)));
            Value::Object(element)
        });
        let keys = self.ca_public_keys.iter().map(|key| {
            let mut element = self.element("index", key.index.into());
            // The text is no date, since null would say that there is none.
            element.insert("expires".to_owned(), "YYMMDD".into());
            Value::Object(element)
        });
        serde_json::json!({
            "applications": applications.collect::<Vec<_>>(),
            "ca_public_keys": keys.collect::<Vec<_>>(),
        })
    }

    /// The keys that the scheme has and this set has not: index and reason.
    pub fn keys_left_out(&self) -> impl Iterator<Item = (u8, &str)> {
        let left_out = self.ca_public_keys_left_out.iter();
        left_out.map(|key| (key.index, key.reason.as_str()))
    }

    fn element(&self, name: &str, value: Value) -> Map<String, Value> {
        Map::from_iter([
            (SCHEME_SET.to_owned(), self.name.as_str().into()),
            (name.to_owned(), value),
        ])
    }

    /// The members of an application that names this set. Fails with what is wrong or missing.
    fn application(&self, own: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let aid: HexBytes = named(own, "aid")?;
        let published = self
            .applications
            .iter()
            .find(|application| application.aid == aid)
            .ok_or_else(|| {
                format!(
                    "the scheme set {} has no application {}",
                    self.name,
                    to_hex(&aid)
                )
            })?;
        let missing: Vec<String> = published
            .missing(own)
            .map(|name| match published.placeholders.get(name) {
                Some(Value::String(value)) => {
                    format!("{name} (published as {value}, a placeholder)")
                }
                Some(_) | None => name.to_owned(),
            })
            .collect();
        if !missing.is_empty() {
            let (name, missing) = (&self.name, missing.join(", "));
            return Err(format!(
                "the scheme set {name} leaves to the acquirer: {missing}"
            ));
        }
        Ok(over(&published.members, own))
    }

    /// The same for a certification authority's key.
    fn ca_public_key(&self, own: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let index: u8 = named(own, "index")?;
        if let Some(published) = self.ca_public_keys.iter().find(|key| key.index == index) {
            return Ok(over(&published.members, own));
        }
        let reason = self
            .keys_left_out()
            .find(|(left_out, _)| *left_out == index);
        let reason = reason.map_or_else(String::new, |(_, reason)| format!(": {reason}"));
        let name = &self.name;
        Err(format!(
            "the scheme set {name} has no key of index {index}{reason}; the acquirer must give it whole"
        ))
    }
}

impl PublishedApplication {
    /// What neither this nor `own` has. A `null` is nothing.
    fn missing(&self, own: &Map<String, Value>) -> impl Iterator<Item = &'static str> {
        APPLICATION_MEMBERS.into_iter().filter(|name| {
            let owned = own.get(*name).is_some_and(|value| !value.is_null());
            !owned && *name != "aid" && !self.members.contains_key(*name)
        })
    }
}

/// One member of an element.
fn named<T: DeserializeOwned>(own: &Map<String, Value>, name: &str) -> Result<T, String> {
    let value = own
        .get(name)
        .ok_or_else(|| format!("beside scheme_set stands {name}"))?;
    T::deserialize(value).map_err(|error| format!("{name}: {error}"))
}

/// The set's members, and over them the element's own.
fn over(published: &Map<String, Value>, own: &Map<String, Value>) -> Map<String, Value> {
    let mut members = published.clone();
    let given = own.iter().filter(|(name, value)| {
        // A null in place of a published value would be no value.
        *name != SCHEME_SET && !(value.is_null() && published.contains_key(*name))
    });
    members.extend(given.map(|(name, value)| (name.clone(), value.clone())));
    members
}

/// The parameters' list of applications.
pub(super) fn applications<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Application>, D::Error> {
    elements(deserializer, "applications", SchemeSet::application)
}

/// The parameters' list of certification authorities' RSA keys.
pub(super) fn ca_public_keys<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<CaPublicKey>, D::Error> {
    elements(deserializer, "ca_public_keys", SchemeSet::ca_public_key)
}

/// What makes a whole element of one that names a set.
type Complete = fn(&SchemeSet, &Map<String, Value>) -> Result<Map<String, Value>, String>;

fn elements<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
    list: &str,
    complete: Complete,
) -> Result<Vec<T>, D::Error> {
    let drafts = Vec::<Members>::deserialize(deserializer)?;
    let drafts = drafts.into_iter().enumerate();
    drafts
        .map(|(position, Members(draft))| {
            let at = |problem: String| D::Error::custom(format!("{list}[{position}]: {problem}"));
            let whole = match draft.get(SCHEME_SET) {
                Some(name) => complete(set_of(name).map_err(at)?, &draft).map_err(at)?,
                None => draft,
            };
            T::deserialize(Value::Object(whole)).map_err(|error| at(error.to_string()))
        })
        .collect()
}

fn set_of(name: &Value) -> Result<&'static SchemeSet, String> {
    let found = scheme_sets().iter().find(|set| set.name.as_str() == *name);
    found.ok_or_else(|| {
        let names: Vec<_> = scheme_sets().iter().map(|set| set.name.as_str()).collect();
        format!(
            "there is no scheme set {name}; there are {}",
            names.join(", ")
        )
    })
}

#[cfg(test)]
mod tests;
