//! Addresses as settings hold them: just enough checking that a slip is found at the start.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// An `http` or `https` address without a trailing slash, query or fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Checks an address; a trailing slash is dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let url = text.trim_end_matches('/');
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split('/').next().unwrap_or_default();
        let plain = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'@' | b'"'))
        };
        (matches!(scheme, "http" | "https") && is_authority(authority) && plain(rest))
            .then(|| Self(url.to_owned()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether what is sent there stays secret: `https`, or this very machine.
    pub fn is_private(&self) -> bool {
        let host = self.0.strip_prefix("http://").map(|rest| {
            let authority = rest.split('/').next().unwrap_or_default();
            without_port(authority)
        });
        host.is_none_or(is_this_machine)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("must be an address such as \"https://mesej.example.com\"")
    }
}

impl From<BaseUrl> for String {
    fn from(url: BaseUrl) -> Self {
        url.0
    }
}

/// A web origin exactly as browsers send it: scheme, host in lower case, port unless it is the default.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

impl Origin {
    /// Checks an origin.
    pub fn parse(text: &str) -> Option<Self> {
        let url = BaseUrl::parse(text)?;
        let (scheme, authority) = url.0.split_once("://")?;
        let default_port = if scheme == "https" { ":443" } else { ":80" };
        (url.0 == text
            && !authority.contains('/')
            && !authority.ends_with(default_port)
            && !authority.bytes().any(|byte| byte.is_ascii_uppercase()))
        .then(|| Self(url.0.clone()))
    }

    /// The origin, to be compared with an `Origin` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Origin {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
            .ok_or("must be an origin as browsers send it, such as \"https://inbox.example.com\"")
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0
    }
}

/// Whether a host as an address names it is this machine whatever a name server says: a loopback address, or `localhost`.
pub fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || literal(host).is_some_and(|address| address.is_loopback())
}

/// The host of a `Host` header or an authority, when it is no name: then no name server had a say in how it was reached.
pub fn is_no_name(authority: &str) -> bool {
    let host = without_port(authority);
    host.eq_ignore_ascii_case("localhost") || literal(host).is_some()
}

fn literal(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(six) => six.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

fn is_authority(authority: &str) -> bool {
    let host = without_port(authority);
    let port_ok = authority
        .get(host.len()..)
        .and_then(|rest| rest.strip_prefix(':'))
        .is_none_or(|port| port.parse::<u16>().is_ok());
    let name_ok = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        }
    };
    port_ok && name_ok
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_a_scheme_and_a_host_and_nothing_secret() {
        for good in [
            "https://a.example",
            "http://127.0.0.1:8080",
            "https://a.example/base",
            "http://[::1]:9",
        ] {
            assert_eq!(BaseUrl::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(
            BaseUrl::parse("https://a.example/").unwrap().as_str(),
            "https://a.example"
        );
        for bad in [
            "",
            "a.example",
            "ftp://a.example",
            "https://",
            "https://a:99999",
            "https://u@a",
            "https://a?b",
            "https://a b",
        ] {
            assert!(BaseUrl::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn plain_http_is_private_on_this_machine_only() {
        for private in [
            "https://a.example",
            "http://127.0.0.1:1",
            "http://localhost",
            "http://[::1]:2/x",
            "http://127.8.9.1:1/x",
        ] {
            assert!(BaseUrl::parse(private).unwrap().is_private(), "{private}");
        }
        for open in [
            "http://a.example",
            "http://localhost.example",
            "http://127.evil.example",
            "http://127.0.0.1.evil.example:80/x",
            "http://10.0.0.1",
            "http://[::2]",
        ] {
            assert!(!BaseUrl::parse(open).unwrap().is_private(), "{open}");
        }
    }

    #[test]
    fn a_host_that_is_no_name_is_told_from_one() {
        for literal in [
            "127.0.0.1:8080",
            "[::1]:8080",
            "localhost",
            "LOCALHOST:1",
            "192.0.2.7",
        ] {
            assert!(is_no_name(literal), "{literal}");
        }
        for name in [
            "",
            "evil.example",
            "127.0.0.1.evil.example:8080",
            "127.0.0.1:x",
            "::1",
        ] {
            assert!(!is_no_name(name), "{name}");
        }
    }

    #[test]
    fn an_origin_is_only_what_a_browser_would_send() {
        for good in ["https://a.example", "http://localhost:5173"] {
            assert!(Origin::parse(good).is_some(), "{good}");
        }
        for bad in [
            "https://a.example/",
            "https://a.example/x",
            "https://A.example",
            "https://a.example:443",
            "*",
            "null",
        ] {
            assert!(Origin::parse(bad).is_none(), "{bad}");
        }
    }
}
