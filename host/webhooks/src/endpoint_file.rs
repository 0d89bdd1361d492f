//! The file of a terminal's endpoints.
//!
//! Its text holds the secrets, since what signs must be usable: it is the owner's alone to read. The
//! embedder keeps it so; a device whose key is in hardware seals it.

use std::fmt;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::{
    address::permitted,
    endpoint::{Endpoint, Secrets},
    signature::Secret,
    target::{Host, Target, TargetError},
    trust::{Trust, TrustError},
};

/// The most endpoints of a terminal.
pub const ENDPOINTS_MAX: usize = 10;

/// The most networks that are allowed for one endpoint, and the most names of events.
pub const NETWORKS_MAX: usize = 16;
const EVENTS_MAX: usize = 32;

/// The longest name of an event or of a family, in characters.
const EVENT_CHARS_MAX: usize = 64;

/// The largest file of certificates, in bytes.
const CA_BYTES_MAX: usize = 64 * 1024;

/// How long the old secret signs too after a rotation.
pub const ROTATION_OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// `wh_` and a ULID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointId(String);

impl EndpointId {
    /// Parses what a person typed. `None` when it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        Ulid::from_string(text.strip_prefix("wh_")?).ok()?;
        Some(Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why an endpoint file is not taken, or a change of it not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointFileError {
    /// The text is not an endpoint file.
    #[error("the endpoint file is not valid: {0}")]
    Syntax(String),
    /// The URL is not taken.
    #[error("the URL is not taken: {0}")]
    Target(TargetError),
    /// The URL's address is one that nothing is sent to.
    #[error("nothing is sent to {address}: {why}")]
    Address {
        /// The address in the URL.
        address: String,
        /// What it is, and what would allow it.
        why: String,
    },
    /// Plain HTTP without a network it is for.
    #[error("plain HTTP needs an allowed network, which it stays in")]
    PlainHttp,
    /// A network that is none.
    #[error("{0:?} is no network such as 192.168.1.0/24")]
    Network(String),
    /// A name of an event that cannot be one.
    #[error("{0:?} is no event, and no family such as transaction.*")]
    Event(String),
    /// The certificates are not taken.
    #[error("the certificates are not taken: {0}")]
    Trust(#[from] TrustError),
    /// A secret that is none.
    #[error("a secret of {0} is none")]
    Secret(String),
    /// Two endpoints have one name.
    #[error("{0} is twice in the endpoint file")]
    Twice(String),
    /// Too much of something.
    #[error("at most {1} {0} fit")]
    Full(&'static str, usize),
    /// No endpoint of this name.
    #[error("there is no endpoint {0}")]
    Unknown(String),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

// Not as its source: the text holds it.
impl From<TargetError> for EndpointFileError {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

/// The endpoints of a terminal, as the file holds them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointFile {
    endpoints: Vec<EndpointEntry>,
}

/// One endpoint of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointEntry {
    /// Its name.
    pub id: EndpointId,
    /// Where it is. May hold secrets of the receiver's in its query: show a [`Target`] instead.
    pub url: String,
    /// What it gets: types of events, and families such as `transaction.*`. Empty for everything.
    pub events: Vec<String>,
    /// Networks it may be in although they are not public.
    pub allowed_networks: Vec<String>,
    /// Whether it may be spoken to without TLS, in these networks.
    pub plain_http: bool,
    /// The authorities it is believed by, as PEM; the system's when there are none.
    pub ca: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// What signs for it, the newest first.
    secrets: Vec<SecretEntry>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SecretEntry {
    secret: String,
    /// When it signs no more; `null` when it does not end.
    not_after: Option<Timestamp>,
}

impl fmt::Debug for SecretEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SecretEntry")
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// What is asked for when an endpoint is made.
#[derive(Debug, Clone, Default)]
pub struct NewEndpoint {
    /// Its URL.
    pub url: String,
    /// See [`EndpointEntry::events`].
    pub events: Vec<String>,
    /// See [`EndpointEntry::allowed_networks`].
    pub allowed_networks: Vec<String>,
    /// See [`EndpointEntry::plain_http`].
    pub plain_http: bool,
    /// See [`EndpointEntry::ca`].
    pub ca: Option<String>,
}

impl EndpointFile {
    /// Reads and checks an endpoint file.
    pub fn parse(text: &[u8]) -> Result<Self, EndpointFileError> {
        // The message of the parser may repeat what stands there.
        let file: Self = serde_json::from_slice(text).map_err(|error| {
            EndpointFileError::Syntax(format!("line {}, column {}", error.line(), error.column()))
        })?;
        file.endpoints()?;
        Ok(file)
    }

    /// The file's text, with the secrets.
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists: nothing that JSON could not hold.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The endpoints, in the order in which they were made.
    pub fn entries(&self) -> &[EndpointEntry] {
        &self.endpoints
    }

    /// The endpoints as deliveries want them.
    pub fn endpoints(&self) -> Result<Vec<Endpoint>, EndpointFileError> {
        if self.endpoints.len() > ENDPOINTS_MAX {
            return Err(EndpointFileError::Full("endpoints", ENDPOINTS_MAX));
        }
        let mut seen = std::collections::BTreeSet::new();
        if let Some(twice) = self.endpoints.iter().find(|entry| !seen.insert(&entry.id)) {
            return Err(EndpointFileError::Twice(twice.id.0.clone()));
        }
        self.endpoints.iter().map(EndpointEntry::endpoint).collect()
    }

    /// Makes an endpoint, and returns its name and its secret.
    pub fn make(
        &mut self,
        new: NewEndpoint,
        now: Timestamp,
    ) -> Result<(EndpointId, Secret), EndpointFileError> {
        if self.endpoints.len() >= ENDPOINTS_MAX {
            return Err(EndpointFileError::Full("endpoints", ENDPOINTS_MAX));
        }
        let secret = Secret::new().ok_or(EndpointFileError::Random)?;
        let entry = EndpointEntry {
            id: EndpointId(format!("wh_{}", Ulid::new())),
            url: new.url,
            events: new.events,
            allowed_networks: new.allowed_networks,
            plain_http: new.plain_http,
            ca: new.ca,
            // What begins in the same millisecond has begun after it.
            created: Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now),
            secrets: vec![SecretEntry::of(&secret)],
        };
        entry.endpoint()?.check_address()?;
        let id = entry.id.clone();
        self.endpoints.push(entry);
        Ok((id, secret))
    }

    /// Makes a new secret in place of an old one, which signs too for [`ROTATION_OVERLAP`] more. One
    /// that was rotated out before ends no later than it was to.
    pub fn rotate(&mut self, id: &EndpointId, now: Timestamp) -> Result<Secret, EndpointFileError> {
        let end = now.checked_add(ROTATION_OVERLAP).unwrap_or(Timestamp::MAX);
        let entry = self.entry(id)?;
        let secret = Secret::new().ok_or(EndpointFileError::Random)?;
        entry.secrets.retain(|old| old.signs(now));
        for old in &mut entry.secrets {
            old.not_after = Some(old.not_after.map_or(end, |earlier| earlier.min(end)));
        }
        entry.secrets.insert(0, SecretEntry::of(&secret));
        entry.secrets.truncate(Secrets::MAX);
        Ok(secret)
    }

    /// Takes an endpoint away.
    pub fn remove(&mut self, id: &EndpointId) -> Result<(), EndpointFileError> {
        self.entry(id)?;
        self.endpoints.retain(|entry| entry.id != *id);
        Ok(())
    }

    fn entry(&mut self, id: &EndpointId) -> Result<&mut EndpointEntry, EndpointFileError> {
        self.endpoints
            .iter_mut()
            .find(|entry| entry.id == *id)
            .ok_or_else(|| EndpointFileError::Unknown(id.0.clone()))
    }
}

impl EndpointEntry {
    /// When the secrets that were rotated out end.
    pub fn ends(&self) -> impl Iterator<Item = Timestamp> + '_ {
        self.secrets.iter().filter_map(|entry| entry.not_after)
    }

    fn endpoint(&self) -> Result<Endpoint, EndpointFileError> {
        if EndpointId::parse(&self.id.0).is_none() {
            return Err(EndpointFileError::Syntax("a name that is none".into()));
        }
        if self.plain_http && self.allowed_networks.is_empty() {
            return Err(EndpointFileError::PlainHttp);
        }
        if self.allowed_networks.len() > NETWORKS_MAX {
            return Err(EndpointFileError::Full("networks", NETWORKS_MAX));
        }
        if self.events.len() > EVENTS_MAX {
            return Err(EndpointFileError::Full("events", EVENTS_MAX));
        }
        if let Some(wrong) = self.events.iter().find(|name| !is_event(name)) {
            return Err(EndpointFileError::Event(wrong.clone()));
        }
        let trust = match &self.ca {
            Some(pem) if pem.len() > CA_BYTES_MAX => {
                return Err(EndpointFileError::Full(
                    "bytes of certificates",
                    CA_BYTES_MAX,
                ));
            }
            Some(pem) => Trust::only(pem)?,
            None => Trust::of_system()?,
        };
        Ok(Endpoint {
            id: self.id.clone(),
            target: Target::parse(&self.url, self.plain_http)?,
            events: self.events.clone(),
            allowed: networks(&self.allowed_networks)?,
            trust,
            created: self.created,
            secrets: self.secrets()?,
        })
    }

    fn secrets(&self) -> Result<Secrets, EndpointFileError> {
        let wrong = || EndpointFileError::Secret(self.id.0.clone());
        let parse = |entry: &SecretEntry| {
            let secret = Secret::parse(&entry.secret).ok_or_else(wrong)?;
            Ok::<_, EndpointFileError>((secret, entry.not_after))
        };
        let secrets = self.secrets.iter().map(parse).collect::<Result<_, _>>()?;
        Secrets::new(secrets).ok_or_else(wrong)
    }
}

impl SecretEntry {
    fn of(secret: &Secret) -> Self {
        Self {
            secret: secret.reveal().to_owned(),
            not_after: None,
        }
    }

    fn signs(&self, now: Timestamp) -> bool {
        self.not_after.is_none_or(|end| now < end)
    }
}

impl Endpoint {
    /// A URL with an address in it can be judged when it is given.
    fn check_address(&self) -> Result<(), EndpointFileError> {
        let Host::Address(address) = self.target.host() else {
            return Ok(());
        };
        permitted(*address, &self.allowed, self.target.is_tls()).map_err(|kind| {
            EndpointFileError::Address {
                address: address.to_string(),
                why: format!("it is {kind}, and in no network allowed with --allow-network"),
            }
        })
    }
}

fn networks(texts: &[String]) -> Result<Vec<IpNet>, EndpointFileError> {
    let parse = |text: &String| {
        text.parse()
            .map_err(|_| EndpointFileError::Network(text.clone()))
    };
    texts.iter().map(parse).collect()
}

/// `transaction.approved`, or `transaction.*`.
fn is_event(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    name.len() <= EVENT_CHARS_MAX
        && name
            .split_once('.')
            .is_some_and(|(family, what)| part(family) && (what == "*" || part(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a moment")
    }

    fn new(url: &str) -> NewEndpoint {
        NewEndpoint {
            url: url.into(),
            ..NewEndpoint::default()
        }
    }

    fn signing(file: &EndpointFile, now: i64) -> Vec<Secret> {
        let endpoints = file.endpoints().expect("valid");
        endpoints[0].secrets.signing(at(now)).cloned().collect()
    }

    #[test]
    fn what_was_made_is_read_again() {
        let mut file = EndpointFile::default();
        let lan = NewEndpoint {
            events: vec!["transaction.*".into(), "settlement.closed".into()],
            allowed_networks: vec!["192.168.1.0/24".into(), "fd00::/8".into()],
            plain_http: true,
            ..new("http://192.168.1.9:8080/hooks?key=1")
        };
        let (id, secret) = file.make(lan, at(5)).expect("made");
        let read = EndpointFile::parse(file.to_json().as_bytes()).expect("valid");
        assert_eq!(read, file);
        let endpoint = &read.endpoints().expect("valid")[0];
        assert_eq!((&endpoint.id, endpoint.created), (&id, at(5)));
        assert_eq!(signing(&read, 6), std::slice::from_ref(&secret));
        assert!(!format!("{read:?} {endpoint:?}").contains(secret.reveal()));
    }

    #[test]
    fn the_old_secret_signs_for_a_day_after_a_rotation() {
        const DAY: i64 = 24 * 60 * 60;
        let mut file = EndpointFile::default();
        let (id, first) = file.make(new("https://pos.example"), at(0)).expect("made");
        let second = file.rotate(&id, at(100)).expect("rotated");
        let both = [second.clone(), first];
        assert_eq!(signing(&file, 100), both);
        assert_eq!(signing(&file, 100 + DAY - 1), both);
        assert_eq!(signing(&file, 100 + DAY), std::slice::from_ref(&second));
        // Rotating again lengthens nobody's life, and there is an end to it.
        let third = file.rotate(&id, at(200)).expect("rotated");
        assert_eq!(signing(&file, 100 + DAY), [third, second]);
        for _ in 0..10 {
            file.rotate(&id, at(300)).expect("rotated");
        }
        assert_eq!(signing(&file, 301).len(), Secrets::MAX);
        file.remove(&id).expect("removed");
        assert_eq!(
            file.rotate(&id, at(1)),
            Err(EndpointFileError::Unknown(id.0))
        );
    }

    #[test]
    fn what_is_wrong_is_refused_with_the_reason() {
        use EndpointFileError as E;
        let refused = |new: NewEndpoint| {
            EndpointFile::default()
                .make(new, at(0))
                .expect_err("refused")
        };
        let url = || new("https://pos.example");
        assert_eq!(
            refused(new("http://pos.example")),
            E::Target(TargetError::Scheme)
        );
        assert_eq!(
            refused(NewEndpoint {
                plain_http: true,
                ..url()
            }),
            E::PlainHttp
        );
        for network in ["", "192.168.1.0", "192.168.1.0/33", "lan"] {
            let allowed_networks = vec![network.into()];
            let expected = E::Network(network.into());
            assert_eq!(
                refused(NewEndpoint {
                    allowed_networks,
                    ..url()
                }),
                expected
            );
        }
        for event in [
            "",
            "*",
            "sale",
            "transaction.",
            ".approved",
            "a.b.c",
            "Transaction.approved",
        ] {
            let events = vec![event.into()];
            assert_eq!(
                refused(NewEndpoint { events, ..url() }),
                E::Event(event.into())
            );
        }
        for ca in [
            "",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let ca = Some(ca.into());
            assert!(matches!(refused(NewEndpoint { ca, ..url() }), E::Trust(_)));
        }
        for address in [
            "127.0.0.1",
            "169.254.169.254",
            "10.1.1.1",
            "[::1]",
            "[::ffff:8.8.8.8]",
        ] {
            let refused = refused(new(&format!("https://{address}/")));
            assert!(matches!(refused, E::Address { .. }), "{address}: {refused}");
        }
    }

    #[test]
    fn numbers_are_bounded_and_a_wrong_file_is_refused_whole() {
        let mut file = EndpointFile::default();
        for _ in 0..ENDPOINTS_MAX {
            file.make(new("https://pos.example"), at(0)).expect("made");
        }
        let full = EndpointFileError::Full("endpoints", ENDPOINTS_MAX);
        assert_eq!(file.make(new("https://pos.example"), at(0)), Err(full));
        let entry = file.endpoints[0].clone();
        let twice = EndpointFile {
            endpoints: vec![entry.clone(), entry.clone()],
        };
        assert_eq!(
            twice.endpoints().err(),
            Some(EndpointFileError::Twice(entry.id.0.clone()))
        );
        let mut short = entry.clone();
        short.secrets[0].secret.truncate(20);
        let text = EndpointFile {
            endpoints: vec![short],
        }
        .to_json();
        assert_eq!(
            EndpointFile::parse(text.as_bytes()),
            Err(EndpointFileError::Secret(entry.id.0))
        );
        for text in ["{}", "[]", r#"{"endpoints":[],"more":1}"#] {
            assert!(matches!(
                EndpointFile::parse(text.as_bytes()),
                Err(EndpointFileError::Syntax(_))
            ));
        }
    }
}
