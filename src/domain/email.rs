//! E-mail addresses, as people sign in with them.

use std::fmt;
use std::str::FromStr;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};

use super::ids::digest16;

/// The longest address that can be delivered to (RFC 5321, §4.5.3.1.3, without the brackets), in bytes.
const LONGEST: usize = 254;

/// An address in lower case, as it is written in mails: the host in ASCII, as names that look like others' are then seen to be others,
/// and nothing but ASCII before it. Mail servers that take more there (RFC 6531) are few. Whether somebody reads it is not known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

impl EmailAddress {
    /// What is accepted, for error messages.
    pub const RULE: &'static str = "an e-mail address such as ana@example.com, at most 254 characters, with letters of ASCII alone before the @";

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
        let (local, host) = text.rsplit_once('@').ok_or(Self::RULE)?;
        let host = host_in_ascii(host).ok_or(Self::RULE)?;
        let address = format!("{local}@{host}");
        if is_local_part(local) && address.len() <= LONGEST {
            Ok(Self(address))
        } else {
            Err(Self::RULE)
        }
    }
}

/// The part before the host (RFC 5321, §4.1.2 and §4.5.3.1.1), without quotes, and without `%`, which once named another host.
fn is_local_part(local: &str) -> bool {
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$&'*+-/=?^_`{|}~".contains(c);
    let is_atom = |part: &str| !part.is_empty() && part.chars().all(atom);
    local.len() <= 64 && local.split('.').all(is_atom)
}

/// The host as the domain name system knows it; of one label there is none that takes mail from everywhere.
fn host_in_ascii(host: &str) -> Option<String> {
    let host = Uts46::new().to_ascii(
        host.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::Allow,
        DnsLength::Verify,
    );
    let host = host.ok()?.into_owned();
    host.contains('.').then_some(host)
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
            ("ana@bücher.example", "ana@xn--bcher-kva.example"),
            ("ana@ｅｘａｍｐｌｅ．com", "ana@example.com"),
            ("o'brien+x@mail.example.com", "o'brien+x@mail.example.com"),
            ("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
            // What a host's name may be written with and does not have.
            ("ana@exam\u{ad}ple.com", "ana@example.com"),
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
            "ana%0a@example.com",
            // Cyrillic, full width, a dot above.
            "\u{430}na@example.com",
            "\u{ff41}na@example.com",
            "i\u{307}x@example.com",
            ".ana@example.com",
            "ana.@example.com",
            "a..na@example.com",
            "\"ana\"@example.com",
            "ana@exa_mple.com",
            "ana@[192.0.2.1]",
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
