//! E-mail addresses, as people sign in with them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::display_name::shows;
use super::ids::digest16;

/// The longest address that can be delivered to (RFC 5321, §4.5.3.1.3, without the brackets), in bytes.
const LONGEST: usize = 254;

/// An address in lower case. Whether somebody reads it is not known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

impl EmailAddress {
    /// What is accepted, for error messages.
    pub const RULE: &'static str = "an e-mail address such as ana@example.com, at most 254 characters";

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// By what it is found: keys hold no personal data.
    pub fn key(&self) -> [u8; 16] {
        digest16(&[b"email", self.0.as_bytes()])
    }
}

impl FromStr for EmailAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().to_lowercase();
        let plain = |part: &str| {
            let odd = |c: char| {
                let blank = c.is_whitespace() || !shows(c.encode_utf8(&mut [0; 4]));
                blank || matches!(c, '@' | '<' | '>' | '"' | ',' | ';' | '%')
            };
            !part.is_empty() && !part.contains(odd)
        };
        let domain = |domain: &str| {
            let labels: Vec<&str> = domain.split('.').collect();
            labels.len() > 1 && labels.iter().all(|label| plain(label))
        };
        match text.rsplit_once('@') {
            Some((local, host)) if plain(local) && domain(host) && text.len() <= LONGEST => Ok(Self(text)),
            _ => Err(Self::RULE),
        }
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map_err(|rule| format!("must be {rule}"))
    }
}

impl From<EmailAddress> for String {
    fn from(email: EmailAddress) -> Self {
        email.0
    }
}

/// Personal data does not belong into logs.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_however_it_is_written() {
        let parse = |text: &str| text.parse::<EmailAddress>().map(String::from);
        for (text, kept) in [
            ("ana@example.com", "ana@example.com"),
            (" Ana.K+1@Example.COM ", "ana.k+1@example.com"),
            ("ána@bücher.example", "ána@bücher.example"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(kept));
        }
        let long = format!("{}@example.com", "x".repeat(254));
        for bad in [
            "",
            "ana",
            "ana@",
            "@example.com",
            "ana@example",
            "a b@example.com",
            "ana@exa mple.com",
            "ana@@example.com",
            "ana@example..com",
            "ana@.com",
            "<ana@example.com>",
            "a\n@example.com",
            "ana@example.com,ben@example.com",
            "a\u{200b}na@example.com",
            "\u{202e}ana@example.com",
            "ana@exam\u{ad}ple.com",
            "ana%0a@example.com",
            &long,
        ] {
            assert_eq!(parse(bad), Err(EmailAddress::RULE), "{bad}");
        }
    }

    #[test]
    fn its_key_and_what_a_log_shows_tell_nothing() {
        let email: EmailAddress = "ana@example.com".parse().unwrap();
        assert!(!format!("{email:?}").contains("ana"));
        assert_ne!(
            email.key(),
            "ben@example.com".parse::<EmailAddress>().unwrap().key()
        );
    }
}
