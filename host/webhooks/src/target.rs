//! The URL of an endpoint.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use hyper::Uri;

/// The longest URL, in characters.
pub const URL_CHARS_MAX: usize = 2048;

/// Why a URL is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It cannot be parsed, has no host, is too long, or is not ASCII.
    #[error("it is not an absolute URL of at most {URL_CHARS_MAX} ASCII characters")]
    Syntax,
    /// Another scheme than `https`, or than `http` where that is allowed.
    #[error("its scheme is not https, nor http where plain HTTP is allowed")]
    Scheme,
    /// There is a user name or password in it: it would be logged by others.
    #[error("it holds a user name or a password")]
    UserInfo,
    /// There is a fragment, which is never sent.
    #[error("it has a fragment (#)")]
    Fragment,
}

/// Where a delivery goes. Shown without its query, which may hold secrets of the receiver's.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    tls: bool,
    host: Host,
    port: u16,
    /// The path and the query.
    path: String,
    /// The value of the header `Host`.
    authority: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    Name(String),
    Address(IpAddr),
}

impl Target {
    /// Parses and checks a URL. `plain_http` also allows `http`.
    pub fn parse(text: &str, plain_http: bool) -> Result<Self, TargetError> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.len() > URL_CHARS_MAX || !printable {
            return Err(TargetError::Syntax);
        }
        // The parser drops it without a word.
        if text.contains('#') {
            return Err(TargetError::Fragment);
        }
        let uri: Uri = text.parse().map_err(|_| TargetError::Syntax)?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if plain_http => false,
            Some(_) => return Err(TargetError::Scheme),
            None => return Err(TargetError::Syntax),
        };
        let authority = uri.authority().ok_or(TargetError::Syntax)?;
        if authority.as_str().contains('@') {
            return Err(TargetError::UserInfo);
        }
        let usual = if tls { 443 } else { 80 };
        let rest = authority.as_str().strip_prefix(authority.host());
        let port = match rest.ok_or(TargetError::Syntax)? {
            "" => usual,
            rest => port(rest).ok_or(TargetError::Syntax)?,
        };
        Ok(Self {
            tls,
            host: host(authority.host()).ok_or(TargetError::Syntax)?,
            port,
            path: uri
                .path_and_query()
                .map_or_else(|| "/".to_owned(), |path| path.as_str().to_owned()),
            authority: authority.as_str().to_owned(),
        })
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.tls
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn path_and_query(&self) -> &str {
        &self.path
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        let path = self.path.split('?').next().unwrap_or_default();
        write!(formatter, "{scheme}://{}{path}", self.authority)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Target({self})")
    }
}

/// `:8443`
fn port(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(':')?;
    let valid = digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|port| valid && *port != 0)
}

fn host(text: &str) -> Option<Host> {
    if let Some(inside) = text.strip_prefix('[') {
        let address: Ipv6Addr = inside.strip_suffix(']')?.parse().ok()?;
        return Some(Host::Address(address.into()));
    }
    if let Ok(address) = text.parse() {
        return Some(Host::Address(IpAddr::V4(address)));
    }
    let name = |character: u8| character.is_ascii_alphanumeric() || b"-._".contains(&character);
    let valid = !text.is_empty() && text.bytes().all(name);
    valid.then(|| Host::Name(text.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_or_refused_with_the_reason() {
        for (text, plain_http, expected) in [
            (
                "https://pos.example/hooks",
                false,
                Ok("https://pos.example/hooks"),
            ),
            ("https://pos.example", false, Ok("https://pos.example/")),
            (
                "https://pos.example:8443/a?token=secret",
                false,
                Ok("https://pos.example:8443/a"),
            ),
            (
                "https://[2606:4700::1111]/a",
                false,
                Ok("https://[2606:4700::1111]/a"),
            ),
            (
                "https://192.168.1.9:9000/a",
                false,
                Ok("https://192.168.1.9:9000/a"),
            ),
            ("http://192.168.1.9/a", true, Ok("http://192.168.1.9/a")),
            ("http://192.168.1.9/a", false, Err(TargetError::Scheme)),
            ("ftp://pos.example/a", true, Err(TargetError::Scheme)),
            ("file:///etc/passwd", true, Err(TargetError::Syntax)),
            ("pos.example/a", false, Err(TargetError::Syntax)),
            ("/a", false, Err(TargetError::Syntax)),
            ("", false, Err(TargetError::Syntax)),
            ("https://", false, Err(TargetError::Syntax)),
            ("https://pos.example:0/", false, Err(TargetError::Syntax)),
            ("https://pos.example:/", false, Err(TargetError::Syntax)),
            (
                "https://pos.example:65536/",
                false,
                Err(TargetError::Syntax),
            ),
            ("https://pos example/", false, Err(TargetError::Syntax)),
            ("https://pös.example/", false, Err(TargetError::Syntax)),
            ("https://[::1/", false, Err(TargetError::Syntax)),
            ("https://[fe80::1%25eth0]/", false, Err(TargetError::Syntax)),
            (
                "https://a:b@pos.example/",
                false,
                Err(TargetError::UserInfo),
            ),
            ("https://a@pos.example/", false, Err(TargetError::UserInfo)),
            ("https://pos.example/#a", false, Err(TargetError::Fragment)),
        ] {
            let parsed = Target::parse(text, plain_http).map(|target| target.to_string());
            assert_eq!(parsed, expected.map(str::to_owned), "{text}");
        }
        let long = format!("https://pos.example/{}", "a".repeat(URL_CHARS_MAX));
        assert_eq!(Target::parse(&long, false), Err(TargetError::Syntax));
    }

    #[test]
    fn a_query_is_sent_and_never_shown() {
        let target =
            Target::parse("https://POS.example:8443/a?token=secret", false).expect("valid");
        assert_eq!(target.path_and_query(), "/a?token=secret");
        assert_eq!(target.host(), &Host::Name("pos.example".into()));
        assert_eq!(
            (target.port(), target.authority()),
            (8443, "POS.example:8443")
        );
        assert!(!format!("{target} {target:?}").contains("secret"));
        for (text, port) in [("https://a.example", 443), ("http://a.example", 80)] {
            assert_eq!(Target::parse(text, true).expect("valid").port(), port);
        }
    }
}
