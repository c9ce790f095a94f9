//! Issuers: identity providers as OpenID Connect names them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest issuer, in bytes. Those of the large providers have fewer than a hundred.
const LONGEST: usize = 200;

/// The address by which a provider is known, exactly as the provider writes it: a slash at the end makes another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Issuer(String);

impl Issuer {
    /// What is accepted, for error messages.
    pub const RULE: &'static str = "an address such as https://login.example.com, without user, query or fragment, at most 200 characters";

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Issuer {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let odd = |byte: u8| {
            !byte.is_ascii_graphic() || matches!(byte, b'?' | b'#' | b'@' | b'"' | b'\\' | b'<' | b'>' | b'%')
        };
        if host.is_empty() || text.len() > LONGEST || text.bytes().any(odd) {
            return Err(Self::RULE);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Issuer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map_err(|rule| format!("must be {rule}"))
    }
}

impl From<Issuer> for String {
    fn from(issuer: Issuer) -> Self {
        issuer.0
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_kept_as_it_is_written() {
        for good in [
            "https://login.example.com",
            "https://tenant.auth0.example/",
            "http://127.0.0.1:4000",
            "https://id.example.com/realms/one",
        ] {
            assert_eq!(good.parse::<Issuer>().unwrap().as_str(), good);
        }
        let long = format!("https://{}.example", "x".repeat(200));
        for bad in [
            "",
            "login.example.com",
            "ftp://a.example",
            "https://",
            "https:///x",
            "https://ana@a.example",
            "https://a.example?x",
            "https://a.example#x",
            "https://a .example",
            "https://a.example\\@b.example",
            &long,
        ] {
            assert!(bad.parse::<Issuer>().is_err(), "{bad}");
        }
    }
}
