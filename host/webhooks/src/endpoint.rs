//! Endpoints as they are now.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use ipnet::IpNet;
use jiff::Timestamp;

use crate::{
    endpoint_file::{EndpointFile, EndpointId},
    signature::Secret,
    target::Target,
    trust::Trust,
};

/// Where events go, and under which rules.
#[derive(Clone)]
pub struct Endpoint {
    /// Its name.
    pub id: EndpointId,
    /// Its URL.
    pub target: Target,
    /// When it was made.
    pub created: Timestamp,
    /// What signs for it.
    pub secrets: Secrets,
    pub(crate) events: Vec<String>,
    pub(crate) allowed: Vec<IpNet>,
    pub(crate) trust: Trust,
}

impl Endpoint {
    /// Whether it gets events of this type.
    pub fn wants(&self, kind: &str) -> bool {
        self.events.is_empty()
            || self.events.iter().any(|name| match name.strip_suffix('*') {
                Some(family) => kind.starts_with(family),
                None => kind == name,
            })
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Endpoint")
            .field("id", &self.id)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// The secrets of an endpoint: one, and those that it was rotated from.
#[derive(Debug, Clone)]
pub struct Secrets(Vec<(Secret, Option<Timestamp>)>);

impl Secrets {
    /// The most secrets that sign at one time.
    pub(crate) const MAX: usize = 3;

    /// `None` when there are too many, or none that does not end.
    pub(crate) fn new(secrets: Vec<(Secret, Option<Timestamp>)>) -> Option<Self> {
        let lasts = secrets.iter().any(|(_, end)| end.is_none());
        (lasts && secrets.len() <= Self::MAX).then_some(Self(secrets))
    }

    /// Those that sign now, the newest first.
    pub fn signing(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        self.0
            .iter()
            .filter(move |(_, end)| end.is_none_or(|end| now < end))
            .map(|(secret, _)| secret)
    }
}

type Read = dyn Fn() -> std::io::Result<Option<Vec<u8>>> + Send + Sync;

/// The endpoints of a running terminal: those of the file, as it is whenever they are asked for. Cheap
/// to clone; all clones read the same file.
#[derive(Clone)]
pub struct Endpoints(Arc<Shared>);

struct Shared {
    read: Box<Read>,
    last: Mutex<Last>,
}

/// What the file held last, so that the same bytes are parsed once.
#[derive(Default)]
struct Last {
    text: Vec<u8>,
    endpoints: Arc<Vec<Endpoint>>,
    /// The fault that was logged.
    fault: String,
}

impl Endpoints {
    /// Endpoints of the file that `read` reads: `None` when there is no such file.
    pub fn new(
        read: impl Fn() -> std::io::Result<Option<Vec<u8>>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            read: Box::new(read),
            last: Mutex::default(),
        }))
    }

    /// The endpoints now. A file that cannot be read changes nothing.
    pub fn now(&self) -> Arc<Vec<Endpoint>> {
        let text = (self.0.read)();
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        let parsed = match text {
            Ok(text) if text.as_deref().unwrap_or_default() == last.text => {
                return Arc::clone(&last.endpoints);
            }
            Ok(None) => Ok((Vec::new(), Vec::new())),
            Ok(Some(text)) => EndpointFile::parse(&text)
                .and_then(|file| file.endpoints())
                .map(|endpoints| (text, endpoints))
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match parsed {
            Ok((text, endpoints)) => {
                *last = Last {
                    text,
                    endpoints: Arc::new(endpoints),
                    fault: String::new(),
                };
            }
            Err(fault) if fault != last.fault => {
                tracing::error!(
                    "the endpoint file cannot be used, and the endpoints stay: {fault}"
                );
                last.fault = fault;
            }
            Err(_) => {}
        }
        Arc::clone(&last.endpoints)
    }

    /// One endpoint now.
    pub fn find(&self, id: &EndpointId) -> Option<Endpoint> {
        self.now()
            .iter()
            .find(|endpoint| endpoint.id == *id)
            .cloned()
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Endpoints").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint_file::NewEndpoint;

    fn file(events: &[&str]) -> EndpointFile {
        let mut file = EndpointFile::default();
        let new = NewEndpoint {
            url: "https://pos.example".into(),
            events: events.iter().map(|&name| name.into()).collect(),
            ..NewEndpoint::default()
        };
        file.make(new, Timestamp::UNIX_EPOCH).expect("made");
        file
    }

    #[test]
    fn an_endpoint_gets_what_it_asked_for() {
        for (events, kind, wanted) in [
            (&[][..], "transaction.approved", true),
            (&["transaction.*"], "transaction.approved", true),
            (&["transaction.*"], "transactions.approved", false),
            (&["transaction.approved"], "transaction.approved", true),
            (&["transaction.approved"], "transaction.declined", false),
            (
                &["settlement.*", "terminal.online"],
                "terminal.online",
                true,
            ),
        ] {
            let endpoints = file(events).endpoints().expect("valid");
            assert_eq!(endpoints[0].wants(kind), wanted, "{events:?} {kind}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_changes_nothing() {
        let text = Arc::new(Mutex::new(None));
        let read = Arc::clone(&text);
        let endpoints = Endpoints::new(move || Ok(read.lock().expect("no panic").clone()));
        let put = |content: Option<Vec<u8>>| *text.lock().expect("no panic") = content;
        assert!(endpoints.now().is_empty());
        put(Some(file(&[]).to_json().into_bytes()));
        let id = endpoints.now()[0].id.clone();
        put(Some(b"{".to_vec()));
        assert!(endpoints.find(&id).is_some());
        put(None);
        assert!(endpoints.now().is_empty());
    }
}
