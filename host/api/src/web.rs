//! What browsers could be made to do: DNS rebinding, requests from foreign pages.
//!
//! A page of a foreign site can make a browser on the same network send requests here. Two headers
//! give it away, and both are checked before anything else, on every path: `Host`, which a rebound
//! name cannot change, and `Origin`, which a page cannot change.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode, Uri,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
            ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
        },
    },
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use crate::{
    error::{ApiError, ErrorCode},
    request_id,
};

/// Names that mean this terminal wherever it is: its own, and the one of the reference's samples.
const NAMES: [&str; 2] = ["localhost", "terminal"];

/// What a page of an allowed origin may send.
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Idempotency-Key, X-Api-Key, Atlas-API-Version",
);

/// What it may read of an answer, beside the body.
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("Retry-After, X-Request-Id, Atlas-API-Version");

/// How long a browser may remember what it was allowed, in seconds.
const PREFLIGHT_AGE_S: HeaderValue = HeaderValue::from_static("600");

/// Under which names the terminal answers, and to which pages.
#[derive(Debug, Clone)]
pub struct WebRules {
    names: Arc<[String]>,
    address: IpAddr,
    origins: Arc<[HeaderValue]>,
}

/// A name or an origin that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebRulesError {
    /// Letters, digits, hyphens and dots make a name.
    #[error("{0:?} is no host name")]
    Name(String),
    /// Such as `https://till.example:8080`.
    #[error("{0:?} is no origin: scheme, host and port, without a path")]
    Origin(String),
}

impl WebRules {
    /// The rules of a terminal that listens on `address` and has these further names, such as
    /// `sn000001.local`. No page of a foreign origin is let in.
    ///
    /// An address in numbers cannot be rebound, since no name leads to it: the terminal's own is
    /// always answered, and every one when it listens on all of them.
    pub fn new<'name>(
        address: IpAddr,
        names: impl IntoIterator<Item = &'name str>,
    ) -> Result<Self, WebRulesError> {
        let mut rules = Self::of_address(address);
        let mut all = rules.names.to_vec();
        for name in names {
            let name = name.to_ascii_lowercase();
            if !is_name(&name) {
                return Err(WebRulesError::Name(name));
            }
            all.push(name);
        }
        rules.names = all.into();
        Ok(rules)
    }

    /// The rules of a terminal that has no further name.
    pub(crate) fn of_address(address: IpAddr) -> Self {
        Self {
            names: NAMES.iter().map(|name| (*name).to_owned()).collect(),
            address: address.to_canonical(),
            origins: Arc::new([]),
        }
    }

    /// Lets pages of these origins in.
    pub fn with_origins<'origin>(
        mut self,
        origins: impl IntoIterator<Item = &'origin str>,
    ) -> Result<Self, WebRulesError> {
        self.origins = origins
            .into_iter()
            .map(|origin| {
                is_origin(origin)
                    .then(|| HeaderValue::from_str(origin).ok())
                    .flatten()
                    .ok_or_else(|| WebRulesError::Origin(origin.into()))
            })
            .collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// Puts these rules before every path of `router`: for paths of an embedder's own. Those of the
    /// API have them.
    pub fn protect<S: Clone + Send + Sync + 'static>(&self, router: Router<S>) -> Router<S> {
        router.layer(from_fn_with_state(self.clone(), check_and_render))
    }

    /// The host of a request, when the terminal answers under it.
    fn check_host(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), ApiError> {
        let mut given = headers.get_all(HOST).iter();
        let (Some(host), None) = (given.next(), given.next()) else {
            return Err(
                ApiError::new(ErrorCode::InvalidRequest, "A request has one Host header")
                    .field("Host", "required"),
            );
        };
        let host = host.to_str().unwrap_or_default();
        // A request may name its host in its first line too, and then both count.
        let target = uri.authority().map(axum::http::uri::Authority::as_str);
        if self.answers_under(host) && target.is_none_or(|target| self.answers_under(target)) {
            return Ok(());
        }
        Err(ApiError::new(
            ErrorCode::Forbidden,
            "The terminal does not answer under this name; the operator can allow it",
        )
        .field("Host", "enum")
        .value(&Value::from(host)))
    }

    fn answers_under(&self, authority: &str) -> bool {
        let Some(host) = host_of(authority) else {
            return false;
        };
        match host {
            Host::Name(name) => {
                let mut names = self.names.iter();
                names.any(|known| known.eq_ignore_ascii_case(name))
            }
            Host::Address(address) => {
                address.is_loopback() || address == self.address || self.address.is_unspecified()
            }
        }
    }

    /// The origin of a page that may ask. `None` for what is no page.
    fn check_origin(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, ApiError> {
        let mut given = headers.get_all(ORIGIN).iter();
        let origin = match (given.next(), given.next()) {
            (None, _) => return Ok(None),
            (Some(origin), None) => origin,
            (Some(_), Some(_)) => return Err(foreign("")),
        };
        let text = origin.to_str().unwrap_or_default();
        if self.origins.contains(origin) || is_own(text, headers) {
            return Ok(Some(origin.clone()));
        }
        Err(foreign(text))
    }
}

/// Whether a page came from the very host that it asks, whose name was checked before.
fn is_own(origin: &str, headers: &HeaderMap) -> bool {
    let authority = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    authority.is_some() && authority == host
}

fn foreign(origin: &str) -> ApiError {
    ApiError::new(
        ErrorCode::Forbidden,
        "Pages of this origin are not let in; the operator can allow it",
    )
    .field("Origin", "enum")
    .value(&Value::from(origin))
}

/// Checks a request before it is answered. An error is rendered further out.
pub(crate) async fn check<A: Future<Output = Response>>(
    rules: &WebRules,
    request: Request,
    answer: impl FnOnce(Request) -> A,
) -> Response {
    let checked = rules
        .check_host(request.headers(), request.uri())
        .and_then(|()| rules.check_origin(request.headers()));
    let origin = match checked {
        Ok(None) => return answer(request).await,
        Ok(Some(origin)) => origin,
        Err(error) => return error.into_response(),
    };
    let asks_first = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if asks_first {
        preflight()
    } else {
        answer(request).await
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    headers.append(VARY, HeaderValue::from_static("Origin"));
    response
}

async fn check_and_render(State(rules): State<WebRules>, request: Request, next: Next) -> Response {
    let answered = check(&rules, request, |request| next.run(request)).await;
    request_id::rendered_if_ours(answered)
}

fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST"),
    );
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE_S);
    response
}

#[derive(Debug, PartialEq, Eq)]
enum Host<'authority> {
    Name(&'authority str),
    Address(IpAddr),
}

/// The host of `host`, `host:port`, `[address]` or `[address]:port`; the port is not compared,
/// since a router on the way may have another.
fn host_of(authority: &str) -> Option<Host<'_>> {
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
            return None;
        }
        let address: Ipv6Addr = address.parse().ok()?;
        return Some(Host::Address(IpAddr::from(address).to_canonical()));
    }
    let host = match authority.split_once(':') {
        Some((host, port)) if is_port(port) => host,
        Some(_) => return None,
        None => authority,
    };
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(Host::Address(address));
    }
    is_name(host).then_some(Host::Name(host))
}

fn is_name(text: &str) -> bool {
    let of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !text.is_empty() && text.len() <= 253 && text.bytes().all(of_name)
}

fn is_origin(text: &str) -> bool {
    let authority = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    let lower = text.bytes().all(|byte| !byte.is_ascii_uppercase());
    lower && authority.is_some_and(|authority| host_of(authority).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(address: &str) -> WebRules {
        WebRules::new(address.parse().expect("an address"), ["SN000001.local"]).expect("names")
    }

    #[test]
    fn only_known_names_and_own_addresses_are_answered() {
        let known = [
            "localhost",
            "LOCALHOST:8443",
            "terminal",
            "terminal:8443",
            "sn000001.local:1",
            "127.0.0.1",
            "127.0.0.1:8443",
            "127.9.9.9",
            "[::1]",
            "[::1]:8443",
            "[::ffff:127.0.0.1]:80",
            "192.168.1.5:8443",
        ];
        let unknown = [
            "",
            "evil.example",
            "localhost.evil.example",
            "evil.localhost",
            "localhost.",
            "localhost:",
            "localhost:99999",
            "localhost:80:80",
            "user@localhost",
            "localhost/",
            "192.168.1.6",
            "[::2]",
            "::1",
            "[::1",
            "[::1]x",
            "0.0.0.0",
            "2130706433",
            "127.1",
        ];
        let rules = rules("192.168.1.5");
        for host in known {
            assert!(rules.answers_under(host), "{host}");
        }
        for host in unknown {
            assert!(!rules.answers_under(host), "{host}");
        }
    }

    #[test]
    fn one_who_listens_everywhere_answers_under_every_address_but_no_name() {
        for everywhere in ["0.0.0.0", "::"] {
            let rules = rules(everywhere);
            assert!(rules.answers_under("10.0.0.7:8443"));
            assert!(rules.answers_under("[fd00::7]:8443"));
            assert!(!rules.answers_under("evil.example"));
        }
    }

    #[test]
    fn names_and_origins_out_of_shape_are_refused() {
        let address = IpAddr::from([127, 0, 0, 1]);
        for name in ["", "a b", "http://a", "a:80", "*"] {
            let refused = WebRules::new(address, [name]).expect_err("refused");
            assert_eq!(refused, WebRulesError::Name(name.into()));
        }
        for origin in [
            "*",
            "null",
            "till.example",
            "https://",
            "https://a/",
            "https://A",
            "file://a",
        ] {
            let refused = rules("::1").with_origins([origin]).expect_err("refused");
            assert_eq!(refused, WebRulesError::Origin(origin.into()));
        }
        for origin in [
            "https://till.example",
            "http://10.0.0.2:8080",
            "http://[::1]:1",
        ] {
            assert!(rules("::1").with_origins([origin]).is_ok(), "{origin}");
        }
    }
}
